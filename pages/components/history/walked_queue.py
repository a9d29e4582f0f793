"""The reviews that a person walks through: listed once, and shorter by each that is decided."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.history.review_queue import list_waiting
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.history.review_queue import Order

_QUEUE, OUTCOME = "review_queue", "review_outcome"


@dataclass
class Queue:
    """What this person walks through: the ids in their order, the place in it, and how many wait in all."""

    product_id: int | None
    order: Order
    ids: array[int]
    total: int
    place: int = 0

    @property
    def current(self) -> int | None:
        """Return the inspection that is looked at; None where nothing is left."""
        return self.ids[self.place] if self.ids else None

    def move(self, step: int) -> None:
        """Go forward or back, and stay at the ends."""
        self.place = min(max(0, self.place + step), max(0, len(self.ids) - 1))

    def remove(self, inspection_id: int) -> None:
        """Take an inspection out: what came after it takes its place."""
        if inspection_id in self.ids:
            self.ids.remove(inspection_id)
            self.total = max(0, self.total - 1)
        self.move(0)


def get_queue() -> Queue:
    """Return the queue of this session, listed anew where another product or order is asked for, or it ran out."""
    product_id: int | None = st.session_state.get("review_product")
    order: Order = st.session_state.get("review_order") or "oldest"
    kept: Queue | None = st.session_state.get(_QUEUE)
    if kept is None or (kept.product_id, kept.order) != (product_id, order) or not kept.ids:
        waiting = list_waiting(services(), product_id=product_id, order=order)
        kept = Queue(product_id, order, waiting.ids, waiting.total)
        st.session_state[_QUEUE] = kept
    return kept


def forget_queue() -> None:
    """List the queue anew when it is looked at next."""
    st.session_state.pop(_QUEUE, None)
    st.session_state.pop(OUTCOME, None)
