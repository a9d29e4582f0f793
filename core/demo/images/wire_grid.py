"""Woven wire mesh over a dark tray, lit from the side, in gray."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    ramp,
    shift,
)

SIZE = (288, 288)
_PITCH_PX = 25.0
_RADIUS_PX = 3.5
_REACH = 14  # wires on either side of the middle


@dataclass(frozen=True)
class _Kink:
    """A bulge of one wire to the side: how far, where along it, over what length."""

    wire: int
    aside_px: float
    middle_px: float
    spread_px: float


@dataclass(frozen=True)
class _Gap:
    """A missing piece of one wire, whose ends have sprung apart."""

    wire: int
    middle_px: float
    half_px: float
    spring_px: float


@dataclass(frozen=True)
class Mesh:
    """One piece of mesh. `across`, `along` are the coordinates of both wire families over the picture."""

    across: tuple[Field, Field]
    wires: NDArray[np.float64]
    tones: NDArray[np.float32]
    drawn: tuple[Field, Field]
    tray: Field
    rust: Field
    light_rad: float
    specks: Field

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Mesh":
        """Lay a mesh on the tray: angle, place, the weave's tolerance, the wire's drawing marks, the tray."""
        x, y = grid_coordinates(SIZE)
        cos, sin = direction(np.deg2rad(45 + rng.normal(0, 1.5)))
        origin = rng.uniform(-_PITCH_PX / 2, _PITCH_PX / 2, 2)
        dx, dy = x - np.float32(143.5 + origin[0]), y - np.float32(143.5 + origin[1])
        first = dx * cos + dy * sin
        second = dy * cos - dx * sin
        first = first + cloud(rng, SIZE, 110.0) * np.float32(0.5)
        second = second + cloud(rng, SIZE, 110.0) * np.float32(0.5)
        wires = np.arange(-_REACH, _REACH + 1) * _PITCH_PX + rng.normal(0, 0.22, (2, 2 * _REACH + 1))
        # Drawing the wire leaves fine lines along it: noise that is long in one direction.
        drawn = (_streaks(rng, field(first), field(second)), _streaks(rng, field(second), field(first)))
        rust = np.maximum(cloud(rng, SIZE, 26.0, 2) - np.float32(1.2), 0) * np.float32(rng.uniform(0, 0.10))
        return cls(
            across=(field(first), field(second)),
            wires=wires,
            tones=rng.normal(1.0, 0.025, (2, 2 * _REACH + 1)).astype(np.float32),
            drawn=drawn,
            tray=field(36 + 3.0 * cloud(rng, SIZE, 80.0, 2) + 1.2 * grain(rng, SIZE) + 1.5 * cloud(rng, SIZE, 5.0)),
            rust=rust,
            light_rad=float(np.deg2rad(rng.normal(-100, 6))),
            specks=dust(rng, SIZE, most=5, radius_px=0.9),
        )

    def render(self, flaw: str | None, rng: np.random.Generator, strength: float) -> Field:
        """Shade the mesh, see `Part.render`. Flaws: `bent`, `broken`, `glue`."""
        kinks: tuple[list[_Kink], list[_Kink]] = ([], [])
        gaps: tuple[list[_Gap], list[_Gap]] = ([], [])
        family = int(rng.integers(2))
        wire, middle = self._somewhere(rng, family)
        if flaw == "bent":
            spread = rng.uniform(9, 22)
            aside = (4.2 + 7.0 * strength) * float(rng.choice([-1, 1]))
            kinks[family].append(_Kink(wire, aside, middle, spread))
            if rng.random() < 0.3 + 0.4 * strength:  # the neighbor is pushed along
                neighbor = wire + int(np.sign(aside))
                kinks[family].append(_Kink(neighbor, aside * rng.uniform(0.4, 0.8), middle, spread))
        elif flaw == "broken":
            half = 3.0 + 9.5 * strength**1.5 * rng.uniform(0.6, 1.0)
            spring = rng.normal(0, 1.2 + 2.5 * strength)
            gaps[family].append(_Gap(wire, middle, half, spring))
        image = self._weave(kinks, gaps)
        if flaw == "glue":
            image = self._spill(image, rng, strength)
        return field(image * (1 - np.float32(0.4) * self.specks) + np.float32(12) * self.specks)

    def _somewhere(self, rng: np.random.Generator, family: int) -> tuple[int, float]:
        """Choose a wire and a place along it that lie well inside the picture."""
        column, row = rng.uniform(45, SIZE[1] - 45), rng.uniform(45, SIZE[0] - 45)
        at = self.across[family][int(row), int(column)], self.across[1 - family][int(row), int(column)]
        nearest = int(np.argmin(np.abs(self.wires[family] - at[0]))) - _REACH
        # Between two crossings: there a wire can bend or break.
        cell = float(np.floor(at[1] / _PITCH_PX) + 0.5) * _PITCH_PX
        return nearest, cell + float(rng.normal(0, 2.0))

    def _weave(self, kinks: tuple[list[_Kink], list[_Kink]], gaps: tuple[list[_Gap], list[_Gap]]) -> Field:
        parts = [self._wires(family, kinks[family], gaps[family]) for family in (0, 1)]
        (low_a, tone_a, cover_a), (low_b, tone_b, cover_b) = parts
        either = np.maximum(cover_a, cover_b)
        dx, dy = direction(self.light_rad)
        fallen = blur(shift(either, -dx * 6.0 + 2.0, -dy * 6.0), 2.2)
        ground = self.tray * (1 - np.float32(0.55) * fallen)
        a_over = low_a > low_b
        # The lower wire lies in the shadow of the one that crosses it.
        shade_a = 1 - np.float32(0.5) * blur(cover_b, 1.8) * ramp(low_b - low_a, 3.0)
        shade_b = 1 - np.float32(0.5) * blur(cover_a, 1.8) * ramp(low_a - low_b, 3.0)
        tone_a, tone_b = tone_a * shade_a, tone_b * shade_b
        under = np.where(a_over, tone_b, tone_a)
        under_cover = np.where(a_over, cover_b, cover_a)
        over = np.where(a_over, tone_a, tone_b)
        over_cover = np.where(a_over, cover_a, cover_b)
        image = ground * (1 - under_cover) + under * under_cover
        return field(image * (1 - over_cover) + over * over_cover)

    def _wires(self, family: int, kinks: list[_Kink], gaps: list[_Gap]) -> tuple[Field, Field, Field]:
        """Return the height, the gray level and the coverage 0–1 of one family of wires."""
        across, along = self.across[family], self.across[1 - family]
        index = np.clip(np.rint(across / np.float32(_PITCH_PX)).astype(np.int32), -_REACH, _REACH)
        centers = field(self.wires[family])
        away = across - centers[index + _REACH]
        for kink in kinks:
            away, index = _displace(away, index, across, along, kink, float(self.wires[family][kink.wire + _REACH]))
        cut = np.zeros(SIZE, np.float32)
        for gap in gaps:
            offset = along - np.float32(gap.middle_px)
            here = index == gap.wire
            # The loose ends spring to one side, most at their tips.
            lean = np.exp(-(((np.abs(offset) - gap.half_px) / 11.0).clip(0) ** 2)) * np.sign(offset)
            away = np.where(here, away - lean * np.float32(gap.spring_px), away)
            torn = gap.half_px - np.abs(offset) + np.float32(0.25) * away * np.float32(np.sign(gap.spring_px))
            cut = np.where(here, np.maximum(cut, ramp(field(torn), 1.3)), cut)
        round_ = np.clip(away / np.float32(_RADIUS_PX), -1, 1)
        phase = np.float32(np.pi) * (along / np.float32(_PITCH_PX) + field(index % 2) + family)
        sway = np.cos(phase)
        steep = np.sin(phase) * np.float32(0.38)
        top = np.sqrt(1 - round_ * round_)
        height = np.float32(3.2) * sway + np.float32(_RADIUS_PX) * top
        beside, ahead = direction(self.light_rad - self._heading(family))
        side = round_ * (beside * 0.95)
        slope = steep * ahead
        facing = np.maximum(np.float32(0.80) * top + side + slope, 0)
        mirrored = np.maximum(np.float32(0.62) * top + np.float32(1.25) * side + slope * 1.3, 0)
        cube = mirrored * mirrored * mirrored
        glint = cube * cube * cube
        tone = 24 + 88 * facing + 84 * np.minimum(glint, 1.4) + 10 * sway
        tone = tone * self.tones[family][index + _REACH] * (1 + self.drawn[family]) * (1 - self.rust)
        cover = ramp(field(_RADIUS_PX - np.abs(away)), 1.0) * (1 - cut)
        return field(height - 40 * (1 - cover)), field(tone), field(cover)

    def _heading(self, family: int) -> float:
        """Return the direction in the picture in which `across` of a family grows."""
        rise = self.across[family]
        return float(np.arctan2(rise[-1, 0] - rise[0, 0], rise[0, -1] - rise[0, 0]))

    def _spill(self, image: Field, rng: np.random.Generator, strength: float) -> Field:
        """Draw a drop of adhesive: clear to milky, filling the openings, with a highlight on its skin."""
        center = (float(rng.uniform(40, SIZE[1] - 40)), float(rng.uniform(40, SIZE[0] - 40)))
        radius = 7.0 + 16 * strength * rng.uniform(0.4, 1.0)
        drop = blob(rng, SIZE, center=center, radius_px=radius, elongation=rng.uniform(1, 2), ragged=0.35, edge_px=2.5)
        dome = blur(drop, radius * 0.35 + 1.0) * drop
        dx, dy = direction(self.light_rad)
        lit = dome - shift(dome, -dx * 2.5, -dy * 2.5)
        milk = (
            np.float32(0.32 + 0.42 * strength) * drop * np.clip(1 + cloud(rng, SIZE, 12.0) * np.float32(0.12), 0, 1.3)
        )
        body = np.float32(rng.uniform(92, 150))
        softened = image * (1 - np.float32(0.5) * drop) + blur(image, 1.2) * np.float32(0.5) * drop
        coated = softened * (1 - milk) + body * milk
        return field(coated - lit * np.float32(170) * drop)


def _displace(
    away: Field, index: NDArray[np.int32], across: Field, along: Field, kink: _Kink, center_px: float
) -> tuple[Field, NDArray[np.int32]]:
    """Move one wire aside; where it comes closest to a pixel, the pixel belongs to it."""
    bulge = np.exp(-(((along - np.float32(kink.middle_px)) / np.float32(kink.spread_px)) ** 2))
    moved = across - np.float32(center_px) - bulge * np.float32(kink.aside_px)
    away = np.where(index == kink.wire, np.float32(99), away)
    closer = np.abs(moved) < np.abs(away)
    return field(np.where(closer, moved, away)), np.where(closer, np.int32(kink.wire), index)


def _streaks(rng: np.random.Generator, across: Field, along: Field) -> Field:
    lines = rng.normal(0, 0.05, (64, 512))
    row = (along / 14.0).astype(np.int32) % 64
    column = (across * 1.5).astype(np.int32) % 512
    return field(lines[row, column])
