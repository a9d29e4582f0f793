"""A picture made small enough for the screen, with the places that matter outlined."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]

# An orange that stands out on gray metal, brown leather and dark cells alike.
OUTLINE_RGB = (255, 122, 0)


def draw_outlined(
    pixels: Pixels,
    *,
    longest_side_px: int,
    mask: npt.NDArray[np.bool_] | None = None,
    boxes: Sequence[Box] = (),
    thickness_px: int | None = None,
) -> Pixels:
    """Return RGB uint8 pixels (H, W, 3), no side longer than `longest_side_px`, a mask and boxes outlined on them.

    `mask` is bool (H, W), boxes are (x, y, w, h) in pixels of the image. Lines are `thickness_px` wide, by default as
    the size of the picture wants it. What was given is left as it is.
    """
    height_px, width_px = pixels.shape[:2]
    scale = min(1.0, longest_side_px / max(height_px, width_px))
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    shown = np.asarray(
        cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels.copy(), dtype=np.uint8
    )
    thickness = thickness_px or max(1, round(max(size) / 350))
    if mask is not None:
        fitted = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        outlines, _order = cv2.findContours(fitted, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(shown, outlines, -1, OUTLINE_RGB, thickness)
    for box in boxes:
        x, y, w, h = (round(scale * side) for side in box)
        cv2.rectangle(shown, (x, y), (min(size[0] - 1, x + w), min(size[1] - 1, y + h)), OUTLINE_RGB, thickness)
    return shown


def draw_boxes(
    pixels: Pixels, boxes: Sequence[tuple[float, float, float, float]], *, size_px: tuple[int, int]
) -> Pixels:
    """Return RGB uint8 pixels (H, W, 3) with boxes (x, y, w, h) drawn in white on black.

    The boxes are in pixels of the image of `size_px` (width, height), of which the pixels are a smaller picture.
    """
    shown = np.ascontiguousarray(pixels).copy()
    across, down = shown.shape[1] / size_px[0], shown.shape[0] / size_px[1]
    thickness = max(1, round(max(shown.shape) / 350))
    for x, y, w, h in boxes:
        corner, end = (round(x * across), round(y * down)), (round((x + w) * across), round((y + h) * down))
        cv2.rectangle(shown, corner, end, (0, 0, 0), 3 * thickness)
        cv2.rectangle(shown, corner, end, (255, 255, 255), thickness)
    return shown
