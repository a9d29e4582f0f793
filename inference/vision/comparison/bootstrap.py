"""How sure figures are: the percentile bootstrap over parts, paired for differences.

Parts are drawn with replacement, with all their images (Efron & Tibshirani, An Introduction to the Bootstrap, 1993;
clusters as in Field & Welsh, JRSS B 69, 2007): images of one part are not independent. Parts with a defect and parts
without are drawn for themselves, so that neither is ever missing. The same images and seed give the same samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inference.vision.comparison.measures import Figure, Judged

FloatArray = npt.NDArray[np.float64]
SAMPLES = 1000
# Samples whose weights are in memory at once: of ten thousand images 40 MB.
_VALUES_AT_ONCE = 5_000_000


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; `low` and `high` are None where it cannot be told."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Difference:
    """A figure of one method minus that of another on the same images, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_shown(self) -> bool:
        """Return whether the interval leaves out 0: otherwise no difference is shown."""
        return self.low > 0 or self.high < 0


def estimate(judged: Sequence[Judged], figure: Figure, *, seed: int, samples: int = SAMPLES) -> Estimate | None:
    """Return a figure of these images with its interval; None where it is not defined."""
    value = float(figure(np.ones((1, len(judged))))[0])
    if not np.isfinite(value):
        return None
    drawn = _draw(judged, figure, seed=seed, samples=samples)
    drawn = drawn[np.isfinite(drawn)]
    if len({one.part for one in judged}) < 2 or not len(drawn):
        return Estimate(value)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(value, min(float(low), value), max(float(high), value))


def compare(
    judged: Sequence[Judged], one: Figure, other: Figure, *, seed: int, samples: int = SAMPLES
) -> Difference | None:
    """Return figure `one` minus `other`, both of these images in this order, drawn together: a paired difference.

    None where either is not defined, or with a single part.
    """

    def change(weights: FloatArray) -> FloatArray:
        return one(weights) - other(weights)

    found = estimate(judged, change, seed=seed, samples=samples)
    if found is None or found.low is None or found.high is None:
        return None
    return Difference(found.value, found.low, found.high)


def _draw(judged: Sequence[Judged], figure: Figure, *, seed: int, samples: int) -> FloatArray:
    numbers: dict[str, int] = {}
    parts = np.array([numbers.setdefault(one.part, len(numbers)) for one in judged], np.int64)
    is_defect = np.zeros(len(numbers), np.bool_)
    for one, part in zip(judged, parts, strict=True):
        is_defect[part] |= one.is_defect
    generator = np.random.default_rng(seed)
    at_once = max(1, _VALUES_AT_ONCE // max(1, len(judged)))
    found = []
    for start in range(0, samples, at_once):
        count = min(at_once, samples - start)
        drawn = np.zeros((count, len(numbers)))
        for own in (is_defect, ~is_defect):
            size = int(own.sum())
            if size:
                drawn[:, own] = generator.multinomial(size, np.full(size, 1.0 / size), size=count)
        found.append(figure(drawn[:, parts]))
    return np.concatenate(found) if found else np.zeros(0)
