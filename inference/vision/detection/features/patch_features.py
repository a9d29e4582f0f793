"""Patch features: what building, calibrating and inspecting start from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Self

import numpy as np

from inference.errors import InferenceError
from inference.vision.detection.features.config import AnyPatchConfig
from inference.vision.detection.features.tiled_image import TiledImages
from inference.vision.learning.splits import fold_parts
from inference.vision.networks.graphs import GraphSpec
from inference.vision.networks.runtime import FeatureRuntime


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
class PatchFeatures(Generic[AnyPatchConfig]):
    """The patches of a set of images, ready to build and to cross-fit banks from.

    `parts` names the part that each image shows, in the order of `keys`; empty: every image is its own.
    `samples` maps an image's index to all its patches (P, D); in memory-saving mode that is only a part of
    the images. `mirrored` are the patches of the only image seen in a mirror, when there is but one. Of images that
    are seen in `tiles` there are no samples: they are opened again; `grid` is that of a tile then, and the cells of
    the groups are places on `tiling.PLACES`. `color_scale` (3,) is that of the last three columns, where these are
    of color.
    """

    config: AnyPatchConfig
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
    color_scale: np.ndarray | None = None
    tiles: TiledImages | None = None
    parts: tuple[str, ...] = ()

    def fold(self, members: Sequence[int], *, folds: int) -> np.ndarray:
        """Return the fold of each of these images by their index, never two folds for one part: int64 (n,).

        Of images that all show one part each is a part of its own, because there is no other view of normal.
        """
        names = self.parts or self.keys
        parts = [names[index] for index in members]
        if len(set(parts)) == 1:
            parts = [self.keys[index] for index in members]
        return fold_parts(parts, folds=folds)

    def leave_out(self, keys: Collection[str]) -> Self | None:
        """Return the features without these images; None where none is left.

        What the configuration left to the images (light, color) stays as all of them decided it.
        """
        kept = [index for index, key in enumerate(self.keys) if key not in keys]
        if not kept:
            return None
        number = np.full(len(self.keys), -1, np.int32)
        number[kept] = np.arange(len(kept), dtype=np.int32)
        groups = []
        for group in self.groups:
            inside = number[group.owners] >= 0
            groups.append(
                PatchGroup(group.rows[inside], number[group.owners[inside]], group.cells[inside], group.radius)
            )
        return replace(
            self,
            keys=tuple(self.keys[index] for index in kept),
            parts=tuple(self.parts[index] for index in kept) if self.parts else (),
            groups=tuple(group for group in groups if len(group.rows)),
            samples={int(number[index]): rows for index, rows in self.samples.items() if number[index] >= 0},
            tiles=None if self.tiles is None else self.tiles.keep(kept),
        )

    @property
    def patch_count(self) -> int:
        """Patches of all images, dropped ones included."""
        if self.tiles is not None:
            return self.tiles.patch_count
        return len(self.keys) * self.grid[0] * self.grid[1]
