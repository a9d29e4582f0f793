"""Woven carpet tiles: a twill of twisted yarns in two colors."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.demo.images.canvas import (
    Field,
    blob,
    blur,
    cloud,
    direction,
    field,
    grain,
    grid_coordinates,
    ramp,
    stroke,
    wander,
)

SIZE = (300, 300)
_YARN_PX = 8.0
_BEIGE = np.array([168.0, 158.0, 142.0], np.float32)
_SLATE = np.array([92.0, 98.0, 108.0], np.float32)


@dataclass(frozen=True)
class Tile:
    """One carpet tile under the camera: its woven picture, and its backing where nothing covers it."""

    woven: NDArray[np.float32]
    backing: NDArray[np.float32]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Tile":
        """Weave a tile: place, angle, tension, shade of each yarn, loose lint."""
        x, y = grid_coordinates(SIZE)
        cos, sin = direction(np.deg2rad(rng.normal(0, 1.6)))
        left, top = (float(start) for start in rng.uniform(0, 16 * _YARN_PX, 2))
        pull = cloud(rng, SIZE, 70.0, 2), cloud(rng, SIZE, 70.0, 2)
        wobble = cloud(rng, SIZE, 12.0), cloud(rng, SIZE, 12.0)
        u = (x * cos + y * sin + left + pull[0] * 1.3 + wobble[0] * 0.4) / _YARN_PX
        v = (y * cos - x * sin + top + pull[1] * 1.3 + wobble[1] * 0.4) / _YARN_PX
        woven = _weave(rng, field(u), field(v))
        for _ in range(int(rng.integers(0, 4))):  # lint that the next vacuuming takes away
            start = (float(rng.uniform(4, 296)), float(rng.uniform(4, 296)))
            fiber = wander(rng, start=start, heading_rad=rng.uniform(0, 6.3), length_px=rng.uniform(4, 11), bend=1.0)
            cover = stroke(SIZE, fiber, rng.uniform(0.4, 0.8))[..., None] * np.float32(rng.uniform(0.25, 0.55))
            woven = woven * (1 - cover) + np.float32(rng.uniform(150, 190)) * cover
        jute = 44 + 6 * cloud(rng, SIZE, 5.0, 2) + 3 * grain(rng, SIZE)
        backing = jute[..., None] * np.array([1.08, 0.98, 0.84], np.float32)
        return cls(woven=field(woven), backing=field(backing))

    def render(self, flaw: str | None, rng: np.random.Generator, strength: float) -> Field:
        """Draw the tile, see `Part.render`. Flaws: `hole`, `thread`, `stain`."""
        if flaw == "hole":
            return self._hole(rng, strength)
        if flaw == "thread":
            return self._thread(rng, strength)
        if flaw == "stain":
            return self._stain(rng, strength)
        return self.woven

    def _hole(self, rng: np.random.Generator, strength: float) -> Field:
        center = _inside(rng, 30)
        radius = 4.6 + 10 * strength**1.4
        shape = rng.uniform(1, 1.6)
        gone = blob(rng, SIZE, center=center, radius_px=radius, elongation=shape, ragged=0.35, edge_px=2.0)
        rim = np.clip(blur(gone, 3.0) * 2.0, 0, 1)
        image = self.woven * (1 - np.float32(0.30) * rim[..., None])
        deep = self.backing * (1 - np.float32(0.45) * blur(gone, 2.0)[..., None])
        cover = gone[..., None] * np.float32(0.65 + 0.33 * strength)
        image = image * (1 - cover) + deep * cover
        for _ in range(int(3 + radius)):  # frayed ends reach into the hole
            angle = rng.uniform(0, 2 * np.pi)
            start = (
                center[0] + radius * 1.05 * float(np.cos(angle)),
                center[1] + radius * 1.05 * float(np.sin(angle)),
            )
            inward = angle + np.pi + rng.normal(0, 0.6)
            fray = wander(rng, start=start, heading_rad=inward, length_px=radius * rng.uniform(0.4, 1), bend=0.8)
            line = stroke(SIZE, fray, rng.uniform(0.5, 1.1))[..., None] * np.float32(0.75)
            image = image * (1 - line) + _BEIGE * np.float32(rng.uniform(0.6, 0.95)) * line
        return field(image)

    def _thread(self, rng: np.random.Generator, strength: float) -> Field:
        length = 34 + 110 * strength * rng.uniform(0.4, 1.0)
        line = wander(rng, start=_inside(rng, 60), heading_rad=rng.uniform(0, 6.3), length_px=length, bend=0.9)
        width = 1.5 + 1.5 * strength * rng.uniform(0.5, 1.0)
        fiber = stroke(SIZE, line, width)
        below = stroke(SIZE, line + np.array([1.4, 1.9]), width + 1.0)
        image = self.woven * (1 - np.float32(0.42) * blur(below, 0.9)[..., None])
        colors = ([214, 208, 196], [58, 60, 66], [186, 172, 148], [150, 78, 66])
        color = np.array(colors[int(rng.integers(len(colors)))], np.float32)
        twist = 1 + cloud(rng, SIZE, 4.0)[..., None] * np.float32(0.08)
        cover = fiber[..., None] * np.float32(0.65 + 0.33 * strength)
        return field(image * (1 - cover) + color * twist * cover)

    def _stain(self, rng: np.random.Generator, strength: float) -> Field:
        radius = rng.uniform(11, 18) + 22 * strength * rng.random()
        center, shape = _inside(rng, 40), rng.uniform(1, 1.8)
        wet = blob(rng, SIZE, center=center, radius_px=radius, elongation=shape, ragged=0.4, edge_px=7)
        soaked = np.clip(wet * np.clip(0.9 + cloud(rng, SIZE, 9.0, 2) * np.float32(0.28), 0, 1.3), 0, 1.2)
        colors = ([0.9, 1.0, 1.1], [0.6, 1.0, 1.35], [1.0, 1.0, 0.8], [0.4, 1.1, 1.0], [-0.5, -0.5, -0.55])
        tint = np.array(colors[int(rng.integers(len(colors)))], np.float32)
        depth = np.float32(0.29 + 0.28 * strength)
        return field(self.woven * (1 - blur(field(soaked), 1.0)[..., None] * tint * depth))


def _inside(rng: np.random.Generator, margin_px: float) -> tuple[float, float]:
    return float(rng.uniform(margin_px, SIZE[1] - margin_px)), float(rng.uniform(margin_px, SIZE[0] - margin_px))


def _weave(rng: np.random.Generator, u: Field, v: Field) -> NDArray[np.float32]:
    """Shade a 2/2 twill whose warp runs down and weft across; `u`, `v` count yarns."""
    column, row = np.floor(u), np.floor(v)
    beside, behind = u - column, v - row
    diagonal = (column + row) % 4
    warp_over = diagonal < 2
    # Across the visible yarn −1…1, and along its float (two cells long) −1…1.
    side = np.where(warp_over, beside, behind) * 2 - 1
    step = np.where(warp_over, diagonal + behind, diagonal - 2 + beside) - 1
    crown = np.sqrt(np.maximum(1 - np.float32(0.88) * side * side, np.float32(0.02)))
    arch = 1 - np.float32(0.42) * step * step
    yarn = np.where(warp_over, column % 64, row % 64 + 64).astype(np.int32)
    shades = rng.normal(1.0, 0.03, 128).astype(np.float32)
    length = np.where(warp_over, v, u)
    # Two plies twisted together: slanting lines over the yarn.
    twist = length * np.float32(1.9) + side * np.float32(0.45) + field(yarn * 37 % 64) / np.float32(64)
    ply = np.cos(np.float32(2 * np.pi) * twist)
    hairs = cloud(rng, u.shape, 2.2) * np.float32(0.045) + grain(rng, u.shape) * np.float32(0.04)
    lit = crown * arch * (1 + np.float32(0.09) * ply + hairs) * (1 + np.float32(0.10) * side)
    gap = ramp(np.abs(side) - np.float32(0.93), 0.25) * np.float32(0.35)
    soil = 1 + cloud(rng, u.shape, 100.0, 2) * np.float32(0.04)
    light = soil * (np.float32(0.20) + np.float32(0.80) * lit) * shades[yarn] * (1 - gap) * np.float32(1.08)
    planes = [light * np.where(warp_over, warp, weft) for warp, weft in zip(_BEIGE, _SLATE, strict=True)]
    return field(cv2.merge(planes))
