"""Which inspection is the result on screen: kept in the session, opened from lists, and what the last decision came to.

Only its record is kept here; its pictures are drawn from the shared cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError, Conflict
from core.inspections.records import load_record
from pages.components.shared.dialogs import close_dialog
from pages.components.shared.session import services, show_error

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord

ADDRESS = "inspection"
_SHOWN = "shown_inspection"
_OUTCOME = "decision_outcome"
_BESIDE = "result_beside_history"


@dataclass(frozen=True)
class Outcome:
    """What the last decision about an inspection came to: words for the person, or the error that refused it."""

    inspection_id: int
    words: str = ""
    error: AppError | None = None


def shown_result() -> InspectionRecord | None:
    """Return the result on screen, or None."""
    record: InspectionRecord | None = st.session_state.get(_SHOWN)
    return record


def keep_record(record: InspectionRecord) -> None:
    """Make `record` the result on screen, as it is after what was done about it."""
    st.session_state[_SHOWN] = record


def clear_result() -> None:
    """Clear the screen for the next part."""
    st.session_state.pop(_SHOWN, None)
    st.session_state.pop(_OUTCOME, None)


def lend_result() -> None:
    """Keep the result of the screen that inspects while another screen shows one, until `take_result_back`."""
    if _BESIDE not in st.session_state:
        st.session_state[_BESIDE] = shown_result()


def take_result_back() -> None:
    """Show again what was on the screen that inspects before another screen showed a result of its own."""
    if _BESIDE in st.session_state:
        before = st.session_state.pop(_BESIDE)
        clear_result()
        if before is not None:
            keep_record(before)


def open_result(inspection_id: int) -> None:
    """Make another inspection the result on screen, from a list or a dialog: the page is drawn anew with it."""
    clear_result()
    close_dialog()
    # The page reads it from the address, as it does after a reload.
    st.query_params[ADDRESS] = str(inspection_id)


def say(record: InspectionRecord, words: str) -> None:
    """Say beside the decisions what was done about the inspection, until the next decision."""
    st.session_state[_OUTCOME] = Outcome(record.id, words)


def refuse(record: InspectionRecord, error: AppError) -> None:
    """Say beside the decisions why something was not done. What is known and what was typed stays.

    Where somebody else decided in the meantime, the record is read again, so that the next try is made on what is now.
    """
    st.session_state[_OUTCOME] = Outcome(record.id, error=error)
    if isinstance(error, Conflict) and error.code == "stale_save":
        try:
            keep_record(load_record(services(), record.id))
        except AppError as unread:
            st.session_state[_OUTCOME] = Outcome(record.id, error=unread)


def show_outcome(inspection_id: int) -> bool:
    """Draw what the last decision about this inspection came to; whether there was one."""
    outcome = st.session_state.get(_OUTCOME)
    if not isinstance(outcome, Outcome) or outcome.inspection_id != inspection_id:
        return False
    if outcome.error is not None:
        show_error(outcome.error)
    else:
        st.markdown(f":green[:material/check_circle: **{outcome.words}**]")
    return True


def forget_outcome() -> None:
    """Take away what the last decision came to: another one has begun."""
    st.session_state.pop(_OUTCOME, None)
