"""One large image, looked at tile by tile: its patches, their distances to a bank, and its score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from inference.vision.bank import Bank
from inference.vision.detection_config import PatchCoreConfig
from inference.vision.projection import Projection
from inference.vision.runtime import FeatureRuntime
from inference.vision.scoring import score_distances, smooth_distances, valid_cells
from inference.vision.tiling import TilePlan, patches_at, plan_tiles, prepare_tiles, stream_patches

Report = Callable[[], None]


@dataclass(frozen=True)
class TiledImage:
    """`pixels` as tiles are cut from them, the `plan` of the cuts, and which cells of the whole grid count."""

    config: PatchCoreConfig
    runtime: FeatureRuntime = field(repr=False)
    plan: TilePlan
    pixels: np.ndarray = field(repr=False)
    valid: np.ndarray | None = field(repr=False)

    @property
    def score_share(self) -> float:
        """The share of the patches that make the score: as many patches as of an image that is seen at once."""
        return self.config.score_share * self.plan.view_share

    def stream(self, report: Report | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """As `stream_patches`; what does not count may be among the patches."""
        return stream_patches(self.runtime, self.pixels, self.plan, valid=self.valid, report=report)

    def measure(self, bank: Bank, projection: Projection | None, *, report: Report | None = None) -> np.ndarray:
        """Distances of all patches to the bank, float32 (P,), smoothed over the whole grid."""
        distances = np.zeros(self.plan.grid[0] * self.plan.grid[1], np.float32)
        for cells, patches in self.stream(report):
            queries = patches if projection is None else projection.apply(patches)
            distances[cells] = bank.distances(queries, neighbours=self.config.neighbours)
        return smooth_distances(distances, self.config, grid=self.plan.grid, valid=self.valid)

    def score(self, bank: Bank, projection: Projection | None, *, report: Report | None = None) -> float:
        """The image's score against a bank."""
        distances = self.measure(bank, projection, report=report)
        return score_distances(distances, valid=self.valid, share=self.score_share)[0]

    def patches_at(self, cells: np.ndarray) -> np.ndarray:
        """The patches of a few cells of the whole grid: float32 (D, n)."""
        return patches_at(self.runtime, self.pixels, self.plan, cells=cells)


def open_tiled(image: np.ndarray, config: PatchCoreConfig, runtime: FeatureRuntime) -> TiledImage:
    """The image, RGB uint8 of any size, preprocessed and ready to be cut. Raises ModelError(`image_wrong_shape`)."""
    plan = plan_tiles(image.shape, config)
    return TiledImage(config, runtime, plan, prepare_tiles(image, config, plan), valid_cells(config, plan.grid))
