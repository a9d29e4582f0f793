"""Pictures of an inspection, ready for the browser: the part, the heat over it, and the difference to a normal part."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageFilter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.inspection import InspectionView

SCREEN_PX = 1200
_HEAT_PX = 512
_COMPARED_PX = 640
# From "worth a look" to "certainly": pale yellow, amber, red, dark red. Distinct in brightness, so also in grey.
_STOPS = np.array([[255, 236, 140], [255, 176, 46], [233, 74, 38], [140, 10, 50]], np.float32)
_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
# A difference of this many grey levels (of 255) is drawn in the strongest colour.
_FULL_DIFFERENCE = 80.0


@dataclass(frozen=True)
class Pictures:
    """What the browser draws of one inspection: data URLs, and JPEG bytes for the comparison."""

    width_px: int
    height_px: int
    part_url: str = field(repr=False)
    heat_url: str = field(repr=False)
    part_jpeg: bytes = field(repr=False)
    nearest_jpeg: bytes | None = field(repr=False, default=None)
    difference_jpeg: bytes | None = field(repr=False, default=None)


def draw_pictures(view: InspectionView) -> Pictures:
    """Everything that is drawn of `view`, small enough to be kept for many inspections."""
    row = view.inspection
    part = _fit(view.pixels, SCREEN_PX)
    part_jpeg = _jpeg(part)
    heat = colour_heat(view.anomaly_map, review_at=row.review_at, reject_at=row.reject_at)
    nearest = _fit(view.nearest.pixels, _COMPARED_PX) if view.nearest is not None else None
    return Pictures(
        width_px=row.width_px,
        height_px=row.height_px,
        part_url=_data_url(part_jpeg, "image/jpeg"),
        heat_url=_data_url(_png(heat), "image/png"),
        part_jpeg=part_jpeg,
        nearest_jpeg=_jpeg(nearest) if nearest is not None else None,
        difference_jpeg=_jpeg(draw_difference(part, nearest)) if nearest is not None else None,
    )


def colour_heat(anomaly_map: NDArray[np.float32], *, review_at: float, reject_at: float) -> NDArray[np.uint8]:
    """The map (h, w) as RGBA uint8, at most 512 px a side.

    The colours hang on the thresholds and not on the map's own maximum, so that two parts can be compared and a good
    part stays without colour: nothing below 90 % of `review_at`, the strongest at 1.5 times `reject_at`.
    """
    smallest, largest = 0.9 * review_at, max(1.5 * reject_at, 0.9 * review_at + 1e-6)
    sound = np.nan_to_num(anomaly_map, nan=0.0, posinf=largest, neginf=0.0)
    level = np.clip((sound - smallest) / (largest - smallest), 0.0, 1.0).astype(np.float32)
    longest = max(level.shape)
    if longest > _HEAT_PX:
        size = (max(1, level.shape[1] * _HEAT_PX // longest), max(1, level.shape[0] * _HEAT_PX // longest))
        level = np.asarray(PillowImage.fromarray(level).resize(size, PillowImage.Resampling.BILINEAR))
    colours = _colour(level)
    alpha = np.clip(level * 4.0, 0.0, 1.0) * 255.0
    return np.dstack([colours, alpha.astype(np.uint8)])


def draw_difference(part: NDArray[np.uint8], nearest: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Where two RGB uint8 images differ in brightness, (H, W, 3) in colour over the faded `part`.

    Both are smoothed, and `nearest` is brought to the brightness and contrast of `part` first: what remains is a
    difference in what is seen, not in the light.
    """
    shown = _fit(part, _COMPARED_PX)
    size = (shown.shape[1], shown.shape[0])
    ours = _smooth_grey(shown, size)
    theirs = _smooth_grey(nearest, size)
    # Percentiles and not mean and deviation: a large defect must not move the whole picture.
    (low, middle, high), (their_low, their_middle, their_high) = (
        np.percentile(grey, (10, 50, 90)) for grey in (ours, theirs)
    )
    gain = float(np.clip((high - low) / max(their_high - their_low, 1e-3), 0.5, 2.0))
    theirs = (theirs - their_middle) * gain + middle
    level = np.clip(np.abs(ours - theirs) / _FULL_DIFFERENCE, 0.0, 1.0)
    faded = 0.35 * (shown.astype(np.float32) @ _WEIGHTS)[..., None] + 150.0
    weight = np.clip(level * 2.5, 0.0, 1.0)[..., None]
    mixed: NDArray[np.uint8] = np.clip(faded * (1 - weight) + _colour(level) * weight, 0, 255).astype(np.uint8)
    return mixed


def _colour(level: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    position = np.linspace(0.0, 1.0, len(_STOPS))
    channels = [np.interp(level, position, _STOPS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def _fit(pixels: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if max(height, width) <= longest_px:
        return pixels
    scale = longest_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(PillowImage.fromarray(pixels).resize(size, PillowImage.Resampling.LANCZOS, reducing_gap=2.0))


def _smooth_grey(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.float32]:
    image = PillowImage.fromarray(pixels).convert("L").resize(size, PillowImage.Resampling.BILINEAR)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(max(size) / 160)), np.float32)


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "JPEG", quality=88)
    return out.getvalue()


def _png(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _data_url(data: bytes, content_type: str) -> str:
    return f"data:{content_type};base64,{base64.b64encode(data).decode('ascii')}"
