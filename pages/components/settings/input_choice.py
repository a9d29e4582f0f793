"""What the build in use has chosen to look at the images with, and why, in plain sentences."""

from __future__ import annotations

import streamlit as st

from core.errors import describe
from core.models.input_figures import input_messages
from core.preprocessing.input_choices import read_input_choice
from pages.components.shared.language import language
from pages.components.shared.session import services


def show_input_choice(product_id: int, view: str = "") -> None:
    """Show the ways that the build in use compared; nothing where it knew no such choice."""
    found = read_input_choice(services(), product_id, view)
    if found is not None:
        st.caption(" ".join(describe(code, dict(params), language()) for code, params in input_messages(found)))
