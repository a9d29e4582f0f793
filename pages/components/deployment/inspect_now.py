"""The way from a model that is ready to the inspection of its product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from core.access import WORKER
from pages.components.shared.language import _
from pages.components.shared.pickers import remember_product
from pages.components.shared.screens import INSPECT_PART
from pages.components.shared.session import may


def show_inspect_now(product_ids: Sequence[int], *, key: str, width: Literal["stretch", "content"] = "content") -> None:
    """Show the button that leads to the inspection of the first of these products; nothing where there is none."""
    if not product_ids or not may(WORKER):
        return
    if st.button(
        _("Inspect now"),
        key=f"inspect_now_{key}",
        type="primary",
        icon=":material/center_focus_strong:",
        width=width,
    ):
        remember_product(product_ids[0])
        # The box of that screen may still hold another product.
        st.session_state.pop("inspect_product", None)
        st.switch_page(INSPECT_PART)
