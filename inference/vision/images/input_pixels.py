"""What an image goes through before every network: its shape is checked, its size changed, its light evened out."""

from __future__ import annotations

import cv2
import numpy as np

from inference.errors import ModelError

LIGHT_MEAN = 110.0
_LIGHT_SPREAD = 45.0
_MAX_LIGHT_GAIN = 4.0
# A spread below this is noise of the camera, not structure of the part.
_LEAST_LOCAL_SPREAD = 8.0


def check_image(image: np.ndarray) -> np.ndarray:
    """Return the image itself; raise ModelError(`image_wrong_shape`) unless uint8 H×W×3 with at least one pixel."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        shape, dtype = getattr(image, "shape", None), str(getattr(image, "dtype", type(image).__name__))
        raise ModelError("image_wrong_shape", shape=shape, dtype=dtype)
    if image.size == 0:
        raise ModelError("image_wrong_shape", shape=image.shape, dtype=str(image.dtype))
    return image


def resize_pixels(pixels: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """Resize RGB uint8 to RGB uint8 (height, width, 3), C-contiguous; a gray image at a third of the cost."""
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


def even_local_contrast(pixels: np.ndarray, *, share: float, valid: np.ndarray | None = None) -> np.ndarray:
    """Return the image with each place at one mean and one spread of the luminance around it.

    So light that falls off across the image does not matter, nor does contrast that differs from place to place. The
    surroundings are a square window, its side `share` of the shorter side of the image, reflected at the border. One
    gain for all three channels: hue stays. Pixels that are not `valid` (bool, h × w) have no say.
    """
    side = max(3, round(min(pixels.shape[:2]) * share)) | 1
    one = _take_gray(pixels)
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if one is None else one
    if valid is None:
        mean = _average(gray, side)
        square = np.asarray(cv2.sqrBoxFilter(gray, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT))
    else:
        weight = valid.astype(np.float32)
        counted = gray * weight
        # Where nothing of a window counts, its middle does not either.
        there = np.maximum(_average(weight, side), 0.5 / side**2)
        mean, square = _average(counted, side) / there, _average(counted * gray, side) / there
    spread = np.sqrt(np.maximum(square - mean * mean, _LEAST_LOCAL_SPREAD**2))
    gain = np.float32(_LIGHT_SPREAD) / spread
    shift = np.float32(LIGHT_MEAN) - mean * gain

    def stretch(channel: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.add(cv2.multiply(channel, gain, dtype=cv2.CV_32F), shift, dtype=cv2.CV_8U))

    if one is not None:
        return np.asarray(cv2.cvtColor(stretch(one), cv2.COLOR_GRAY2RGB), np.uint8)
    return np.asarray(cv2.merge([stretch(cv2.extractChannel(pixels, place)) for place in range(3)]), np.uint8)


def _average(values: np.ndarray, side: int) -> np.ndarray:
    """Return the mean of the square window of `side` px around each pixel: float32."""
    return np.asarray(cv2.boxFilter(values, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
