"""Defective regions cut out at the image's own resolution, with what of each cut-out is defective.

A defect of 20 px in an image of 640 px is two patches of a memory bank. Cut out by itself it fills the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from inference.vision.detection.regions import find_regions

Box = tuple[int, int, int, int]

# A cut-out is this many times as large as the defect, and at least this share of the image's shorter side.
_CONTEXT = 1.2
_LEAST_SHARE = 0.16
# The highest region of an anomaly map, narrow and wide: how far a defect reaches depends on what is around it.
PEAK_SHARES = (0.85, 0.6)
# Of a map, what reaches this share of its maximum belongs to the defect.
_INSIDE_SHARE = 0.5
# Parts of a mask that are looked at, the largest first.
_MOST_MARKED = 2


@dataclass(frozen=True)
class CutOut:
    """`pixels` RGB uint8 (s, s, 3), and `weights` float32 (s, s) of how much each belongs to the defect, 0 to 1."""

    pixels: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)


def cut_marked(image: np.ndarray, mask: np.ndarray) -> list[CutOut]:
    """Return the largest parts of a mask, bool (H, W), cut out of an image RGB uint8 (H, W, 3)."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    largest = sorted(range(1, count), key=lambda label: (-int(boxes[label, cv2.CC_STAT_AREA]), label))
    found = []
    for label in largest[:_MOST_MARKED]:
        x, y, w, h = (int(value) for value in boxes[label][:4])
        found.append(_cut(image, (labels == label).astype(np.float32), (x, y, w, h)))
    return found


def cut_found(image: np.ndarray, anomaly_map: np.ndarray) -> list[CutOut]:
    """Return the highest region of a map, float32 (h, w) over the whole image, cut out narrowly and widely."""
    return [_cut(image, _inside(anomaly_map), box) for box in list_peaks(image, anomaly_map)]


def meets(image: np.ndarray, anomaly_map: np.ndarray, mask: np.ndarray) -> bool:
    """Return whether the highest region of the map lies on the mask at all, bool (H, W)."""
    return any(bool(mask[y : y + h, x : x + w].any()) for x, y, w, h in list_peaks(image, anomaly_map))


def find_met(image: np.ndarray, anomaly_map: np.ndarray, masks: Mapping[str, np.ndarray]) -> str | None:
    """Return the name of the mask that most of the highest region of the map lies on; None where it meets none."""
    for x, y, w, h in list_peaks(image, anomaly_map):
        covered = {name: int(mask[y : y + h, x : x + w].sum()) for name, mask in sorted(masks.items())}
        best = max(covered, key=lambda name: covered[name])
        if covered[best]:
            return best
    return None


def list_peaks(image: np.ndarray, anomaly_map: np.ndarray) -> Iterator[Box]:
    """Yield the boxes (x, y, w, h) around the highest region, each once; none for a flat map."""
    peak, size_px = float(anomaly_map.max()), (image.shape[1], image.shape[0])
    if not peak > float(anomaly_map.min()):
        return
    seen: set[Box] = set()
    for share in PEAK_SHARES:
        regions = find_regions(anomaly_map, threshold=share * peak, image_size_px=size_px, min_area_share=0.0)
        for one in regions[:1]:
            box = (one.x, one.y, one.w, one.h)
            if box not in seen:
                seen.add(box)
                yield box


def _inside(anomaly_map: np.ndarray) -> np.ndarray:
    shares = anomaly_map / np.float32(anomaly_map.max())
    return np.where(shares >= _INSIDE_SHARE, shares, np.float32(0.0))


def _cut(image: np.ndarray, weights: np.ndarray, box: Box) -> CutOut:
    """Cut the square around a box; `weights` may have any size over the whole image."""
    height, width = image.shape[:2]
    x, y, w, h = box
    shorter = min(height, width)
    side = round(min(max(_CONTEXT * max(w, h), _LEAST_SHARE * shorter, 1), shorter))
    left = int(np.clip(x + w / 2 - side / 2, 0, width - side))
    top = int(np.clip(y + h / 2 - side / 2, 0, height - side))
    rows, columns = weights.shape
    if (rows, columns) != (height, width):
        # Only what lies around the square is brought to the image's resolution.
        across, down = columns / width, rows / height
        moved = np.array(
            [[across, 0.0, (left + 0.5) * across - 0.5], [0.0, down, (top + 0.5) * down - 0.5]], np.float32
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cut = cv2.warpAffine(weights, moved, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    else:
        cut = weights[top : top + side, left : left + side]
    return CutOut(
        np.ascontiguousarray(image[top : top + side, left : left + side]), np.ascontiguousarray(cut, np.float32)
    )
