"""Distances of an image's patches to a memory bank, and its score."""

from __future__ import annotations

import numpy as np

from inference.vision.detection.features.tiled_image import Report, TiledImage
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.memory_bank import Bank
from inference.vision.detection.patchcore.projection import Projection
from inference.vision.detection.scoring import score_distances, smooth_distances, valid_cells


def measure_patches(bank: Bank, patches: np.ndarray, config: PatchCoreConfig, *, grid: tuple[int, int]) -> np.ndarray:
    """Return the distances of one image's patches (D, P) to a bank, smoothed over the grid (rows, columns).

    `patches` are in the bank's space; the distances are float32 (P,).
    """
    distances = bank.distances(patches, neighbours=config.neighbours)
    valid = valid_cells(config.preprocessing, grid)
    return smooth_distances(distances, sigma=config.smoothing_cells, grid=grid, valid=valid)


def score_patches(bank: Bank, patches: np.ndarray, config: PatchCoreConfig, *, grid: tuple[int, int]) -> float:
    """Return the score of one image's patches (D, P), in the bank's space, against a bank."""
    distances = measure_patches(bank, patches, config, grid=grid)
    return score_distances(distances, valid=valid_cells(config.preprocessing, grid), share=config.score_share)[0]


def measure_tiled(
    image: TiledImage,
    bank: Bank,
    projection: Projection | None,
    config: PatchCoreConfig,
    *,
    report: Report | None = None,
) -> np.ndarray:
    """Return the distances of all patches of an image to the bank, float32 (P,), smoothed over its whole grid.

    `report` is called for every few tiles and may raise.
    """
    distances = np.zeros(image.plan.grid[0] * image.plan.grid[1], np.float32)
    for cells, patches in image.stream(report):
        queries = patches if projection is None else projection.apply(patches)
        distances[cells] = bank.distances(queries, neighbours=config.neighbours)
    return smooth_distances(distances, sigma=config.smoothing_cells, grid=image.plan.grid, valid=image.valid)


def score_tiled(
    image: TiledImage,
    bank: Bank,
    projection: Projection | None,
    config: PatchCoreConfig,
    *,
    report: Report | None = None,
) -> float:
    """Return the score of an image that is looked at in tiles against a bank; `report` as in `measure_tiled`."""
    distances = measure_tiled(image, bank, projection, config, report=report)
    return score_distances(distances, valid=image.valid, share=image.score_share)[0]
