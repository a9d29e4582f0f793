"""The colors of an anomaly map: alike on the screen, in reports and in what a language model sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PillowImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEAT_PX = 512
# From "worth a look" to "certainly": pale yellow, amber, red, dark red. Distinct in brightness, so also in gray.
_STOPS = np.array([[255, 236, 140], [255, 176, 46], [233, 74, 38], [140, 10, 50]], np.float32)
_OPACITY = 0.65
# The color of each of so many levels: looked up, they take a tenth of the time of being computed.
_LEVELS = np.linspace(0.0, 1.0, 4096)
_TABLE: NDArray[np.uint8] = np.stack(
    [np.interp(_LEVELS, np.linspace(0.0, 1.0, len(_STOPS)), _STOPS[:, channel]) for channel in range(3)], axis=-1
).astype(np.uint8)


def color_heat(anomaly_map: NDArray[np.float32], *, review_at: float, reject_at: float) -> NDArray[np.uint8]:
    """Return the map (h, w) as RGBA uint8, at most 512 px a side.

    The colors hang on the thresholds and not on the map's own maximum, so that two parts can be compared and a good
    part stays without color: nothing below 90 % of `review_at`, the strongest at 1.5 times `reject_at`.
    """
    smallest, largest = 0.9 * review_at, max(1.5 * reject_at, 0.9 * review_at + 1e-6)
    sound = np.nan_to_num(anomaly_map, nan=0.0, posinf=largest, neginf=0.0)
    level = np.clip((sound - smallest) / (largest - smallest), 0.0, 1.0).astype(np.float32)
    longest = max(level.shape)
    if longest > _HEAT_PX:
        size = (max(1, level.shape[1] * _HEAT_PX // longest), max(1, level.shape[0] * _HEAT_PX // longest))
        level = np.asarray(PillowImage.fromarray(level).resize(size, PillowImage.Resampling.BILINEAR))
    colors = color_levels(level)
    alpha = np.clip(level * 4.0, 0.0, 1.0) * 255.0
    return np.dstack([colors, alpha.astype(np.uint8)])


def color_levels(level: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Return levels of 0 to 1 (h, w) as RGB uint8 (h, w, 3)."""
    colors: NDArray[np.uint8] = _TABLE[(np.clip(level, 0.0, 1.0) * (len(_TABLE) - 1) + 0.5).astype(np.intp)]
    return colors


def fit_within(pixels: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    """Return the RGB uint8 (H, W, 3) image, made smaller where a side is longer than `longest_px`."""
    height, width = pixels.shape[:2]
    if max(height, width) <= longest_px:
        return pixels
    scale = longest_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(PillowImage.fromarray(pixels).resize(size, PillowImage.Resampling.LANCZOS, reducing_gap=2.0))


def overlay_heat(pixels: NDArray[np.uint8], heat: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the RGBA heat of `color_heat` over the image, RGB uint8 of the image's size."""
    size = (pixels.shape[1], pixels.shape[0])
    stretched = np.asarray(PillowImage.fromarray(heat).resize(size, PillowImage.Resampling.BILINEAR), np.float32)
    weight = stretched[..., 3:] / 255.0 * _OPACITY
    mixed: NDArray[np.uint8] = (pixels * (1 - weight) + stretched[..., :3] * weight).astype(np.uint8)
    return mixed


def encode_heat(anomaly_map: NDArray[np.float32], *, review_at: float, reject_at: float) -> bytes:
    """Return the heat of `color_heat` as a PNG file with transparency."""
    from inference.vision.images.encoding import encode_png

    return encode_png(color_heat(anomaly_map, review_at=review_at, reject_at=reject_at))
