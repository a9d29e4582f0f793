"""Pictures of an inspection, ready for the browser: the part, the heat over it, and the difference to a normal part."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageFilter

from core.inspections.colormap import color_levels, encode_heat, fit_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.inspections.images import InspectionImages, NearestNormal
    from core.inspections.records import InspectionRecord

SCREEN_PX = 1200
_COMPARED_PX = 640
_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
# A difference of this many gray levels (of 255) is drawn in the strongest color.
_FULL_DIFFERENCE = 80.0


@dataclass(frozen=True)
class Pictures:
    """What the browser draws of one inspection: data URLs, and JPEG bytes for the comparison.

    `cut_out_jpeg` is its most anomalous place beside the whole, None for a part that is OK. `quality_warnings` are what
    the person at the camera should mend, `nearest_name` is the normal image's.
    """

    width_px: int
    height_px: int
    part_url: str = field(repr=False)
    heat_url: str = field(repr=False)
    part_jpeg: bytes = field(repr=False)
    nearest_jpeg: bytes | None = field(repr=False, default=None)
    difference_jpeg: bytes | None = field(repr=False, default=None)
    cut_out_jpeg: bytes | None = field(repr=False, default=None)
    nearest_name: str = ""
    quality_warnings: tuple[str, ...] = ()


def draw_pictures(record: InspectionRecord, images: InspectionImages, nearest_normal: NearestNormal | None) -> Pictures:
    """Return everything that is drawn of an inspection, small enough for a cache of many inspections."""
    part = fit_within(images.pixels, SCREEN_PX)
    part_jpeg = _jpeg(part)
    heat_png = encode_heat(images.anomaly_map, review_at=record.review_at, reject_at=record.reject_at)
    nearest = fit_within(nearest_normal.pixels, _COMPARED_PX) if nearest_normal is not None else None
    return Pictures(
        width_px=record.width_px,
        height_px=record.height_px,
        part_url=_data_url(part_jpeg, "image/jpeg"),
        heat_url=_data_url(heat_png, "image/png"),
        part_jpeg=part_jpeg,
        nearest_jpeg=_jpeg(nearest) if nearest is not None else None,
        difference_jpeg=_jpeg(draw_difference(part, nearest)) if nearest is not None else None,
        cut_out_jpeg=images.draw_peak() if record.verdict != "ok" else None,
        nearest_name=nearest_normal.stored_name if nearest_normal is not None else "",
        quality_warnings=images.measure_quality().warnings,
    )


def draw_difference(part: NDArray[np.uint8], nearest: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return where two RGB uint8 images differ in brightness, (H, W, 3) in color over the faded `part`.

    Both are smoothed, and `nearest` is brought to the brightness and contrast of `part` first: what remains is a
    difference in what is seen, not in the light.
    """
    shown = fit_within(part, _COMPARED_PX)
    size = (shown.shape[1], shown.shape[0])
    ours = _smooth_gray(shown, size)
    theirs = _smooth_gray(nearest, size)
    # Percentiles and not mean and deviation: a large defect must not move the whole picture.
    (low, middle, high), (their_low, their_middle, their_high) = (
        np.percentile(gray, (10, 50, 90)) for gray in (ours, theirs)
    )
    gain = float(np.clip((high - low) / max(their_high - their_low, 1e-3), 0.5, 2.0))
    theirs = (theirs - their_middle) * gain + middle
    level = np.clip(np.abs(ours - theirs) / _FULL_DIFFERENCE, 0.0, 1.0)
    faded = 0.35 * (shown.astype(np.float32) @ _WEIGHTS)[..., None] + 150.0
    weight = np.clip(level * 2.5, 0.0, 1.0)[..., None]
    mixed: NDArray[np.uint8] = np.clip(faded * (1 - weight) + color_levels(level) * weight, 0, 255).astype(np.uint8)
    return mixed


def _smooth_gray(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.float32]:
    image = PillowImage.fromarray(pixels).convert("L").resize(size, PillowImage.Resampling.BILINEAR)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(max(size) / 160)), np.float32)


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "JPEG", quality=88)
    return out.getvalue()


def _data_url(data: bytes, content_type: str) -> str:
    return f"data:{content_type};base64,{base64.b64encode(data).decode('ascii')}"
