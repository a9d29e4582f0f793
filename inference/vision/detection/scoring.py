"""From the distances of patches to the score of an image."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from inference.errors import InferenceError
from inference.vision.images.preprocessing import Preprocessing


@dataclass(frozen=True)
class PatchDistances:
    """How far each patch of an image is from normal: float32 `values` (P,) on `grid` (rows, columns).

    `valid` (P,) says which cells count, None: all. `share` is the share of all patches that make the score.
    """

    values: np.ndarray = field(repr=False)
    grid: tuple[int, int]
    valid: np.ndarray | None = field(repr=False)
    share: float

    @property
    def score(self) -> float:
        """The image's score."""
        return score_distances(self.values, valid=self.valid, share=self.share)[0]

    def highest(self) -> np.ndarray:
        """Return the cells that make the score, highest first: int64 (n,)."""
        return score_distances(self.values, valid=self.valid, share=self.share)[1]

    def scale(self, factor: float) -> PatchDistances:
        """Return all distances times `factor`."""
        return replace(self, values=self.values * np.float32(factor))


def valid_cells(preprocessing: Preprocessing, grid: tuple[int, int]) -> np.ndarray | None:
    """Return which cells of the grid (rows, columns) count, bool (P,); None when all do.

    Raises InferenceError(`preprocessing_nothing_left`) where none does.
    """
    if preprocessing.region_of_interest is None and not preprocessing.ignore:
        return None
    valid = preprocessing.valid_mask(*grid).ravel()
    if not valid.any():
        raise InferenceError("preprocessing_nothing_left")
    return valid


def score_distances(
    distances: np.ndarray, *, valid: np.ndarray | None = None, share: float = 0.01
) -> tuple[float, np.ndarray]:
    """Return the image's score, the mean of the highest `share` of all patches, and these cells, highest first."""
    count = max(1, round(len(distances) * share))
    considered = distances if valid is None else np.where(valid, distances, np.float32(-1.0))
    count = min(count, len(distances) if valid is None else int(valid.sum()))
    highest = np.argpartition(considered, len(considered) - count)[len(considered) - count :]
    highest = highest[np.argsort(-considered[highest], kind="stable")]
    return float(considered[highest].mean(dtype=np.float32)), highest


def smooth_distances(
    distances: np.ndarray, *, sigma: float, grid: tuple[int, int], valid: np.ndarray | None
) -> np.ndarray:
    """Return distances (P,) on a grid (rows, columns), each smoothed with its neighbours: float32 (P,).

    It is 0 where a cell is not `valid`. `sigma` is that of a Gaussian, in cells; 0: as they are.
    A single patch far away may be noise; one with neighbours that are far, too, is a finding. What does not count has
    no say in what does.
    """
    if sigma <= 0.0:
        return distances if valid is None else np.where(valid, distances, np.float32(0.0))
    if valid is None:
        return _blur(distances.reshape(grid), sigma).ravel()
    weight = _blur(valid.reshape(grid).astype(np.float32), sigma).ravel()
    smooth = _blur(np.where(valid, distances, np.float32(0.0)).reshape(grid), sigma).ravel()
    return np.asarray(np.where(valid, smooth / np.maximum(weight, 1e-6), np.float32(0.0)), np.float32)


def mean_of_highest(values: np.ndarray, count: int) -> float:
    """Return the mean of the `count` highest values."""
    return float(np.partition(values, len(values) - count)[len(values) - count :].mean(dtype=np.float32))


def _blur(values: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)
