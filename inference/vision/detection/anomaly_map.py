"""From the distances of an image's patches to the map that a person sees."""

from __future__ import annotations

import cv2
import numpy as np

from inference.vision.detection.scoring import mean_of_highest
from inference.vision.images.preprocessing import Preprocessing


def draw_map(
    distances: np.ndarray,
    grid: tuple[int, int],
    *,
    size_px: tuple[int, int],
    score: float,
    score_share: float,
    blur_sigma_px: float,
    preprocessing: Preprocessing,
) -> np.ndarray:
    """Return float32 (height, width) of `size_px` from float32 distances (P,) on `grid` (rows, columns).

    Both have the same unit.

    Smoothed, 0 where nothing counts, and scaled so that its highest part, of the same share as the patches in the
    score, reaches the score: map and score are read against the same thresholds, but blurring lowers narrow peaks.
    """
    height, width = size_px
    counted_px = height * width
    if preprocessing.region_of_interest is None and not preprocessing.ignore:
        drawn = _spread(distances.reshape(grid), size_px, blur_sigma_px)
    else:
        # Only cells that count have a say, each as much as it covers: no finding fades beside what is ignored.
        counts = preprocessing.valid_mask(*grid).astype(np.float32)
        drawn = _spread(distances.reshape(grid) * counts, size_px, blur_sigma_px)
        drawn /= np.maximum(_spread(counts, size_px, blur_sigma_px), 1e-3)
        shown = preprocessing.valid_mask(height, width)
        drawn *= shown
        counted_px = int(shown.sum())
    peak = mean_of_highest(drawn.ravel(), max(1, min(round(drawn.size * score_share), counted_px)))
    return drawn * np.float32(score / peak) if peak > 0.0 else drawn


def _spread(values: np.ndarray, size_px: tuple[int, int], blur_sigma_px: float) -> np.ndarray:
    height, width = size_px
    drawn = cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
    if blur_sigma_px > 0:
        drawn = cv2.GaussianBlur(drawn, (0, 0), blur_sigma_px, borderType=cv2.BORDER_REFLECT)
    return np.asarray(drawn, np.float32)
