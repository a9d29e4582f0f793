"""Cut leather panels: a pebbled brown hide under slanting light."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from core.demo.images.canvas import (
    Field,
    blob,
    blur,
    cloud,
    dust,
    field,
    grain,
    lambert,
    ramp,
    stroke,
    wander,
)

SIZE = (300, 300)
_HIDE_PX = 1100
_HIDES = 2
_BROWN = np.array([150.0, 97.0, 63.0], np.float32)
_RAW_HIDE = np.array([196.0, 160.0, 122.0], np.float32)
_LAMP = np.array([1.0, 0.95, 0.88], np.float32)


@dataclass(frozen=True)
class Panel:
    """One cut of a hide. `relief` is in pixels, `shade` a factor on the color, `sheen` the gloss of the finish."""

    relief: Field
    shade: Field
    color: NDArray[np.float32]
    light_rad: float
    sheen: float
    specks: Field

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Panel":
        """Cut a panel: which hide, where, how stretched, how it took the dye."""
        hide = _hide(int(rng.integers(_HIDES)))
        turn = rng.uniform(0, 2 * np.pi)
        zoom = rng.normal(1.0, 0.05) * rng.choice([-1.0, 1.0])
        stretch = rng.normal(1.0, 0.04)
        matrix = np.array(
            [
                [np.cos(turn) * zoom, -np.sin(turn) * stretch, 0.0],
                [np.sin(turn) * zoom, np.cos(turn) * stretch, 0.0],
            ]
        )
        margin = 235.0
        place = rng.uniform(margin, _HIDE_PX - margin, 2)
        matrix[:, 2] = place - matrix[:, :2] @ np.array([149.5, 149.5])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        relief = field(cv2.warpAffine(hide, matrix, (SIZE[1], SIZE[0]), flags=flags))
        relief = relief * np.float32(rng.uniform(0.85, 1.15)) + cloud(rng, SIZE, 90.0, 2) * np.float32(0.8)
        shade = 1 + cloud(rng, SIZE, 110.0, 2) * np.float32(0.035) + cloud(rng, SIZE, 25.0) * np.float32(0.012)
        if rng.random() < 0.35:  # a vein: nature's own, and no reason to reject
            start = (float(rng.uniform(0, 300)), float(rng.uniform(0, 300)))
            vein = wander(rng, start=start, heading_rad=rng.uniform(0, 6.3), length_px=rng.uniform(60, 200), bend=0.8)
            line = blur(stroke(SIZE, vein, 4.0, taper=True), 3.0)
            relief = relief - line * np.float32(rng.uniform(0.5, 1.1))
            shade = shade * (1 - line * np.float32(rng.uniform(0.0, 0.05)))
        dye = _BROWN * rng.normal(1.0, 0.010, 3).astype(np.float32) * np.float32(rng.normal(1.0, 0.03))
        return cls(
            relief=field(relief),
            shade=field(shade),
            color=dye,
            light_rad=float(np.deg2rad(rng.normal(-125, 8))),
            sheen=float(rng.uniform(0.75, 1.25)),
            specks=dust(rng, SIZE, most=4),
        )

    def render(self, flaw: str | None, rng: np.random.Generator, strength: float) -> Field:
        """Shade the panel, see `Part.render`. Flaws: `cut`, `fold`, `stain`."""
        relief, shade = self.relief, self.shade
        bare = np.zeros(SIZE, np.float32)
        tint = np.zeros(3, np.float32)
        wet = np.zeros(SIZE, np.float32)
        if flaw == "cut":
            slit, lips = _cut(rng, strength)
            relief = relief + lips * np.float32(0.8 + 1.6 * strength) - slit * np.float32(1.0 + 2.0 * strength)
            shade = shade * (1 - slit * np.float32(0.42 + 0.38 * strength))
            bare = lips * (1 - slit) * np.float32(0.05 + 0.14 * strength)
        elif flaw == "fold":
            ridge, crest = _fold(rng, strength)
            # Leather pulled over a ridge is stretched: its pebbles flatten there.
            flat = np.clip(crest * np.float32(0.3 + 0.3 * strength), 0, 1)
            relief = relief * (1 - flat) + ridge
            shade = shade * (1 + crest * np.float32(0.02 + 0.07 * strength))
        elif flaw == "stain":
            wet, tint = _stain(rng, strength)
        return self._shade(field(relief), field(shade), bare, wet, tint)

    def _shade(self, relief: Field, shade: Field, bare: Field, wet: Field, tint: NDArray[np.float32]) -> Field:
        light = lambert(relief, azimuth_rad=self.light_rad, elevation_rad=0.85)
        fill = lambert(relief, azimuth_rad=self.light_rad + 2.7, elevation_rad=1.2)
        hollow = np.clip(1 + np.float32(0.10) * (relief - blur(relief, 3.5)), 0.5, 1.15)
        diffuse = (np.float32(0.78) * light + np.float32(0.36) * fill) * hollow * shade
        gloss = np.maximum(light - np.float32(0.80), 0) ** 2 * np.float32(620 * self.sheen)
        glint = 1 + np.float32(0.20) * self.specks
        planes = []
        for channel in range(3):
            plane = diffuse * self.color[channel] * (1 - wet * tint[channel]) + gloss * _LAMP[channel]
            planes.append((plane + bare * (_RAW_HIDE[channel] - plane)) * glint)
        return field(cv2.merge(planes))


@cache
def _hide(number: int) -> Field:
    """Emboss a whole hide: pebbles divided by creases, with fine pores, as a relief in pixels."""
    rng = np.random.default_rng([71, number])
    size = (_HIDE_PX, _HIDE_PX)
    warp_x, warp_y = cloud(rng, size, 60.0, 2) * 5, cloud(rng, size, 60.0, 2) * 5
    y, x = np.mgrid[0:_HIDE_PX, 0:_HIDE_PX].astype(np.float32)
    nearest, second = _cell_distances(rng, x + warp_x, y + warp_y, pitch_px=9.0)
    crease = np.clip((second - nearest) / np.float32(3.6), 0, 1)
    depth = 0.65 + 0.35 * np.clip(cloud(rng, size, 50.0, 2) * 0.5 + 0.5, 0, 1)
    pebbles = np.sqrt(crease) * depth * 2.0
    pores = np.maximum(cloud(rng, size, 2.5) - np.float32(2.1), 0) * np.float32(1.1)
    fine = cloud(rng, size, 3.0) * np.float32(0.09) + grain(rng, size) * np.float32(0.045)
    wrinkles = np.abs(cloud(rng, size, 34.0, 2))
    valleys = np.exp(-wrinkles * 9) * 0.7
    return blur(field(pebbles - pores + fine - valleys), 0.8)


def _cell_distances(rng: np.random.Generator, x: Field, y: Field, *, pitch_px: float) -> tuple[Field, Field]:
    """Return the distances to the nearest two of points scattered one in each cell (Worley, SIGGRAPH 1996)."""
    cells = int(_HIDE_PX / pitch_px) + 12
    points = rng.uniform(0.0, 1.0, (cells, cells, 2)).astype(np.float32)
    column = np.clip(np.floor(x / pitch_px).astype(np.int32) + 5, 1, cells - 2)
    row = np.clip(np.floor(y / pitch_px).astype(np.int32) + 5, 1, cells - 2)
    nearest = np.full(x.shape, 1e9, np.float32)
    second = nearest.copy()
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            offset = points[row + down, column + across]
            px = (column + across - 5 + offset[..., 0]) * np.float32(pitch_px)
            py = (row + down - 5 + offset[..., 1]) * np.float32(pitch_px)
            distance = np.hypot(px - x, py - y)
            second = np.minimum(second, np.maximum(nearest, distance))
            nearest = np.minimum(nearest, distance)
    return nearest, second


def _inside(rng: np.random.Generator, margin_px: float = 40.0) -> tuple[float, float]:
    return float(rng.uniform(margin_px, SIZE[1] - margin_px)), float(rng.uniform(margin_px, SIZE[0] - margin_px))


def _cut(rng: np.random.Generator, strength: float) -> tuple[Field, Field]:
    """Draw a slit, and its raised lips."""
    length = 22 + 75 * strength * rng.uniform(0.5, 1.0)
    line = wander(rng, start=_inside(rng, 60), heading_rad=rng.uniform(0, 6.3), length_px=length, bend=0.35)
    slit = stroke(SIZE, line, 1.3 + 2.2 * strength * rng.uniform(0.5, 1.0), taper=True)
    lips = blur(stroke(SIZE, line, 3.5 + 2.5 * strength, taper=True), 1.0)
    return slit, lips


def _fold(rng: np.random.Generator, strength: float) -> tuple[Field, Field]:
    """Draw a soft ridge: its relief in pixels, and how near the crest is, 0–1."""
    length = 55 + 130 * strength * rng.uniform(0.5, 1.0)
    line = wander(rng, start=_inside(rng, 70), heading_rad=rng.uniform(0, 6.3), length_px=length, bend=0.45)
    width = rng.uniform(4.0, 7.0)
    crest = blur(stroke(SIZE, line, width, taper=True), width * 0.55)
    sharp = blur(stroke(SIZE, line, 2.0, taper=True), 1.2)
    lift = 2.6 + 3.0 * strength
    return field(crest * np.float32(lift) + sharp * np.float32(lift * 0.35)), crest


def _stain(rng: np.random.Generator, strength: float) -> tuple[Field, NDArray[np.float32]]:
    """Draw a soaked patch 0–1 with a darker rim, and how much of each color it takes away."""
    radius = rng.uniform(9, 16) + 20 * strength * rng.random()
    center = _inside(rng)
    body = blob(rng, SIZE, center=center, radius_px=radius, elongation=rng.uniform(1, 1.8), ragged=0.4, edge_px=4)
    body = blur(body, 1.2)
    rim = body * (1 - ramp(body - np.float32(0.75), 0.5)) * np.float32(rng.uniform(0, 0.8))
    uneven = np.clip(1 + cloud(rng, SIZE, 16.0, 2) * np.float32(0.18), 0.5, 1.5)
    depth = 0.16 + 0.34 * strength
    kinds = ([1.0, 1.0, 0.95], [0.7, 1.0, 1.25], [1.2, 0.9, 0.55], [-0.45, -0.6, -0.85])
    tint = np.array(kinds[int(rng.integers(len(kinds)))], np.float32) * np.float32(depth)
    return field(np.clip(body * uneven + rim, 0, 1.5)), tint
