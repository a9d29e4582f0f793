"""The color photograph of a battery from above: foil, tabs, label; or a frame with cells, busbars and screws."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.demo.images.battery.parts import (
    CELL_TABS_U,
    MODULE_HALF,
    SIZE,
    TAB_HALF,
    Battery,
    Placing,
)
from core.demo.images.camera import Camera
from core.demo.images.canvas import (
    Field,
    Point,
    blob,
    blur,
    cloud,
    direction,
    dust,
    field,
    grain,
    lambert,
    ramp,
    shift,
    stroke,
    wander,
)

_FOIL = (172.0, 176.0, 180.0)
_ALUMINUM, _COPPER = (198.0, 200.0, 202.0), (196.0, 128.0, 84.0)
_MAT, _FRAME, _WRAP, _STEEL = (44.0, 62.0, 58.0), (58.0, 60.0, 64.0), (62.0, 104.0, 156.0), (150.0, 152.0, 156.0)
_PAPER, _INK = (224.0, 222.0, 214.0), (34.0, 34.0, 38.0)
# What lands on a line: grease, dust of the grinder, glue, rust.
_DIRT = ((72.0, 54.0, 34.0), (36.0, 35.0, 37.0), (206.0, 190.0, 138.0), (128.0, 70.0, 38.0))

Color = tuple[float, float, float]
Scene = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Photograph:
    """One shot of a piece. `paint` is its color H × W × 3, `relief` in pixels, `body` its coverage 0–1."""

    battery: Battery
    placing: Placing
    paint: Scene
    relief: Field
    body: Field
    light_rad: float
    specks: Field
    camera: Camera

    @classmethod
    def take(cls, battery: Battery) -> Photograph:
        """Lay the piece under the camera and choose the light."""
        rng = np.random.default_rng([*battery.seed, 2])
        placing = Placing.draw(rng, turn_deg=2.4, off_px=2.8)
        draw = _cell if battery.kind == "cell" else _module
        paint, relief, body = draw(battery, placing, rng)
        tone = 1 + np.float32(0.018) * cloud(rng, SIZE, 50.0, 2)
        shadow = blur(shift(body, 4.0, 5.0), 5.0) * (1 - body)
        paint = field(paint * (tone * (1 - np.float32(0.5) * shadow))[..., None])
        light = float(np.deg2rad(rng.normal(-122, 7)))
        camera = Camera.draw(rng, (*SIZE, 3), exposure=0.10)
        return cls(battery, placing, paint, relief, body, light, dust(rng, SIZE, most=5), camera)

    def render(self, flaw: str | None, rng: np.random.Generator, strength: float) -> Field:
        """Draw the piece, in gray levels H × W × 3 as RGB. Flaws: `dirt`, `damage`; `strength` from 0 to 1."""
        paint, relief = self.paint, self.relief
        if flaw == "dirt":
            paint = self._soil(rng, strength)
        elif flaw == "damage":
            paint, relief = self._hurt(rng, strength)
        light = lambert(relief, azimuth_rad=self.light_rad, elevation_rad=0.9)
        fill = lambert(relief, azimuth_rad=self.light_rad + 2.6, elevation_rad=1.2)
        lit = (np.float32(0.86) * light + np.float32(0.30) * fill) * (1 - np.float32(0.25) * self.specks)
        return field(np.clip(paint * lit[..., None], 0, 255))

    def _somewhere(self, rng: np.random.Generator, inside: float = 0.8) -> Point:
        across, down = self.battery.half
        return self.placing.to_picture(rng.uniform(-inside, inside) * across, rng.uniform(-inside, inside) * down)

    def _soil(self, rng: np.random.Generator, strength: float) -> Scene:
        """Draw what stuck to the surface: a smear, grains, or a fiber."""
        color = _DIRT[int(rng.integers(len(_DIRT)))]
        center, way = self._somewhere(rng), rng.random()
        cover = np.zeros(SIZE, np.float32)
        if way < 0.45:
            radius, shape = 5.0 + 9.0 * strength, rng.uniform(1.0, 2.4)
            cover = blob(rng, SIZE, center=center, radius_px=radius, elongation=shape, ragged=0.4, edge_px=3.0)
            cover = cover * np.clip(1 + np.float32(0.25) * cloud(rng, SIZE, 6.0), 0.3, 1.3)
        elif way < 0.8:
            for _ in range(4 + int(rng.integers(0, 6 + round(10 * strength)))):
                at = (center[0] + rng.normal(0, 9 + 8 * strength), center[1] + rng.normal(0, 9 + 8 * strength))
                radius = rng.uniform(1.4, 2.6 + 2.2 * strength)
                cover = np.maximum(cover, blob(rng, SIZE, center=at, radius_px=radius, ragged=0.3, edge_px=1.4))
        else:
            length, heading = 24 + 50 * strength, rng.uniform(0, 2 * np.pi)
            hair = wander(rng, start=center, heading_rad=heading, length_px=length, bend=1.1)
            cover = stroke(SIZE, hair, 1.6 + 1.4 * strength)
        opacity = np.float32(0.42 + 0.5 * strength)
        return _lay(self.paint, field(np.clip(cover * opacity, 0, 1) * self.body), color)

    def _hurt(self, rng: np.random.Generator, strength: float) -> tuple[Scene, Field]:
        """Draw a dent, a scratch to the metal, or a torn edge."""
        way = rng.random()
        if way < 0.4:
            radius = 6.0 + 8.0 * strength
            pit = blob(rng, SIZE, center=self._somewhere(rng, 0.7), radius_px=radius, ragged=0.15, edge_px=3.0)
            pit = blur(pit, radius * 0.3)
            return self.paint, field(self.relief - pit * np.float32(3.0 + 5.5 * strength))
        if way < 0.75:
            start, heading = self._somewhere(rng, 0.6), rng.uniform(0, 2 * np.pi)
            length = 26 + 60 * strength * rng.uniform(0.6, 1.0)
            line = wander(rng, start=start, heading_rad=heading, length_px=length, bend=0.3)
            mark = stroke(SIZE, line, 1.7 + 1.5 * strength, taper=True) * self.body
            bare = _lay(self.paint, field(mark * np.float32(0.55 + 0.35 * strength)), (232.0, 230.0, 226.0))
            return bare, field(self.relief - mark * np.float32(0.8 + 1.0 * strength))
        across, down = self.battery.half
        corner = rng.choice([-1.0, 1.0], 2)
        along = rng.uniform(0.2, 0.9)
        at = (
            (corner[0] * across, corner[1] * down * along) if rng.random() < 0.5 else (corner[0] * across * along, down)
        )
        radius = 6.0 + 8.0 * strength
        tear = blob(
            rng, SIZE, center=self.placing.to_picture(*at), radius_px=radius, elongation=1.5, ragged=0.5, edge_px=1.3
        )
        tear = field(tear * self.body)
        lip = field(np.clip(blur(tear, 2.0) * self.body * (1 - tear) * 2, 0, 1))
        torn = _lay(_lay(self.paint, tear, (30.0, 31.0, 30.0)), field(lip * np.float32(0.6)), (214.0, 214.0, 212.0))
        return torn, field(self.relief - tear * np.float32(2.0))


def _lay(under: Scene, cover: Field, color: Color) -> Scene:
    spread = cover[..., None]
    return field(under * (1 - spread) + np.array(color, np.float32) * spread)


Drawn = tuple[Scene, Field, Field]


def _cell(battery: Battery, placing: Placing, rng: np.random.Generator) -> Drawn:
    """Draw a pouch cell: foil with its sealed rim, an aluminum and a copper tab, a printed label."""
    scene, half = _mat(rng), battery.half
    body = np.zeros(SIZE, np.float32)
    relief = np.zeros(SIZE, np.float32)
    for u, color in zip(CELL_TABS_U, (_ALUMINUM, _COPPER), strict=True):
        tab = placing.box((u, -half[1] - 9), TAB_HALF, 2.0)
        scene, body = _lay(scene, tab, color), np.maximum(body, tab)
        relief = np.maximum(relief, tab * 2)
        tape = placing.box((u, -half[1] - 1.5), (TAB_HALF[0] + 2, 3.5), 1.0)
        scene = _lay(scene, field(tape * np.float32(0.85)), (206.0, 178.0, 92.0))
    foil = placing.box((0, 0), half, 5.0)
    scene, body = _lay(scene, foil, _FOIL), np.maximum(body, foil)
    brushed = np.float32(0.02) * _streaks(rng, placing.u)
    scene = field(scene * (1 + brushed * foil)[..., None])
    pocket = placing.box((0, 0), (half[0] - 10, half[1] - 11), 8.0, edge_px=5.0)
    relief = field(relief + 2.5 * foil + 4.0 * blur(pocket, 1.5) + np.float32(0.25) * cloud(rng, SIZE, 26.0) * foil)
    rim = foil * (1 - placing.box((0, 0), (half[0] - 7, half[1] - 8), 6.0))
    ribs = np.float32(0.16) * np.cos(placing.v * np.float32(2 * np.pi / 5.0))
    relief = field(relief + ribs * rim)
    return _label(scene, battery, placing, (0.0, 34.0), (38.0, 20.0)), relief, field(body)


def _module(battery: Battery, placing: Placing, rng: np.random.Generator) -> Drawn:
    """Draw a module: a plastic frame, four wrapped cells, busbars, screws, a label."""
    scene = _mat(rng)
    frame = placing.box((0, 0), MODULE_HALF, 10.0)
    scene = _lay(scene, frame, _FRAME)
    scene = field(scene * (1 + np.float32(0.03) * grain(rng, SIZE) * frame)[..., None])
    well = placing.box((0, 0), (MODULE_HALF[0] - 8, MODULE_HALF[1] - 8), 5.0)
    scene = field(scene * (1 - np.float32(0.45) * well)[..., None])
    relief = 6 * frame - 3 * blur(well, 1.0)
    for u, half in battery.cells:
        wrap = placing.box((u, 0), half, 4.0)
        scene = _lay(scene, wrap, _WRAP)
        inside = (placing.u - np.float32(u)) / np.float32(half[0])
        round_ = np.sqrt(np.clip(1 - 0.8 * inside**2, 0, 1))
        relief = field(relief + wrap * (2 + 5 * round_))
        gloss = np.float32(26) * np.exp(-(((inside + 0.42) / 0.14) ** 2)) * wrap
        scene = field(scene + gloss[..., None])
    for first, end in ((0, -1), (1, 1), (2, -1)):
        pair = battery.cells[first : first + 2]
        middle = (pair[0][0] + pair[1][0]) / 2
        bar = placing.box((middle, end * 66.0), (36.0, 8.0), 3.0)
        scene = _lay(scene, bar, _COPPER)
        relief = field(relief + 3 * bar)
        for u, _ in pair:
            scene, relief = _screw(scene, relief, placing, (u, end * 66.0), rng)
    return _label(scene, battery, placing, (54.0, 22.0), (34.0, 18.0)), relief, frame


def _screw(scene: Scene, relief: Field, placing: Placing, at: Point, rng: np.random.Generator) -> tuple[Scene, Field]:
    head = placing.disc(at, 4.6)
    dx, dy = direction(rng.uniform(0, np.pi))
    du, dv = placing.u - np.float32(at[0]), placing.v - np.float32(at[1])
    slot = ramp(field(1.0 - np.abs(du * dy - dv * dx)), 0.9) * head
    scene = _lay(_lay(scene, head, _STEEL), field(slot * np.float32(0.75)), (44.0, 44.0, 46.0))
    return scene, field(relief + 1.5 * head)


def _label(scene: Scene, battery: Battery, placing: Placing, middle: Point, half: Point) -> Scene:
    """Print the label: the type, the serial number and a code of bars that spells it."""
    paper = placing.box(middle, half, 2.0)
    scene = _lay(scene, paper, _PAPER)
    scale = 4
    height, width = int(2 * half[1] * scale), int(2 * half[0] * scale)
    print_ = np.zeros((height, width), np.uint8)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(print_, battery.serial, (12, int(height * 0.36)), font, 1.35, 255, 4, cv2.LINE_AA)
    left = 12
    for letter in battery.serial.encode():
        for bit in range(7):
            wide = 8 if letter >> bit & 1 else 4
            if bit % 2 == 0:
                cv2.rectangle(print_, (left, int(height * 0.52)), (left + wide - 1, int(height * 0.88)), 255, -1)
            left += wide
    small = field(cv2.GaussianBlur(print_, (0, 0), 2.0)) / np.float32(255)
    across = field((placing.u - np.float32(middle[0] - half[0])) * scale)
    down = field((placing.v - np.float32(middle[1] - half[1])) * scale)
    printed = field(cv2.remap(small, across, down, cv2.INTER_LINEAR, borderValue=0))
    return _lay(scene, field(printed * np.float32(0.9)), _INK)


def _mat(rng: np.random.Generator) -> Scene:
    texture = 1 + np.float32(0.035) * cloud(rng, SIZE, 60.0, 2) + np.float32(0.03) * grain(rng, SIZE)
    return field(texture[..., None] * np.array(_MAT, np.float32))


def _streaks(rng: np.random.Generator, across: Field) -> Field:
    lines = rng.normal(0, 1, 600)
    return field(np.interp((across.ravel() + 150) * 2, np.arange(600), lines)).reshape(SIZE)
