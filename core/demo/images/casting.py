"""Pump impellers: sand-cast discs with a machined hub and rim, seen from above in gray."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from core.demo.images.canvas import (
    Field,
    blob,
    blur,
    cloud,
    direction,
    dust,
    field,
    grain,
    grid_coordinates,
    lambert,
    ramp,
    shift,
    stroke,
    wander,
)

SIZE = (320, 320)
_RIM_PX = 139.0
_HUB_PX = 45.0
_BORE_PX = 19.0
_VANES = 7
_MOLD_CAVITIES = 4


@dataclass(frozen=True)
class _Mold:
    """The design of a part, without variation: relief, coverage 0–1, and where it is machined."""

    relief: Field
    coverage: Field
    machined: Field


@dataclass(frozen=True)
class Impeller:
    """One casting on the table. `relief` is in pixels above the table, `tone` the paint of its surface."""

    mold: _Mold
    center: tuple[float, float]
    turn_rad: float
    light_rad: float
    roughness: Field
    tone: Field
    grooves: Field
    table: Field
    specks: Field

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Impeller":
        """Cast one part: cavity, place, grain of the sand, tool marks, dirt."""
        design = _mold(int(rng.integers(_MOLD_CAVITIES)))
        center = (159.5 + rng.normal(0, 2.0), 159.5 + rng.normal(0, 2.0))
        turn = float(np.deg2rad(rng.normal(0, 4.0)))
        matrix = cv2.getRotationMatrix2D((319.5, 319.5), -float(np.rad2deg(turn)), 0.5 * rng.normal(1.0, 0.004))
        matrix[:, 2] = matrix[:, 2] + np.array(center) - 319.5
        placed = _Mold(*(_place(layer, matrix) for layer in (design.relief, design.coverage, design.machined)))
        x, y = grid_coordinates(SIZE)
        radius = np.hypot(x - np.float32(center[0]), y - np.float32(center[1]))
        sand = cloud(rng, SIZE, 3.0) * np.float32(0.20) + cloud(rng, SIZE, 9.0, 2) * np.float32(0.20)
        pores = np.maximum(cloud(rng, SIZE, 2.6) - np.float32(2.4), 0) * np.float32(0.4)
        chatter = _turned(rng, radius) * np.float32(rng.uniform(0.6, 1.3))
        tone: Field = 1 + cloud(rng, SIZE, 60.0, 2) * np.float32(0.03) + cloud(rng, SIZE, 14.0) * np.float32(0.018)
        if rng.random() < 0.4:  # a dried film of coolant: harmless, wiped off later
            spot = (float(rng.uniform(60, 260)), float(rng.uniform(60, 260)))
            film = blob(rng, SIZE, center=spot, radius_px=rng.uniform(12, 30), ragged=0.35, edge_px=5)
            tone = field(tone * (1 - film * rng.uniform(0.02, 0.06)))
        return cls(
            mold=placed,
            center=center,
            turn_rad=turn,
            light_rad=float(np.deg2rad(rng.normal(-128, 5))),
            roughness=(sand - pores) * np.float32(rng.uniform(0.8, 1.15)),
            tone=field(tone),
            grooves=chatter,
            table=_table(rng),
            specks=dust(rng, SIZE, most=6),
        )

    def render(self, flaw: str | None, rng: np.random.Generator, strength: float) -> Field:
        """Shade the part, see `Part.render`. Flaws: `hole`, `burr`, `scratch`."""
        relief, coverage = self.mold.relief.copy(), self.mold.coverage
        machined = self.mold.machined
        dark, bright = np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32)
        if flaw == "hole":
            pits = self._blow_holes(rng, strength)
            relief -= pits * np.float32(2.0 + 3.0 * strength)
            dark = pits * np.float32(0.50 + 0.35 * strength)
        elif flaw == "burr":
            coverage, added = self._flash(rng, strength)
            relief = np.where(added > 0, np.maximum(relief, added * np.float32(5.0)), relief)
            machined = machined * (1 - np.clip(added, 0, 1))
            bright = np.clip(added, 0, 1) * np.float32(0.10 + 0.15 * strength)
        elif flaw == "scratch":
            groove = self._scratches(rng, strength)
            relief -= groove * np.float32(0.5 + 0.9 * strength)
            bright = groove * np.float32(0.30 + 0.35 * strength)
        return self._shade(field(relief), coverage, machined, dark, bright)

    def _shade(self, relief: Field, coverage: Field, machined: Field, dark: Field, bright: Field) -> Field:
        surface = relief + self.roughness * (1 - machined)
        key = lambert(surface, azimuth_rad=self.light_rad, elevation_rad=0.95)
        fill = lambert(surface, azimuth_rad=self.light_rad + 2.4, elevation_rad=1.15)
        sky = np.clip(1 + (relief - blur(relief, 9.0)) * np.float32(0.055), 0.35, 1.12)
        shadow = self._cast_shadow(relief)
        x, y = grid_coordinates(SIZE)
        angle = np.arctan2(y - np.float32(self.center[1]), x - np.float32(self.center[0]))
        # Turned faces mirror the lamp along two opposite sectors, as the bow tie on any lathe part.
        mirrored = np.cos(angle - np.float32(self.light_rad)) ** 2
        sheen = mirrored * mirrored * mirrored
        cast = np.float32(96) * key + np.float32(44) * fill + np.float32(10)
        turned = np.float32(78) * key + np.float32(58) * fill + np.float32(30) + np.float32(62) * sheen
        turned = turned * (1 + self.grooves)
        metal = (cast * (1 - machined) + turned * machined) * self.tone * sky * (1 - np.float32(0.42) * shadow)
        depth = np.clip(relief * np.float32(-0.25), 0, 1)  # little light falls into the bore
        metal = metal * (1 - np.float32(0.62) * depth)
        metal = metal * (1 - dark) + bright * (205 - metal)
        metal = metal * (1 - np.float32(0.35) * self.specks)
        halo = blur(shift(coverage, 5.0, 6.0), 6.0)
        ground = self.table * (1 - np.float32(0.62) * halo)
        return field(ground * (1 - coverage) + metal * coverage)

    def _cast_shadow(self, relief: Field) -> Field:
        dx, dy = direction(self.light_rad)
        depth = np.zeros(SIZE, np.float32)
        for distance in (2.0, 4.0, 6.5, 9.5):
            # What stands towards the lamp, lowered by the slant of the light on its way here.
            hidden = shift(relief, -dx * distance, -dy * distance) - np.float32(1.15 * distance) - relief
            depth = np.maximum(depth, hidden)
        return blur(np.clip(depth / np.float32(2.5), 0, 1), 0.9)

    def _polar(self, radius: float, angle: float) -> tuple[float, float]:
        cos, sin = direction(angle)
        return self.center[0] + radius * cos, self.center[1] + radius * sin

    def _blow_holes(self, rng: np.random.Generator, strength: float) -> Field:
        pits = np.zeros(SIZE, np.float32)
        largest = 3.0 + 5.5 * strength**1.3
        middle = self._polar(rng.uniform(_BORE_PX + 9, _RIM_PX - 9), rng.uniform(0, 2 * np.pi))
        for number in range(1 + int(rng.integers(0, 4) * rng.random())):
            spread = 0.0 if number == 0 else largest * 2.2
            center = (middle[0] + rng.normal(0, 1) * spread, middle[1] + rng.normal(0, 1) * spread)
            radius = largest if number == 0 else largest * rng.uniform(0.3, 0.8)
            shape = rng.uniform(1.0, 1.7)
            pit = blob(rng, SIZE, center=center, radius_px=radius, elongation=shape, ragged=0.22, edge_px=1.8)
            pits = np.maximum(pits, pit)
        return pits

    def _flash(self, rng: np.random.Generator, strength: float) -> tuple[Field, Field]:
        """Draw thin metal that ran out of the parting line, at the rim or into the bore."""
        x, y = grid_coordinates(SIZE)
        dx, dy = x - np.float32(self.center[0]), y - np.float32(self.center[1])
        radius, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
        at_rim = rng.random() < 0.7
        edge = _RIM_PX if at_rim else _BORE_PX
        reach = (3.6 + 8.0 * strength) * (1.0 if at_rim else 0.75)
        half_arc = (rng.uniform(7, 16) + 20 * strength * rng.random()) / edge
        off = np.angle(np.exp(1j * (angle - rng.uniform(-np.pi, np.pi)))) / half_arc
        tooth = np.zeros(SIZE, np.float32)
        for wave in (2, 5, 9, 15):
            tooth += field(np.cos(wave * off * 2 + rng.uniform(0, 2 * np.pi)) * rng.normal(0, 0.35) / wave**0.3)
        tongue = np.clip(1 - off**2, 0, None) ** 0.6 * np.clip(0.75 + tooth, 0.1, 1.5) * np.float32(reach)
        outside = (radius - np.float32(edge)) if at_rim else (np.float32(edge) - radius)
        added = ramp(field(tongue - outside), 1.4) * (np.abs(off) < 1) * ramp(field(outside + 2.0), 1.4)
        return np.maximum(self.mold.coverage, added), field(added)

    def _scratches(self, rng: np.random.Generator, strength: float) -> Field:
        marks = np.zeros(SIZE, np.float32)
        start = self._polar(rng.uniform(_BORE_PX + 8, _RIM_PX - 14), rng.uniform(0, 2 * np.pi))
        heading = rng.uniform(0, 2 * np.pi)
        for _ in range(1 + int(rng.random() < 0.3)):
            length = 34 + 95 * strength * rng.uniform(0.5, 1.0)
            begin = (start[0] + rng.normal(0, 3), start[1] + rng.normal(0, 3))
            line = wander(rng, start=begin, heading_rad=heading + rng.normal(0, 0.08), length_px=length, bend=0.25)
            width = 1.2 + 1.4 * strength * rng.uniform(0.6, 1.0)
            marks = np.maximum(marks, stroke(SIZE, line, width, taper=True))
        # A tool that slips touches the high places more.
        return marks * np.clip(1 + self.roughness, 0.35, 1.25) * self.mold.coverage


@cache
def _mold(cavity: int) -> _Mold:
    """Draw a cavity's design at twice the size of the picture."""
    scale = 2.0
    x, y = grid_coordinates((640, 640))
    dx, dy = (x - np.float32(319.5)) / np.float32(scale), (y - np.float32(319.5)) / np.float32(scale)
    radius, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    coverage = ramp(field(_RIM_PX - radius), 0.8)
    plate = 9 * ramp(field(_RIM_PX - 1.5 - radius), 4.0) + 3 * np.exp(-((radius / 62) ** 2))
    rim = 4.5 * ramp(field(radius - 128), 2.5) * ramp(field(_RIM_PX - 1.0 - radius), 2.0)
    sweep = angle - 0.95 * np.log(np.maximum(radius, 8) / 48)
    off = np.angle(np.exp(1j * _VANES * sweep)) / _VANES
    pitch = np.float32(np.cos(np.arctan(0.95)))
    thickness = 3.4 + 1.8 * np.clip((radius - 45) / 80, 0, 1)
    vane = ramp(field(thickness - np.abs(off) * radius * pitch), 3.2)
    vane = vane * ramp(field(radius - 47), 8.0) * ramp(field(122 - radius), 6.0)
    hub = 8 * ramp(field(_HUB_PX - radius), 3.0) + 2.0 * ramp(field(29.0 - radius), 2.0)
    bore = ramp(field(_BORE_PX - radius), 1.2)
    keyway = ramp(field(3.6 - np.abs(dy)), 0.9) * ramp(field(dx), 1) * ramp(field(_BORE_PX + 5.5 - dx), 0.9)
    opening = np.maximum(bore, keyway)
    chamfer = ramp(field(_BORE_PX + 2.5 - radius), 3.0) * 2.5
    relief = plate + rim + 6.5 * vane + hub - chamfer
    relief = relief + 1.5 * _lettering(cavity) * (1 - vane)
    for bolt in range(3):  # balance drillings in the hub face
        place = 2 * np.pi * bolt / 3 + np.pi / 3
        away = np.hypot(dx - 36.5 * np.cos(place), dy - 36.5 * np.sin(place))
        opening = np.maximum(opening, ramp(field(3.1 - away), 1.0))
    relief = np.where(opening > 0, relief * (1 - opening) - 5 * opening, relief)
    machined = np.maximum(
        ramp(field(_HUB_PX - 1.5 - radius), 1.0),
        ramp(field(radius - 129.5), 1.0) * ramp(field(_RIM_PX - 1.5 - radius), 1.0),
    ) * (1 - opening)
    return _Mold(field(relief), field(coverage), field(machined))


def _lettering(cavity: int) -> Field:
    """Draw raised characters on the plate: the type, and the number of the cavity."""
    canvas = np.zeros((640, 640), np.uint8)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(canvas, f"A-{cavity + 1}", (352, 505), font, 0.85, 255, 3, cv2.LINE_AA)
    turned = cv2.warpAffine(canvas, cv2.getRotationMatrix2D((380, 490), 22, 1.0), (640, 640))
    return blur(field(turned) / np.float32(255), 1.0)


def _place(layer: Field, matrix: cv2.typing.MatLike) -> Field:
    softened = blur(layer, 0.7)
    return field(cv2.warpAffine(softened, matrix, (SIZE[1], SIZE[0]), flags=cv2.INTER_LINEAR))


def _turned(rng: np.random.Generator, radius: Field) -> Field:
    """Draw concentric marks of the lathe: fine feed lines, and a few deeper rings within tolerance."""
    profile = rng.normal(0, 0.035, 400)
    profile = np.convolve(profile, [0.25, 0.5, 0.25], mode="same")
    for _ in range(int(rng.integers(0, 4))):
        profile[int(rng.integers(40, 300))] -= rng.uniform(0.05, 0.12)
    return field(np.interp(radius.ravel() * 2, np.arange(400), profile)).reshape(SIZE)


def _table(rng: np.random.Generator) -> Field:
    """Return the dark rubber mat under the camera."""
    mat = 47 + 2.2 * cloud(rng, SIZE, 70.0, 2) + 1.6 * grain(rng, SIZE) + 1.4 * cloud(rng, SIZE, 4.0)
    return field(mat)
