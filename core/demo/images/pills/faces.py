"""A face of one pill as it lies under a light: its relief, colors and shading, before any camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.demo.images.canvas import Field, blur, cloud, direction, field, grain, ramp, slopes
from core.demo.images.pills.designs import PillDesign, Score, distance

# The square in which a face is drawn, and its scale: the longest pill is 17.5 mm.
FACE_PX = 256
PX_PER_MM = 13.0
SIZE = (FACE_PX, FACE_PX)

_TEXT_SCALE = 3
_PRESSED_MM = 0.22
_GROOVE_MM = 0.6


@dataclass(frozen=True, eq=False)
class Light:
    """A soft light over the pill, as seen on the pill: where it comes from, how high, how much comes from all around."""

    azimuth_rad: float
    elevation_rad: float
    ambient: float


@dataclass(frozen=True, eq=False)
class Face:
    """One face of one piece: `albedo` H × W × 3 (0–1), `height` in px, `cover` 0–1, and the finish of its kind."""

    albedo: Field
    height: Field
    cover: Field
    gloss: float
    is_clear: bool

    @classmethod
    def draw(cls, design: PillDesign, is_front: bool, rng: np.random.Generator) -> Face:
        """Draw a face with the small differences of a batch: shade, depth and place of the imprint, dust."""
        y, x = np.mgrid[0:FACE_PX, 0:FACE_PX]
        middle = (FACE_PX - 1) / 2
        x, y = field((x - middle) / PX_PER_MM), field((y - middle) / PX_PER_MM)
        outside = distance(design.form, design.half, x, y)
        cover = ramp(field(-outside * PX_PER_MM), 1.6)
        depth = np.clip(-outside / np.float32(design.rounding_mm), 0, 1)
        height = field(np.sqrt(np.maximum(1 - (1 - depth) ** 2, 0)) * (design.height_mm * PX_PER_MM))
        albedo = _color(design, x, outside, rng)
        text = design.front if is_front else design.back
        if text:
            printed = _write(text, design, rng)
            if design.ink is None:
                height = field(height - blur(printed, 0.9) * (_PRESSED_MM * PX_PER_MM * rng.uniform(0.8, 1.2)))
                # What is pressed in is smoother, and a little darker with dust.
                albedo = field(albedo * (1 - np.float32(0.1) * printed[..., None]))
            else:
                ink = field(np.array(design.ink, np.float32) / 255)
                albedo = field(albedo + (ink - albedo) * (printed[..., None] * np.float32(rng.uniform(0.8, 0.95))))
        groove = _groove(design.front_score if is_front else design.back_score, x, y)
        height = field(height - blur(groove, 0.8) * (_PRESSED_MM * 1.25 * PX_PER_MM))
        albedo = field(albedo * (1 - np.float32(0.08) * groove[..., None]))
        if design.form == "capsule":
            # The cap is pushed over the body and stands out by its wall.
            height = field(height + ramp(field(x * PX_PER_MM + 6), 2.0) * np.where(height > 1, 1.4, 0))
        return cls(albedo, height, cover, design.gloss, design.form == "softgel")

    def shade(self, light: Light, rng: np.random.Generator) -> Field:
        """Return the face under a light, in gray levels H × W × 3 (linear in reflected light, 0–255)."""
        surface = blur(self.height, 0.7)
        if self.gloss < 0.3:
            # Pressed powder is grainy.
            surface = field(surface + np.float32(0.10) * blur(grain(rng, SIZE), 0.8) * (1 - self.gloss))
        across, down = slopes(surface)
        length = np.sqrt(across * across + down * down + 1)
        right, downwards = direction(light.azimuth_rad)
        flat, steep = direction(light.elevation_rad)
        cosine = np.maximum((-across * (right * flat) - down * (downwards * flat) + steep) / length, 0)
        diffuse = light.ambient + (1.08 - light.ambient) * cosine / np.float32(max(steep, 0.4))
        colors = field(self.albedo * (diffuse * np.float32(238))[..., None])
        if self.is_clear:
            # Light goes through and gathers on the far side.
            through = np.clip((across * right + down * downwards) * np.float32(0.5) + np.float32(0.25), 0, 1)
            colors = field(colors * np.float32(0.86) + self.albedo * (through * np.float32(120))[..., None])
        half = (right * flat, downwards * flat, steep + 1)
        norm = float(np.sqrt(sum(value * value for value in half)))
        mirrored = np.maximum((-across * half[0] - down * half[1] + half[2]) / (length * np.float32(norm)), 0)
        shine = mirrored ** np.float32(18 + 90 * self.gloss) * np.float32(190 * self.gloss)
        return field(np.minimum(colors + shine[..., None], 255))


def _color(design: PillDesign, x: Field, outside: Field, rng: np.random.Generator) -> Field:
    shade = np.float32(1 + rng.normal(0, 0.012))
    base = field(np.array(design.color, np.float32) / 255) * (shade + rng.normal(0, 0.006, 3).astype(np.float32))
    albedo = field(np.broadcast_to(base, (*SIZE, 3)).copy())
    if design.second is not None:
        cap = field(np.array(design.second, np.float32) / 255) * shade
        share = ramp(field(x * PX_PER_MM + 6), 2.0)[..., None]
        albedo = field(albedo + (cap - albedo) * share)
    if design.speckles:
        spots = ramp(field(cloud(rng, SIZE, 4.5) - np.float32(2.2 - 6 * design.speckles)), 0.5)[..., None]
        albedo = field(albedo + (field(np.array(design.speckle, np.float32) / 255) - albedo) * spots * np.float32(0.75))
    if design.form == "softgel":
        # Thicker in the middle, and darker there.
        albedo = field(albedo * (1.12 - 0.3 * np.clip(-outside / np.float32(design.half[1]), 0, 1))[..., None])
    mottle = np.float32(0.012 if design.gloss < 0.3 else 0.006) * cloud(rng, SIZE, 16.0, 3)
    return field(np.clip(albedo * (1 + mottle[..., None]), 0, 1))


def _write(text: str, design: PillDesign, rng: np.random.Generator) -> Field:
    """Return the coverage 0–1 of one or two lines (`/` parts them) in the middle of the face."""
    lines = text.split("/")
    size_px = FACE_PX * _TEXT_SCALE
    canvas = np.zeros((size_px, size_px), np.uint8)
    along, across = design.half
    if design.form in {"triangle", "diamond"}:
        along, across = along * 0.62, across * 0.8
    elif design.form not in {"oblong", "capsule", "square"}:
        along, across = along * 0.8, across * 0.86
    face = cv2.FONT_HERSHEY_DUPLEX
    room_px = (2 * along * 0.78 * PX_PER_MM * _TEXT_SCALE, 2 * across * 0.74 * PX_PER_MM * _TEXT_SCALE / len(lines))
    widest = max(cv2.getTextSize(line, face, 1.0, 1)[0][0] for line in lines)
    highest = cv2.getTextSize("G", face, 1.0, 1)[0][1]
    scale = min(room_px[0] / widest, room_px[1] * 0.8 / highest)
    thick = max(round(scale * 2.1), 3)
    off = rng.normal(0, 0.14, 2) * PX_PER_MM * _TEXT_SCALE
    for place, line in enumerate(lines):
        wide, high = cv2.getTextSize(line, face, scale, thick)[0]
        level = (place - (len(lines) - 1) / 2) * room_px[1]
        at = (round(size_px / 2 - wide / 2 + off[0]), round(size_px / 2 + high / 2 + level + off[1]))
        cv2.putText(canvas, line, at, face, scale, 255, thick, cv2.LINE_AA)
    return field(cv2.resize(canvas, SIZE, interpolation=cv2.INTER_AREA)) / np.float32(255)


def _groove(score: Score, x: Field, y: Field) -> Field:
    if not score:
        return np.zeros(SIZE, np.float32)
    groove = ramp(field((_GROOVE_MM / 2 - np.abs(x)) * PX_PER_MM), 3.0)
    if score == "cross":
        groove = np.maximum(groove, ramp(field((_GROOVE_MM / 2 - np.abs(y)) * PX_PER_MM), 3.0))
    return field(groove)
