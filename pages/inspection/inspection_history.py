"""Inspection history: find any inspection, look at it as it was, and decide what still waits for a person."""

from __future__ import annotations

import streamlit as st

from core.access import WORKER
from core.history.review_queue import count_waiting
from pages.components.history.address import asked_view, names_inspection, show_view
from pages.components.history.history_detail import show_history_detail
from pages.components.history.history_list import forget_list, show_history_list
from pages.components.history.review_screen import show_review_queue
from pages.components.history.walked_queue import forget_queue
from pages.components.shared.language import _, number
from pages.components.shared.session import require, services

_VIEW_KEY = "history_view"


def choose_view() -> None:
    """Put the chosen view into the address."""
    show_view(st.session_state[_VIEW_KEY])
    forget_list()
    forget_queue()


def show_heading() -> None:
    """Draw the title, and beside it the way to what waits for review."""
    title, views = st.columns([1.4, 1], vertical_alignment="bottom")
    title.title(_("Inspection history"))
    # The queue itself says how many are left, after each key.
    waiting = count_waiting(services()) if asked_view() == "list" else 0
    names = {
        "list": _("All inspections"),
        "review": _("Review queue ({count})", count=number(waiting)) if waiting else _("Review queue"),
    }
    if _VIEW_KEY not in st.session_state:
        # The screen is entered: what was found at another time is not shown for today's.
        forget_list()
        forget_queue()
    if st.session_state.get(_VIEW_KEY) != asked_view():
        st.session_state[_VIEW_KEY] = asked_view()
    views.segmented_control(
        _("View"),
        list(names),
        key=_VIEW_KEY,
        required=True,
        format_func=lambda view: names[view],
        label_visibility="collapsed",
        on_change=choose_view,
        width="stretch",
    )


require(WORKER)
if names_inspection():
    show_history_detail()
else:
    show_heading()
    if asked_view() == "review":
        show_review_queue()
    else:
        show_history_list()
