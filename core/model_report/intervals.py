"""How sure figures are that stand on few images: bounds of shares and of the AUROC, and resampling; always by part.

Images of one part (its exposures and views) are not independent: each bound counts them for what they are worth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.model_report.records import Interval, Rate, ScoreArrays, ScoredImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Z_95 = 1.959964
_RISK = 0.025  # on either side
# Samples that are drawn at once: their weights fit into some 40 MB at several thousand images.
_AT_ONCE = 100


def arrays_of(images: Sequence[ScoredImage]) -> ScoreArrays:
    """Return the images as arrays, in their order; parts are numbered as they come."""
    numbers: dict[str, int] = {}
    return ScoreArrays(
        scores=np.array([image.score for image in images], dtype=np.float64),
        labels=np.array([image.is_defect for image in images], dtype=np.bool_),
        parts=np.array([numbers.setdefault(image.part, len(numbers)) for image in images], dtype=np.int64),
    )


def rate_of(hits: NDArray[np.bool_], parts: NDArray[np.int64]) -> Rate:
    """Return the share of hits among images, with exact bounds for so many images as their parts are worth."""
    from inference.vision.detection.calibration import proportion_bounds

    total, count = len(hits), int(hits.sum())
    if not total:
        return Rate(0, 0)
    rate = count / total
    worth = _worth(hits, parts, rate)
    bounds = proportion_bounds(rate * worth, worth)
    assert bounds is not None
    # Rounding must not put the share itself outside.
    return Rate(count, total, rate, min(bounds[0], rate), max(bounds[1], rate))


def _worth(hits: NDArray[np.bool_], parts: NDArray[np.int64], rate: float) -> float:
    """Return how many independent images these are worth: all of them, down to one for each part."""
    _, place = np.unique(parts, return_inverse=True)
    n_parts = int(place.max()) + 1
    if n_parts == len(hits):
        return float(len(hits))
    # Without a hit, or without a miss, nothing is seen of how much alike the images of a part are.
    if rate in (0.0, 1.0) or n_parts == 1:
        return float(n_parts)
    sums = np.bincount(place, weights=hits - rate)
    variance = n_parts / (n_parts - 1) * float((sums**2).sum()) / len(hits) ** 2
    worth = rate * (1 - rate) / variance if variance > 0 else math.inf
    return float(min(max(worth, 1.0), len(hits)))


def auroc_of(found: ScoreArrays) -> Interval | None:
    """Return the AUROC with its 95 % bounds by DeLong's method for images in clusters; None without one of the classes.

    The variance is that of Obuchowski (Biometrics 53, 1997), the bounds lie evenly on the scale of the logit. Where
    all defects score above all good images nothing is left to vary: the lower bound is then the exact one of as many
    successes as there are parts in the smaller class.
    """
    if found.labels.all() or not found.labels.any():
        return None
    ranks = _rank(found)
    value = ranks.auroc
    fewest = min(len(np.unique(found.parts[own])) for own in (found.labels, ~found.labels))
    exact = _RISK ** (1.0 / fewest)
    if value in (0.0, 1.0) or fewest < 2:
        return Interval(value, min(exact, value) if value == 1.0 else 0.0, max(1 - exact, value) if not value else 1.0)
    logit = math.log(value / (1 - value))
    reach = _Z_95 * math.sqrt(_variance(found, ranks)) / (value * (1 - value))
    return Interval(value, _expit(logit - reach), _expit(logit + reach))


def auroc_difference(a: ScoreArrays, b: ScoreArrays) -> Interval | None:
    """Return the AUROC of B minus that of A on the same images, with 95 % bounds (DeLong, paired, by part).

    None without one of the classes.
    """
    if a.labels.all() or not a.labels.any():
        return None
    ours, theirs = _rank(a), _rank(b)
    change = _Ranks(theirs.above - ours.above, theirs.below - ours.below)
    fewest = min(len(np.unique(a.parts[own])) for own in (a.labels, ~a.labels))
    # From a single part nothing is known of others.
    reach = _Z_95 * math.sqrt(_variance(a, change)) if fewest > 1 else 2.0
    return Interval(change.auroc, max(change.auroc - reach, -1.0), min(change.auroc + reach, 1.0))


@dataclass(frozen=True)
class _Ranks:
    """Of each defect the share of good images below it, of each good image the share of defects above it."""

    above: NDArray[np.float64]
    below: NDArray[np.float64]

    @property
    def auroc(self) -> float:
        return float(self.above.mean())


def _rank(found: ScoreArrays) -> _Ranks:
    defects, goods = found.scores[found.labels], found.scores[~found.labels]
    return _Ranks(_share_below(defects, goods), 1.0 - _share_below(goods, defects))


def _variance(found: ScoreArrays, ranks: _Ranks) -> float:
    """Return Obuchowski's variance of an AUROC, or of a difference of two, whose images lie in clusters."""
    n_parts = int(found.parts.max()) + 1
    sums = [
        np.bincount(found.parts[own], weights=values - ranks.auroc, minlength=n_parts) / len(values)
        for own, values in ((found.labels, ranks.above), (~found.labels, ranks.below))
    ]
    spreads = [
        _of_sample(len(np.unique(found.parts[own]))) * float((one**2).sum())
        for own, one in zip((found.labels, ~found.labels), sums, strict=True)
    ]
    # Parts with good images and defects both move both.
    shared = 2 * _of_sample(n_parts) * float((sums[0] * sums[1]).sum())
    return max(spreads[0] + spreads[1] + shared, 0.0)


def _of_sample(count: int) -> float:
    return count / (count - 1) if count > 1 else 1.0


def _share_below(values: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each value the share of the others below it, equal ones counting half."""
    ranked = np.sort(others)
    left, right = np.searchsorted(ranked, values, side="left"), np.searchsorted(ranked, values, side="right")
    return (left + right) / (2.0 * len(ranked))


def _expit(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value)) if value >= 0 else math.exp(value) / (1.0 + math.exp(value))


def draw_parts(found: ScoreArrays, samples: int, *, seed: int = 0) -> Iterator[NDArray[np.float64]]:
    """Yield how often each part is drawn (samples × parts), with replacement, some hundred samples at a time.

    Parts with a defect and parts without are drawn for themselves, so that neither class is ever missing. The same
    images give the same samples.
    """
    if not len(found.parts):
        return
    generator = np.random.default_rng(seed)
    n_parts = int(found.parts.max()) + 1
    is_defect = np.bincount(found.parts, weights=found.labels, minlength=n_parts) > 0
    for start in range(0, samples, _AT_ONCE):
        count = min(_AT_ONCE, samples - start)
        drawn = np.zeros((count, n_parts))
        for one in (is_defect, ~is_defect):
            size = int(one.sum())
            if size:
                drawn[:, one] = generator.multinomial(size, np.full(size, 1.0 / size), size=count)
        yield drawn


def resample(found: ScoreArrays, samples: int, *, seed: int = 0) -> Iterator[NDArray[np.float64]]:
    """Yield how often each image is drawn with its part (samples × images), as `draw_parts` draws them."""
    for drawn in draw_parts(found, samples, seed=seed):
        yield drawn[:, found.parts]
