"""The most anomalous place of an image, cut out so that an embedding sees the defect and not the product."""

from __future__ import annotations

import numpy as np

from inference.vision.detection.regions import find_regions
from inference.vision.images.input_pixels import check_image

# A defect's surroundings say little about its type: of 1.2, 1.5 and 2 times its size the tightest was best.
CONTEXT = 1.2
LEAST_SHARE = 0.16
PEAK_SHARE = 0.85

Box = tuple[int, int, int, int]


def peak_region(anomaly_map: np.ndarray, *, image_size_px: tuple[int, int]) -> Box:
    """Return (x, y, w, h) in pixels of the image around the highest part of the map (float32 (h, w)).

    The part is what reaches 85 % of the map's maximum: a measure that needs no threshold, so that it is the same for
    indexed images and for a query. A flat map gives the whole image. `image_size_px` is (width, height).
    """
    width, height = image_size_px
    peak = float(anomaly_map.max())
    if not peak > float(anomaly_map.min()):
        return (0, 0, width, height)
    # However small it is: of a large image that was seen in tiles it may be a hundred-thousandth.
    found = find_regions(anomaly_map, threshold=PEAK_SHARE * peak, image_size_px=image_size_px, min_area_share=0.0)
    return (found[0].x, found[0].y, found[0].w, found[0].h) if found else (0, 0, width, height)


def crop_box(box: Box, *, image_size_px: tuple[int, int]) -> Box:
    """Return the square (left, top, side, side) that `crop_region` cuts out around a box; sizes are (width, height)."""
    width, height = image_size_px
    x, y, w, h = box
    shorter = min(height, width)
    side = round(min(max(CONTEXT * max(w, h), LEAST_SHARE * shorter, 1), shorter))
    left = int(np.clip(x + w / 2 - side / 2, 0, width - side))
    top = int(np.clip(y + h / 2 - side / 2, 0, height - side))
    return (left, top, side, side)


def crop_region(image: np.ndarray, box: Box) -> np.ndarray:
    """Cut a square around the box out of the image: RGB uint8 (s, s, 3). Raises ModelError(`image_wrong_shape`).

    Its side is 1.2 times the box's longer one, at least 16 % and at most all of the image's shorter side.
    """
    height, width = check_image(image).shape[:2]
    left, top, side, _ = crop_box(box, image_size_px=(width, height))
    return np.ascontiguousarray(image[top : top + side, left : left + side])
