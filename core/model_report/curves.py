"""ROC and precision-recall curves of scored test images, thin enough to draw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.model_report.intervals import arrays_of
from core.model_report.records import Curve, ScoredImage

# A screen shows no more; ends and corners stay.
MOST_POINTS = 500


def roc_of(images: Sequence[ScoredImage]) -> Curve | None:
    """Return the share of defects found (y) by the share of good images stopped (x); None without one of the classes.

    A threshold stops the images that score at or above it; the first point stops none.
    """
    found = arrays_of(images)
    n_defect, n_good = int(found.labels.sum()), int((~found.labels).sum())
    if not n_defect or not n_good:
        return None
    thresholds, hits, alarms = _walk(found.scores, found.labels)
    return _thin(
        np.r_[0.0, alarms / n_good], np.r_[0.0, hits / n_defect], np.r_[np.nextafter(thresholds[0], np.inf), thresholds]
    )


def precision_recall_of(images: Sequence[ScoredImage]) -> Curve | None:
    """Return the share of defects among the images stopped (y) by the share of defects found (x), on the test images.

    On a line with fewer defects than the test images have, the precision is lower. None without one of the classes.
    """
    found = arrays_of(images)
    n_defect, n_good = int(found.labels.sum()), int((~found.labels).sum())
    if not n_defect or not n_good:
        return None
    thresholds, hits, alarms = _walk(found.scores, found.labels)
    return _thin(hits / n_defect, hits / (hits + alarms), thresholds)


def _walk(
    scores: NDArray[np.float64], labels: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return every distinct score from the highest on, with the defects and the good images at or above it."""
    order = np.argsort(-scores, kind="stable")
    ranked, truth = scores[order], labels[order]
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    hits = np.cumsum(truth, dtype=np.int64)[last]
    return ranked[last], hits, last + 1 - hits


def _thin(x: NDArray[np.float64], y: NDArray[np.float64], thresholds: NDArray[np.float64]) -> Curve:
    """Return the corners of a curve, and of those an even choice where they are too many."""
    # A point between two others of the same x, or of the same y, draws nothing.
    inner = np.ones(len(x), dtype=bool)
    if len(x) > 2:
        same_x = (x[1:-1] == x[:-2]) & (x[1:-1] == x[2:])
        same_y = (y[1:-1] == y[:-2]) & (y[1:-1] == y[2:])
        inner[1:-1] = ~(same_x | same_y)
    kept = np.flatnonzero(inner)
    if len(kept) > MOST_POINTS:
        kept = kept[np.unique(np.linspace(0, len(kept) - 1, MOST_POINTS).round().astype(int))]
    return Curve(tuple(x[kept].tolist()), tuple(y[kept].tolist()), tuple(thresholds[kept].tolist()))
