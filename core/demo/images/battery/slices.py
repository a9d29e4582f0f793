"""The CT slice of a battery: cans and tabs bright, electrode layers, resin gray, air dark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.demo.images.battery.parts import (
    CELL_TABS_U,
    MODULE_HALF,
    SIZE,
    TAB_HALF,
    Battery,
    Placing,
    lay,
)
from core.demo.images.camera import Pixels
from core.demo.images.canvas import Field, blob, blur, cloud, field, grain, grid_coordinates, ramp

_AIR, _RESIN, _CASE, _FRAME, _METAL = 22.0, 112.0, 176.0, 138.0, 228.0
_LAYER_PX = 6.0
_HEAD_PX = 26.0


@dataclass(frozen=True, eq=False)
class Slice:
    """One scan of a piece. `resin` is where resin belongs, `stack` where the electrodes are (coverage 0–1)."""

    battery: Battery
    placing: Placing
    sound: Field
    resin: Field
    stack: Field
    scanner: Scanner

    @classmethod
    def scan(cls, battery: Battery) -> Slice:
        """Lay the piece into the scanner and reconstruct one slice of it."""
        rng = np.random.default_rng([*battery.seed, 1])
        placing = Placing.draw(rng, turn_deg=1.4, off_px=2.2)
        draw = _cell if battery.kind == "cell" else _module
        sound, resin, stack = draw(battery, placing, rng)
        return cls(battery, placing, sound, resin, stack, Scanner.draw(rng, placing))

    def render(self, flaw: str | None, rng: np.random.Generator, strength: float) -> Field:
        """Draw the slice, in gray levels H × W. Flaws: `porosity`, `overflow`; `strength` from 0 to 1."""
        if flaw == "porosity":
            return lay(self.sound, self._pores(rng, strength), _AIR + 12)
        if flaw == "overflow":
            return self._overflow(rng, strength)
        return self.sound

    def _pores(self, rng: np.random.Generator, strength: float) -> Field:
        """Draw voids in the resin or between the layers: a few large ones, or a nest of small ones."""
        where = self.resin if rng.random() < 0.6 else self.stack
        rows, columns = np.nonzero(where > 0.9)
        place = int(rng.integers(rows.size))
        middle = (float(columns[place]), float(rows[place]))
        largest = 2.6 + 4.4 * strength
        pores = np.zeros(SIZE, np.float32)
        for number in range(2 + int(rng.integers(0, 3 + round(5 * strength)))):
            spread = 0.0 if number == 0 else largest * 1.9
            center = (middle[0] + rng.normal(0, 1) * spread, middle[1] + rng.normal(0, 1) * spread)
            radius = largest if number == 0 else largest * rng.uniform(0.35, 0.9)
            shape = rng.uniform(1.0, 1.6)
            pore = blob(rng, SIZE, center=center, radius_px=radius, elongation=shape, ragged=0.15, edge_px=1.6)
            pores = np.maximum(pores, pore)
        inside = np.maximum(self.resin, self.stack)
        return field(pores * np.minimum(blur(inside, 1.0) * 1.3, 1) * np.float32(0.62 + 0.38 * strength))

    def _overflow(self, rng: np.random.Generator, strength: float) -> Field:
        """Draw resin where none belongs: over the fill line into the head space, or beaded outside of the wall."""
        height = 7.0 + 11.0 * strength
        if rng.random() < 0.6:
            u, half = self.battery.cells[int(rng.integers(len(self.battery.cells)))]
            side = rng.uniform(-0.75, 0.75) * half[0]
            at = self.placing.to_picture(u + side, -half[1] + _HEAD_PX * rng.uniform(0.35, 0.8))
        else:
            across, down = self.battery.half
            out = height * 0.35
            at = (
                self.placing.to_picture(float(rng.choice([-1, 1])) * (across + out), rng.uniform(-0.7, 0.8) * down)
                if rng.random() < 0.5
                else self.placing.to_picture(rng.uniform(-0.8, 0.8) * across, down + out)
            )
        ragged, shape = rng.uniform(0.2, 0.4), rng.uniform(1.0, 2.2)
        lobe = blob(rng, SIZE, center=at, radius_px=height, elongation=shape, ragged=ragged, edge_px=2.2)
        empty = ramp(field(np.float32(64) - self.sound), 24.0)  # resin runs around what is solid
        body = _RESIN * (0.72 + 0.28 * strength) * (1 + np.float32(0.05) * cloud(rng, SIZE, 9.0))
        return lay(self.sound, field(lobe * empty), field(body))


@dataclass(frozen=True, eq=False)
class Scanner:
    """One scan's conditions: gain per pixel, rings about the axis, streaks of metal, and noise in deviations."""

    gain: Field
    offset: Field
    focus_px: float
    noise: Field
    noise_levels: float

    @classmethod
    def draw(cls, rng: np.random.Generator, placing: Placing) -> Scanner:
        """Choose the conditions of a scan."""
        x, y = grid_coordinates(SIZE)
        radius = np.hypot(x - np.float32(144), y - np.float32(144))
        cupping = 1 - rng.uniform(0.02, 0.09) * np.exp(-((radius / 110) ** 2))
        profile = np.convolve(rng.normal(0, 1, 260), [0.25, 0.5, 0.25], mode="same")
        rings = np.interp(radius.ravel(), np.arange(260), profile).reshape(SIZE) * rng.uniform(0.6, 1.8)
        speckle = field(0.8 * grain(rng, SIZE) + 0.6 * cloud(rng, SIZE, 2.4))
        return cls(
            gain=field(cupping * rng.uniform(0.93, 1.07)),
            offset=field(rings + rng.normal(0, 1.5)),
            focus_px=float(rng.uniform(0.65, 0.95)),
            noise=speckle,
            noise_levels=float(rng.uniform(3.2, 4.8)),
        )

    def expose(self, scene: Field) -> Field:
        """Return the slice without noise, in gray levels 0–255."""
        return field(np.clip(blur(scene, self.focus_px) * self.gain + self.offset, 0, 255))

    def read_out(self, exposed: Field) -> Pixels:
        """Add the noise of the reconstruction and round to 8 bits."""
        return np.asarray(np.clip(np.rint(exposed + self.noise * self.noise_levels), 0, 255), dtype=np.uint8)


Drawn = tuple[Field, Field, Field]


def _cell(battery: Battery, placing: Placing, rng: np.random.Generator) -> Drawn:
    """Draw a pouch cell: its wall, the stack of electrodes, resin around it up to the fill line, tabs."""
    scene = _air(rng)
    for u in CELL_TABS_U:
        scene = lay(scene, placing.box((u, -battery.half[1] - 9), TAB_HALF, 2.0), _METAL)
    return _can(scene, battery, placing, rng, (0.0, battery.half), wall_px=3.0, corner_px=9.0)


def _module(battery: Battery, placing: Placing, rng: np.random.Generator) -> Drawn:
    """Draw a module: its frame, four cans in resin, busbars that join them."""
    scene = _air(rng)
    scene = lay(scene, placing.box((0, 0), MODULE_HALF, 10.0), _FRAME)
    scene = lay(scene, placing.box((0, 0), (MODULE_HALF[0] - 7, MODULE_HALF[1] - 7), 6.0), _air(rng))
    filled = placing.box((0, 0), (MODULE_HALF[0] - 7, MODULE_HALF[1] - 7), 6.0)
    line = -60.0 + battery.level_px + np.float32(1.2) * cloud(rng, SIZE, 30.0)
    filled = field(filled * ramp(field(placing.v - line), 2.5))
    scene = lay(scene, filled, _resin(rng))
    resin, stack = filled, np.zeros(SIZE, np.float32)
    for place in battery.cells:
        scene, _, layers = _can(scene, battery, placing, rng, place, wall_px=2.6, corner_px=5.0)
        resin = field(resin * (1 - placing.box((place[0], 0), place[1], 5.0)))
        stack = np.maximum(stack, layers)
    for first, end in ((0, -1), (1, 1), (2, -1)):
        pair = battery.cells[first : first + 2]
        middle = (pair[0][0] + pair[1][0]) / 2
        scene = lay(scene, placing.box((middle, end * 81.0), (33.0, 4.5), 2.0), _METAL)
    return field(scene), resin, field(stack)


def _can(
    scene: Field,
    battery: Battery,
    placing: Placing,
    rng: np.random.Generator,
    place: tuple[float, tuple[float, float]],
    *,
    wall_px: float,
    corner_px: float,
) -> Drawn:
    u, (across, down) = place
    scene = lay(scene, placing.box((u, 0), (across, down), corner_px), _CASE)
    inner = placing.box((u, 0), (across - wall_px, down - wall_px), max(corner_px - wall_px, 1.0))
    scene = lay(scene, inner, _air(rng))
    top = -down + _HEAD_PX + battery.level_px
    fill = field(inner * ramp(field(placing.v - np.float32(top) - np.float32(0.8) * cloud(rng, SIZE, 24.0)), 2.2))
    scene = lay(scene, fill, _resin(rng))
    border = 5.5 if battery.kind == "cell" else 3.0
    height = (down - wall_px - border - _HEAD_PX / 2 - 2) + rng.normal(0, 0.6)
    middle = (u + rng.normal(0, 0.5), down - wall_px - border - height)
    stack = placing.box(middle, (across - wall_px - border, height), 2.0)
    bend = np.float32(0.9) * cloud(rng, SIZE, 60.0)
    phase = (placing.u - np.float32(u) + bend) * np.float32(2 * np.pi / _LAYER_PX) + rng.uniform(0, 2 * np.pi)
    layers = 132 + 34 * np.cos(phase) + 10 * np.cos(2 * phase) + 3 * cloud(rng, SIZE, 18.0)
    scene = lay(scene, stack, field(layers))
    return scene, field(fill * (1 - stack)), stack


def _air(rng: np.random.Generator) -> Field:
    return field(_AIR + np.float32(1.2) * cloud(rng, SIZE, 40.0))


def _resin(rng: np.random.Generator) -> Field:
    # Its filler settles unevenly, and the finest bubbles are within what is allowed.
    filler = np.float32(0.025) * cloud(rng, SIZE, 14.0, 2)
    bubbles = np.maximum(cloud(rng, SIZE, 2.6) - np.float32(2.3), 0) * np.float32(0.12)
    return field(_RESIN * (1 + filler - bubbles))
