"""Upper bounds of escape and overkill for every count that thresholds can come to: a screen looks them up as they move.

They are those of `intervals.rate_of`: a lower Review threshold passes the defects with the lowest scores, a higher NG
threshold stops the good images with the highest ones, so that the count alone says which images they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.model_report.intervals import arrays_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.model_report.records import ScoredImage

_RISK = 0.025  # on either side of 95 %


def escape_bounds(images: Sequence[ScoredImage]) -> tuple[float, ...]:
    """Return the upper 95 % bound of the escape rate for 0, 1, … defects that pass."""
    found = arrays_of(images)
    order = np.argsort(found.scores[found.labels], kind="stable")
    return _bounds(found.parts[found.labels][order])


def overkill_bounds(images: Sequence[ScoredImage]) -> tuple[float, ...]:
    """Return the upper 95 % bound of the overkill rate for 0, 1, … good images that are judged NG."""
    found = arrays_of(images)
    order = np.argsort(-found.scores[~found.labels], kind="stable")
    return _bounds(found.parts[~found.labels][order])


def _bounds(parts: NDArray[np.int64]) -> tuple[float, ...]:
    """Return the bound of each count of hits; `parts` are those of the images in the order in which they are hit."""
    from scipy.special import betaincinv  # type: ignore[import-untyped]

    total = len(parts)
    if not total:
        return (1.0,)
    rates = np.arange(total + 1) / total
    worth = _worth(parts, rates)
    hits = rates * worth
    upper = np.ones(total + 1)
    upper[:-1] = betaincinv(hits[:-1] + 1.0, worth[:-1] - hits[:-1], 1.0 - _RISK)
    return tuple(np.maximum(upper, rates).tolist())


def _worth(parts: NDArray[np.int64], rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many independent images the images are worth at each rate, as `rate_of` counts them."""
    total = len(parts)
    _numbers, place, sizes = np.unique(parts, return_inverse=True, return_counts=True)
    n_parts = len(sizes)
    worth = np.full(total + 1, float(n_parts))
    if n_parts in (1, total):
        return worth
    # The squared deviations of all parts together, (hits - rate · size)², follow from three sums, one hit at a time.
    seen = np.zeros(n_parts, dtype=np.int64)
    squares, products = np.zeros(total + 1), np.zeros(total + 1)
    for count, part in enumerate(place, start=1):
        squares[count] = squares[count - 1] + 2 * seen[part] + 1
        products[count] = products[count - 1] + sizes[part]
        seen[part] += 1
    deviations = squares - 2 * rates * products + rates**2 * float((sizes.astype(np.float64) ** 2).sum())
    variance = n_parts / (n_parts - 1) * deviations / total**2
    inner = slice(1, total)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = rates[inner] * (1 - rates[inner]) / variance[inner]
    worth[inner] = np.clip(np.where(variance[inner] > 0, found, total), 1.0, total)
    return worth
