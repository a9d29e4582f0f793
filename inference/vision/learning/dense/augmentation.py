"""What is changed at random in a training image together with what is marked on it.

Flips are told from everything else: what a frozen network gives for a flipped image can be kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.vision.learning.dense.inputs import UNKNOWN
from inference.vision.learning.recipes.settings import AugmentationSettings
from inference.vision.learning.trained_network.description import LETTERBOX_GRAY

# A box of which less than this is left in the image is no longer one to learn.
_LEAST_LEFT = 0.3
_BLUR_PX = 3


@dataclass(frozen=True)
class Change:
    """How one image is changed: mirrored, then moved by `matrix` (2×3), then its colors. None: not at all."""

    flip_horizontal: bool = False
    flip_vertical: bool = False
    matrix: NDArray[np.float64] | None = None
    gain: float = 1.0
    shift: float = 0.0
    saturation: float = 1.0
    hue: float = 0.0
    blurred: bool = False
    noise: float = 0.0
    noise_seed: int = 0

    @property
    def is_flip(self) -> bool:
        """Return whether nothing but mirroring is done."""
        plain = (self.gain, self.shift, self.saturation, self.hue, self.noise) == (1.0, 0.0, 1.0, 0.0, 0.0)
        return self.matrix is None and plain and not self.blurred

    @property
    def flips(self) -> tuple[bool, bool]:
        """Return whether it is mirrored across, and down."""
        return self.flip_horizontal, self.flip_vertical


NO_CHANGE = Change()


def draw_change(settings: AugmentationSettings, size_px: tuple[int, int], rng: np.random.Generator) -> Change:
    """Return a change of an input of `size_px` (height, width), drawn within the settings' limits."""

    def either_way(most: float) -> float:
        return float(rng.uniform(-most, most)) if most > 0.0 else 0.0

    flip_horizontal = bool(settings.flip_horizontal and rng.random() < 0.5)
    flip_vertical = bool(settings.flip_vertical and rng.random() < 0.5)
    matrix = None
    if settings.rotation_deg or settings.scale or settings.translation:
        matrix = _draw_matrix(settings, size_px, rng)
    return Change(
        flip_horizontal=flip_horizontal,
        flip_vertical=flip_vertical,
        matrix=matrix,
        gain=1.0 + either_way(settings.contrast),
        shift=255.0 * either_way(settings.brightness),
        saturation=1.0 + either_way(settings.saturation),
        hue=either_way(settings.hue),
        blurred=bool(settings.blur and rng.random() < settings.blur),
        noise=255.0 * settings.noise,
        noise_seed=int(rng.integers(2**31)) if settings.noise else 0,
    )


def change_pixels(pixels: NDArray[np.uint8], change: Change) -> NDArray[np.uint8]:
    """Return an input, RGB uint8 H×W×3, changed."""
    pixels = _flip(pixels, change)
    if change.matrix is not None:
        height, width = pixels.shape[:2]
        gray = (LETTERBOX_GRAY,) * 3
        pixels = np.asarray(cv2.warpAffine(pixels, change.matrix, (width, height), borderValue=gray), np.uint8)
    return pixels if change.is_flip else _change_colors(pixels, change)


def change_mask(mask: NDArray[np.uint8], change: Change) -> NDArray[np.uint8]:
    """Return a mask, uint8 H×W, moved as its input; what comes in from outside is UNKNOWN."""
    mask = _flip(mask, change)
    if change.matrix is None:
        return mask
    height, width = mask.shape
    moved = cv2.warpAffine(
        mask,
        change.matrix,
        (width, height),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=UNKNOWN,
    )
    return np.asarray(moved, np.uint8)


def change_boxes(
    boxes: NDArray[np.float32], labels: NDArray[np.int64], change: Change, size_px: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return boxes M×4 (left, top, right, bottom) moved as their input of `size_px` (height, width), and their labels.

    A box that is turned becomes the one around it; one that has mostly left the image is left out.
    """
    height, width = size_px
    moved = boxes.copy()
    if change.flip_horizontal:
        moved[:, [0, 2]] = width - moved[:, [2, 0]]
    if change.flip_vertical:
        moved[:, [1, 3]] = height - moved[:, [3, 1]]
    if change.matrix is None or not len(moved):
        return moved, labels
    corners = np.stack([moved[:, [0, 1]], moved[:, [2, 1]], moved[:, [2, 3]], moved[:, [0, 3]]], axis=1)
    turned = corners @ change.matrix[:, :2].T + change.matrix[:, 2]
    around = np.concatenate([turned.min(axis=1), turned.max(axis=1)], axis=1)
    held = around.copy()
    held[:, 0::2] = np.clip(held[:, 0::2], 0.0, width)
    held[:, 1::2] = np.clip(held[:, 1::2], 0.0, height)
    area = (around[:, 2:] - around[:, :2]).prod(axis=1)
    left = (held[:, 2:] - held[:, :2]).prod(axis=1) / np.maximum(area, 1e-9)
    kept = left >= _LEAST_LEFT
    return held[kept].astype(np.float32), labels[kept]


def _draw_matrix(
    settings: AugmentationSettings, size_px: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float64]:
    height, width = size_px
    angle = float(rng.uniform(-settings.rotation_deg, settings.rotation_deg))
    factor = float(rng.uniform(1.0 - settings.scale, 1.0 + settings.scale))
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2.0, height / 2.0), angle, factor), np.float64)
    matrix[:, 2] += rng.uniform(-settings.translation, settings.translation, 2) * (width, height)
    return matrix


def _flip(plane: NDArray[np.uint8], change: Change) -> NDArray[np.uint8]:
    if change.flip_horizontal:
        plane = plane[:, ::-1]
    if change.flip_vertical:
        plane = plane[::-1]
    return np.ascontiguousarray(plane)


def _change_colors(pixels: NDArray[np.uint8], change: Change) -> NDArray[np.uint8]:
    if change.hue:
        space = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV), np.uint8)
        space[..., 0] = (space[..., 0].astype(np.int64) + math.floor(change.hue * 180.0)) % 180
        pixels = np.asarray(cv2.cvtColor(space, cv2.COLOR_HSV2RGB), np.uint8)
    values = pixels.astype(np.float32)
    if change.saturation != 1.0:
        gray = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32)[..., None]
        values = gray + (values - gray) * np.float32(change.saturation)
    if change.gain != 1.0 or change.shift:
        mean = np.float32(values.mean())
        values = (values - mean) * np.float32(change.gain) + mean + np.float32(change.shift)
    if change.blurred:
        values = np.asarray(cv2.GaussianBlur(values, (_BLUR_PX, _BLUR_PX), 0), np.float32)
    if change.noise:
        rng = np.random.default_rng(change.noise_seed)
        values = values + rng.standard_normal(values.shape, np.float32) * np.float32(change.noise)
    return np.asarray(np.clip(np.rint(values), 0.0, 255.0), np.uint8)
