"""Distances of an image's patches to a memory bank, and its score."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from inference.vision.detection.features.tiled_image import Report, TiledImage
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.memory_bank import Bank
from inference.vision.detection.patchcore.projection import Projection
from inference.vision.detection.scoring import PatchDistances, smooth_distances, valid_cells


def measure_patches(
    bank: Bank, patches: np.ndarray, config: PatchCoreConfig, *, grid: tuple[int, int]
) -> PatchDistances:
    """Return the distances of one image's patches (D, P) to a bank, smoothed over the grid (rows, columns).

    `patches` are in the bank's space.
    """
    distances = bank.distances(patches, neighbours=config.neighbours)
    valid = valid_cells(config.preprocessing, grid)
    smooth = smooth_distances(distances, sigma=config.smoothing_cells, grid=grid, valid=valid)
    return PatchDistances(smooth, grid, valid, config.score_share)


def measure_tiled(
    image: TiledImage,
    bank: Bank,
    projection: Projection | None,
    config: PatchCoreConfig,
    *,
    report: Report | None = None,
    also: Callable[[np.ndarray, np.ndarray], None] | None = None,
) -> PatchDistances:
    """Return the distances of all patches of an image to the bank, smoothed over its whole grid.

    `report` is called for every few tiles and may raise; `also` gets the cells and patches (D, n) of each look.
    """
    distances = np.zeros(image.plan.grid[0] * image.plan.grid[1], np.float32)
    for cells, patches in image.stream(report):
        queries = patches if projection is None else projection.apply(patches)
        distances[cells] = bank.distances(queries, neighbours=config.neighbours)
        if also is not None:
            also(cells, patches)
    smooth = smooth_distances(distances, sigma=config.smoothing_cells, grid=image.plan.grid, valid=image.valid)
    return PatchDistances(smooth, image.plan.grid, image.valid, image.score_share)
