"""An even sample of many images: so many scores are enough to calibrate on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

MAX_SCORED = 600


def spread_evenly(total: int, limit: int) -> list[int]:
    """Return at most `limit` of the places 0 … `total` - 1, evenly spread and in order."""
    places = np.linspace(0, total - 1, min(limit, total)).round().astype(int)
    return sorted(set(places.tolist()))


def sample_scores(scores: Mapping[str, float], keys: Sequence[str], *, limit: int = MAX_SCORED) -> dict[str, float]:
    """Return at most `limit` of the scores, in the order of `keys`: the even sample that would be scored of those."""
    there = [key for key in keys if key in scores]
    return {there[place]: scores[there[place]] for place in spread_evenly(len(there), limit)}
