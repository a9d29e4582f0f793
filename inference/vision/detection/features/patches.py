"""The patches of prepared images, and the images that they are taken of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inference.vision.detection.features.local_color import LocalColor
from inference.vision.networks.runtime import FeatureRuntime

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ImageSource:
    """An image that is loaded when it is needed; `load` gives RGB uint8 H×W×3, or raises ImageError."""

    key: str
    load: Callable[[], np.ndarray]


def compute_patches(
    runtime: FeatureRuntime, batch: np.ndarray, *, color: LocalColor | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Patches of a prepared batch (N, H, W, 3) as float32 (N, D, P) with the grid (rows, columns), P = rows·columns.

    With `color` its columns follow those of the backbone.
    """
    (maps,) = runtime.features(batch)
    count, dimension, rows, columns = maps.shape
    patches = maps.reshape(count, dimension, rows * columns)
    if color is None:
        return patches, (rows, columns)
    described = np.stack([color.describe(pixels, (rows, columns)) for pixels in batch])
    return np.concatenate([patches, described], axis=1), (rows, columns)
