"""What the address of the gauge studies says: which study is open, and which of its steps."""

from __future__ import annotations

import streamlit as st

_STUDY, _STEP, _NEW = "study", "step", "new"
_MOST_DIGITS = 18  # as many as every database's largest number has
PLAN, PICTURES, RATINGS, RESULT = "plan", "pictures", "ratings", "result"
STEPS = (PLAN, PICTURES, RATINGS, RESULT)


def asked_study() -> int | None:
    """Return the study in the address, 0 for what is no number, None where none is named."""
    if _STUDY not in st.query_params:
        return None
    return read_number(st.query_params[_STUDY])


def asked_step() -> str | None:
    """Return the step in the address, None where none is named."""
    step = st.query_params.get(_STEP)
    return step if step in STEPS else None


def asks_for_new() -> bool:
    """Return whether the address asks for a new plan."""
    return _NEW in st.query_params


def open_study(study_id: int | None, step: str | None = None) -> None:
    """Put a study into the address, and a step of it; None for the list."""
    for name in (_STUDY, _STEP, _NEW):
        st.query_params.pop(name, None)
    if study_id is not None:
        st.query_params[_STUDY] = str(study_id)
    if step is not None:
        st.query_params[_STEP] = step


def open_new() -> None:
    """Ask for a new plan in the address."""
    open_study(None)
    st.query_params[_NEW] = "1"


def read_number(text: str) -> int:
    """Return a number of an address; 0 for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0
