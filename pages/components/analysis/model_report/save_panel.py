"""Putting the thresholds that were tried in force: what would change first, then with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.registry.thresholds import save_thresholds
from pages.components.analysis.model_report.draft import Draft, begin_from, drop_draft, pair_of, read_draft
from pages.components.deployment.what_would_change import open_replay
from pages.components.shared.language import _, escape, moment, score
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from core.model_report.records import ModelReport


def show_save_panel(report: ModelReport) -> None:
    """Show what would be saved, the way to see what it changes, and the save; nothing is moved, nothing to save."""
    draft = read_draft(report)
    version_id = report.head.version_id
    entry = report.in_force
    if draft.seen_id != entry.id:
        _show_stale(report)
        return
    if not draft.is_moved:
        st.markdown(f"**{_('In force now')}**" if report.head.state == "active" else f"**{_('Of this version')}**")
        st.markdown(_describe_pair(draft.seen))
        by = escape(_(entry.saved_by)) if entry.saved_by else _("the build")
        st.caption(f"{moment(entry.created_at)} · {by}" + (f"  \n{escape(entry.reason)}" if entry.reason else ""))
        st.caption(_("Drag a handle, type a number or let a method propose. Nothing changes until you save."))
        return
    st.markdown(f"**{_('Not saved yet')}**")
    st.markdown(_describe_change(draft))
    st.button(
        _("What would change"),
        key=f"report_replay_{version_id}",
        icon=":material/compare:",
        help=_("Judge recent inspections and labelled images by them, and see the parts whose verdict flips"),
        on_click=open_replay,
        args=(version_id, draft.pair, draft.method),
        width="stretch",
    )
    reason = st.text_input(_("Reason"), key=f"report_reason_{version_id}", placeholder=_("needed to save"))
    saved = st.button(
        _("Save these thresholds"),
        key=f"report_save_{version_id}",
        type="primary",
        icon=":material/save:",
        width="stretch",
    )
    st.caption(
        _("They act from the next inspection on; what was inspected keeps its verdict.")
        if report.head.state == "active"
        else _("This version is not in use: they hold once it is put into use.")
    )
    if saved:
        _save(report, draft, reason)


def _describe_pair(pair: tuple[float, float]) -> str:
    return _("Review from **{review_at}**, NG from **{reject_at}**", review_at=score(pair[0]), reject_at=score(pair[1]))


def _describe_change(draft: Draft) -> str:
    lines = []
    for name, before, after in (
        (_("Review from"), draft.seen[0], draft.pair[0]),
        (_("NG from"), draft.seen[1], draft.pair[1]),
    ):
        if before == after:
            lines.append(f"{name} **{score(after)}**")
        else:
            lines.append(f"{name} {score(before)} → **{score(after)}**")
    return "  \n".join(lines)


def _save(report: ModelReport, draft: Draft, reason: str) -> None:
    version_id = report.head.version_id
    try:
        save_thresholds(
            services(),
            person(),
            version_id,
            *draft.pair,
            reason=reason,
            seen_id=draft.seen_id,
            method=draft.method,
        )
    except AppError as error:
        show_error(error)
        if error.code == "thresholds_changed":
            # The page shows what is in force now, and asks whether what was tried still holds.
            st.button(_("See what is in force now"), key=f"report_reload_{version_id}", icon=":material/refresh:")
        return
    finish_save(version_id)
    say_after_rerun(_("The thresholds are saved. They hold from the next inspection on."))
    st.rerun()


def finish_save(version_id: int) -> None:
    """Leave nothing of a draft that was saved: the report then begins from what is in force."""
    st.session_state.pop(f"report_reason_{version_id}", None)
    drop_draft(version_id)


def _show_stale(report: ModelReport) -> None:
    """Say that others were saved meanwhile; what was tried stays."""
    entry = report.in_force
    by = escape(_(entry.saved_by)) if entry.saved_by else _("the build")
    st.warning(
        _(
            "Meanwhile {name} has saved others ({when}): {pair}. What you tried stays on the picture.",
            name=by,
            when=moment(entry.created_at),
            pair=_describe_pair(pair_of(entry)),
        )
        + (f"  \n{escape(entry.reason)}" if entry.reason else ""),
        icon=":material/warning:",
    )
    st.button(
        _("Go on with mine"),
        key=f"report_go_on_{report.head.version_id}",
        icon=":material/edit:",
        on_click=begin_from,
        args=(report,),
        width="stretch",
    )
    st.button(
        _("Take those in force"),
        key=f"report_take_{report.head.version_id}",
        icon=":material/restart_alt:",
        on_click=_take,
        args=(report,),
        width="stretch",
    )


def _take(report: ModelReport) -> None:
    begin_from(report)
    drop_draft(report.head.version_id)
