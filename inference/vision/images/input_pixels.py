"""What an image goes through before every network: its shape is checked, its size changed, its light evened out."""

from __future__ import annotations

import cv2
import numpy as np

from inference.errors import ModelError

LIGHT_MEAN = 110.0
_LIGHT_SPREAD = 45.0
_MAX_LIGHT_GAIN = 4.0


def check_image(image: np.ndarray) -> np.ndarray:
    """Return the image; raises ModelError(`image_wrong_shape`) unless it is uint8 H×W×3 with at least one pixel."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        shape, dtype = getattr(image, "shape", None), str(getattr(image, "dtype", type(image).__name__))
        raise ModelError("image_wrong_shape", shape=shape, dtype=dtype)
    if image.size == 0:
        raise ModelError("image_wrong_shape", shape=image.shape, dtype=str(image.dtype))
    return image


def resize_pixels(pixels: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """Bring RGB uint8 of any size to (height, width, 3), C-contiguous; a gray image at a third of the cost."""
    if pixels.shape[:2] == (height, width):
        return np.ascontiguousarray(pixels)
    shrinking = pixels.shape[0] >= height and pixels.shape[1] >= width
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    gray = _take_gray(pixels)
    if gray is None:
        return np.asarray(cv2.resize(pixels, (width, height), interpolation=interpolation), np.uint8)
    resized = cv2.resize(gray, (width, height), interpolation=interpolation)
    return np.asarray(cv2.cvtColor(resized, cv2.COLOR_GRAY2RGB), np.uint8)


def _take_gray(pixels: np.ndarray) -> np.ndarray | None:
    """Return the one channel of an image whose three are the same, else None; a few rows tell most color images."""
    few = pixels[:: max(1, len(pixels) // 8)]
    if not (np.array_equal(few[..., 0], few[..., 1]) and np.array_equal(few[..., 0], few[..., 2])):
        return None
    red, green, blue = (cv2.extractChannel(pixels, channel) for channel in range(3))
    return np.asarray(red) if np.array_equal(red, green) and np.array_equal(red, blue) else None


def even_light(pixels: np.ndarray, *, valid: np.ndarray | None = None) -> np.ndarray:
    """Return the image at one mean and one spread of luminance, so that exposure and contrast do not matter.

    One straight line for all three channels: hue and structure stay. Very flat images are raised at most fourfold,
    or their noise would become the picture. Pixels that are not `valid` (bool, h × w) have no say.
    """
    mask = None if valid is None else valid.astype(np.uint8)
    mean, spread = cv2.meanStdDev(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), mask=mask)
    gain = min(_LIGHT_SPREAD / max(float(spread[0, 0]), 1e-3), _MAX_LIGHT_GAIN)
    table = (np.arange(256) - float(mean[0, 0])) * gain + LIGHT_MEAN
    return np.asarray(cv2.LUT(pixels, np.rint(table).clip(0, 255).astype(np.uint8)), np.uint8)
