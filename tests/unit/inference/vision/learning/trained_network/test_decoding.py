"""From a network's outputs back to pixels of the original image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inference.errors import ModelError
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.trained_network.decoding import ScoredBox, decode_boxes, decode_segmentation
from inference.vision.learning.trained_network.description import NetworkDescription
from inference.vision.learning.trained_network.input import place_image

DETECTION = NetworkDescription(
    task="detection",
    recipe="detector",
    labels=("scratch", "dent"),
    good_labels=frozenset({"good"}),
    width_px=64,
    height_px=64,
    resize="letterbox",
    preprocessing=Preprocessing(),
    threshold=0.5,
)
SEGMENTATION = replace(DETECTION, task="segmentation", recipe="segmenter")
WIDE = (128, 64)


def _decode(
    boxes: list[list[float]], scores: list[list[float]], description: NetworkDescription = DETECTION
) -> tuple[ScoredBox, ...]:
    return decode_boxes(np.array(boxes), np.array(scores), description, place_image(*WIDE, description), WIDE)


def test_a_box_comes_back_in_pixels_of_the_original_through_the_letterbox() -> None:
    # 128×64 lies in the input's rows 16 … 48, at half its size.
    (box,) = _decode([[0.25, 0.375, 0.5, 0.5]], [[0.9, 0.1]])
    assert (box.x, box.y, box.width, box.height) == pytest.approx((32.0, 16.0, 32.0, 16.0))
    assert box.label == "scratch"
    assert box.score == pytest.approx(0.9)


def test_of_overlapping_boxes_of_one_label_the_highest_is_kept() -> None:
    boxes = [[0.2, 0.3, 0.5, 0.6], [0.21, 0.3, 0.51, 0.6], [0.2, 0.3, 0.5, 0.6]]
    found = _decode(boxes, [[0.7, 0.0], [0.9, 0.0], [0.0, 0.8]])
    assert [(box.label, round(box.score, 1)) for box in found] == [("scratch", 0.9), ("dent", 0.8)]


def test_what_scores_too_little_or_lies_beside_the_image_is_left_out() -> None:
    # The second box lies in the gray above the image.
    assert _decode([[0.2, 0.3, 0.5, 0.6], [0.1, 0.0, 0.3, 0.2]], [[0.4, 0.4], [0.9, 0.0]]) == ()


def test_boxes_that_are_no_numbers_are_left_out() -> None:
    assert _decode([[np.nan, 0.3, 0.5, 0.6]], [[0.9, 0.9]]) == ()


def test_boxes_where_nothing_counts_are_left_out() -> None:
    half = replace(DETECTION, preprocessing=Preprocessing(region_of_interest=(0.0, 0.0, 0.5, 1.0)))
    found = _decode([[0.1, 0.4, 0.3, 0.6], [0.7, 0.4, 0.9, 0.6]], [[0.9, 0.0], [0.9, 0.0]], half)
    assert [round(box.x) for box in found] == [13]


def test_outputs_of_another_network_are_refused() -> None:
    with pytest.raises(ModelError) as caught:
        _decode([[0.1, 0.4, 0.3, 0.6]], [[0.9]])
    assert caught.value.code == "outputs_invalid"


def _planes(scratch: tuple[slice, slice] | None) -> np.ndarray:
    planes = np.zeros((3, 16, 16), np.float32)
    planes[0] = 1.0
    if scratch is not None:
        planes[(0, *scratch)] = 0.0
        planes[(1, *scratch)] = 0.8
        planes[(2, *scratch)] = 0.2
    return planes


def test_a_segmentation_comes_back_as_masks_boxes_and_map() -> None:
    planes = _planes((slice(6, 10), slice(4, 8)))
    found = decode_segmentation(planes, SEGMENTATION, place_image(*WIDE, SEGMENTATION), WIDE)
    assert found.mask_by_label["scratch"].shape == (64, 128)
    assert not found.mask_by_label["dent"].any()
    (box,) = found.boxes
    assert box.label == "scratch"
    # Rows 24 … 40 of the input are 16 … 48 of the image, columns 16 … 32 are 32 … 64.
    assert (box.x, box.y, box.width, box.height) == pytest.approx((32, 16, 32, 32), abs=4)
    assert found.map.shape == (32, 64)
    assert found.score == pytest.approx(1.0)


def test_a_segmentation_without_a_finding_is_empty() -> None:
    found = decode_segmentation(_planes(None), SEGMENTATION, place_image(*WIDE, SEGMENTATION), WIDE)
    assert found.boxes == ()
    assert found.score == 0.0


def test_nothing_is_found_where_nothing_counts() -> None:
    half = replace(SEGMENTATION, preprocessing=Preprocessing(region_of_interest=(0.5, 0.0, 0.5, 1.0)))
    found = decode_segmentation(_planes((slice(6, 10), slice(1, 5))), half, place_image(*WIDE, half), WIDE)
    assert not found.mask_by_label["scratch"].any()


def test_probabilities_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ModelError) as caught:
        decode_segmentation(
            np.full((3, 4, 4), np.nan, np.float32), SEGMENTATION, place_image(*WIDE, SEGMENTATION), WIDE
        )
    assert caught.value.code == "outputs_invalid"
