"""Whether an image was well taken: focus and exposure, as hints to the person at the camera. Never a reason to refuse.

Focus follows Crete et al., "The blur effect" (SPIE 6492, 2007): a picture that is already soft loses little when it
is blurred again. Being a ratio of an image's own gradients it does not depend on contrast or exposure. It is measured
on the picture reduced to 512 px, so that it speaks of the picture and not of the pixels' noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

_MEASURED_SIZE_PX = 512
_WINDOW_PX = 9
_BLURRED_ABOVE = 0.72
_LEAST_GRADIENT = 0.25  # gray levels a pixel; a plain surface has no edges by which focus could be assessed
_DARK_LEVEL, _BRIGHT_LEVEL = 8, 247
_DARK_MEAN, _BRIGHT_MEAN = 20.0, 235.0
_CLIPPED_SHARE = 0.6


@dataclass(frozen=True)
class ImageQuality:
    """`blur_score` 0 (sharp) to 1 (soft); `warnings`: "blurred", "under_exposed", "over_exposed"."""

    blur_score: float
    warnings: tuple[str, ...]


def assess(pixels: npt.NDArray[np.uint8]) -> ImageQuality:
    """Measure RGB uint8 pixels, height × width × 3, of any size."""
    return assess_reduced(reduce(pixels))


def assess_reduced(reduced: npt.NDArray[Any]) -> ImageQuality:
    """Measure pixels that `reduce` made."""
    gray = cv2.cvtColor(reduced, cv2.COLOR_RGB2GRAY)
    levels = cv2.calcHist([gray], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    mean = float(levels @ np.arange(256)) / gray.size
    dark, bright = float(levels[: _DARK_LEVEL + 1].sum()) / gray.size, float(levels[_BRIGHT_LEVEL:].sum()) / gray.size
    blur_score, gradient = _measure_blur(gray)
    found = {
        "blurred": blur_score > _BLURRED_ABOVE and gradient > _LEAST_GRADIENT,
        "under_exposed": mean < _DARK_MEAN or dark > _CLIPPED_SHARE,
        "over_exposed": mean > _BRIGHT_MEAN or bright > _CLIPPED_SHARE,
    }
    return ImageQuality(blur_score, tuple(code for code, applies in found.items() if applies))


def reduce(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """Return the pixels at the size at which they are measured: no side longer than 512 px; small ones as they are."""
    height, width = pixels.shape[:2]
    scale = _MEASURED_SIZE_PX / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _measure_blur(gray: npt.NDArray[Any]) -> tuple[float, float]:
    """Return (blur score, mean absolute gradient in levels a pixel).

    The worse of the two directions counts, as a moving camera blurs along one only.
    """
    scores, gradients = [], []
    for axis in (0, 1):
        if gray.shape[axis] < 2:
            continue
        size = (1, _WINDOW_PX) if axis == 0 else (_WINDOW_PX, 1)
        before = _differences(gray, axis)
        total = cv2.sumElems(before)[0]
        if total > 0:
            # Sums over the window and not means: whole numbers are exact, and several times as fast.
            after = _differences(cv2.boxFilter(gray, cv2.CV_16U, size, normalize=False), axis)
            scaled = before.astype(np.uint16) * np.uint16(_WINDOW_PX)
            lost = cv2.sumElems(cv2.subtract(scaled, after))[0] / _WINDOW_PX  # what is below 0 counts as 0
            scores.append(1 - lost / total)
            gradients.append(total / before.size)
    return (max(scores), max(gradients)) if scores else (0.0, 0.0)


def _differences(values: npt.NDArray[Any], axis: int) -> npt.NDArray[Any]:
    """Return how much each value differs from the next one along the axis."""
    ahead, behind = (values[1:], values[:-1]) if axis == 0 else (values[:, 1:], values[:, :-1])
    return np.asarray(cv2.absdiff(ahead, behind))
