"""Which cells of a detector's levels are to find which box, as FCOS deals them out.

A cell near the middle of a box finds it, on the level whose stride suits the box's size (Tian et al., "FCOS", 2019,
with the center sampling of its authors' code). Of several boxes at one cell, the smallest is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A box belongs to the levels whose stride is at least the first and at most the second share of its longer side.
_COARSEST_SHARE, _FINEST_SHARE = 0.55, 0.11
_RADIUS_CELLS = 1.5
NOBODY, IGNORED = -1, -2


@dataclass(frozen=True, eq=False)
class Grid:
    """The cells of all levels, level after level, rows first: `centers` float32 (Q, 2) x, y in pixels; `strides` (Q,).

    `shapes` are (rows, columns) of each level.
    """

    centers: NDArray[np.float32]
    strides: NDArray[np.float32]
    shapes: tuple[tuple[int, int], ...]


def make_grid(size_px: tuple[int, int], strides: tuple[int, ...]) -> Grid:
    """Return the cells of levels of these strides over an input of `size_px` (height, width)."""
    centers, owners, shapes = [], [], []
    for stride in strides:
        rows, columns = -(-size_px[0] // stride), -(-size_px[1] // stride)
        y, x = np.mgrid[:rows, :columns]
        centers.append(np.stack([x.ravel() + 0.5, y.ravel() + 0.5], axis=1) * stride)
        owners.append(np.full(rows * columns, stride))
        shapes.append((rows, columns))
    return Grid(np.concatenate(centers).astype(np.float32), np.concatenate(owners).astype(np.float32), tuple(shapes))


def assign_boxes(boxes: NDArray[np.float32], labels: NDArray[np.int64], grid: Grid) -> NDArray[np.int64]:
    """Return the place of the box that each cell is to find, NOBODY, or IGNORED: int64 (Q,).

    `boxes` M×4 in pixels of the input; cells of a box whose label is −1 are ignored. Every box has a cell, however
    small it is, unless a smaller one has the same.
    """
    owner = np.full(len(grid.centers), NOBODY, np.int64)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    finest, coarsest = grid.strides.min(initial=np.inf), grid.strides.max(initial=0.0)
    # The largest first: the smaller ones write over them.
    for place in np.argsort(-areas, kind="stable"):
        left, top, right, bottom = boxes[place]
        side = max(right - left, bottom - top)
        x, y = grid.centers[:, 0], grid.centers[:, 1]
        suited = (grid.strides <= max(finest, _COARSEST_SHARE * side)) & (
            grid.strides >= min(coarsest, _FINEST_SHARE * side)
        )
        if labels[place] < 0:
            inside = (x > left) & (x < right) & (y > top) & (y < bottom)
            owner[inside & (owner == NOBODY)] = IGNORED
            continue
        across, down = x - (left + right) / 2.0, y - (top + bottom) / 2.0
        reach = _RADIUS_CELLS * grid.strides
        near = suited & (np.abs(across) < reach) & (np.abs(down) < reach)
        near &= (x > left) & (x < right) & (y > top) & (y < bottom)
        distance = np.where(suited, (across**2 + down**2) / grid.strides, np.inf)
        near[int(distance.argmin())] = True
        owner[near] = place
    return owner
