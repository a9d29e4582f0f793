"""The bar that never leaves the screen: the note and the corrective action, another verdict, the next part.

Every decision is carried out before the panel is drawn again, so that one key costs one run of the panel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import AppError
from core.inspections.decisions import close_action
from core.inspections.follow_up.drafts import LONGEST_NOTE_CHARS
from core.inspections.terms import ACTION_NAMES
from pages.components.inspection.decisions.drafts import drafts_of, forget_draft, keep_draft
from pages.components.inspection.decisions.override import (
    is_overriding,
    open_override,
    show_override,
    show_override_keys,
)
from pages.components.inspection.shown_result import forget_outcome, keep_record, refuse, say, show_outcome
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n
from pages.components.shared.session import person, services

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord


def show_decision_bar(
    record: InspectionRecord, *, steps_left: int | None, n_steps: int, on_next: Callable[[], Any]
) -> None:
    """Draw the bar that never leaves the screen: the note and the action, another verdict, the next part.

    `steps_left` counts the steps of the checklist that nobody has ticked, None where there is no checklist.
    """
    decision = record.decision
    needs_action = decision.verdict != "ok"
    with st.container(key=f"decision_bar_{record.id}", gap=None):
        typed, keys = st.columns([1, 1.35], gap="medium", vertical_alignment="bottom")
        with keys:
            told = show_outcome(record.id)
            if not told and steps_left == 0 and decision.action_status == "open":
                words = _n(
                    "The step is done: D closes the action.",
                    "All {count} steps are done: D closes the action.",
                    n_steps,
                )
                st.markdown(f":green[:material/checklist: **{words}**]")
        if is_overriding(record.id):
            with typed:
                show_override(record)
            with keys:
                show_override_keys(record)
            return
        if needs_action:
            with typed:
                _show_note(record)
        with keys, st.container(horizontal=True, gap="small", key=f"decision_keys_{record.id}"):
            if needs_action:
                _show_action_keys(record)
            st.button(
                _("Override"),
                key=f"override_{record.id}",
                width="stretch",
                shortcut="O",
                on_click=open_override,
                args=(record,),
            )
            st.button(
                _("Next part"),
                key="next_part",
                type="primary" if not needs_action or decision.action_status == "done" else "secondary",
                width="stretch",
                shortcut="N",
                on_click=on_next,
            )


def _show_action_keys(record: InspectionRecord) -> None:
    st.button(
        _("Action done"),
        key=f"done_{record.id}",
        type="primary" if record.decision.action_status != "done" else "secondary",
        width="stretch",
        shortcut="D",
        on_click=_close,
        args=(record, "done"),
    )
    st.button(
        _("Leave open"),
        key=f"open_{record.id}",
        width="stretch",
        shortcut="L",
        on_click=_close,
        args=(record, "open"),
    )


def _show_note(record: InspectionRecord) -> None:
    """Draw the note on the action: as it was typed, even where it was never saved as a decision."""
    decision = record.decision
    key = f"action_note_{record.id}"
    if key not in st.session_state:
        st.session_state[key] = drafts_of(record.id).get("action", decision.action_note)
    state = label_of(ACTION_NAMES, decision.action_status)
    st.text_area(
        _("Corrective action: **{state}**", state=state) + f" · {_('What was done')}",
        key=key,
        height=68,
        max_chars=LONGEST_NOTE_CHARS,
        placeholder=_("For example: part scrapped, nozzle cleaned"),
        on_change=keep_draft,
        args=(record, "action", key),
    )


def _close(record: InspectionRecord, status: str) -> None:
    forget_outcome()
    note = str(st.session_state.get(f"action_note_{record.id}") or "")
    try:
        closed = close_action(
            services(), person(), record.id, row_version=record.decision.row_version, status=status, note=note
        )
    except AppError as error:
        refuse(record, error)
        return
    forget_draft(record.id, "action")
    keep_record(replace(record, decision=closed))
    say(
        record,
        _("The action was closed.") if status == "done" else _("The action stays open; the note was kept."),
    )
