"""How far looks at the same parts agree: Cohen's and Fleiss' kappa, counts against a reference, their intervals.

Looks at one part are not independent of each other, so the intervals of kappa resample whole parts (bootstrap).
AIAG, Measurement Systems Analysis, 4th edition, chapter III-C; Cohen 1960; Fleiss 1971.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Looks = NDArray[np.int8]  # (parts, looks): 0 where the part was let pass, 1 where it was stopped
    Floats = NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 2000
N_CATEGORIES = 2
# Not all of the resamples need a value: where nearly all looks say the same, some have one category alone.
_LEAST_USABLE = 0.5


@dataclass(frozen=True)
class Kappa:
    """Agreement beyond chance with its interval; `low` and `high` are None where too little varies to tell."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Share:
    """`hits` of `total` with the exact interval of Clopper and Pearson, all of 0..1."""

    hits: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Return the share."""
        return self.hits / self.total


def count_share(hits: int, total: int) -> Share | None:
    """Return the share of `hits` with its exact interval; None of nothing."""
    from scipy.stats import binomtest  # type: ignore[import-untyped]

    if total == 0:
        return None
    interval = binomtest(hits, total).proportion_ci(CONFIDENCE, method="exact")
    return Share(hits, total, float(interval.low), float(interval.high))


def cohen_kappa(first: Looks, second: Looks, *, seed: int = 0) -> Kappa | None:
    """Return the agreement of two who looked at the same parts; None where one category alone was said.

    With as many looks each, the first is compared with the first and so on; otherwise each with each of the part.
    """
    if first.shape[1] != second.shape[1]:
        n_first, n_second = first.shape[1], second.shape[1]
        first, second = np.repeat(first, n_second, axis=1), np.tile(second, (1, n_first))
    cells = first.astype(np.int64) * N_CATEGORIES + second
    tables = np.stack([(cells == cell).sum(axis=1) for cell in range(N_CATEGORIES**2)], axis=1).astype(np.float64)
    return _with_interval(tables, _cohen, seed)


def fleiss_kappa(looks: Looks, *, seed: int = 0) -> Kappa | None:
    """Return the agreement of all looks at each part, at least two; None where one category alone was said."""
    n_looks = looks.shape[1]
    if n_looks < 2:
        return None
    counts = np.stack([(looks == category).sum(axis=1) for category in range(N_CATEGORIES)], axis=1)
    return fleiss_kappa_of_counts(counts.astype(np.float64), seed=seed)


def fleiss_kappa_of_counts(counts: Floats, *, seed: int = 0) -> Kappa | None:
    """Return Fleiss' kappa of how often each category was said of each part, (parts, categories), equal sums."""
    n_looks = counts[0].sum()
    agreeing = (counts * (counts - 1)).sum(axis=1) / (n_looks * (n_looks - 1))
    sums = np.column_stack([agreeing, counts / n_looks, np.ones(len(counts))])
    return _with_interval(sums, _fleiss, seed)


@lru_cache(maxsize=4)
def _draw_parts(n_parts: int, seed: int) -> Floats:
    """Return how often each part is drawn in each resample, (RESAMPLES, parts)."""
    generator: Any = np.random.default_rng(seed)
    drawn: Floats = generator.multinomial(n_parts, np.full(n_parts, 1.0 / n_parts), size=RESAMPLES).astype(np.float64)
    return drawn


def _cohen(sums: Floats) -> Floats:
    """Return kappa of tables that are summed over parts, (n, 4)."""
    share = sums / sums.sum(axis=1, keepdims=True)
    table = share.reshape(-1, N_CATEGORIES, N_CATEGORIES)
    seen = np.trace(table, axis1=1, axis2=2)
    expected = (table.sum(axis=2) * table.sum(axis=1)).sum(axis=1)
    return _beyond_chance(seen, expected)


def _fleiss(sums: Floats) -> Floats:
    """Return kappa of sums over parts: the share that agrees, the share of each category, the number of parts."""
    share = sums[:, :-1] / sums[:, -1:]
    return _beyond_chance(share[:, 0], (share[:, 1:] ** 2).sum(axis=1))


def _beyond_chance(seen: Floats, expected: Floats) -> Floats:
    possible = 1.0 - expected
    varies = possible > 1e-12
    found: Floats = np.where(varies, (seen - expected) / np.where(varies, possible, 1.0), np.nan)
    return found


def _with_interval(by_part: Floats, kappa: Callable[[Floats], Floats], seed: int) -> Kappa | None:
    """Return kappa of the sums over parts, and the interval of it when parts are drawn again."""
    value = float(kappa(by_part.sum(axis=0, keepdims=True))[0])
    if not np.isfinite(value):
        return None
    n_parts = len(by_part)
    drawn = kappa(_draw_parts(n_parts, seed) @ by_part)
    usable = drawn[np.isfinite(drawn)]
    if len(usable) < _LEAST_USABLE * RESAMPLES:
        return Kappa(value, None, None)
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = np.quantile(usable, [tail, 1.0 - tail])
    return Kappa(value, float(low), float(high))
