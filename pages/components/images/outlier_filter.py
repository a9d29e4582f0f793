"""What was noted and decided of normal images that do not look like the others, in the gallery: sign, words, filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.i18n import N_
from core.images.outliers import KEPT, SUSPECTED, count_noted
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, number
from pages.components.shared.session import services

if TYPE_CHECKING:
    from storage.tables import Image

_STATE_NAMES: dict[str, str] = {SUSPECTED: N_("Unlike the others"), KEPT: N_("Kept as good")}


def ask_outlier_state(product_id: int, *, key: str, changed: Callable[[], None]) -> str | None:
    """Return which normal images are asked for: those that wait for a decision, those kept, or all (None)."""
    counts = count_noted(services(), product_id)
    names = {"all": _("All")} | {
        state: f"{_(name)} ({number(counts[state])})" for state, name in _STATE_NAMES.items() if counts.get(state)
    }
    if len(names) == 1:
        return None
    widget = f"{key}_outlier_state"
    if st.session_state.get(widget) not in names:
        st.session_state[widget] = "all"
    chosen = st.segmented_control(
        _("Decisions"),
        list(names),
        key=widget,
        required=True,
        format_func=lambda state: names[state],
        on_change=changed,
    )
    return None if chosen == "all" else chosen


def mark_of(image: Image) -> str:
    """Return the sign on a thumbnail of an image that waits for a decision, as Markdown; empty for any other."""
    return " :orange-badge[:material/flag:]" if image.outlier_state == SUSPECTED else ""


def describe_outlier_state(image: Image) -> str:
    """Return in words what was noted, or decided, of a normal image; empty where nothing was."""
    return label_of(_STATE_NAMES, image.outlier_state) if image.outlier_state in _STATE_NAMES else ""
