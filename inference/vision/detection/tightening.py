"""From a box around something to its outline: GrabCut on the colors inside and outside the box.

Rother, Kolmogorov, Blake: "GrabCut: interactive foreground extraction using iterated graph cuts" (SIGGRAPH 2004), as
OpenCV computes it. What lies outside the box is background; inside, pixels go to whichever side they look like.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Box = tuple[int, int, int, int]

# The cut is found on a picture no larger than this: larger ones take seconds, and edges are as sharp.
_LONGEST_PX = 480
_ROUNDS = 4
# What is around the box says how the background looks.
_AROUND = 0.6
_LEAST_AROUND_PX = 8


def tighten(pixels: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.bool_] | None:
    """Return what stands out inside a box (x, y, w, h) of an image, RGB uint8 (H, W, 3): bool (H, W).

    None where nothing does, or the box leaves nothing around it to compare with. Deterministic.
    """
    height, width = pixels.shape[:2]
    x, y = max(0, box[0]), max(0, box[1])
    right, bottom = min(width, box[0] + box[2]), min(height, box[1] + box[3])
    if right - x < 3 or bottom - y < 3:
        return None
    around_x = max(_LEAST_AROUND_PX, round(_AROUND * (right - x)))
    around_y = max(_LEAST_AROUND_PX, round(_AROUND * (bottom - y)))
    left, top = max(0, x - around_x), max(0, y - around_y)
    cut = pixels[top : min(height, bottom + around_y), left : min(width, right + around_x)]
    scale = min(1.0, _LONGEST_PX / max(cut.shape[:2]))
    size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
    small = np.ascontiguousarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA)[..., ::-1])
    inside = (
        int((x - left) * scale),
        int((y - top) * scale),
        max(2, round((right - x) * scale)),
        max(2, round((bottom - y) * scale)),
    )
    labels = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    labels[inside[1] : inside[1] + inside[3], inside[0] : inside[0] + inside[2]] = cv2.GC_PR_FGD
    if not (labels == cv2.GC_BGD).any():
        return None
    cv2.setRNGSeed(0)
    try:
        cv2.grabCut(
            small,
            labels,
            None,
            np.zeros((1, 65)),
            np.zeros((1, 65)),
            _ROUNDS,
            cv2.GC_INIT_WITH_MASK,  # type: ignore[call-overload]
        )
    except cv2.error:  # one color throughout: there are no two sides to tell apart
        return None
    found = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    if not found.any():
        return None
    marked = np.zeros((height, width), np.bool_)
    whole = cv2.resize(found, (cut.shape[1], cut.shape[0]), interpolation=cv2.INTER_NEAREST).astype(bool)
    marked[top : top + cut.shape[0], left : left + cut.shape[1]] = whole
    kept = np.zeros_like(marked)
    kept[y:bottom, x:right] = marked[y:bottom, x:right]
    return kept if kept.any() else None
