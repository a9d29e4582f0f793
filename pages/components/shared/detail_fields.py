"""The fields of what is told of a part. The line is a choice, or stands as it is, for who is bound to lines."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.inspections.part_details import longest_text
from pages.components.shared.language import _
from pages.components.shared.session import own_bindings


def draw_detail(place: Any, name: str, title: str) -> str:
    """Draw the field of a text of `PartDetails` in `place` (a container, or `st`); return what it says."""
    key = f"detail_{name}"
    lines = own_bindings().sorted_lines if name == "line" else ()
    if not lines:
        text: str = place.text_input(title, key=key, max_chars=longest_text(name), persist_state="session")
        return text
    # Set before the widget exists: what was typed, or stands in the address, may be of another line.
    if st.session_state.get(key) not in lines:
        st.session_state[key] = lines[0]
    chosen: str = place.selectbox(
        title,
        lines,
        key=key,
        disabled=len(lines) == 1,
        persist_state="session",
        help=_("Your account is bound to this line.") if len(lines) == 1 else None,
    )
    return chosen
