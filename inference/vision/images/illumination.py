"""How a product's images are lit, and the same images as another exposure and contrast would have shown them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inference.vision.images.quality import assess

Pixels = npt.NDArray[np.uint8]

_PLANE_SIDE_PX = 48
_RANGE_PERCENT = (0.5, 99.5)
_NOISE_BLOCK_PX = 16
_QUIET_PERCENT = 10
# Immerkær's mask: the difference of two Laplacians, blind to planes and straight edges.
_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


@dataclass(frozen=True)
class LightSurvey:
    """What a set of images has in common. Levels are grey levels of 0–255.

    `mean_level` and `contrast_levels` (the 0.5–99.5 % range) are medians over the images, `mean_variation` is the
    spread of the images' mean levels as a share of the mean. `side_drop` is how much brightness falls over the whole
    image along a plane, as a share of its mean: the part of the light that lies the same in every image.
    `noise_levels` is the standard deviation of the noise in the quietest parts. `has_color`: whether any image does.
    `warnings` counts the images that `quality.assess` warns of, by code.
    """

    image_count: int
    mean_level: float
    mean_variation: float
    contrast_levels: float
    side_drop: float
    noise_levels: float
    has_color: bool
    warnings: dict[str, int] = field(default_factory=dict)


def survey_light(images: Iterable[Pixels]) -> LightSurvey:
    """Measure RGB uint8 images (H, W, 3) of any size; at least one."""
    means, ranges, noises, planes = [], [], [], []
    warnings: dict[str, int] = {}
    has_color = False
    for pixels in images:
        gray = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
        means.append(float(gray.mean()))
        low, high = np.percentile(gray, _RANGE_PERCENT)
        ranges.append(float(high - low))
        noises.append(estimate_noise(gray))
        planes.append(_fit_plane(gray))
        has_color = has_color or bool(np.ptp(pixels, axis=2).max() > 0)
        for code in assess(pixels).warnings:
            warnings[code] = warnings.get(code, 0) + 1
    mean = max(float(np.mean(means)), 1.0)
    across, down = np.mean(planes, axis=0)
    return LightSurvey(
        image_count=len(means),
        mean_level=float(np.median(means)),
        mean_variation=float(np.std(means)) / mean,
        contrast_levels=float(np.median(ranges)),
        side_drop=float(abs(across) + abs(down)) / mean,
        noise_levels=float(np.median(noises)),
        has_color=has_color,
        warnings=warnings,
    )


def vary_light(pixels: Pixels, *, exposure: float, contrast: float) -> Pixels:
    """Return the image with its brightness times `exposure` and the distances from its mean times `contrast`.

    Clipped to 0–255, as a sensor would.
    """
    mean = float(pixels.mean())
    table = ((np.arange(256) - mean) * contrast + mean) * exposure
    return np.asarray(cv2.LUT(pixels, np.rint(table).clip(0, 255).astype(np.uint8)), np.uint8)


def draw_light(rng: np.random.Generator, *, share: float) -> tuple[float, float]:
    """Return an (exposure, contrast) that is off by up to `share`, each by itself."""
    exposure, contrast = rng.uniform(1 - share, 1 + share, 2).tolist()
    return exposure, contrast


def estimate_noise(gray: Pixels) -> float:
    """Return the standard deviation of the noise in levels (Immerkær, "Fast noise variance estimation", CVIU 64, 1996).

    The estimate is taken per block, and the quietest tenth counts, because texture looks like noise. Grey uint8
    (H, W); 0.0 for an image of less than 3 px.
    """
    if min(gray.shape) < 3:
        return 0.0
    response = np.abs(cv2.filter2D(gray, cv2.CV_32F, _NOISE_KERNEL)[1:-1, 1:-1])
    height, width = response.shape
    rows, columns = max(1, height // _NOISE_BLOCK_PX), max(1, width // _NOISE_BLOCK_PX)
    blocks = cv2.resize(response, (columns, rows), interpolation=cv2.INTER_AREA)
    return float(np.percentile(blocks, _QUIET_PERCENT)) * math.sqrt(math.pi / 2) / 6


def _fit_plane(gray: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the rise of brightness in levels (from left to right, from top to bottom) of the least-squares plane."""
    small = cv2.resize(gray, (_PLANE_SIDE_PX, _PLANE_SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float64)
    places = np.linspace(-0.5, 0.5, _PLANE_SIDE_PX)
    total = float((places**2).sum()) * _PLANE_SIDE_PX
    return np.array([(small * places[None]).sum() / total, (small * places[:, None]).sum() / total])
