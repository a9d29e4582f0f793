"""One battery on its tray: what it is, where it lies, and what of its build differs from piece to piece.

Lengths are in pixels of the pictures, which have the same scale in both views. `u` runs across the piece and `v` down
along it, from its middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.demo.images.canvas import Field, Point, direction, field, grid_coordinates, ramp

Kind = Literal["cell", "module"]
SIZE = (288, 288)
MIDDLE_PX = 143.5

# A pouch cell: half of its width and height, its two tabs above it.
CELL_HALF: Point = (70.0, 92.0)
CELL_TABS_U = (-33.0, 33.0)
TAB_HALF: Point = (14.0, 15.0)
# A module: its frame, and the four cells in it.
MODULE_HALF: Point = (118.0, 98.0)
MODULE_CELLS_U = (-81.0, -27.0, 27.0, 81.0)
MODULE_CELL_HALF: Point = (22.0, 72.0)


@dataclass(frozen=True)
class Battery:
    """One piece. `level_px` is how high its resin stands, `gaps_px` how far each cell of a module is out of place.

    `seed` decides what else differs from piece to piece: both views are drawn with it.
    """

    kind: Kind
    level_px: float
    gaps_px: tuple[float, ...]
    serial: str
    seed: tuple[int, ...]

    @classmethod
    def draw(cls, kind: Kind, seed: tuple[int, ...]) -> Battery:
        """Build the piece that belongs to a seed."""
        rng = np.random.default_rng(seed)
        return cls(
            kind=kind,
            level_px=float(rng.normal(0, 1.6)),
            gaps_px=tuple(float(gap) for gap in rng.normal(0, 0.9, len(MODULE_CELLS_U))),
            serial=f"{kind[0].upper()}{int(rng.integers(26, 28))}{int(rng.integers(10_000)):04d}",
            seed=seed,
        )

    @property
    def half(self) -> Point:
        """Half of its width and of its height."""
        return CELL_HALF if self.kind == "cell" else MODULE_HALF

    @property
    def cells(self) -> tuple[tuple[float, Point], ...]:
        """The middle (u) of each cell in it, with half of the cell's width and height."""
        if self.kind == "cell":
            return ((0.0, CELL_HALF),)
        places = zip(MODULE_CELLS_U, self.gaps_px, strict=True)
        return tuple((place + gap, MODULE_CELL_HALF) for place, gap in places)


@dataclass(frozen=True, eq=False)
class Placing:
    """How a piece lies in one picture: the coordinates of each pixel in the piece's own frame, H × W."""

    u: Field
    v: Field
    middle: Point
    turn_rad: float
    scale: float

    @classmethod
    def draw(cls, rng: np.random.Generator, *, turn_deg: float, off_px: float) -> Placing:
        """Lay a piece down: the deviations of its turn and of its place."""
        middle = (MIDDLE_PX + float(rng.normal(0, off_px)), MIDDLE_PX + float(rng.normal(0, off_px)))
        turn, scale = float(np.deg2rad(rng.normal(0, turn_deg))), float(rng.normal(1.0, 0.006))
        x, y = grid_coordinates(SIZE)
        x, y = (x - np.float32(middle[0])) / np.float32(scale), (y - np.float32(middle[1])) / np.float32(scale)
        cos, sin = direction(turn)
        return cls(field(x * cos + y * sin), field(y * cos - x * sin), middle, turn, scale)

    def to_picture(self, u: float, v: float) -> Point:
        """Return where in the picture a place of the piece is."""
        cos, sin = direction(self.turn_rad)
        return (
            self.middle[0] + self.scale * (u * cos - v * sin),
            self.middle[1] + self.scale * (u * sin + v * cos),
        )

    def depth_in_box(self, middle: Point, half: Point, corner_px: float = 0.0) -> Field:
        """Return how deep each pixel lies in a box with round corners; negative outside."""
        across = np.abs(self.u - np.float32(middle[0])) - np.float32(half[0] - corner_px)
        down = np.abs(self.v - np.float32(middle[1])) - np.float32(half[1] - corner_px)
        outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0))
        return field(np.float32(corner_px) - outside - np.minimum(np.maximum(across, down), 0))

    def box(self, middle: Point, half: Point, corner_px: float = 0.0, edge_px: float = 1.2) -> Field:
        """Draw the coverage 0–1 of a box with round corners."""
        return ramp(self.depth_in_box(middle, half, corner_px), edge_px)

    def disc(self, middle: Point, radius_px: float, edge_px: float = 1.2) -> Field:
        """Draw the coverage 0–1 of a disc."""
        away = np.hypot(self.u - np.float32(middle[0]), self.v - np.float32(middle[1]))
        return ramp(field(np.float32(radius_px) - away), edge_px)


def lay(under: Field, cover: Field, tone: Field | float) -> Field:
    """Lay something of coverage 0–1 and a gray level over a picture, H × W."""
    return field(under * (1 - cover) + tone * cover)
