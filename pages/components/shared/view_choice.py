"""Choosing a view of a product, where it has any: names in the person's language, the choice in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.views import MODALITY_NAMES, list_views
from pages.components.shared.language import _, view_name
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.catalog.views import View

ADDRESS = "product_view"
_REMEMBERED = "chosen_view"


def pick_view(product_id: int, *, key: str, also: Sequence[str] = (), label_visible: bool = True) -> str | None:
    """Show a box of the product's views; return the code of the chosen one, None for a product without views.

    `also` are the codes of further views to choose from, that are out of use; an empty one stands for the time before
    the product had views. The choice is remembered from screen to screen, and stands in the address.
    """
    views = list_views(services(), product_id, include_inactive=bool(also))
    offered = [view for view in views if view.is_active or view.code in also]
    if not any(view.is_active for view in views):
        st.query_params.pop(ADDRESS, None)
        return None
    names = name_views(offered)
    if "" in also:
        names[""] = _("Whole product, from before it had views")
    codes = list(names)
    widget = f"{key}_view_{product_id}"
    if st.session_state.get(widget) not in codes:
        # Set before the widget exists: the choice may come from the address, or from another screen.
        wanted = (st.query_params.get(ADDRESS), st.session_state.get(_REMEMBERED))
        st.session_state[widget] = next((code for code in wanted if code in codes), codes[0])
    chosen = st.selectbox(
        _("View of the product"),
        codes,
        key=widget,
        format_func=lambda code: names[code],
        label_visibility="visible" if label_visible else "collapsed",
    )
    st.query_params[ADDRESS] = chosen
    st.session_state[_REMEMBERED] = chosen
    return chosen


def choose_view(product_id: int, code: str, *, key: str) -> None:
    """Make this view the chosen one of the box `key`, before it is drawn."""
    st.session_state[f"{key}_view_{product_id}"] = code
    st.session_state[_REMEMBERED] = code


def name_views(views: Sequence[View]) -> dict[str, str]:
    """Return what the views are called in the run's language, by their codes."""
    return {view.code: view_name(view) for view in views}


def title_view(product_id: int, code: str | None) -> str:
    """Return what a view is called after the name of its product, with what parts them; empty for none."""
    if not code:
        return ""
    names = name_views(list_views(services(), product_id, include_inactive=True))
    return f" · {names.get(code, code)}"


def name_modalities() -> dict[str, str]:
    """Return what the kinds of pictures are called in the run's language."""
    return {code: _(name) for code, name in MODALITY_NAMES.items()}
