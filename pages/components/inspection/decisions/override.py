"""The form in which a person puts another verdict over the model's, with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.inspections.decisions import override_verdict
from core.inspections.follow_up.drafts import LONGEST_NOTE_CHARS
from core.inspections.terms import VERDICT_NAMES, VERDICTS
from pages.components.inspection.decisions.drafts import drafts_of, forget_draft, keep_draft
from pages.components.inspection.shown_result import forget_outcome, keep_record, refuse, say
from pages.components.shared.labels import VERDICT_ICONS, label_of
from pages.components.shared.language import _
from pages.components.shared.session import person, services

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord

# What a person means who changes a verdict; between OK and NG nobody can tell.
_OTHER_VERDICT = {"ok": "reject", "reject": "ok"}


def is_overriding(inspection_id: int) -> bool:
    """Return whether the form for another verdict is open."""
    return bool(st.session_state.get(f"overriding_{inspection_id}"))


def show_override(record: InspectionRecord) -> None:
    """Draw the form in which a person puts another verdict over the model's, with the reason."""
    verdict_key, reason_key = f"override_verdict_{record.id}", f"override_reason_{record.id}"
    labels = {code: f"{VERDICT_ICONS[code]} {label_of(VERDICT_NAMES, code)}" for code in VERDICTS}
    if verdict_key not in st.session_state:
        st.session_state[verdict_key] = _OTHER_VERDICT.get(record.decision.verdict)
    if reason_key not in st.session_state:
        st.session_state[reason_key] = drafts_of(record.id).get("override", "")
    st.segmented_control(
        _("The right verdict"),
        VERDICTS,
        key=verdict_key,
        format_func=lambda code: labels[code],
        width="stretch",
        label_visibility="collapsed",
    )
    st.text_input(
        _("Reason"),
        key=reason_key,
        max_chars=LONGEST_NOTE_CHARS,
        live=True,
        placeholder=_("Why? For example: dust, wiped off"),
        label_visibility="collapsed",
        on_change=keep_draft,
        args=(record, "override", reason_key),
    )


def show_override_keys(record: InspectionRecord) -> None:
    """Draw what ends the form: the change, or nothing."""
    with st.container(horizontal=True, gap="small", key=f"decision_keys_{record.id}"):
        st.button(
            _("Change the verdict"),
            key=f"override_save_{record.id}",
            type="primary",
            icon=":material/gavel:",
            width="stretch",
            on_click=_override,
            args=(record, f"override_verdict_{record.id}", f"override_reason_{record.id}"),
        )
        st.button(
            _("Cancel (Esc)"),
            key=f"override_cancel_{record.id}",
            width="stretch",
            on_click=_close_override,
            args=(record.id,),
        )


def open_override(record: InspectionRecord) -> None:
    """Open the form with the next drawing."""
    forget_outcome()
    st.session_state[f"overriding_{record.id}"] = True


def _close_override(inspection_id: int) -> None:
    forget_outcome()
    for name in ("overriding", "override_verdict"):
        st.session_state.pop(f"{name}_{inspection_id}", None)


def _override(record: InspectionRecord, verdict_key: str, reason_key: str) -> None:
    forget_outcome()
    verdict = str(st.session_state.get(verdict_key) or "")
    reason = str(st.session_state.get(reason_key) or "")
    try:
        changed = override_verdict(
            services(), person(), record.id, row_version=record.decision.row_version, verdict=verdict, reason=reason
        )
    except AppError as error:
        refuse(record, error)
        return
    forget_draft(record.id, "override")
    st.session_state.pop(reason_key, None)
    keep_record(replace(record, decision=changed))
    _close_override(record.id)
    say(record, _("The verdict was changed."))
