"""How good masks are at every threshold at once: pixels by how sure the network is, what it names, and the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.vision.learning.dense.inputs import UNKNOWN
from inference.vision.learning.measures.segmentation import SegmentationFigures, measure_pixels

# Thresholds that are tried. A head fitted on as many defective places as sound ones is sure of much: close to 1 too.
THRESHOLDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)
# Judged is every second row and column of the input.
_EVERY = 2
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class PixelCounts:
    """The pixels of one image: int64 (thresholds + 1, K labels named, K + 1 true, “nothing” first).

    In row i lie those whose probability of a defect is at or above i of THRESHOLDS.
    """

    values: NDArray[np.int64]

    def confusion(self, place: int) -> NDArray[np.int64]:
        """Return truth × found, “nothing” first, at the threshold of that place: int64 (K+1, K+1)."""
        above = self.values[place + 1 :].sum(axis=0)
        below = self.values[: place + 1].sum(axis=(0, 1))
        return np.concatenate([below[:, None], above.T], axis=1)


def count_image(probabilities: np.ndarray, mask: NDArray[np.uint8]) -> PixelCounts:
    """Return the counts of (K+1)×h×w over nothing and the labels, beside a mask of the input as `DenseInput`'s."""
    truth = mask[_EVERY // 2 :: _EVERY, _EVERY // 2 :: _EVERY]
    height, width = truth.shape
    planes = [
        np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR))
        for plane in np.asarray(probabilities, np.float32)
    ]
    named = np.argmax(planes[1:], axis=0)
    defective = np.clip(np.float32(1.0) - planes[0], 0.0, 1.0)
    step = np.searchsorted(np.array(THRESHOLDS, np.float32), defective, side="right")
    labels = len(planes) - 1
    counted = truth != UNKNOWN
    flat = (step[counted] * labels + named[counted]) * (labels + 1) + truth[counted]
    size = (len(THRESHOLDS) + 1) * labels * (labels + 1)
    counts = np.bincount(flat.astype(np.int64), minlength=size)
    return PixelCounts(counts.reshape(len(THRESHOLDS) + 1, labels, labels + 1).astype(np.int64))


def choose_threshold(labels: Sequence[str], counts: Sequence[PixelCounts]) -> tuple[int, SegmentationFigures]:
    """Return the place among THRESHOLDS of the best F1 of pixels, and the figures at it.

    Of equally good ones the one nearest to .5 is taken.
    """
    found = [measure_pixels(labels, [one.confusion(place) for one in counts]) for place in range(len(THRESHOLDS))]
    best = max(figures.f1 or 0.0 for figures in found)
    equal = [place for place, figures in enumerate(found) if (figures.f1 or 0.0) >= best - _ROUNDING]
    chosen = min(equal, key=lambda place: (abs(THRESHOLDS[place] - 0.5), place))
    return chosen, found[chosen]
