"""Audit log: who did what, when, from where, before and after; filtered, exported, and verified as a chain."""

from __future__ import annotations

import streamlit as st

from core.access import ADMIN
from core.audit_log.filters import AuditFilter
from core.audit_log.findings import say_faults
from core.audit_log.listing import Page, list_page, list_people
from core.audit_log.subjects import name_subjects
from core.audit_log.telling import summarize
from core.audit_log.verification import read_last, verify_chain
from core.audit_log.words import ACTION_NAMES, CHANNEL_NAMES, OUTCOME_NAMES
from core.errors import AppError
from pages.components.auditing.filter_bar import cursors, show_filter
from pages.components.auditing.row_detail import show_row, tell_person, tell_subject, word
from pages.components.shared.dialogs import draw_dialog, open_dialog, opened
from pages.components.shared.language import _, escape, language, moment, number, time_zone
from pages.components.shared.session import person, require, services, show_error
from pages.server.audit_downloads import CSV, LINES, audit_path

require(ADMIN)

_DETAIL = "audit_row"
_TABLE, _TURNS = "audit_table", "audit_table_turns"
_SHOWN = "audit_shown_ids"


def show_screen() -> None:
    """Show the state of the chain, the filter, and a page of the log."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title(_("Audit log"), width="stretch")
        verify = st.button(
            _("Verify the chain"),
            icon=":material/verified_user:",
            help=_("Computes the seal of every row again; a million rows take about a minute."),
        )
    show_chain(verify=verify)
    wanted = show_filter(list_people(services(), person()))
    page = list_page(services(), person(), wanted, before=cursors()[-1] if cursors() else None, zone=time_zone())
    show_rows(page, wanted)
    if dialog := opened(_DETAIL):
        draw_dialog(_("Entry of the audit log"), show_row, dialog, width="medium", drawer=True)


def show_chain(*, verify: bool) -> None:
    """Say up to where the chain was verified, and what is wrong with it."""
    if verify:
        try:
            with st.spinner(_("Verifying the chain …")):
                verify_chain(services())
        except AppError as error:
            show_error(error)
            return
    found = read_last(services())
    if found is None:
        st.badge(_("Chain not verified yet"), icon=":material/help:", color="gray")
    elif found.ok:
        text = _(
            "Chain verified to position {position}, {time}", position=number(found.position), time=moment(found.at)
        )
        st.badge(escape(text), icon=":material/verified:", color="green")
    else:
        st.error(
            _("The audit log is not as it was written (looked at {time}).", time=moment(found.at))
            + " "
            + escape(say_faults(found, language())),
            icon=":material/gpp_bad:",
        )


def show_rows(page: Page, wanted: AuditFilter) -> None:
    """Show the rows of a page, the way to older and newer ones, and the export."""
    if not page.rows and not cursors() and page.before is None:
        st.info(_("No entry fits the filter."), icon=":material/search_off:")
        return
    names = name_subjects(services(), page.rows)
    shown = [
        {
            _("When"): moment(row.created_at),
            _("Who"): tell_person(row),
            _("What"): word(ACTION_NAMES, row.action),
            _("Result"): word(OUTCOME_NAMES, row.outcome),
            _("Subject"): tell_subject(row, names),
            _("Before → after"): summarize(row.details, language()),
            _("From where"): word(CHANNEL_NAMES, row.channel) + (f" · {row.address}" if row.address else ""),
        }
        for row in page.rows
    ]
    st.session_state[_SHOWN] = [row.id for row in page.rows]
    if shown:
        st.dataframe(
            shown,
            hide_index=True,
            width="stretch",
            height=min(520, 38 + 35 * len(shown)),
            key=f"{_TABLE}_{st.session_state.setdefault(_TURNS, 0)}",
            on_select=open_chosen,
            selection_mode="single-row",
            column_config={
                _("When"): st.column_config.Column(width=150),
                _("Who"): st.column_config.Column(width=130),
                _("What"): st.column_config.Column(width=190),
                _("Subject"): st.column_config.Column(width=210),
                _("Result"): st.column_config.Column(width=100),
            },
        )
        st.caption(_("Click the box at the left of a row to see everything about it."))
    if page.searched_to is not None:
        st.info(
            _("Searched back to {time}. “Older entries” goes on from there.", time=moment(page.searched_to)),
            icon=":material/manage_search:",
        )
    show_pager(page, wanted)


def show_pager(page: Page, wanted: AuditFilter) -> None:
    """Show the ways to newer and older rows, and the export of all that fit."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(_("Newer entries"), icon=":material/chevron_left:", disabled=not cursors()):
            cursors().pop()
            st.rerun()
        if st.button(
            _("Older entries"), icon=":material/chevron_right:", icon_position="right", disabled=page.before is None
        ):
            assert page.before is not None
            cursors().append(page.before)
            st.rerun()
        with st.popover(_("Export"), icon=":material/download:"):
            st.caption(_("All entries that fit the filter, not this page alone. The export is itself recorded."))
            for name, label, icon in (
                (CSV, _("CSV file"), ":material/csv:"),
                (LINES, _("JSON lines"), ":material/data_object:"),
            ):
                path = audit_path(name, wanted, language=language(), zone=str(time_zone()))
                st.link_button(label, path, icon=icon, width="stretch")


def open_chosen() -> None:
    """Open the details of the row that was chosen, and leave none chosen: the next click may be the same row."""
    turns = st.session_state[_TURNS]
    chosen = st.session_state[f"{_TABLE}_{turns}"]["selection"]["rows"]
    ids = st.session_state.get(_SHOWN, [])
    if chosen and chosen[0] < len(ids):
        open_dialog(_DETAIL, row=ids[chosen[0]])
        st.session_state[_TURNS] = turns + 1


show_screen()
