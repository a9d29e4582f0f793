"""Where a method says the defect is, against its mask: areas and boxes, at levels that validation images choose."""

from __future__ import annotations

import numpy as np
import pytest

from inference.vision.comparison.overlaps import (
    Place,
    PlaceLevels,
    box_iou,
    choose_levels,
    find_boxes,
    match_boxes,
    measure_overlap,
)
from inference.vision.comparison.predictions import PredictedBox

SIZE_PX = (80, 60)


def _mask(x: int, y: int, w: int, h: int) -> np.ndarray:
    mask = np.zeros((60, 80), np.bool_)
    mask[y : y + h, x : x + w] = True
    return mask


def _map(mask: np.ndarray, *, inside: float = 5.0) -> np.ndarray:
    return np.where(mask, np.float32(inside), np.float32(1.0))


def test_a_map_that_is_the_mask_has_an_iou_of_one() -> None:
    mask = _mask(10, 20, 16, 8)
    place = Place(_map(mask), ())
    levels = choose_levels([place, Place(_map(mask, inside=1.0), ())], [mask, None], [SIZE_PX, SIZE_PX])
    found = measure_overlap(place, mask, SIZE_PX, levels)
    assert (found.iou, found.found, found.wrong, found.missed) == (1.0, 1, 0, 0)
    nothing = measure_overlap(Place(np.ones((60, 80), np.float32), ()), mask, SIZE_PX, levels)
    assert (nothing.iou, nothing.found, nothing.missed) == (0.0, 0, 1)


def test_boxes_are_found_once_each_at_an_iou_of_one_half() -> None:
    assert box_iou((0, 0, 10, 10), (5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert box_iou((0, 0, 10, 10), (10, 0, 10, 10)) == 0.0
    assert match_boxes([(0, 0, 10, 10), (1, 0, 10, 10)], [(0, 0, 10, 10)]) == 1
    assert match_boxes([(0, 0, 4, 10)], [(0, 0, 10, 10)]) == 0


def test_the_boxes_of_a_mask_bound_its_parts_without_specks() -> None:
    mask = _mask(10, 20, 16, 8) | _mask(50, 5, 9, 9)
    assert find_boxes(mask) == [(50.0, 5.0, 9.0, 9.0), (10.0, 20.0, 16.0, 8.0)]
    assert find_boxes(np.zeros((60, 80), np.bool_)) == []
    large = np.zeros((1000, 1000), np.bool_)
    large[100:200, 100:200] = True
    large[700, 700] = True
    assert find_boxes(large) == [(100.0, 100.0, 100.0, 100.0)]


def test_the_score_from_which_a_box_counts_comes_from_validation() -> None:
    mask = _mask(10, 20, 16, 8)
    right, wrong = PredictedBox(10, 20, 16, 8, 0.8), PredictedBox(60, 40, 8, 8, 0.3)
    places, masks = [Place(None, (right, wrong)), Place(None, (wrong,))], [mask, None]
    levels = choose_levels(places, masks, [SIZE_PX, SIZE_PX])
    assert levels == PlaceLevels(None, 0.8)
    found = measure_overlap(places[0], mask, SIZE_PX, levels)
    assert (found.iou, found.found, found.wrong) == (1.0, 1, 0)
    assert measure_overlap(places[1], None, SIZE_PX, levels).wrong == 0


def test_without_a_mask_in_validation_good_pixels_set_the_level() -> None:
    values = np.arange(4800, dtype=np.float32).reshape(60, 80)
    levels = choose_levels([Place(values, ())], [None], [SIZE_PX])
    assert levels.of_map == pytest.approx(np.quantile(values, 0.999))
    assert choose_levels([], [], []) == PlaceLevels()
