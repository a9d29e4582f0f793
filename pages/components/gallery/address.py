"""What the address of the image screens says: product, filter, page, and which view of the images is shown.

All of it stays in the address, so that it can be sent to somebody else; it is followed until the person chooses.
"""

from __future__ import annotations

from typing import Literal

import streamlit as st

from core.images.gallery.filters import FILTER_WORDS, GalleryFilter
from pages.components.shared.pickers import take_asked_product

View = Literal["images", "alike", "trash"]
_PRODUCT, _PAGE, _VIEW = "product", "page", "show"
_VIEWS: tuple[View, ...] = ("images", "alike", "trash")
_MOST_DIGITS = 18  # as many as every database's largest number has


def take_address(picker: str) -> None:
    """Make the product that the address names the chosen one, unless the address is only what the screen wrote.

    `picker` is the key of the `pick_product` to come.
    """
    is_entered = f"{picker}_product" not in st.session_state
    if is_entered or st.query_params.get(_PRODUCT) != st.session_state.get(f"{picker}_written"):
        take_asked_product(picker)


def write_product(picker: str, product_id: int) -> None:
    """Put the chosen product into the address; another one than before takes the filter along, which was not its."""
    before, now = st.session_state.get(f"{picker}_written"), str(product_id)
    asked = st.query_params.get(_PRODUCT)
    if asked is not None and asked == before and asked != now:
        for name in (*FILTER_WORDS, _PAGE):
            st.query_params.pop(name, None)
    if asked != now:
        st.query_params[_PRODUCT] = now
    st.session_state[f"{picker}_written"] = now


def asked_filter() -> tuple[GalleryFilter, tuple[str, ...]]:
    """Return the filter in the address, and the names of what in it is not understood."""
    return GalleryFilter.from_query(st.query_params)


def ask_for(wanted: GalleryFilter) -> None:
    """Put a filter into the address, on its first page."""
    for name in FILTER_WORDS:
        st.query_params.pop(name, None)
    for name, text in wanted.to_query().items():
        st.query_params[name] = text
    turn_to(1)


def asked_page() -> int:
    """Return the page in the address, from 1."""
    text = st.query_params.get(_PAGE, "")
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 1


def turn_to(page: int) -> None:
    """Put the page into the address."""
    st.query_params.pop(_PAGE, None)
    if page > 1:
        st.query_params[_PAGE] = str(page)


def asked_view() -> View:
    """Return which view of the images the address names."""
    text = st.query_params.get(_VIEW)
    return next((view for view in _VIEWS if view == text), "images")


def show_view(view: View) -> None:
    """Put the view into the address."""
    st.query_params.pop(_VIEW, None)
    if view != "images":
        st.query_params[_VIEW] = view
