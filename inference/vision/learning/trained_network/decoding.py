"""From what a network says of its input to boxes and masks in pixels of the original image: the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelError
from inference.vision.learning.trained_network.description import NetworkDescription
from inference.vision.learning.trained_network.input import Placement

# Boxes of an image at most, as COCO counts them, and those of one label that are compared with each other.
MOST_BOXES, _MOST_CANDIDATES = 100, 300
# A box must show at least this much of the image to be one, in pixels of the original.
_LEAST_SIDE_PX = 1.0
# Of the image: a smaller part is noise, where there is anything else.
_LEAST_AREA_SHARE = 1e-4
_MOST_PARTS = 50


@dataclass(frozen=True)
class ScoredBox:
    """A defect that a network found: its box in pixels of the original image, its score from 0 to 1, its type."""

    x: float
    y: float
    width: float
    height: float
    score: float
    label: str


@dataclass(frozen=True, eq=False)
class SegmentedImage:
    """What a segmentation found in an image.

    `mask_by_label` holds bool H×W of the original image for each label, `boxes` the connected parts of those masks,
    highest score first; `map` float32 h×w over the whole image is the probability that a place is defective.
    """

    mask_by_label: Mapping[str, NDArray[np.bool_]] = field(repr=False)
    boxes: tuple[ScoredBox, ...]
    map: NDArray[np.float32] = field(repr=False)

    @property
    def score(self) -> float:
        """Return the highest probability of a defect anywhere."""
        return float(self.map.max())


def decode_boxes(
    boxes: np.ndarray,
    scores: np.ndarray,
    description: NetworkDescription,
    placement: Placement,
    image_size_px: tuple[int, int],
    *,
    threshold: float | None = None,
    limit: int = MOST_BOXES,
) -> tuple[ScoredBox, ...]:
    """Return the boxes of one image in pixels of the original, highest score first.

    `boxes` is N×4 (left, top, right, bottom in shares of the input), `scores` N×K over the description's labels;
    `placement` says where the image lies in the input, `image_size_px` is (width, height) of the original. What scores
    below `threshold` (the description's where None) is left out, then of boxes of one label that overlap by more than
    `description.overlap` (IoU) all but the highest; then what lies outside of the image or where nothing counts. Raises
    ModelError(`outputs_invalid`).
    """
    if boxes.ndim != 2 or boxes.shape[1:] != (4,) or scores.shape != (len(boxes), len(description.labels)):
        raise ModelError("outputs_invalid", found=f"{boxes.shape}, {scores.shape}")
    least = description.threshold if threshold is None else threshold
    usable = np.isfinite(boxes).all(axis=1)
    corners = _to_image(np.asarray(boxes, np.float64), description, placement, image_size_px)
    usable &= (corners[:, 2] - corners[:, 0] >= _LEAST_SIDE_PX) & (corners[:, 3] - corners[:, 1] >= _LEAST_SIDE_PX)
    usable &= _counts(corners, description, image_size_px)
    found: list[tuple[float, int, int]] = []
    for number in range(len(description.labels)):
        own = np.asarray(scores[:, number], np.float64)
        places = np.flatnonzero(usable & (own >= least))
        places = places[np.argsort(-own[places], kind="stable")][:_MOST_CANDIDATES]
        found += [(float(own[place]), number, int(place)) for place in _suppress(corners, places, description.overlap)]
    found.sort(key=lambda one: (-one[0], one[1], one[2]))
    return tuple(
        ScoredBox(
            x=float(corners[place, 0]),
            y=float(corners[place, 1]),
            width=float(corners[place, 2] - corners[place, 0]),
            height=float(corners[place, 3] - corners[place, 1]),
            score=min(1.0, score),
            label=description.labels[number],
        )
        for score, number, place in found[:limit]
    )


def decode_segmentation(
    probabilities: np.ndarray,
    description: NetworkDescription,
    placement: Placement,
    image_size_px: tuple[int, int],
    *,
    threshold: float | None = None,
) -> SegmentedImage:
    """Return masks, boxes and map of one image from (K+1)×h×w over nothing and the description's labels.

    A pixel is defective where the probability of all labels together is at or above `threshold` (the description's
    where None), and belongs to the label of the highest. What lies where nothing counts is not defective. Raises
    ModelError(`outputs_invalid`).
    """
    if probabilities.ndim != 3 or len(probabilities) != len(description.labels) + 1 or not probabilities.size:
        raise ModelError("outputs_invalid", found=str(probabilities.shape))
    if not np.isfinite(probabilities).all():
        raise ModelError("outputs_invalid", found="NaN")
    least = description.threshold if threshold is None else threshold
    width, height = image_size_px
    # One label after another: an image of many megapixels times many labels would not fit into the memory.
    nothing = _crop(probabilities[0], description, placement)
    defective = np.clip(np.float32(1.0) - nothing, 0.0, 1.0)
    defective[~description.preprocessing.valid_mask(*defective.shape)] = 0.0
    above = _resize(defective, width, height) >= np.float32(least)
    highest = np.full((height, width), -np.inf, np.float32)
    owner = np.full((height, width), -1, np.int16)
    for number in range(len(description.labels)):
        own = _resize(_crop(probabilities[number + 1], description, placement), width, height)
        better = own > highest
        highest[better] = own[better]
        owner[better] = number
    masks = {label: above & (owner == number) for number, label in enumerate(description.labels)}
    return SegmentedImage(masks, _box_parts(masks, _resize(defective, width, height)), defective)


def _to_image(
    boxes: NDArray[np.float64],
    description: NetworkDescription,
    placement: Placement,
    image_size_px: tuple[int, int],
) -> NDArray[np.float64]:
    """Return corners in pixels of the original image, held within it."""
    width, height = image_size_px
    across = (boxes[:, 0::2] * description.width_px - placement.x) / placement.width * width
    down = (boxes[:, 1::2] * description.height_px - placement.y) / placement.height * height
    corners = np.empty_like(boxes)
    corners[:, 0::2] = np.clip(across, 0.0, width)
    corners[:, 1::2] = np.clip(down, 0.0, height)
    return corners


def _counts(
    corners: NDArray[np.float64], description: NetworkDescription, image_size_px: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return which boxes have their middle where findings count."""
    preprocessing = description.preprocessing
    if preprocessing.region_of_interest is None and not preprocessing.ignore:
        return np.ones(len(corners), np.bool_)
    width, height = image_size_px
    valid = preprocessing.valid_mask(height, width)
    middle = np.nan_to_num((corners[:, :2] + corners[:, 2:]) / 2.0)
    columns = np.clip(middle[:, 0].astype(np.int64), 0, width - 1)
    rows = np.clip(middle[:, 1].astype(np.int64), 0, height - 1)
    return np.asarray(valid[rows, columns], np.bool_)


def measure_overlaps(first: np.ndarray, second: np.ndarray) -> NDArray[np.float64]:
    """Return the intersection over union of boxes N×4 with boxes M×4 (left, top, right, bottom): float64 N×M."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    left_top = np.maximum(first[:, None, :2], second[None, :, :2])
    right_bottom = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(right_bottom - left_top, 0.0, None).prod(axis=2)
    areas = [np.clip(some[:, 2:] - some[:, :2], 0.0, None).prod(axis=1) for some in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0.0))


def _suppress(corners: NDArray[np.float64], places: NDArray[np.int64], overlap: float) -> list[int]:
    """Return which of `places`, highest first, are kept: greedy non-maximum suppression."""
    kept: list[int] = []
    left = places
    while len(left):
        kept.append(int(left[0]))
        rest = left[1:]
        left = rest[measure_overlaps(corners[left[:1]], corners[rest])[0] <= overlap]
    return kept


def _crop(plane: np.ndarray, description: NetworkDescription, placement: Placement) -> NDArray[np.float32]:
    """Return the part of a plane that shows the image, in pixels of the input."""
    whole = _resize(np.asarray(plane, np.float32), description.width_px, description.height_px)
    rows = slice(placement.y, placement.y + placement.height)
    return np.ascontiguousarray(whole[rows, placement.x : placement.x + placement.width])


def _resize(plane: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    if plane.shape == (height, width):
        return plane
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _box_parts(masks: Mapping[str, NDArray[np.bool_]], defective: NDArray[np.float32]) -> tuple[ScoredBox, ...]:
    """Return the boxes of the connected parts of each label (8-neighborhood), highest score first."""
    parts: list[tuple[int, ScoredBox]] = []
    for label, mask in masks.items():
        count, owners, figures, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        if count <= 1:
            continue
        peaks = np.full(count, -np.inf, np.float32)
        np.maximum.at(peaks, np.asarray(owners, np.int64)[mask], defective[mask])
        for number in range(1, count):
            x, y, width, height, area = (int(value) for value in figures[number])
            parts.append((area, ScoredBox(x, y, width, height, float(peaks[number]), label)))
    least = _LEAST_AREA_SHARE * defective.size
    large = [box for area, box in parts if area >= least]
    chosen = large or [box for _, box in sorted(parts, key=lambda part: -part[0])[:1]]
    return tuple(sorted(chosen, key=lambda box: (-box.score, box.label, box.y, box.x))[:_MOST_PARTS])
