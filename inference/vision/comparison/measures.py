"""How good a method is on test images, and how sure that is: figures with 95 % intervals, all by part.

Every figure is a function of weighted images, so that the very same code gives the figure itself (all weights 1) and
those of the bootstrap (see `bootstrap`). An image without an answer counts as wrong everywhere: a defect as passed, a
good part as stopped, and in the order of scores behind all others of its kind.

The threshold comes from validation images alone: that of the best F1 where they show defects, else a percentile of the
good ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from inference.vision.comparison.overlaps import Overlap

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
# Weights of images, (samples, images), to the figure of each sample, (samples,); NaN where it is not defined.
Figure = Callable[[FloatArray], FloatArray]

FIGURES: tuple[str, ...] = (
    "f1", "accuracy", "precision", "recall", "auroc", "average_precision", "macro_f1", "iou", "f1_at_50",
)  # fmt: skip
# Without defects among the validation images: so many percent of good ones stay below the threshold.
GOOD_PERCENT = 95.0
NO_ANSWER = ""
# A screen shows no more points of a curve.
_MOST_POINTS = 200


@dataclass(frozen=True)
class Judged:
    """One image, or part of several views, with its truth and what a method said of it.

    `label` is the true type (`good` for a good part without a kind). `score` is None without an answer; `named` the
    type that the method names, empty for none. `overlap` is None where the place is not known or not told.
    """

    subject: str
    part: str
    label: str
    is_defect: bool
    score: float | None
    named: str = NO_ANSWER
    overlap: Overlap | None = None


@dataclass(frozen=True)
class ChosenThreshold:
    """From which score on a method calls a part defective, and how that was chosen: f1_max, percentile or given."""

    value: float
    method: Literal["f1_max", "percentile", "given"]


@dataclass(frozen=True)
class VerdictTable:
    """How many good and defective ones were called what; `silent` are those without an answer."""

    good_passed: int
    good_stopped: int
    good_silent: int
    defect_stopped: int
    defect_passed: int
    defect_silent: int


@dataclass(frozen=True)
class TypeTable:
    """How often each true type (row) was called which (column): `counts` by row; the last column is no answer."""

    labels: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class CurvePoints:
    """A curve, thin enough to draw."""

    x: tuple[float, ...]
    y: tuple[float, ...]


def choose_threshold(scores: Sequence[float | None], labels: Sequence[bool]) -> ChosenThreshold | None:
    """Return the threshold by validation images, `labels` True for defects; None without a good one that has a score.

    The F1-best threshold lies in the middle between the lowest score that it stops and the next below, which changes
    nothing on the validation images. Images without an answer choose nothing.
    """
    from inference.vision.detection.metrics import f1_max

    pairs = [(score, label) for score, label in zip(scores, labels, strict=True) if score is not None]
    values = np.array([score for score, _ in pairs], np.float64)
    truth = np.array([label for _, label in pairs], np.bool_)
    if not len(values) or truth.all():
        return None
    best = f1_max(values, truth)
    if best is None:
        return ChosenThreshold(float(np.nextafter(np.percentile(values, GOOD_PERCENT), np.inf)), "percentile")
    below = values[values < best[1]]
    return ChosenThreshold(best[1] if not len(below) else float((below.max() + best[1]) / 2), "f1_max")


def make_figures(
    judged: Sequence[Judged], threshold: float | None, *, names_types: bool, stopped: Sequence[bool] | None = None
) -> dict[str, Figure]:
    """Return the figures that these images allow, in the order of `FIGURES`.

    `stopped` says which were called defective, where a threshold did not decide it. Without a threshold there are no
    figures of verdicts. `macro_f1` is there for a method that names types, `iou` and `f1_at_50` where places are known.
    """
    truth = np.array([one.is_defect for one in judged], np.bool_)
    silent = np.array([one.score is None for one in judged], np.bool_)
    found: dict[str, Figure] = {}
    if threshold is not None or stopped is not None:
        called = _called(judged, threshold, stopped)
        found |= _verdict_figures(truth, called)
    if truth.any() and not truth.all():
        ranks = _ranks(judged, truth, silent)
        found["auroc"] = lambda weights: _auroc(ranks, truth, weights)
        found["average_precision"] = lambda weights: _average_precision(ranks, truth, weights)
    if names_types:
        labels, names = [one.label for one in judged], [one.named for one in judged]
        found["macro_f1"] = lambda weights: _macro_f1(labels, names, weights)
    overlaps = [one.overlap for one in judged]
    if any(one is not None and one.iou is not None for one in overlaps):
        found |= _place_figures(overlaps)
    return {name: found[name] for name in FIGURES if name in found}


def count_verdicts(
    judged: Sequence[Judged], threshold: float | None, *, stopped: Sequence[bool] | None = None
) -> VerdictTable:
    """Return the table of verdicts; without a threshold nobody has an answer."""
    decided = threshold is not None or stopped is not None
    silent = np.array([one.score is None for one in judged], np.bool_) if decided else np.ones(len(judged), np.bool_)
    truth = np.array([one.is_defect for one in judged], np.bool_)
    called = _called(judged, threshold, stopped) if decided else truth
    good, heard = ~truth, ~silent
    return VerdictTable(
        good_passed=int((good & heard & ~called).sum()),
        good_stopped=int((good & heard & called).sum()),
        good_silent=int((good & silent).sum()),
        defect_stopped=int((truth & heard & called).sum()),
        defect_passed=int((truth & heard & ~called).sum()),
        defect_silent=int((truth & silent).sum()),
    )


def count_types(judged: Sequence[Judged]) -> TypeTable:
    """Return the table of types, good ones first, for a method that names them."""
    good = {one.label for one in judged if not one.is_defect}
    named = {one.named for one in judged if one.named}
    labels = tuple(sorted({one.label for one in judged}, key=lambda label: (label not in good, label)))
    columns = (*labels, *sorted(named - set(labels)), NO_ANSWER)
    places = {label: number for number, label in enumerate(columns)}
    counts = np.zeros((len(labels), len(columns)), np.int64)
    for one in judged:
        counts[places[one.label], places[one.named]] += 1
    return TypeTable(labels, columns, tuple(tuple(row) for row in counts.tolist()))


def name_type(probabilities: Mapping[str, float], good_labels: Sequence[str], *, is_stopped: bool) -> str:
    """Return the type that a method names: the likeliest defect of a part that is stopped, else kind of good part.

    Where it knows none of that side, the likeliest of all; of equal ones the first by name. Empty without any.
    """
    side = {label: value for label, value in probabilities.items() if (label not in good_labels) == is_stopped}
    among = side or dict(probabilities)
    return min(among, key=lambda label: (-among[label], label)) if among else NO_ANSWER


def draw_curves(judged: Sequence[Judged]) -> tuple[CurvePoints, CurvePoints] | None:
    """Return the ROC curve and precision by recall; None without one of the classes.

    x and y are: the share of good ones stopped and of defects found; the share of defects found and that of defects
    among the stopped.
    """
    truth = np.array([one.is_defect for one in judged], np.bool_)
    if truth.all() or not truth.any():
        return None
    from sklearn.metrics import precision_recall_curve, roc_curve

    ranks = _ranks(judged, truth, np.array([one.score is None for one in judged], np.bool_))
    alarms, hits, _ = roc_curve(truth, ranks)
    precision, recall, _ = precision_recall_curve(truth, ranks, drop_intermediate=True)
    return _thin(alarms, hits), _thin(recall[::-1], precision[::-1])


def _called(judged: Sequence[Judged], threshold: float | None, stopped: Sequence[bool] | None) -> BoolArray:
    """Return which are called defective; one without an answer is called what it is not."""
    said = []
    for place, one in enumerate(judged):
        if one.score is None:
            said.append(not one.is_defect)
        elif stopped is not None:
            said.append(stopped[place])
        else:
            said.append(threshold is not None and one.score >= threshold)
    return np.array(said, np.bool_)


def _verdict_figures(truth: BoolArray, called: BoolArray) -> dict[str, Figure]:
    hits, alarms, misses = truth & called, ~truth & called, truth & ~called
    right = truth == called
    found: dict[str, Figure] = {"accuracy": lambda weights: _share(weights @ right, weights.sum(axis=1))}
    if truth.any():
        found["f1"] = lambda weights: _f1(weights @ hits, weights @ alarms, weights @ misses)
        # Where nothing is stopped, nothing was stopped wrongly, and nothing rightly: it counts as 0, as in F1.
        found["precision"] = lambda weights: _share(weights @ hits, np.maximum(weights @ called, 1e-12))
        found["recall"] = lambda weights: _share(weights @ hits, weights @ truth)
    return found


def _place_figures(overlaps: Sequence[Overlap | None]) -> dict[str, Figure]:
    known = np.array([one is not None for one in overlaps], np.float64)
    has_area = np.array([one is not None and one.iou is not None for one in overlaps], np.float64)
    ious = np.array([0.0 if one is None or one.iou is None else one.iou for one in overlaps], np.float64)
    counts = np.array(
        [(0, 0, 0) if one is None else (one.found, one.wrong, one.missed) for one in overlaps], np.float64
    )
    found, wrong, missed = (counts * known[:, None]).T
    return {
        "iou": lambda weights: _share(weights @ ious, weights @ has_area),
        "f1_at_50": lambda weights: _f1(weights @ found, weights @ wrong, weights @ missed),
    }


def _ranks(judged: Sequence[Judged], truth: BoolArray, silent: BoolArray) -> FloatArray:
    """Return the places of the scores in their order; a defect without an answer below all, a good one above all."""
    scores = np.array([0.0 if one.score is None else one.score for one in judged], np.float64)
    heard = np.unique(scores[~silent])
    ranks = np.searchsorted(heard, scores).astype(np.float64) + 1.0
    ranks[silent & truth] = 0.0
    ranks[silent & ~truth] = len(heard) + 1.0
    return ranks


def _by_score(ranks: FloatArray, truth: BoolArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the weights of defects and of good images at each distinct score from the lowest on: (samples, scores)."""
    order = np.argsort(ranks, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(ranks[order]) > 0])
    sorted_weights, sorted_truth = weights[:, order], truth[order]
    defects = np.add.reduceat(sorted_weights * sorted_truth, starts, axis=1)
    goods = np.add.reduceat(sorted_weights * ~sorted_truth, starts, axis=1)
    return defects, goods


def _auroc(ranks: FloatArray, truth: BoolArray, weights: FloatArray) -> FloatArray:
    defects, goods = _by_score(ranks, truth, weights)
    below = np.cumsum(goods, axis=1) - goods
    wins = (defects * (below + 0.5 * goods)).sum(axis=1)
    return _share(wins, defects.sum(axis=1) * goods.sum(axis=1))


def _average_precision(ranks: FloatArray, truth: BoolArray, weights: FloatArray) -> FloatArray:
    """Return Σ (Rₙ - Rₙ₋₁)·Pₙ over the thresholds, as scikit-learn defines it."""
    defects, goods = _by_score(ranks, truth, weights)
    defects, goods = defects[:, ::-1], goods[:, ::-1]
    hits, all_stopped = np.cumsum(defects, axis=1), np.cumsum(defects + goods, axis=1)
    precision = np.divide(hits, all_stopped, out=np.zeros_like(hits), where=all_stopped > 0)
    return _share((defects * precision).sum(axis=1), defects.sum(axis=1))


def _macro_f1(labels: Sequence[str], names: Sequence[str], weights: FloatArray) -> FloatArray:
    """Return the mean F1 over the types that occur; one that a sample does not draw is left out of its mean."""
    types = sorted(set(labels))
    total, count = np.zeros(len(weights)), np.zeros(len(weights))
    for label in types:
        truth = np.array([one == label for one in labels], np.bool_)
        said = np.array([one == label for one in names], np.bool_)
        is_there = weights @ truth > 0
        own = _f1(weights @ (truth & said), weights @ (~truth & said), weights @ (truth & ~said))
        total += np.where(is_there, np.nan_to_num(own), 0.0)
        count += is_there
    return _share(total, count)


def _f1(hits: FloatArray, alarms: FloatArray, misses: FloatArray) -> FloatArray:
    return _share(2 * hits, 2 * hits + alarms + misses)


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    found = np.full(len(whole), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def _thin(x: FloatArray, y: FloatArray) -> CurvePoints:
    kept = np.arange(len(x))
    if len(kept) > _MOST_POINTS:
        kept = np.unique(np.linspace(0, len(kept) - 1, _MOST_POINTS).round().astype(int))
    return CurvePoints(tuple(x[kept].tolist()), tuple(y[kept].tolist()))
