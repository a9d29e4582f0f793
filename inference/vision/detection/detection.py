"""What every detector says of an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Place = tuple[float, float, float, float]


@dataclass(frozen=True)
class Detection:
    """What a detector says of one image.

    `score` is a float32 distance. `anomaly_map` is float32 (h, w) over the whole image in the same unit: smoothed,
    and scaled so that its highest part reaches the score; 0 where nothing counts (ignored regions).
    `image_size_px` is (width, height) of the image given. `nearest_key` names the training image that the highest
    patches resemble most, `nearest_cell` and `highest_cell` are the places (x, y, w, h), in fractions of the
    image, of the nearest patch in that image and of the highest patch in this one. `view_share` is the share of the
    image's area that the model saw at once: less than 1.0 for an image that was inspected in tiles.
    """

    score: float
    anomaly_map: np.ndarray
    image_size_px: tuple[int, int]
    nearest_key: str
    nearest_cell: Place
    highest_cell: Place
    view_share: float = 1.0


def locate(cell: int, grid: tuple[int, int]) -> Place:
    """Return the place of a cell of the grid (rows, columns), in fractions of the image."""
    rows, columns = grid
    row, column = divmod(cell, columns)
    return (column / columns, row / rows, 1.0 / columns, 1.0 / rows)
