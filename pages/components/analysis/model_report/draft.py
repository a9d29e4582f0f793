"""The thresholds that a person tries on the report: where the handles stand, and how they came there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from core.registry.thresholds import MANUAL

if TYPE_CHECKING:
    from core.model_report.records import ModelReport, ThresholdEntry

Pair = tuple[float, float]
_KEY = "threshold_draft_{version_id}"


@dataclass(frozen=True)
class Draft:
    """A pair of thresholds that is tried.

    `seen_id` and `seen` are the thresholds that were in force when the person began. `moves` counts how often the page
    itself has moved the handles. `method` is how the pair was found.
    """

    seen_id: int
    seen: Pair
    pair: Pair
    method: str = MANUAL
    moves: int = 0

    @property
    def is_moved(self) -> bool:
        """Return whether the pair is another than that in force."""
        return self.pair != self.seen


def pair_of(entry: ThresholdEntry) -> Pair:
    """Return both thresholds of an entry."""
    return entry.review_at, entry.reject_at


def read_draft(report: ModelReport) -> Draft:
    """Return what is tried for the version; the thresholds in force where nothing is.

    Where others were saved meanwhile, what was tried stays, and still names those that the person has seen.
    """
    key = _KEY.format(version_id=report.head.version_id)
    kept = st.session_state.get(key)
    entry = report.in_force
    if not isinstance(kept, Draft):
        kept = Draft(entry.id, pair_of(entry), pair_of(entry))
    elif kept.seen_id != entry.id and (not kept.is_moved or kept.pair == pair_of(entry)):
        kept = Draft(entry.id, pair_of(entry), pair_of(entry), moves=kept.moves + 1)
    st.session_state[key] = kept
    return kept


def keep_pair(version_id: int, pair: Pair, *, method: str = MANUAL, by_page: bool = False) -> None:
    """Keep where the handles stand now, from a callback; `by_page` where the page has to move them there."""
    kept = st.session_state.get(_KEY.format(version_id=version_id))
    if isinstance(kept, Draft):
        st.session_state[_KEY.format(version_id=version_id)] = replace(
            kept, pair=pair, method=method, moves=kept.moves + by_page
        )


def begin_from(report: ModelReport) -> None:
    """Take the thresholds in force now as seen; what is tried stays."""
    kept = read_draft(report)
    entry = report.in_force
    st.session_state[_KEY.format(version_id=report.head.version_id)] = replace(
        kept, seen_id=entry.id, seen=pair_of(entry)
    )


def drop_draft(version_id: int) -> None:
    """Forget what was tried: the handles go to the thresholds in force, whatever these are by then."""
    kept = st.session_state.get(_KEY.format(version_id=version_id))
    if isinstance(kept, Draft):
        st.session_state[_KEY.format(version_id=version_id)] = replace(kept, pair=kept.seen, moves=kept.moves + 1)
