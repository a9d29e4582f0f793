"""The thresholds that a version has had: who set them, when and why; and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.registry.thresholds import undo_thresholds
from pages.components.shared.labels import THRESHOLD_METHODS, label_of
from pages.components.shared.language import _, escape, moment, score
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from core.model_report.records import ModelReport, ThresholdEntry

_FIRST_SHOWN = 15


def show_history(report: ModelReport) -> None:
    """Show the table, the thresholds in force first, and the form that puts those before them back in force."""
    entries = report.thresholds
    if len(entries) > 1:
        _offer_undo(report, entries[1])
    key = f"threshold_history_{report.head.version_id}"
    shown = entries if st.session_state.get(key) else entries[:_FIRST_SHOWN]
    st.table(
        {
            _("In force from"): [moment(entry.created_at) for entry in shown],
            _("Review from"): [_strong(score(entry.review_at), entry, report) for entry in shown],
            _("NG from"): [_strong(score(entry.reject_at), entry, report) for entry in shown],
            _("Method"): [label_of(THRESHOLD_METHODS, entry.method) for entry in shown],
            _("Set by"): [escape(_(entry.saved_by)) if entry.saved_by else _("the build") for entry in shown],
            _("Reason"): [escape(entry.reason) or "–" for entry in shown],
        },
        border="horizontal",
        hide_index=True,
    )
    if len(entries) > _FIRST_SHOWN:
        st.toggle(_("Show all ({count})", count=len(entries)), key=key)
    if len(entries) == 1:
        st.caption(_("These are the thresholds of the build. Nobody has changed them."))


def _strong(text: str, entry: ThresholdEntry, report: ModelReport) -> str:
    return f"**{text}**" if entry.id == report.in_force.id else text


def _offer_undo(report: ModelReport, before: ThresholdEntry) -> None:
    version_id = report.head.version_id
    with st.form(f"undo_thresholds_{version_id}", border=True):
        st.markdown(
            _(
                "Undo the last change: back to Review from **{review_at}**, NG from **{reject_at}**",
                review_at=score(before.review_at),
                reject_at=score(before.reject_at),
            )
        )
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        reason = left.text_input(_("Reason"), key=f"undo_reason_{version_id}", placeholder=_("needed to undo"))
        agreed = right.form_submit_button(_("Undo"), icon=":material/undo:", width="stretch")
    if not agreed:
        return
    try:
        undo_thresholds(services(), person(), version_id, reason=reason, seen_id=report.in_force.id)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("The thresholds before are in force again, from the next inspection on."))
    st.rerun()
