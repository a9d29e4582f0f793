"""The patches of one image, whether it is seen at once or in tiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from inference.vision.detection.features.config import AnyPatchConfig
from inference.vision.detection.features.patch_features import PatchFeatures
from inference.vision.detection.features.tiled_image import TiledImage
from inference.vision.detection.scoring import valid_cells

Measure = Callable[[np.ndarray], np.ndarray]


class ImagePatches(Protocol):
    """`grid` (rows, columns) is that of all patches, `valid` bool (P,) says which count; None: all."""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the patches."""
        ...

    @property
    def valid(self) -> np.ndarray | None:
        """Which patches count."""
        ...

    def at(self, cells: np.ndarray) -> np.ndarray:
        """Return the patches of these cells, int (n,), as rows: float32 (n, D)."""
        ...

    def measure(self, function: Measure) -> np.ndarray:
        """Return what the function gives of all patches: from float32 (D, n) to (m, n), here (m, P)."""
        ...


@dataclass(frozen=True)
class WholeImage:
    """Patches `rows` float32 (P, D) that are at hand."""

    rows: np.ndarray = field(repr=False)
    grid: tuple[int, int]
    valid: np.ndarray | None = field(repr=False, default=None)

    def at(self, cells: np.ndarray) -> np.ndarray:
        """Return the patches of these cells as rows."""
        return np.asarray(self.rows[cells], np.float32)

    def measure(self, function: Measure) -> np.ndarray:
        """Return what the function gives of all patches."""
        return function(self.rows.T)


@dataclass(frozen=True)
class InTiles:
    """Patches of an image that is looked at tile by tile: each look computes them anew."""

    image: TiledImage

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the patches of the whole image."""
        return self.image.plan.grid

    @property
    def valid(self) -> np.ndarray | None:
        """Which patches count."""
        return self.image.valid

    def at(self, cells: np.ndarray) -> np.ndarray:
        """Return the patches of these cells as rows."""
        return np.ascontiguousarray(self.image.patches_at(np.asarray(cells)).T)

    def measure(self, function: Measure) -> np.ndarray:
        """Return what the function gives of all patches; 0 where no tile was looked at."""
        found: np.ndarray | None = None
        for cells, patches in self.image.stream():
            part = function(patches)
            if found is None:
                found = np.zeros((len(part), self.grid[0] * self.grid[1]), np.float32)
            found[:, cells] = part
        return np.zeros((0, 0), np.float32) if found is None else found


def open_patches(features: PatchFeatures[AnyPatchConfig], index: int) -> ImagePatches | None:
    """Return the patches of one image of the features; None where only a part of them was kept.

    Raises ImageError where an image that is looked at in tiles cannot be read any more.
    """
    if features.tiles is not None:
        return InTiles(features.tiles.open(index))
    if index not in features.samples:
        return None
    return WholeImage(features.samples[index], features.grid, valid_cells(features.config.preprocessing, features.grid))
