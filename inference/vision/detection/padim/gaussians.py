"""One Gaussian for each place of an image: fitted by anomalib's model, asked with NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.parallel import map_blocks

_BLOCK_PLACES = 128


@dataclass(frozen=True)
class Gaussians:
    """`mean` (P, d) and `inverse_covariance` (P, d, d) of each place, float32, of features divided by `spread` (d,)."""

    mean: np.ndarray
    inverse_covariance: np.ndarray
    spread: np.ndarray

    def distances(self, patches: np.ndarray) -> np.ndarray:
        """Mahalanobis distance of each place's features: float32 (P, d) to float32 (P,). Read-only."""
        off = patches / self.spread - self.mean

        def measure(block: slice) -> np.ndarray:
            weighted = np.matmul(self.inverse_covariance[block], off[block][:, :, None])[:, :, 0]
            squares: np.ndarray = np.einsum("pd,pd->p", weighted, off[block])
            return squares

        blocks = (slice(start, start + _BLOCK_PLACES) for start in range(0, len(off), _BLOCK_PLACES))
        distances: np.ndarray = np.sqrt(np.maximum(np.concatenate(map_blocks(measure, blocks)), 0.0))
        return distances


def fit_gaussians(patches: np.ndarray) -> Gaussians:
    """Return the Gaussians of float32 patches (N, P, d) of N normal images, as anomalib's PaDiM fits them.

    Features are first brought to one spread per channel, because anomalib adds a fixed 0.01 to every variance: that
    is a prior, and it should mean the same for every backbone. Of a single image, which has no variance, the prior
    is all there is. Imports torch and anomalib (many seconds).
    """
    import torch
    from anomalib.models.components.stats import MultiVariateGaussian

    count, _places, dimension = patches.shape
    spread = np.maximum(patches.reshape(-1, dimension).std(axis=0, dtype=np.float64), 1e-6).astype(np.float32)
    observed = np.ascontiguousarray((patches / spread).transpose(0, 2, 1), dtype=np.float32)
    if count == 1:
        # The unbiased covariance of one observation is 0/0; of the same one twice it is 0.
        observed = np.repeat(observed, 2, axis=0)
    with torch.inference_mode():
        mean, inverse = MultiVariateGaussian().fit(torch.from_numpy(observed)[..., None])
    return Gaussians(
        mean=np.ascontiguousarray(mean.numpy().T),
        inverse_covariance=np.ascontiguousarray(inverse.numpy()),
        spread=spread,
    )
