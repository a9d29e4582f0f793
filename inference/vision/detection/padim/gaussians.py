"""One Gaussian for each place of an image (as in Defard et al., ICPR 2020): fitted and asked with NumPy alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from inference.parallel import map_blocks

# Matrices of so many places at a time stay in a core's cache, and in double precision cost little memory.
_BLOCK_PLACES = 128
_FIT_BLOCK_PLACES = 32
# Added to every variance, as a prior: anomalib's 0.01, and what it adds to that for stability.
_PRIOR_VARIANCE = 0.01 + 1e-5


@dataclass(frozen=True)
class Gaussians:
    """`mean` (P, d) and `inverse_covariance` (P, d, d) of each place, float32, of features divided by `spread` (d,)."""

    mean: np.ndarray
    inverse_covariance: np.ndarray
    spread: np.ndarray

    def distances(self, patches: np.ndarray) -> np.ndarray:
        """Return the Mahalanobis distance of each place's features: float32 (P, d) to float32 (P,). Read-only."""
        off = patches / self.spread - self.mean

        def measure(block: slice) -> np.ndarray:
            weighted = np.matmul(self.inverse_covariance[block], off[block][:, :, None])[:, :, 0]
            squares: np.ndarray = np.einsum("pd,pd->p", weighted, off[block])
            return squares

        blocks = _split_places(len(off), _BLOCK_PLACES)
        distances: np.ndarray = np.sqrt(np.maximum(np.concatenate(map_blocks(measure, blocks)), 0.0))
        return distances


def fit_gaussians(patches: np.ndarray) -> Gaussians:
    """Return the Gaussians of float32 patches (N, P, d) of N normal images.

    Features are first brought to one spread per channel, because a fixed prior is added to every variance: it should
    mean the same for every backbone. Of a single image, which has no variance, the prior is all there is. Covariances
    (unbiased) are summed up and inverted in double precision, a few places at a time.
    """
    count, place_count, dimension = patches.shape
    spread = _measure_spread(patches)
    mean = np.empty((place_count, dimension), np.float32)
    inverse = np.empty((place_count, dimension, dimension), np.float32)
    prior = _PRIOR_VARIANCE * np.eye(dimension)

    def fit(block: slice) -> None:
        rows = np.divide(patches[:, block], spread, dtype=np.float64).transpose(1, 0, 2)
        centers = rows.mean(axis=1, keepdims=True)
        rows -= centers
        covariance = np.matmul(rows.transpose(0, 2, 1), rows) / max(count - 1, 1)
        mean[block] = centers[:, 0]
        inverse[block] = np.linalg.inv(covariance + prior)

    map_blocks(fit, _split_places(place_count, _FIT_BLOCK_PLACES))
    return Gaussians(mean=mean, inverse_covariance=inverse, spread=spread)


def _measure_spread(patches: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each channel over all images and places, at least 1e-6: float32 (d,)."""
    center = patches.mean(axis=(0, 1), dtype=np.float64)
    # Image by image: the distances of all patches from the center at once would be twice as large as the patches.
    squares = sum(np.square(image - center).sum(axis=0) for image in patches)
    variance = squares / (patches.shape[0] * patches.shape[1])
    return np.asarray(np.maximum(np.sqrt(variance), 1e-6), np.float32)


def _split_places(count: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, count, size))
