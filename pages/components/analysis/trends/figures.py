"""A row of figures that wraps on a phone, two beside each other."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

_WIDTH_PX = 150


def show_row(figures: Iterable[tuple[str, str, str | None]], *, key: str) -> None:
    """Show figures: label, value, and what it means."""
    with st.container(key=key, horizontal=True):
        for label, value, hint in figures:
            st.metric(label, value, help=hint, width=_WIDTH_PX)
