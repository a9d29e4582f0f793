"""The camera over the station: lighting, focus, exposure and sensor noise that differ from shot to shot."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.demo.images.canvas import Field, blur, direction, field, grain, grid_coordinates

Pixels = NDArray[np.uint8]

# A defect's mask takes in every pixel that the defect changes by at least this many gray levels, before noise.
MASK_LEVELS = 5.0


@dataclass(frozen=True)
class Camera:
    """One shot's conditions. `light` is a factor per pixel, `noise` is in deviations of the sensor noise."""

    light: Field
    tint: NDArray[np.float32]
    focus_px: float
    read_noise: float
    shot_noise: float
    noise: Field

    @classmethod
    def draw(cls, rng: np.random.Generator, shape: tuple[int, ...], *, exposure: float = 0.12) -> "Camera":
        """Choose the conditions for a scene of `shape` (H × W or H × W × 3)."""
        height, width = shape[:2]
        x, y = grid_coordinates((height, width))
        x, y = x / np.float32(width) - np.float32(0.5), y / np.float32(height) - np.float32(0.5)
        right, down = direction(rng.uniform(0, 2 * np.pi))
        tilt = rng.uniform(0, 0.14)
        vignette = rng.uniform(0.05, 0.22)
        light = 1 + tilt * (x * right + y * down) - vignette * (x**2 + y**2)
        channels = shape[2] if len(shape) == 3 else 1
        tint = 1 + rng.normal(0, 0.008, channels)
        return cls(
            light=field(light * rng.uniform(1 - exposure, 1 + exposure)),
            tint=tint.astype(np.float32),
            focus_px=float(rng.uniform(0.48, 0.66)),
            read_noise=float(rng.uniform(0.7, 1.1)),
            shot_noise=float(rng.uniform(0.006, 0.010)),
            noise=grain(rng, (height, width)) if channels == 1 else _colored(rng, (height, width, channels)),
        )

    def expose(self, scene: Field) -> Field:
        """Return what the sensor would give without noise, in gray levels 0–255."""
        lit = blur(scene, self.focus_px)
        if scene.ndim == 3:
            factors = cv2.merge([self.light * channel for channel in self.tint])
            return field(np.clip(lit * factors, 0, 255))
        return field(np.clip(lit * self.light * self.tint[0], 0, 255))

    def read_out(self, exposed: Field) -> Pixels:
        """Add read and shot noise and round to 8 bits."""
        deviation = np.sqrt(np.float32(self.read_noise**2) + np.float32(self.shot_noise) * exposed)
        return np.asarray(np.clip(np.rint(exposed + deviation * self.noise), 0, 255), dtype=np.uint8)


def _colored(rng: np.random.Generator, shape: tuple[int, int, int]) -> Field:
    """Return noise of a color sensor: mostly the same in all channels, for demosaicing spreads it."""
    shared = grain(rng, shape[:2])[..., None]
    own = field(rng.standard_normal((shape[0] // 2, shape[1] // 2, shape[2]), dtype=np.float32))
    own = field(cv2.resize(own, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))
    return np.float32(0.85) * shared + np.float32(0.6) * own


def _largest_change(clean: Field, damaged: Field) -> Field:
    change = cv2.absdiff(damaged, clean)
    if change.ndim == 3:
        red, green, blue = cv2.split(change)
        return field(cv2.max(cv2.max(red, green), blue))
    return field(change)


def outline_change(clean: Field, damaged: Field) -> Pixels:
    """Return a mask (0/255) of where two noise-free exposures of one part differ visibly, small gaps closed."""
    change = _largest_change(clean, damaged)
    mask = (change >= MASK_LEVELS).astype(np.uint8) * 255
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), dtype=np.uint8)


def is_visible(clean: Field, damaged: Field, mask: Pixels) -> bool:
    """Say whether a careful person would see the defect: ≥ 20 px², and some of it 12 levels from normal."""
    inside = mask > 0
    if int(inside.sum()) < 20:
        return False
    change = _largest_change(clean, damaged)
    return float(np.quantile(change[inside], 0.8)) >= 12.0
