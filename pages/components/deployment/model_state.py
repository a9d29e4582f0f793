"""A product's model in one word: up to date, out of date or none."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from core.i18n import N_
from core.models.kinds import MANUAL_INDEX
from pages.components.shared.language import _

_Color = Literal["green", "orange", "gray"]

_STATES: dict[str, tuple[str, _Color, str]] = {
    "current": (N_("Up to date"), "green", ":material/check_circle:"),
    "out_of_date": (N_("Out of date"), "orange", ":material/update:"),
    "not_indexed": (N_("Not indexed yet"), "gray", ":material/schedule:"),
    "none": (N_("No model"), "gray", ":material/do_not_disturb_on:"),
}


def state_of_kind(kind: str, state: str) -> str:
    """Return the state as it is called for this kind: without an index, manuals are "not indexed yet"."""
    return "not_indexed" if kind == MANUAL_INDEX and state == "none" else state


def state_label(state: str) -> str:
    """Return the state of a model (`current`, `out_of_date`, `not_indexed` or `none`) in the run's language."""
    return _(_STATES[state][0])


def show_state(state: str, *, help_text: str | None = None) -> None:
    """Show the state as a badge: in words, color and icon alike."""
    _words, color, icon = _STATES[state]
    st.badge(state_label(state), icon=icon, color=color, help=help_text)


def state_badge(state: str) -> str:
    """Return the same badge as Markdown, for the cells of a table."""
    _words, color, icon = _STATES[state]
    return f":{color}-badge[{icon} {state_label(state)}]"
