"""From an anomaly map to outlined regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from inference.errors import ModelError

# Of the part of the image that a model sees at once: less is noise, where there is anything else.
LEAST_AREA_SHARE = 1e-4


@dataclass(frozen=True)
class Region:
    """A connected part of an image above the threshold, in pixels of the original image.

    `x`, `y`, `w`, `h` is its bounding box, `area` its own size in square pixels, `score` its highest value.
    """

    x: int
    y: int
    w: int
    h: int
    area: int
    score: float


def draw_region_mask(
    anomaly_map: np.ndarray,
    *,
    threshold: float,
    image_size_px: tuple[int, int],
    boxes: Sequence[tuple[int, int, int, int]],
) -> np.ndarray:
    """Return which pixels of the original image belong to its regions: bool (height, width).

    A pixel does where the map, brought to `image_size_px` (width, height), is at or above `threshold` within one of the
    `boxes` (x, y, w, h, pixels). A box in which no pixel is belongs whole: the map was kept coarser than it was. Raises
    ModelError(`map_invalid`) as `find_regions`.
    """
    if anomaly_map.ndim != 2 or anomaly_map.size == 0 or not np.isfinite(anomaly_map).all():
        raise ModelError("map_invalid")
    width, height = image_size_px
    scaled = cv2.resize(anomaly_map.astype(np.float32, copy=False), (width, height), interpolation=cv2.INTER_LINEAR)
    above = scaled >= threshold
    mask = np.zeros((height, width), np.bool_)
    for x, y, w, h in boxes:
        place = (slice(max(0, y), max(0, y + h)), slice(max(0, x), max(0, x + w)))
        inside = above[place]
        mask[place] |= inside if inside.any() else True
    return mask


def find_regions(
    anomaly_map: np.ndarray,
    *,
    threshold: float,
    image_size_px: tuple[int, int],
    min_area_share: float = LEAST_AREA_SHARE,
    limit: int = 50,
) -> list[Region]:
    """Return the connected parts (8-neighborhood) of the map at or above the threshold, highest first.

    `anomaly_map` is float32 (h, w) over the whole image, `image_size_px` (width, height) of the original. Parts
    smaller than `min_area_share` of the image are left out unless nothing else is left; at most `limit` come back.
    Raises ModelError(`map_invalid`) for a map that is not two-dimensional, empty or not finite.
    """
    if anomaly_map.ndim != 2 or anomaly_map.size == 0 or not np.isfinite(anomaly_map).all():
        raise ModelError("map_invalid")
    width, height = image_size_px
    rows, columns = anomaly_map.shape
    above = (anomaly_map >= threshold).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(above, connectivity=8)
    if count <= 1:
        return []
    peaks = np.full(count, -np.inf, dtype=np.float32)
    inside = above.view(np.bool_)
    np.maximum.at(peaks, np.asarray(labels, np.int64)[inside], anomaly_map[inside].astype(np.float32, copy=False))
    order = sorted(range(1, count), key=lambda label: (-peaks[label], label))
    least = min_area_share * rows * columns
    kept = [label for label in order if boxes[label, cv2.CC_STAT_AREA] >= least] or order[:1]
    across, down = width / columns, height / rows
    regions = []
    for label in kept[:limit]:
        left, top, box_width, box_height, area = (int(value) for value in boxes[label])
        x, y = int(left * across), int(top * down)
        # Outward rounding: a box never cuts off what it outlines, and is never empty.
        right = min(width, max(x + 1, int(np.ceil((left + box_width) * across))))
        bottom = min(height, max(y + 1, int(np.ceil((top + box_height) * down))))
        regions.append(
            Region(
                x=x,
                y=y,
                w=right - x,
                h=bottom - y,
                area=max(1, round(area * across * down)),
                score=float(peaks[label]),
            )
        )
    return regions
