"""What every detector says of an image."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from inference.vision.detection.defect_head.head import TypeOpinion

Place = tuple[float, float, float, float]


@dataclass(frozen=True)
class PlaceTypes:
    """How much each place of an image looks like each known type: logits float32 (K, rows, columns) of the `types`."""

    types: tuple[str, ...]
    logits: np.ndarray

    def name(self, place: Place) -> tuple[str, float]:
        """Return the likeliest type within a place and its probability among the known types."""
        x, y, w, h = place
        rows, columns = self.logits.shape[1:]
        top, left = min(rows - 1, int(y * rows)), min(columns - 1, int(x * columns))
        bottom, right = max(top + 1, math.ceil((y + h) * rows)), max(left + 1, math.ceil((x + w) * columns))
        mean = self.logits[:, top:bottom, left:right].mean(axis=(1, 2), dtype=np.float64)
        shares = np.exp(mean - mean.max())
        first = int(shares.argmax())
        return self.types[first], float(shares[first] / shares.sum())


@dataclass(frozen=True)
class Detection:
    """What a detector says of one image.

    `score` is a float32 distance. `anomaly_map` is float32 (h, w) over the whole image in the same unit: smoothed,
    and scaled so that its highest part reaches the score; 0 where nothing counts (ignored regions).
    `image_size_px` is (width, height) of the image given. `nearest_key` names the training image that the highest
    patches resemble most, `nearest_cell` and `highest_cell` are the places (x, y, w, h), in fractions of the
    image, of the nearest patch in that image and of the highest patch in this one. `view_share` is the share of the
    image's area that the model saw at once: less than 1.0 for an image that was inspected in tiles.

    A model that was taught with labeled defects also says what type it takes the defect for (`opinion`, and by
    `places`), and by how much these raised the score (`raised_by`, in the unit of the score); None and 0 otherwise.
    """

    score: float
    anomaly_map: np.ndarray
    image_size_px: tuple[int, int]
    nearest_key: str
    nearest_cell: Place
    highest_cell: Place
    view_share: float = 1.0
    opinion: TypeOpinion | None = None
    places: PlaceTypes | None = field(default=None, repr=False)
    raised_by: float = 0.0


def locate(cell: int, grid: tuple[int, int]) -> Place:
    """Return the place of a cell of the grid (rows, columns), in fractions of the image."""
    rows, columns = grid
    row, column = divmod(cell, columns)
    return (column / columns, row / rows, 1.0 / columns, 1.0 / rows)
