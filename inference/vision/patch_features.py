"""Patch features: what building, calibrating and inspecting start from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from inference.errors import InferenceError
from inference.vision.detection_config import PatchCoreConfig
from inference.vision.graphs import GraphSpec
from inference.vision.input_preparation import check_image, choose_input_shape, even_light, prepare_input
from inference.vision.runtime import FeatureRuntime

if TYPE_CHECKING:
    from inference.vision.local_colour import LocalColour
    from inference.vision.tiled_extraction import TiledImages

__all__ = [
    "BATCH_SIZE",
    "ImageSource",
    "PatchFeatures",
    "PatchGroup",
    "Progress",
    "check_image",
    "choose_input_shape",
    "compute_patches",
    "even_light",
    "prepare_input",
]

Progress = Callable[[str, int, int], None]

BATCH_SIZE = 8


@dataclass(frozen=True)
class ImageSource:
    """An image that is loaded when it is needed; `load` gives RGB uint8 H×W×3, or raises ImageError."""

    key: str
    load: Callable[[], np.ndarray]


@dataclass(frozen=True)
class PatchGroup:
    """Some images' patches, as float32 rows.

    `rows` (n, D) are all patches of the group, or its coreset when memory did not suffice for all (`radius` > 0
    then says how far a dropped patch may be from a kept one). `owners` (n,) gives the index of the image that
    each row comes from, `cells` (n,) its place in the image's grid.
    """

    rows: np.ndarray
    owners: np.ndarray
    cells: np.ndarray
    radius: float = 0.0


@dataclass(frozen=True)
class PatchFeatures:
    """The patches of a set of images, ready to build and to cross-fit banks from.

    `samples` maps an image's index to all its patches (P, D); in memory-saving mode that is only a part of
    the images. `mirrored` are the patches of the only image seen in a mirror, when there is but one. Of images that
    are seen in `tiles` there are no samples: they are opened again; `grid` is that of a tile then, and the cells of
    the groups are places on `tiling.PLACES`. `colour_scale` (3,) is that of the last three columns, where these are
    of colour.
    """

    config: PatchCoreConfig
    graph: GraphSpec
    grid: tuple[int, int]
    keys: tuple[str, ...]
    groups: tuple[PatchGroup, ...]
    reduced: bool
    first_input: np.ndarray
    runtime: FeatureRuntime
    samples: dict[int, np.ndarray] = field(repr=False, default_factory=dict)
    skipped: dict[str, InferenceError] = field(default_factory=dict)
    mirrored: np.ndarray | None = None
    colour_scale: np.ndarray | None = None
    tiles: TiledImages | None = None

    @property
    def patch_count(self) -> int:
        """Patches of all images, those let go included."""
        if self.tiles is not None:
            return self.tiles.patch_count
        return len(self.keys) * self.grid[0] * self.grid[1]


def compute_patches(
    runtime: FeatureRuntime, batch: np.ndarray, *, colour: LocalColour | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Patches of a prepared batch (N, H, W, 3) as float32 (N, D, P) with the grid (rows, columns), P = rows·columns.

    With `colour` its columns follow those of the backbone.
    """
    (maps,) = runtime.features(batch)
    count, dimension, rows, columns = maps.shape
    patches = maps.reshape(count, dimension, rows * columns)
    if colour is None:
        return patches, (rows, columns)
    described = np.stack([colour.describe(pixels, (rows, columns)) for pixels in batch])
    return np.concatenate([patches, described], axis=1), (rows, columns)
