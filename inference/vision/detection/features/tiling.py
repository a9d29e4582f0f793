"""Large images in overlapping tiles, so that a defect of a few pixels is not lost when the image is made small.

An image is brought to the scale at which a tile fills the backbone's input, and is cut there: no tile is resized by
itself. Tiles begin at multiples of the coarsest stride, so that the cells of all of them lie on one grid over the
whole image, and each stands only for cells that are far enough from its edge to have been seen with their
surroundings. The light and the preprocessing are those of the whole image. So there are no seams to hide.
Tiles are squares, or rectangles: those of a long strip cover its whole shorter side, and nothing beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from inference.vision.detection.features.config import PatchConfig
from inference.vision.detection.features.input_preparation import choose_input_shape, finish_input, input_step
from inference.vision.detection.features.patches import compute_patches
from inference.vision.images.input_pixels import check_image, resize_pixels
from inference.vision.networks.runtime import BATCH_SIZE, FeatureRuntime

# The margin that two tiles share on each side, as a part of a tile's side.
_HALO = 8
# Cells of images whose grids differ are told by their place on this one.
PLACES = (4096, 4096)


@dataclass(frozen=True)
class Window:
    """A tile: its top left pixel, and the cells (half-open, of the whole grid) that it stands for."""

    top: int
    left: int
    rows: tuple[int, int]
    columns: tuple[int, int]


@dataclass(frozen=True)
class TilePlan:
    """How one image is cut. `size_px` (height, width) is that of the image at the scale of the tiles.

    `tile_px` (height, width) is the size of a tile there, `cell_px` that of a cell, `grid` (rows, columns) covers the
    whole image.
    """

    size_px: tuple[int, int]
    tile_px: tuple[int, int]
    cell_px: int
    grid: tuple[int, int]
    windows: tuple[Window, ...]

    @property
    def view_share(self) -> float:
        """The share of the image's area that one tile sees: 1.0 where it sees all of it."""
        rows, columns = (length // self.cell_px for length in self.tile_px)
        return min(1.0, rows * columns / (self.grid[0] * self.grid[1]))


def tile_shape(config: PatchConfig) -> tuple[int, int]:
    """Return (height, width) of the backbone's input for tiles: that of the tiles, at the area of the usual square."""
    height, width = config.preprocessing.tile_px
    if height == width:
        return choose_input_shape([(1, 1)], config)
    step = input_step(config)
    longer = math.sqrt(max(height, width) / min(height, width))
    short_px = max(1, round(config.size_px / longer / step)) * step
    # A short side is rounded much: the long one follows it, and the tile keeps its shape.
    long_px = max(1, round(short_px * longer * longer / step)) * step
    return (short_px, long_px) if height < width else (long_px, short_px)


def plan_tiles(image_shape: tuple[int, ...], config: PatchConfig) -> TilePlan:
    """Return the tiles of an image of `image_shape` (height, width, …)."""
    tile_px, cell_px, coarsest = tile_shape(config), config.spec.strides[0], config.spec.strides[-1]
    scale = min(1.0, *(side / length for side, length in zip(tile_px, config.preprocessing.tile_px, strict=True)))
    height, width = (max(1, round(length * scale / coarsest)) * coarsest for length in image_shape[:2])
    down, across = (
        _divide(length, side, _halo(side, coarsest), cell_px)
        for length, side in zip((height, width), tile_px, strict=True)
    )
    return TilePlan(
        size_px=(height, width),
        tile_px=tile_px,
        cell_px=cell_px,
        grid=(height // cell_px, width // cell_px),
        windows=tuple(Window(top, left, rows, columns) for top, rows in down for left, columns in across),
    )


def count_tiles(image_shape: tuple[int, int], *, tile_px: tuple[int, int]) -> int:
    """Return about how many tiles of (height, width) an image of (height, width) has, for estimates."""
    counts = (
        1 + max(0, math.ceil((length - side) / (side * (1 - 2 / _HALO))))
        for length, side in zip(image_shape, tile_px, strict=True)
    )
    return math.prod(counts)


def prepare_tiles(image: np.ndarray, config: PatchConfig, plan: TilePlan) -> np.ndarray:
    """Return the whole image as tiles are cut from it: RGB uint8, at least one tile large. Raises ModelError."""
    height, width = plan.size_px
    pixels = config.preprocessing.apply(check_image(image))
    pixels = finish_input(resize_pixels(pixels, height=height, width=width), config)
    below, beside = max(0, plan.tile_px[0] - height), max(0, plan.tile_px[1] - width)
    if below or beside:
        pixels = np.asarray(cv2.copyMakeBorder(pixels, 0, below, 0, beside, cv2.BORDER_REFLECT), np.uint8)
    return pixels


def stream_patches(
    runtime: FeatureRuntime,
    pixels: np.ndarray,
    plan: TilePlan,
    *,
    valid: np.ndarray | None,
    report: Callable[[], None] | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each tile's cells of the whole grid, int (n,), and their patches, float32 (D, n); a few tiles at once.

    `pixels` are from `prepare_tiles`. Tiles without a `valid` cell (bool, of the whole grid) are left out.
    `report` is called for every few tiles and may raise. Raises ModelError.
    """
    counts = None if valid is None else valid.reshape(plan.grid)
    windows = [
        window for window in plan.windows if counts is None or counts[slice(*window.rows), slice(*window.columns)].any()
    ]
    for start in range(0, len(windows), BATCH_SIZE):
        batch = windows[start : start + BATCH_SIZE]
        patches, grid = compute_patches(runtime, np.stack([cut_tile(pixels, plan, window) for window in batch]))
        for window, tile in zip(batch, patches, strict=True):
            yield _cells(window, plan), _pick(tile.reshape(len(tile), *grid), window, plan)
        if report is not None:
            report()


def patches_at(runtime: FeatureRuntime, pixels: np.ndarray, plan: TilePlan, *, cells: np.ndarray) -> np.ndarray:
    """Return the patches of a few cells of the whole grid, in order: float32 (D, n); only their tiles are computed."""
    wanted = np.zeros(plan.grid[0] * plan.grid[1], np.bool_)
    wanted[cells] = True
    found: dict[int, np.ndarray] = {}
    for places, patches in stream_patches(runtime, pixels, plan, valid=wanted):
        found.update({int(cell): patches[:, place] for place, cell in enumerate(places) if wanted[cell]})
    return np.stack([found[int(cell)] for cell in cells], axis=1)


def cut_tile(pixels: np.ndarray, plan: TilePlan, window: Window) -> np.ndarray:
    """Return one tile of the prepared image, RGB uint8 (height, width, 3)."""
    height, width = plan.tile_px
    return pixels[window.top : window.top + height, window.left : window.left + width]


def middle_tile(pixels: np.ndarray, plan: TilePlan, *, valid: np.ndarray | None) -> np.ndarray:
    """Return the tile nearest to the middle of what counts, as a copy."""
    counts = np.ones(plan.grid, np.bool_) if valid is None else valid.reshape(plan.grid)
    middle = np.argwhere(counts).mean(axis=0) * plan.cell_px

    def distance(window: Window) -> float:
        down, across = (side / 2 for side in plan.tile_px)
        return float(np.hypot(window.top + down - middle[0], window.left + across - middle[1]))

    return np.ascontiguousarray(cut_tile(pixels, plan, min(plan.windows, key=distance)))


def encode_places(cells: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return cells of a grid (rows, columns) as the cells of `PLACES` that hold their middles, int32."""
    rows, columns = np.divmod(cells.astype(np.int64), grid[1])
    down, across = ((2 * rows + 1) * PLACES[0]) // (2 * grid[0]), ((2 * columns + 1) * PLACES[1]) // (2 * grid[1])
    return np.asarray(down * PLACES[1] + across, np.int32)


def _halo(side: int, coarsest: int) -> int:
    """Return the margin that two tiles share, in whole steps; 0 where a tile would have no middle beside it."""
    halo = max(1, side // _HALO // coarsest) * coarsest
    return halo if side - 2 * halo >= coarsest else 0


def _divide(length: int, side: int, halo: int, cell: int) -> list[tuple[int, tuple[int, int]]]:
    """Return where each tile begins along one axis (px), and the cells that it stands for."""
    if length <= side:
        return [(0, (0, length // cell))]
    starts = [*range(0, length - side, side - 2 * halo), length - side]
    # Two neighbours part in the middle of what both see.
    edges = [0, *((first + side + second) // 2 // cell for first, second in pairwise(starts)), length // cell]
    return [(start, (low, high)) for start, (low, high) in zip(starts, pairwise(edges), strict=True)]


def _cells(window: Window, plan: TilePlan) -> np.ndarray:
    rows, columns = np.arange(*window.rows), np.arange(*window.columns)
    return np.asarray((rows[:, None] * plan.grid[1] + columns[None]).ravel())


def _pick(tile: np.ndarray, window: Window, plan: TilePlan) -> np.ndarray:
    """Return those of a tile's patches (D, h, w) that it stands for, contiguous (D, n)."""
    top, left = window.top // plan.cell_px, window.left // plan.cell_px
    (first_row, last_row), (first_column, last_column) = window.rows, window.columns
    part = tile[:, first_row - top : last_row - top, first_column - left : last_column - left]
    return np.ascontiguousarray(part).reshape(len(tile), -1)
