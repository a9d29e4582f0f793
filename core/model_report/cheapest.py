"""What two thresholds cost a line, and the cheapest pair: an exact search over all that differ on the test images.

A part costs, on average: an escape for each defect judged OK, an overkill for each good part judged NG, and a look by a
person for each Review. Test images have more defects than a line: each class is weighted to the line's defect rate. The
cost is a function of the lower threshold plus one of the upper, so the cheapest pair in order is found in one pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.errors import NotReady
from core.model_report.costs import check_costs, check_rate
from core.model_report.intervals import arrays_of, resample
from core.model_report.records import CheapestPair, CostAt, Costs, ScoreArrays, ScoredImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = 200
# Nine in ten of the resampled optima lie between.
_LOW, _HIGH = 5.0, 95.0
_BEYOND = 1.02  # a threshold above all scores, relative to the highest
# The range of a threshold holds a larger share of either class than this: the test images do not decide.
_UNSURE_SHARE = 0.1


def cost_at(
    images: Sequence[ScoredImage], costs: Costs, review_at: float, reject_at: float, *, defect_rate: float
) -> CostAt:
    """Return what a part costs on average at two thresholds. Raises as `cheapest_pair`."""
    found = _check(images, costs, defect_rate)
    defects, goods = found.scores[found.labels], found.scores[~found.labels]
    reviewed = defect_rate * _between(defects, review_at, reject_at) + (1 - defect_rate) * _between(
        goods, review_at, reject_at
    )
    escape = costs.escape * defect_rate * float((defects < review_at).mean())
    overkill = costs.overkill * (1 - defect_rate) * float((goods >= reject_at).mean())
    review = costs.review * reviewed
    return CostAt(escape + overkill + review, escape, overkill, review)


def cheapest_pair(images: Sequence[ScoredImage], costs: Costs, *, defect_rate: float) -> CheapestPair:
    """Return the cheapest thresholds, and how sure they are.

    Of equally cheap pairs it is the one with the lowest Review and the highest NG threshold: what is not known goes to
    a person. Raises BadInput(`costs_invalid`, `defect_rate_invalid`), and NotReady(`cheapest_needs_both`) where good
    images or defects are missing.
    """
    found = _check(images, costs, defect_rate)
    order = np.argsort(found.scores, kind="stable")
    ranked = ScoreArrays(found.scores[order], found.labels[order], found.parts[order])
    starts = np.flatnonzero(np.r_[True, np.diff(ranked.scores) > 0])
    steps = ranked.scores[starts]
    lower, upper, _cost = _search(ranked, starts, np.ones((1, len(order))), costs, defect_rate)
    review_at, reject_at = _thresholds(steps, int(lower[0]), int(upper[0]))
    reviews, rejects, totals = [], [], []
    for weights in resample(ranked, SAMPLES):
        lower, upper, cost = _search(ranked, starts, weights, costs, defect_rate)
        pairs = [_thresholds(steps, int(low), int(high)) for low, high in zip(lower, upper, strict=True)]
        reviews += [pair[0] for pair in pairs]
        rejects += [pair[1] for pair in pairs]
        totals += cost.tolist()
    ranges = [_range(values) for values in (reviews, rejects, totals)]
    return CheapestPair(
        review_at=review_at,
        reject_at=reject_at,
        cost=cost_at(images, costs, review_at, reject_at, defect_rate=defect_rate),
        defect_rate=defect_rate,
        n_good=int((~found.labels).sum()),
        n_defect=int(found.labels.sum()),
        review_range=ranges[0],
        reject_range=ranges[1],
        cost_range=ranges[2],
        warnings=_warn(ranked, ranges[:2]),
    )


def _check(images: Sequence[ScoredImage], costs: Costs, defect_rate: float) -> ScoreArrays:
    check_costs(costs)
    check_rate(defect_rate)
    found = arrays_of(images)
    if not found.labels.any() or found.labels.all():
        raise NotReady("cheapest_needs_both")
    return found


def _between(scores: NDArray[np.float64], review_at: float, reject_at: float) -> float:
    return float(((scores >= review_at) & (scores < reject_at)).mean())


def _search(
    ranked: ScoreArrays, starts: NDArray[np.intp], weights: NDArray[np.float64], costs: Costs, defect_rate: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return for each row of weights the cheapest places of both thresholds, and their cost.

    Place k lies above the k lowest distinct scores. With D(k) and N(k), the defects and good parts below it, a pair
    (r, j) costs `escape·D(r) + review·(D + N)(j) - review·(D + N)(r) + overkill·(N(all) - N(j))`.
    """
    defects = _below(np.where(ranked.labels, weights, 0.0), starts) * defect_rate
    goods = _below(np.where(ranked.labels, 0.0, weights), starts) * (1.0 - defect_rate)
    looks = costs.review * (defects + goods)
    low = costs.escape * defects - looks
    high = looks + costs.overkill * ((1.0 - defect_rate) - goods)
    if ranked.scores[0] <= 0:  # a threshold is a positive number: nothing lies below a score of 0
        low[:, 0] = high[:, 0] = np.inf
    # Sums of the same terms in another order differ by their rounding: such costs are equal.
    slack = 1e-9 * (costs.escape + costs.overkill + costs.review)
    best_low = np.minimum.accumulate(low, axis=1)
    total = best_low + high
    least = total.min(axis=1, keepdims=True)
    upper = total.shape[1] - 1 - np.argmax((total <= least + slack)[:, ::-1], axis=1)
    reached = np.take_along_axis(best_low, upper[:, None], axis=1)
    lower = np.argmax(low <= reached + slack, axis=1)
    return lower, upper, least[:, 0]


def _below(weights: NDArray[np.float64], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the share of a class below each place, from none to all of it."""
    sums = np.cumsum(np.add.reduceat(weights, starts, axis=1), axis=1)
    return np.concatenate([np.zeros((len(sums), 1)), sums / sums[:, -1:]], axis=1)


def _thresholds(steps: NDArray[np.float64], lower: int, upper: int) -> tuple[float, float]:
    """Return the thresholds at two places: in the middle between scores, or a third and two thirds of one gap."""
    if lower != upper:
        return _inside(steps, lower, 0.5), _inside(steps, upper, 0.5)
    return _inside(steps, lower, 1 / 3), _inside(steps, upper, 2 / 3)


def _inside(steps: NDArray[np.float64], place: int, share: float) -> float:
    """Return a threshold above so many of the distinct scores, and not above the next."""
    if place == len(steps):
        highest = float(steps[-1])
        return highest * (1 + 2 * share * (_BEYOND - 1)) if highest > 0 else share
    below, above = (float(steps[place - 1]) if place else 0.0), float(steps[place])
    found = below + share * (above - below)
    return found if below < found <= above else above


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.percentile(np.asarray(values), [_LOW, _HIGH])
    return float(low), float(high)


def _warn(ranked: ScoreArrays, ranges: Sequence[tuple[float, float]]) -> tuple[str, ...]:
    from inference.vision.detection.calibration import ENOUGH_DEFECTS, ENOUGH_NORMALS

    found = {
        "few_defects": len(np.unique(ranked.parts[ranked.labels])) < ENOUGH_DEFECTS,
        "few_good": len(np.unique(ranked.parts[~ranked.labels])) < ENOUGH_NORMALS,
        "unsure": any(
            _between(ranked.scores[own], low, math.nextafter(high, math.inf)) > _UNSURE_SHARE
            for low, high in ranges
            for own in (ranked.labels, ~ranked.labels)
        ),
    }
    return tuple(code for code, applies in found.items() if applies)
