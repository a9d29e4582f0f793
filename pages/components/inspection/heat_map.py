"""Pictures of an inspection, ready for the browser: the part, the heat over it, and the difference to a normal part."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageFilter

from core.inspections.colormap import colour_levels, encode_heat, fit_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.inspections.records import InspectionView

SCREEN_PX = 1200
_COMPARED_PX = 640
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
    part = fit_within(view.pixels, SCREEN_PX)
    part_jpeg = _jpeg(part)
    heat_png = encode_heat(view.anomaly_map, review_at=row.review_at, reject_at=row.reject_at)
    nearest = fit_within(view.nearest.pixels, _COMPARED_PX) if view.nearest is not None else None
    return Pictures(
        width_px=row.width_px,
        height_px=row.height_px,
        part_url=_data_url(part_jpeg, "image/jpeg"),
        heat_url=_data_url(heat_png, "image/png"),
        part_jpeg=part_jpeg,
        nearest_jpeg=_jpeg(nearest) if nearest is not None else None,
        difference_jpeg=_jpeg(draw_difference(part, nearest)) if nearest is not None else None,
    )


def draw_difference(part: NDArray[np.uint8], nearest: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return where two RGB uint8 images differ in brightness, (H, W, 3) in colour over the faded `part`.

    Both are smoothed, and `nearest` is brought to the brightness and contrast of `part` first: what remains is a
    difference in what is seen, not in the light.
    """
    shown = fit_within(part, _COMPARED_PX)
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
    mixed: NDArray[np.uint8] = np.clip(faded * (1 - weight) + colour_levels(level) * weight, 0, 255).astype(np.uint8)
    return mixed


def _smooth_grey(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.float32]:
    image = PillowImage.fromarray(pixels).convert("L").resize(size, PillowImage.Resampling.BILINEAR)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(max(size) / 160)), np.float32)


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "JPEG", quality=88)
    return out.getvalue()


def _data_url(data: bytes, content_type: str) -> str:
    return f"data:{content_type};base64,{base64.b64encode(data).decode('ascii')}"
