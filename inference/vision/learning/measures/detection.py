"""How good boxes are: average precision as COCO counts it.

For each label the boxes of all images are gone through, highest score first; each takes the box of the truth that it
overlaps most among those not taken, if by enough. Precision is read at 101 recalls from its envelope (Lin et al.,
"Microsoft COCO", 2014, and its evaluation code), and averaged over the IoUs .50, .55 … .95. At most 100 boxes of an
image count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.vision.learning.recipes.contract import LabeledBox
from inference.vision.learning.trained_network.decoding import MOST_BOXES, ScoredBox, measure_overlaps

OVERLAPS = tuple(0.5 + 0.05 * step for step in range(10))
_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class LabelDetection:
    """How well one label is found: `n` boxes of the truth; precision, recall and F1 are those at `threshold`, IoU .5.

    `curve` holds precision and score at the 101 recalls 0, .01 … 1, at IoU .5; a score of 0 where it is not reached.
    """

    label: str
    n: int
    ap50: float
    ap50_95: float
    precision: float
    recall: float
    f1: float
    curve_precision: tuple[float, ...] = field(repr=False, default=())
    curve_score: tuple[float, ...] = field(repr=False, default=())


@dataclass(frozen=True)
class DetectionFigures:
    """What `measure_detection` found. `map50` and `map50_95` are means over the labels that the truth has.

    They are None where it has none. `f1` is that of all boxes together at `threshold`. `per_domain` holds the same two
    means of the images of each domain alone.
    """

    n: int
    boxes: int
    map50: float | None
    map50_95: float | None
    threshold: float
    precision: float
    recall: float
    f1: float
    labels: tuple[LabelDetection, ...]
    per_domain: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "n": self.n,
            "boxes": self.boxes,
            "map50": self.map50,
            "map50_95": self.map50_95,
            "threshold": self.threshold,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "per_class": {
                one.label: {
                    "n": one.n,
                    "ap50": one.ap50 if one.n else None,
                    "ap50_95": one.ap50_95 if one.n else None,
                    "precision": one.precision,
                    "recall": one.recall,
                    "f1": one.f1,
                }
                for one in self.labels
            },
            "curves": {
                one.label: {
                    "recall": [round(float(value), 2) for value in _RECALLS],
                    "precision": list(one.curve_precision),
                    "score": list(one.curve_score),
                }
                for one in self.labels
                if one.n
            },
            "per_domain": {domain: dict(figures) for domain, figures in self.per_domain.items()},
        }


def measure_detection(
    labels: Sequence[str],
    truth: Sequence[Sequence[LabeledBox]],
    found: Sequence[Sequence[ScoredBox]],
    domains: Sequence[str] = (),
    *,
    threshold: float = 0.5,
) -> DetectionFigures:
    """Return the figures of boxes found in images beside the truth, image by image.

    `found` should hold boxes of low score, too: the curve is made of them; `threshold` is the score from which a box
    counts for precision, recall and F1. Boxes of other labels are passed over. `domains` are those of the images, empty
    for none. Raises ValueError for lengths that differ.
    """
    if len(truth) != len(found) or (domains and len(domains) != len(truth)):
        raise ValueError("one list of boxes and one domain for each image")
    matches = [_match_label(label, truth, found) for label in labels]
    figures = tuple(_measure_label(match, threshold) for match in matches)
    map50, map50_95 = _mean(figures)
    hits = sum(int(match.right(threshold)) for match in matches)
    claimed = sum(int((match.scores >= threshold).sum()) for match in matches)
    precision, recall, f1 = _rates(hits, claimed, sum(match.n for match in matches))
    per_domain = {}
    for domain in sorted(set(domains)):
        places = [place for place, one in enumerate(domains) if one == domain]
        own = measure_detection(
            labels, [truth[place] for place in places], [found[place] for place in places], threshold=threshold
        )
        per_domain[domain] = {"n": own.n, "boxes": own.boxes, "map50": own.map50, "map50_95": own.map50_95}
    return DetectionFigures(
        n=len(truth),
        boxes=sum(match.n for match in matches),
        map50=map50,
        map50_95=map50_95,
        threshold=threshold,
        precision=precision,
        recall=recall,
        f1=f1,
        labels=figures,
        per_domain=per_domain,
    )


def choose_box_threshold(
    labels: Sequence[str], truth: Sequence[Sequence[LabeledBox]], found: Sequence[Sequence[ScoredBox]]
) -> float:
    """Return the score of the best F1 over all boxes (IoU .5), halfway to the next lower one; .5 where none is right.

    Of equally good ones the highest is taken.
    """
    matches = [_match_label(label, truth, found) for label in labels]
    scores = np.concatenate([np.zeros(0), *(match.scores for match in matches)])
    right = np.concatenate([np.zeros(0, np.bool_), *(match.hits[0] for match in matches)])
    count = sum(match.n for match in matches)
    if not right.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.cumsum(right[order])
    f1 = 2.0 * hits / (np.arange(1, len(scores) + 1) + count)
    # Boxes of one score stand and fall together.
    last = np.append(scores[1:] < scores[:-1], True)
    best = int(np.argmax(np.where(last, f1, -1.0)))
    below = scores[best + 1] if best + 1 < len(scores) else 0.0
    return float((scores[best] + below) / 2.0)


@dataclass(frozen=True, eq=False)
class _Match:
    """The boxes found of one label in all images, highest score first, and which are right at each of OVERLAPS."""

    label: str
    n: int
    scores: NDArray[np.float64]
    hits: NDArray[np.bool_]

    def right(self, threshold: float) -> int:
        return int((self.hits[0] & (self.scores >= threshold)).sum())


def _match_label(label: str, truth: Sequence[Sequence[LabeledBox]], found: Sequence[Sequence[ScoredBox]]) -> _Match:
    scores: list[np.ndarray] = []
    hits: list[np.ndarray] = []
    count = 0
    for known, claimed in zip(truth, found, strict=True):
        real = _corners([box for box in known if box.label == label])
        most = sorted(claimed, key=lambda box: -box.score)[:MOST_BOXES]
        own = [box for box in most if box.label == label]
        count += len(real)
        scores.append(np.array([box.score for box in own], np.float64))
        hits.append(_match_image(_corners(own), real))
    joined = np.concatenate([np.zeros(0), *scores])
    order = np.argsort(-joined, kind="stable")
    flags = np.concatenate([np.zeros((len(OVERLAPS), 0), np.bool_), *hits], axis=1)
    return _Match(label, count, joined[order], flags[:, order])


def _match_image(claimed: NDArray[np.float64], real: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which boxes, highest score first, are right at each of OVERLAPS: bool (10, n)."""
    hits = np.zeros((len(OVERLAPS), len(claimed)), np.bool_)
    if not len(claimed) or not len(real):
        return hits
    shared = measure_overlaps(claimed, real)
    for row, least in enumerate(OVERLAPS):
        free = np.ones(len(real), np.bool_)
        for place in range(len(claimed)):
            own = np.where(free, shared[place], -1.0)
            # The last of equal ones, as COCO's code takes it.
            taken = len(own) - 1 - int(own[::-1].argmax())
            if own[taken] >= min(least, 1.0 - 1e-10):
                free[taken] = False
                hits[row, place] = True
    return hits


def _measure_label(match: _Match, threshold: float) -> LabelDetection:
    curves = [_interpolate(hits, match.n) for hits in match.hits]
    averages = [float(curve.mean()) for curve, _ in curves]
    precision, recall, f1 = _rates(match.right(threshold), int((match.scores >= threshold).sum()), match.n)
    reached = curves[0][1]
    scores = [float(match.scores[place]) if place < len(match.scores) else 0.0 for place in reached]
    return LabelDetection(
        label=match.label,
        n=match.n,
        ap50=averages[0],
        ap50_95=float(np.mean(averages)),
        precision=precision,
        recall=recall,
        f1=f1,
        curve_precision=tuple(round(float(value), 6) for value in curves[0][0]),
        curve_score=tuple(round(score, 6) for score in scores),
    )


def _interpolate(hits: NDArray[np.bool_], count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the envelope of precision at the 101 recalls, 0 where not reached, and the boxes at which it is read."""
    if not count or not len(hits):
        return np.zeros(len(_RECALLS)), np.zeros(len(_RECALLS), np.int64) + len(hits)
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(right / count, _RECALLS, side="left")
    return np.where(places < len(hits), np.append(envelope, 0.0)[np.minimum(places, len(hits))], 0.0), places


def _mean(figures: Sequence[LabelDetection]) -> tuple[float | None, float | None]:
    there = [one for one in figures if one.n]
    if not there:
        return None, None
    return float(np.mean([one.ap50 for one in there])), float(np.mean([one.ap50_95 for one in there]))


def _rates(hits: int, claimed: int, count: int) -> tuple[float, float, float]:
    """Return precision, recall and F1."""
    precision = hits / claimed if claimed else 0.0
    recall = hits / count if count else 0.0
    return precision, recall, (2.0 * hits / (claimed + count) if hits else 0.0)


def _corners(boxes: Sequence[LabeledBox] | Sequence[ScoredBox]) -> NDArray[np.float64]:
    rows = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes]
    return np.array(rows, np.float64).reshape(len(rows), 4)
