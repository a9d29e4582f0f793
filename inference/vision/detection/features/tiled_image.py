"""One large image, looked at tile by tile, and its patches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from inference.vision.detection.detector import ImageSource
from inference.vision.detection.features.config import PatchConfig
from inference.vision.detection.features.local_color import LocalColor, fit_local_color, measure_color
from inference.vision.detection.features.tiling import TilePlan, patches_at, plan_tiles, prepare_tiles, stream_patches
from inference.vision.detection.scoring import valid_cells
from inference.vision.images.input_pixels import check_image
from inference.vision.networks.runtime import BATCH_SIZE, FeatureRuntime

Report = Callable[[], None]


@dataclass(frozen=True)
class TiledImage:
    """`pixels` as tiles are cut from them, the `plan` of the cuts, and which cells of the whole grid count.

    `colors` (3, P) are the columns for the color of the cells of the whole grid, where patches have them.
    """

    config: PatchConfig
    runtime: FeatureRuntime = field(repr=False)
    plan: TilePlan
    pixels: np.ndarray = field(repr=False)
    valid: np.ndarray | None = field(repr=False)
    colors: np.ndarray | None = field(repr=False, default=None)

    @property
    def score_share(self) -> float:
        """The share of the patches that make the score: as many patches as of an image that is seen at once."""
        return self.config.score_share * self.plan.view_share

    def stream(self, report: Report | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield as `stream_patches` does; what does not count may be among the patches."""
        for cells, patches in stream_patches(self.runtime, self.pixels, self.plan, valid=self.valid, report=report):
            yield cells, self._with_color(patches, cells)

    def patches_at(self, cells: np.ndarray) -> np.ndarray:
        """Return the patches of a few cells of the whole grid: float32 (D, n)."""
        return self._with_color(patches_at(self.runtime, self.pixels, self.plan, cells=cells), cells)

    def fit_color(self) -> LocalColor:
        """Return what gives patches their color: by all of this image, and by the features of its first tiles."""
        # One tile may lie almost wholly outside of what counts; a batch of them is computed at once anyway.
        first = list(islice(self.stream(), BATCH_SIZE))
        cells = np.concatenate([part for part, _ in first])
        patches = np.concatenate([part for _, part in first], axis=1)
        counted = np.ones(len(cells), np.bool_) if self.valid is None else self.valid[cells]
        shown = np.ones(self.plan.grid, np.bool_).ravel() if self.valid is None else self.valid
        colors = measure_color(_inside(self.pixels, self.plan), self.plan.grid, valid=self.valid)
        return fit_local_color(colors[:, shown], patches[:, counted], self.config)

    def _with_color(self, patches: np.ndarray, cells: np.ndarray) -> np.ndarray:
        return patches if self.colors is None else np.concatenate([patches, self.colors[:, cells]])


def open_tiled(
    image: np.ndarray, config: PatchConfig, runtime: FeatureRuntime, *, color: LocalColor | None
) -> TiledImage:
    """Return the image, RGB uint8 of any size, ready to be cut. Raises ModelError(`image_wrong_shape`)."""
    plan = plan_tiles(image.shape, config)
    pixels = prepare_tiles(image, config, plan)
    # Measured on the whole image, so that color has no seams either.
    colors = None if color is None else color.describe(_inside(pixels, plan), plan.grid)
    return TiledImage(config, runtime, plan, pixels, valid_cells(config.preprocessing, plan.grid), colors)


@dataclass(frozen=True)
class TiledImages:
    """The images that patches were taken of, to be opened again by their index."""

    config: PatchConfig
    runtime: FeatureRuntime
    sources: tuple[ImageSource, ...]
    patch_count: int
    color: LocalColor | None

    def keep(self, indices: Sequence[int]) -> TiledImages:
        """Return these images alone, in this order; each counts for as many patches as another."""
        count = round(self.patch_count * len(indices) / len(self.sources))
        return replace(self, sources=tuple(self.sources[index] for index in indices), patch_count=count)

    def open(self, index: int, *, mirrored: bool = False) -> TiledImage:
        """Return one image, or what a mirror shows of it. Raises ImageError where it cannot be read any more."""
        image = check_image(self.sources[index].load())
        shown = np.ascontiguousarray(image[:, ::-1]) if mirrored else image
        return open_tiled(shown, self.config, self.runtime, color=self.color)


def _inside(pixels: np.ndarray, plan: TilePlan) -> np.ndarray:
    """Return the pixels without what was added to an image that is smaller than a tile."""
    height, width = plan.size_px
    return pixels[:height, :width]
