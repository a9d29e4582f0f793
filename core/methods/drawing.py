"""The picture of a prediction: the image with the method's heat over it and its boxes, numbered from the best on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from core.inspections.colormap import color_heat, fit_within, overlay_heat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.vision.comparison.predictions import PredictedBox

SCREEN_PX = 900
_LINE = (233, 74, 38)
_HALO = (255, 255, 255)


def draw_prediction(
    pixels: NDArray[np.uint8],
    *,
    boxes: Sequence[PredictedBox] = (),
    anomaly_map: NDArray[np.float32] | None = None,
    thresholds: tuple[float, float] | None = None,
    longest_px: int = SCREEN_PX,
) -> bytes:
    """Return the image, RGB uint8 (H, W, 3), as JPEG with what a method saw in it, at most `longest_px` a side.

    The colors of the map hang on `thresholds` (review, reject) in the map's unit; without them on its own range.
    """
    from inference.vision.images.encoding import encode_jpeg

    drawn = fit_within(pixels, longest_px)
    if anomaly_map is not None and anomaly_map.size:
        review_at, reject_at = thresholds or _own_range(anomaly_map)
        drawn = overlay_heat(drawn, color_heat(anomaly_map, review_at=review_at, reject_at=reject_at))
    if boxes:
        scale = drawn.shape[1] / pixels.shape[1], drawn.shape[0] / pixels.shape[0]
        drawn = _outline(drawn, boxes, scale)
    return encode_jpeg(np.ascontiguousarray(drawn))


def _own_range(anomaly_map: NDArray[np.float32]) -> tuple[float, float]:
    highest = float(np.nan_to_num(anomaly_map, nan=0.0, posinf=0.0, neginf=0.0).max())
    return max(highest, 1e-6) * 0.5, max(highest, 1e-6) / 1.5


def _outline(drawn: NDArray[np.uint8], boxes: Sequence[PredictedBox], scale: tuple[float, float]) -> NDArray[np.uint8]:
    picture = PillowImage.fromarray(drawn)
    pen = ImageDraw.Draw(picture)
    width = max(2, round(max(picture.size) / 300))
    for number, box in enumerate(boxes, start=1):
        left, top = box.x * scale[0], box.y * scale[1]
        right, bottom = max(left + 1, left + box.width * scale[0]), max(top + 1, top + box.height * scale[1])
        # A light line around the dark one: seen on any ground.
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=_HALO, width=width + 2)
        pen.rectangle((left, top, right, bottom), outline=_LINE, width=width)
        size = max(12, round(max(picture.size) / 45))
        pen.rectangle((left, top, left + size, top + size), fill=_LINE)
        pen.text((left + size / 2, top + size / 2), str(number), fill=_HALO, anchor="mm", font_size=size - 3)
    return np.asarray(picture, np.uint8)
