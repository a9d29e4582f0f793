"""A defective place as a person looks at it: cut out, beside the whole image in which it is outlined."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from inference.vision.images.input_pixels import check_image
from inference.vision.images.outlines import draw_outlined
from inference.vision.search.region_crops import Box, crop_box

SIDE_PX = 224
_GAP_PX = 8
_LINE_PX = 3  # seen at half the size, too


def largest_place(mask: npt.NDArray[np.bool_]) -> Box | None:
    """Return the box (x, y, w, h) of the largest connected part of a mask, bool (H, W); None for an empty one."""
    count, _labels, boxes, _centers = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 1:
        return None
    largest = max(range(1, count), key=lambda label: (int(boxes[label, cv2.CC_STAT_AREA]), -label))
    x, y, w, h, _area = (int(value) for value in boxes[largest])
    return (x, y, w, h)


def draw_beside(image: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.uint8]:
    """Return the place `box` (x, y, w, h) cut out and, beside it, the whole image with that place outlined.

    RGB uint8 (224, 456, 3) of an RGB uint8 image (H, W, 3); the whole keeps its proportions, on white. Raises
    ModelError(`image_wrong_shape`).
    """
    height, width = check_image(image).shape[:2]
    left, top, side, _ = square = crop_box(box, image_size_px=(width, height))
    place = cv2.resize(
        np.ascontiguousarray(image[top : top + side, left : left + side]),
        (SIDE_PX, SIDE_PX),
        interpolation=cv2.INTER_AREA if side > SIDE_PX else cv2.INTER_CUBIC,
    )
    scale = SIDE_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    fitted = (round(square[0] * scale), round(square[1] * scale), round(side * scale), round(side * scale))
    whole = draw_outlined(np.asarray(small, np.uint8), longest_side_px=SIDE_PX, boxes=[fitted], thickness_px=_LINE_PX)
    drawn = np.full((SIDE_PX, 2 * SIDE_PX + _GAP_PX, 3), 255, np.uint8)
    drawn[:, :SIDE_PX] = place
    y, x = (SIDE_PX - size[1]) // 2, SIDE_PX + _GAP_PX + (SIDE_PX - size[0]) // 2
    drawn[y : y + size[1], x : x + size[0]] = whole
    return drawn
