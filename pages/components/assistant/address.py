"""Which conversation the address names, and which inspection the person looked at last."""

from __future__ import annotations

import streamlit as st

from pages.components.inspection.shown_result import shown_result

CONVERSATION, INSPECTION = "conversation", "inspection"
_KEPT_INSPECTION = "assistant_inspection"
_MOST_DIGITS = 18  # as many as every database's largest number has


def asked_conversation() -> int | None:
    """Return the number of the conversation that the address names, None for none; 0 for one that cannot be."""
    text = st.query_params.get(CONVERSATION)
    return None if text is None else _number(text)


def open_conversation(number: int | None) -> None:
    """Name a conversation in the address; None begins a new one."""
    if number is None:
        st.query_params.pop(CONVERSATION, None)
    else:
        st.query_params[CONVERSATION] = str(number)


def opened_inspection() -> int | None:
    """Return the inspection that the address names, else the one that was opened last in this browser session."""
    text = st.query_params.get(INSPECTION)
    if text is not None and _number(text):
        st.session_state[_KEPT_INSPECTION] = _number(text)
        return _number(text)
    shown = shown_result()
    kept = st.session_state.get(_KEPT_INSPECTION)
    return shown.id if shown is not None else kept if isinstance(kept, int) else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0
