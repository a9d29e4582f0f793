"""Photographs of a pill: in a studio from above, or by a phone where it happens to lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from core.demo.images.camera import Camera, Pixels
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
from core.demo.images.pills.designs import PillDesign
from core.demo.images.pills.faces import FACE_PX, Face, Light

Domain = Literal["studio", "field"]
SIZE_PX = 288
SIZE = (SIZE_PX, SIZE_PX)
_SKIN = ((224, 178, 150), (204, 150, 120), (166, 112, 84), (236, 196, 172))


@dataclass(frozen=True)
class Photograph:
    """One picture as RGB pixels, and how hard its JPEG file is compressed (quality 1–100)."""

    pixels: Pixels
    quality: int


def take(
    design: PillDesign, is_front: bool, domain: Domain, piece: np.random.Generator, shot: np.random.Generator
) -> Photograph:
    """Picture one face of a piece: `piece` draws what is its own, `shot` what is the picture's."""
    face = Face.draw(design, is_front, piece)
    return _in_studio(face, shot) if domain == "studio" else _by_phone(face, shot)


def _in_studio(face: Face, rng: np.random.Generator) -> Photograph:
    azimuth, turn = float(rng.uniform(-2.6, -0.6)), float(rng.uniform(0, 2 * np.pi))
    light = Light(azimuth - turn, float(rng.uniform(0.85, 1.15)), 0.42)
    matrix = _lie(turn, float(rng.uniform(0.86, 0.96)), rng.normal(0, 5.0, 2), None)
    tone = np.array([(228, 229, 231), (206, 211, 217), (190, 199, 208)][int(rng.integers(3))], np.float32)
    x, y = grid_coordinates(SIZE)
    fall = 1 - np.float32(0.14) * (((x - 144) / 144) ** 2 + ((y - 144) / 144) ** 2)
    scene = field((fall * (1 + np.float32(0.006) * cloud(rng, SIZE, 8.0, 2)))[..., None] * tone)
    scene = _lay(scene, face, matrix, light, azimuth, rng, shadow=0.34, soft_px=9.0)
    camera = Camera.draw(rng, scene.shape, exposure=0.05)
    return Photograph(camera.read_out(camera.expose(scene)), 92)


def _by_phone(face: Face, rng: np.random.Generator) -> Photograph:
    azimuth, turn = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0, 2 * np.pi))
    light = Light(azimuth - turn, float(rng.uniform(0.6, 1.1)), float(rng.uniform(0.32, 0.55)))
    lean = rng.uniform(-0.16, 0.16, (4, 2))
    matrix = _lie(turn, float(rng.uniform(0.7, 0.98)), rng.normal(0, 17.0, 2), lean)
    ground = _GROUNDS[int(rng.integers(len(_GROUNDS)))](rng)
    if rng.random() < 0.3:
        ground = _finger(ground, rng)
    scene = _lay(
        ground, face, matrix, light, azimuth, rng,
        shadow=float(rng.uniform(0.3, 0.6)), soft_px=float(rng.uniform(3.0, 9.0)),
    )  # fmt: skip
    scene = _throw_shadow(scene, rng)
    balance = np.array([rng.uniform(0.9, 1.12), 1.0, rng.uniform(0.86, 1.12)], np.float32)
    scene = field(scene * (balance * np.float32(rng.uniform(0.78, 1.12))))
    scene = blur(scene, float(rng.uniform(0.6, 1.5)))
    if rng.random() < 0.35:
        scene = _shake(scene, rng)
    contrast = np.float32(rng.uniform(0.9, 1.15))
    scene = field(np.clip((scene / 255 - 0.5) * contrast + 0.5, 0, 1) * 255)
    noise = blur(field(rng.standard_normal((*SIZE, 3), dtype=np.float32)), 0.6) * np.float32(rng.uniform(3.0, 9.0))
    pixels = np.asarray(np.clip(np.rint(scene + noise), 0, 255), np.uint8)
    return Photograph(pixels, int(rng.integers(45, 80)))


def _lie(turn: float, scale: float, off: np.ndarray, lean: np.ndarray | None) -> np.ndarray:
    """Return the homography from the face to the picture: turned, scaled, moved, and seen at a slant."""
    half = FACE_PX / 2
    corners = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    cosine, sine = np.cos(turn), np.sin(turn)
    turned = corners @ np.array([[cosine, sine], [-sine, cosine]]) * scale
    if lean is not None:
        turned = turned + lean * half * 0.9
    target = np.asarray(turned + SIZE_PX / 2 + off, np.float32)
    source = np.array([[0, 0], [FACE_PX, 0], [FACE_PX, FACE_PX], [0, FACE_PX]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(source, target))


def _lay(
    scene: Field,
    face: Face,
    matrix: np.ndarray,
    light: Light,
    azimuth: float,
    rng: np.random.Generator,
    *,
    shadow: float,
    soft_px: float,
) -> Field:
    """Lay the lit face onto the ground, with its shadow away from the light."""
    lit = field(cv2.warpPerspective(face.shade(light, rng), matrix, SIZE[::-1], flags=cv2.INTER_CUBIC, borderMode=1))
    cover = field(cv2.warpPerspective(face.cover, matrix, SIZE[::-1], flags=cv2.INTER_LINEAR))
    right, down = direction(azimuth)
    # In the picture the light comes from `azimuth`; what it does not reach lies opposite.
    length = float(face.height.max()) * 0.62 / max(np.tan(light.elevation_rad), 0.5)
    moved = np.array([[1, 0, -right * length], [0, 1, -down * length]], np.float32)
    thrown = field(cv2.warpAffine(cover, moved, SIZE[::-1], flags=cv2.INTER_LINEAR))
    dark = np.maximum(blur(thrown, soft_px) * np.float32(shadow), blur(cover, 3.0) * np.float32(shadow * 0.8))
    ground = scene * (1 - dark[..., None])
    if face.is_clear:
        # A clear pill throws a colored glow into its own shadow.
        glow = blur(thrown, soft_px)[..., None] * face.albedo[FACE_PX // 2, FACE_PX // 2] * np.float32(46)
        ground = ground + glow
    return field(ground + (lit - ground) * cover[..., None])


def _wood(rng: np.random.Generator) -> Field:
    x, y = grid_coordinates(SIZE)
    turn = rng.uniform(-0.5, 0.5)
    across = y - x * np.float32(np.sin(turn))
    bend = np.float32(9.0) * cloud(rng, SIZE, 120.0)
    rings = np.sin((across + bend) * np.float32(rng.uniform(0.16, 0.3))) * np.float32(0.5)
    fibers = field(cv2.resize(grain(rng, (SIZE_PX, 24)), SIZE[::-1], interpolation=cv2.INTER_CUBIC))
    tone = np.array([(184, 138, 92), (150, 104, 66), (206, 170, 126), (96, 66, 46)][int(rng.integers(4))], np.float32)
    return field((1 + np.float32(0.09) * rings + np.float32(0.045) * fibers)[..., None] * tone)


def _cloth(rng: np.random.Generator) -> Field:
    x, y = grid_coordinates(SIZE)
    sway = np.float32(1.6) * cloud(rng, SIZE, 70.0)
    pitch = np.float32(2 * np.pi / rng.uniform(4.5, 8.0))
    weave = np.sin((x + sway) * pitch) * np.sin((y - sway) * pitch)
    tone = np.array([(74, 92, 122), (186, 178, 164), (128, 60, 62), (60, 62, 66)][int(rng.integers(4))], np.float32)
    folds = np.float32(0.12) * cloud(rng, SIZE, 130.0)
    return field((1 + np.float32(0.1) * weave + folds + np.float32(0.03) * grain(rng, SIZE))[..., None] * tone)


def _paper(rng: np.random.Generator) -> Field:
    tone = np.array([238, 235, 226], np.float32) * np.float32(rng.uniform(0.86, 1.0))
    paper = field((1 + np.float32(0.02) * cloud(rng, SIZE, 40.0, 2))[..., None] * tone)
    for level in range(int(rng.integers(14, 30)), SIZE_PX, int(rng.integers(24, 34))):
        line = stroke(SIZE, np.array([[-4.0, level], [SIZE_PX + 4.0, level + rng.normal(0, 1)]]), 1.4)
        paper = field(paper * (1 - line[..., None] * np.array([0.4, 0.25, 0.1], np.float32)))
    return paper


def _palm(rng: np.random.Generator) -> Field:
    tone = np.array(_SKIN[int(rng.integers(len(_SKIN)))], np.float32)
    folds = np.float32(0.09) * cloud(rng, SIZE, 110.0, 2) + np.float32(0.025) * cloud(rng, SIZE, 7.0, 2)
    skin = field((1 + folds)[..., None] * tone)
    for _ in range(3):
        start = (float(rng.uniform(-10, 60)), float(rng.uniform(0, SIZE_PX)))
        crease = stroke(
            SIZE, wander(rng, start=start, heading_rad=float(rng.normal(0, 0.6)), length_px=320, bend=0.2), 5.0
        )
        skin = field(skin * (1 - blur(crease, 3.0)[..., None] * np.array([0.14, 0.2, 0.21], np.float32)))
    return skin


def _tray(rng: np.random.Generator) -> Field:
    brushed = field(cv2.resize(grain(rng, (SIZE_PX, 10)), SIZE[::-1], interpolation=cv2.INTER_LINEAR))
    sheen = np.float32(0.16) * cloud(rng, SIZE, 150.0)
    tone = np.array([158, 164, 168], np.float32) * np.float32(rng.uniform(0.75, 1.1))
    return field((1 + sheen + np.float32(0.04) * brushed)[..., None] * tone)


def _desk(rng: np.random.Generator) -> Field:
    tone = np.array([(52, 56, 64), (226, 228, 228), (112, 132, 118), (46, 74, 108)][int(rng.integers(4))], np.float32)
    return field(
        (1 + np.float32(0.07) * cloud(rng, SIZE, 160.0) + np.float32(0.02) * grain(rng, SIZE))[..., None] * tone
    )


_GROUNDS: tuple[Callable[[np.random.Generator], Field], ...] = (_wood, _cloth, _paper, _palm, _tray, _desk)


def _finger(scene: Field, rng: np.random.Generator) -> Field:
    """Lay the tip of a finger into the picture from one side."""
    side = rng.uniform(0, 2 * np.pi)
    at = (144 + float(np.cos(side)) * 176, 144 + float(np.sin(side)) * 176)
    tip = blob(rng, SIZE, center=at, radius_px=58.0, elongation=1.5, ragged=0.06, edge_px=5.0)
    tone = np.array(_SKIN[int(rng.integers(len(_SKIN)))], np.float32)
    round_off = field(np.float32(0.72) + np.float32(0.28) * blur(tip, 10.0))
    ground = scene * (1 - np.float32(0.35) * blur(tip, 9.0)[..., None])
    return field(ground + (tone * round_off[..., None] - ground) * tip[..., None])


def _throw_shadow(scene: Field, rng: np.random.Generator) -> Field:
    """Darken one side, as a hand or the phone itself does."""
    x, y = grid_coordinates(SIZE)
    right, down = direction(float(rng.uniform(0, 2 * np.pi)))
    depth = (x - 144) * right + (y - 144) * down - np.float32(rng.uniform(-40, 130))
    shade = ramp(field(depth + 6 * cloud(rng, SIZE, 60.0)), float(rng.uniform(30, 120)))
    return field(scene * (1 - np.float32(rng.uniform(0.1, 0.45)) * shade[..., None]))


def _shake(scene: Field, rng: np.random.Generator) -> Field:
    length = int(rng.integers(3, 7))
    kernel = np.zeros((9, 9), np.float32)
    right, down = direction(float(rng.uniform(0, np.pi)))
    for step in np.linspace(-length / 2, length / 2, 9):
        kernel[round(4 + down * step), round(4 + right * step)] += 1
    return field(cv2.filter2D(scene, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101))
