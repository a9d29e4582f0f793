"""The patches of prepared images."""

from __future__ import annotations

import numpy as np

from inference.vision.detection.features.local_color import LocalColor
from inference.vision.networks.runtime import FeatureRuntime


def compute_patches(
    runtime: FeatureRuntime, batch: np.ndarray, *, color: LocalColor | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the patches of a prepared batch (N, H, W, 3), float32 (N, D, P), and their grid (rows, columns).

    P is rows·columns. With `color` its columns follow those of the backbone.
    """
    (maps,) = runtime.features(batch)
    count, dimension, rows, columns = maps.shape
    patches = maps.reshape(count, dimension, rows * columns)
    if color is None:
        return patches, (rows, columns)
    described = np.stack([color.describe(pixels, (rows, columns)) for pixels in batch])
    return np.concatenate([patches, described], axis=1), (rows, columns)
