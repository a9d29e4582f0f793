"""What a kind of pill looks like: its outline, colors, finish, imprint and score lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.demo.images.canvas import Field, field

Form = Literal["round", "oval", "oblong", "square", "diamond", "triangle", "pentagon", "hexagon", "capsule", "softgel"]
Score = Literal["", "line", "cross"]
Color = tuple[int, int, int]

# How far the corners of a polygon are rounded, in mm.
_CORNER_MM = 0.42
_SIDES = {"triangle": 3, "pentagon": 5, "hexagon": 6}


@dataclass(frozen=True)
class PillDesign:
    """A kind of pill as its maker specifies it. Lengths are in mm, colors sRGB 0–255.

    `half` is half of its length and of its width. `second` is the color of a capsule's cap, None for one color.
    `rounding_mm` is how far from the rim its face rises: small for a flat face with a bevel, half of the width for a
    dome. `gloss` runs from 0 (pressed powder) to 1 (gelatin). `front` and `back` are what is pressed or printed on
    the faces, `ink` the color of a print (None: pressed in). `speckles` is the share of the face in specks of another
    color, `speckle` that color.
    """

    code: str
    form: Form
    half: tuple[float, float]
    color: Color
    front: str
    back: str = ""
    second: Color | None = None
    rounding_mm: float = 1.2
    height_mm: float = 1.1
    gloss: float = 0.12
    ink: Color | None = None
    front_score: Score = ""
    back_score: Score = ""
    speckles: float = 0.0
    speckle: Color = (90, 110, 160)


def distance(form: Form, half: tuple[float, float], x: Field, y: Field) -> Field:
    """Return how far each point (mm) is outside of the outline, negative inside; about right near the rim."""
    along, across = half
    if form == "round":
        return field(np.hypot(x, y) - np.float32(along))
    if form in {"oval", "softgel"}:
        ratio = np.hypot(x / np.float32(along), y / np.float32(across))
        # The first order of the distance to an ellipse: its value over the length of its gradient.
        slope = np.hypot(x / np.float32(along**2), y / np.float32(across**2)) / np.maximum(ratio, np.float32(1e-3))
        return field((ratio - 1) / np.maximum(slope, np.float32(1 / along)))
    if form in {"oblong", "capsule"}:
        beyond = np.maximum(np.abs(x) - np.float32(along - across), 0)
        return field(np.hypot(beyond, y) - np.float32(across))
    if form == "square":
        corner = np.float32(0.9)
        right, down = np.abs(x) - np.float32(along) + corner, np.abs(y) - np.float32(across) + corner
        outside = np.hypot(np.maximum(right, 0), np.maximum(down, 0))
        return field(outside + np.minimum(np.maximum(right, down), 0) - corner)
    if form == "diamond":
        steep = np.hypot(1 / along, 1 / across)
        edges = [(sx / along / steep, sy / across / steep) for sx in (-1, 1) for sy in (-1, 1)]
        return _polygon(edges, 1 / steep, x, y)
    sides = _SIDES[form]
    turns = [2 * np.pi * side / sides + np.pi / 2 for side in range(sides)]
    return _polygon([(float(np.cos(turn)), float(np.sin(turn))) for turn in turns], across, x, y)


def _polygon(normals: list[tuple[float, float]], apothem: float, x: Field, y: Field) -> Field:
    """Return the smooth maximum of the distances to the sides, which rounds the corners."""
    sides = np.stack([x * np.float32(right) + y * np.float32(down) for right, down in normals])
    highest = sides.max(axis=0)
    smooth = np.log(np.exp((sides - highest) / np.float32(_CORNER_MM)).sum(axis=0)) * np.float32(_CORNER_MM)
    return field(highest + smooth - np.float32(apothem))
