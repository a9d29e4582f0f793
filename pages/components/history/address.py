"""What the address of the history says: the filter, the page, the inspection that is open, and which view is shown."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from core.history.filters import HistoryFilter, is_name_of_filter

View = Literal["list", "review"]
_VIEW, _PAGE, _NEWEST, _INSPECTION = "view", "page", "newest", "inspection"
_MOST_DIGITS = 18  # as many as every database's largest number has


def asked_filter() -> tuple[HistoryFilter, tuple[str, ...]]:
    """Return the filter in the address, and the names of what in it is not understood."""
    return HistoryFilter.from_query(st.query_params)


def ask_for(wanted: HistoryFilter) -> None:
    """Put a filter into the address, on its first page."""
    for name in [name for name in st.query_params if is_name_of_filter(name)]:
        del st.query_params[name]
    for name, text in wanted.to_query().items():
        st.query_params[name] = text
    turn_to(1)
    close_inspection()


def asked_view() -> View:
    """Return which view the address names."""
    return "review" if st.query_params.get(_VIEW) == "review" else "list"


def show_view(view: View) -> None:
    """Put the view into the address."""
    if view == "review":
        st.query_params[_VIEW] = view
    else:
        st.query_params.pop(_VIEW, None)
    close_inspection()


def asked_page() -> tuple[int, int | None]:
    """Return the page in the address, and the newest inspection that its list knew; None for a list of now."""
    return _number(_PAGE) or 1, _number(_NEWEST)


def turn_to(page: int, *, newest: int | None = None) -> None:
    """Put the page into the address, with the newest inspection that its list knows: it is the same page later."""
    st.query_params.pop(_PAGE, None)
    st.query_params.pop(_NEWEST, None)
    if page > 1:
        st.query_params[_PAGE] = str(page)
        if newest is not None:
            st.query_params[_NEWEST] = str(newest)


def names_inspection() -> bool:
    """Return whether the address names an inspection, be it one that is there or not."""
    return _INSPECTION in st.query_params


def asked_inspection() -> int:
    """Return the inspection in the address; 0 for what is no number."""
    return _number(_INSPECTION) or 0


def open_inspection(inspection_id: int) -> None:
    """Put the inspection into the address."""
    st.query_params[_INSPECTION] = str(inspection_id)


def close_inspection() -> None:
    """Take the inspection out of the address."""
    st.query_params.pop(_INSPECTION, None)


def _number(name: str) -> int | None:
    text = st.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
