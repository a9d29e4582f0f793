"""One dialog at a time: which is open is kept in the session, so that it outlives a rerun of the whole page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import streamlit as st

from pages.components.shared.language import _

_OPEN_KEY = "open_dialog"


@dataclass
class OpenDialog:
    """The dialog that is open: its `name`, and what it was opened with (ids and versions, never rows or bytes)."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)


def open_dialog(name: str, /, **values: Any) -> None:
    """Open the dialog `name` on this run, or on the next when called back from a widget."""
    st.session_state[_OPEN_KEY] = OpenDialog(name, values)


def opened(name: str) -> OpenDialog | None:
    """Return the dialog `name` where it is the open one."""
    found = st.session_state.get(_OPEN_KEY)
    return found if isinstance(found, OpenDialog) and found.name == name else None


def is_dialog_open() -> bool:
    """Return whether any dialog is open: keys that are pressed then are meant for it, not for what is behind."""
    return _OPEN_KEY in st.session_state


def close_dialog() -> None:
    """Close whatever dialog is open; takes effect with the next run of the whole page."""
    st.session_state.pop(_OPEN_KEY, None)


def draw_dialog(
    title: str,
    content: Callable[[OpenDialog], None],
    dialog: OpenDialog,
    *,
    width: Literal["small", "medium", "large"] = "small",
    drawer: bool = False,
) -> None:
    """Draw the open dialog: in the middle of the screen, or as a drawer at its right."""
    st.dialog(title, width=width, position="right" if drawer else "center", on_dismiss=close_dialog)(content)(dialog)


def confirm(
    title: str,
    text: str,
    *,
    action: str,
    icon: str,
    dialog: OpenDialog,
    carry_out: Callable[[OpenDialog], None],
    danger: bool = False,
    typed: str = "",
) -> None:
    """Ask before something is done that cannot be seen at a glance; `carry_out` runs on the person's yes.

    With `danger` something is lost: the key is red. `typed` is a word that must be typed first, where nothing brings it
    back.
    """

    def ask(open_one: OpenDialog) -> None:
        st.markdown(text)
        word = ""
        if typed:
            label = _("Type {word} to go on", word=typed)
            word = st.text_input(label, key="dialog_typed", max_chars=len(typed) + 10, live=True).strip()
        row_key = "danger_dialog" if danger else "dialog_buttons"
        with st.container(horizontal=True, horizontal_alignment="right", key=row_key):
            if st.button(_("Cancel"), key="dialog_cancel"):
                close_dialog()
                st.rerun()
            agreed = st.button(action, key="dialog_agree", type="primary", icon=icon, disabled=word != typed)
        if agreed:
            carry_out(open_one)

    draw_dialog(title, ask, dialog)
