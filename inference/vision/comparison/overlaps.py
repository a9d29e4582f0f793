"""Where a method says the defect is, against where it is: IoU of areas, and boxes found at an IoU of one half.

Truth is a mask; its boxes bound its 8-connected parts. A method shows a map, boxes, or both: areas are those of the map
where there is one, boxes those that the method gives, else the parts of its map. From which value on a map, or a box,
counts is chosen on the validation images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inference.vision.comparison.predictions import PredictedBox
from inference.vision.detection.regions import LEAST_AREA_SHARE

Mask = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

# A box is found by one that shares so much of both (Everingham et al., IJCV 2010).
FOUND_AT = 0.5
# Areas are compared in pictures of so many pixels on the longer side.
_LONGEST_PX = 512
_MOST_LEVELS = 60
# Without a mask among the validation images: so large a share of a good picture's pixels lies below.
_GOOD_SHARE = 0.999


@dataclass(frozen=True)
class Overlap:
    """What a method's place is worth on one image.

    `iou` is that of the areas, None on a good image. `found`, `wrong` and `missed` are boxes.
    """

    iou: float | None
    found: int = 0
    wrong: int = 0
    missed: int = 0


@dataclass(frozen=True, eq=False)
class Place:
    """Where a method says that the defect is: its map (float32 H'×W') over the whole image, its boxes in its pixels."""

    anomaly_map: npt.NDArray[Any] | None
    boxes: tuple[PredictedBox, ...]

    @property
    def is_empty(self) -> bool:
        """Return whether it says nothing of the place."""
        return self.anomaly_map is None and not self.boxes


@dataclass(frozen=True)
class PlaceLevels:
    """From which value on a map, and from which score on a box, counts; None where the method has none."""

    of_map: float | None = None
    of_box: float | None = None


def choose_levels(
    places: Sequence[Place], masks: Sequence[Mask | None], sizes: Sequence[tuple[int, int]]
) -> PlaceLevels:
    """Return the levels that are best on validation images: the mean IoU of a map, the F1 of boxes at an IoU of .5.

    `masks` are bool H×W, None for good images, `sizes` (width, height) of all images in pixels. Without any mask the
    map counts where 99.9 % of good pixels lie below, and every box counts.
    """
    maps = [place.anomaly_map for place in places if place.anomaly_map is not None]
    scores = sorted({box.score for place in places for box in place.boxes})
    of_map = None
    if maps:
        values = np.concatenate([one.ravel() for one in maps]).astype(np.float64)
        of_map = float(np.quantile(values, _GOOD_SHARE))
        if any(mask is not None for mask in masks):
            shares = 1.0 - np.geomspace(1e-4, 0.5, _MOST_LEVELS)
            levels = np.unique(np.quantile(values, shares))
            of_map = _best(levels.tolist(), lambda level: _mean_iou(places, masks, PlaceLevels(of_map=level)))
    of_box = None
    if scores:
        of_box = scores[0]
        if any(mask is not None for mask in masks):
            step = max(1, len(scores) // _MOST_LEVELS)
            of_box = _best(scores[::step], lambda level: _box_f1(places, masks, sizes, PlaceLevels(of_map, level)))
    return PlaceLevels(of_map, of_box)


def measure_overlap(place: Place, mask: Mask | None, size_px: tuple[int, int], levels: PlaceLevels) -> Overlap:
    """Return what a place is worth against the mask of the image, None for a good one; `size_px` is (width, height)."""
    truth = [] if mask is None else find_boxes(mask)
    said = _boxes_of(place, size_px, levels)
    found = match_boxes(said, truth)
    iou = None if mask is None or not mask.any() else _area_iou(place, mask, levels)
    return Overlap(iou, found, len(said) - found, len(truth) - found)


def find_boxes(mask: Mask) -> list[tuple[float, float, float, float]]:
    """Return (x, y, width, height) of each 8-connected part of a mask, those of noise left out, in reading order."""
    if not mask.any():
        return []
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    least = LEAST_AREA_SHARE * mask.size
    parts = [stats[number] for number in range(1, count)]
    large = [one for one in parts if one[cv2.CC_STAT_AREA] >= least] or parts
    return sorted((tuple(float(value) for value in one[:4]) for one in large), key=lambda one: (one[1], one[0]))  # type: ignore[misc]


def match_boxes(
    said: Sequence[tuple[float, float, float, float]], truth: Sequence[tuple[float, float, float, float]]
) -> int:
    """Return how many boxes of the truth are found: each by one box, the pairs of the highest IoU first."""
    pairs = sorted(
        ((box_iou(one, other), place, target) for place, one in enumerate(said) for target, other in enumerate(truth)),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    used: set[int] = set()
    taken: set[int] = set()
    for iou, place, target in pairs:
        if iou >= FOUND_AT and place not in used and target not in taken:
            used.add(place)
            taken.add(target)
    return len(taken)


def box_iou(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """Return the intersection of two boxes (x, y, width, height) over their union, 0 to 1."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def _boxes_of(place: Place, size_px: tuple[int, int], levels: PlaceLevels) -> list[tuple[float, float, float, float]]:
    if place.boxes:
        least = -np.inf if levels.of_box is None else levels.of_box
        return [(one.x, one.y, one.width, one.height) for one in place.boxes if one.score >= least]
    if place.anomaly_map is None or levels.of_map is None or levels.of_box is not None:
        # A method that gives boxes and gave none here has found nothing.
        return []
    height, width = place.anomaly_map.shape
    across, down = size_px[0] / width, size_px[1] / height
    return [
        (x * across, y * down, w * across, h * down) for x, y, w, h in find_boxes(place.anomaly_map >= levels.of_map)
    ]


def _area_iou(place: Place, mask: Mask, levels: PlaceLevels) -> float:
    scale = min(1.0, _LONGEST_PX / max(mask.shape))
    width, height = max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale))
    truth = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA) > 0
    if place.anomaly_map is not None and levels.of_map is not None:
        values = place.anomaly_map.astype(np.float32, copy=False)
        said = cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR) >= levels.of_map
    else:
        said = np.zeros((height, width), np.bool_)
        for x, y, w, h in _boxes_of(place, (mask.shape[1], mask.shape[0]), levels):
            top, left = max(0, round(y * scale)), max(0, round(x * scale))
            said[top : max(top + 1, round((y + h) * scale)), left : max(left + 1, round((x + w) * scale))] = True
    union = int((truth | said).sum())
    return int((truth & said).sum()) / union if union else 0.0


def _mean_iou(places: Sequence[Place], masks: Sequence[Mask | None], levels: PlaceLevels) -> float:
    found = [
        _area_iou(place, mask, levels)
        for place, mask in zip(places, masks, strict=True)
        if mask is not None and mask.any()
    ]
    return float(np.mean(found)) if found else 0.0


def _box_f1(
    places: Sequence[Place], masks: Sequence[Mask | None], sizes: Sequence[tuple[int, int]], levels: PlaceLevels
) -> float:
    found = wrong = missed = 0
    for place, mask, size_px in zip(places, masks, sizes, strict=True):
        truth = [] if mask is None else find_boxes(mask)
        said = _boxes_of(place, size_px, levels)
        hits = match_boxes(said, truth)
        found, wrong, missed = found + hits, wrong + len(said) - hits, missed + len(truth) - hits
    return 2 * found / (2 * found + wrong + missed) if found else 0.0


def _best(levels: Sequence[float], worth: Any) -> float:
    """Return the level of the highest worth; of equal ones the highest level."""
    return max(levels, key=lambda level: (worth(level), level))
