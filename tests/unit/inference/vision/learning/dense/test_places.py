"""Which cell finds which box, how changes move what is marked, and how masks become coarser."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.dense.assignment import IGNORED, NOBODY, assign_boxes, make_grid
from inference.vision.learning.dense.augmentation import (
    NO_CHANGE,
    Change,
    change_boxes,
    change_mask,
    change_pixels,
    draw_change,
)
from inference.vision.learning.dense.cell_head import shrink_mask
from inference.vision.learning.dense.inputs import UNKNOWN, read_inputs
from inference.vision.learning.recipes.contract import LabeledBox
from inference.vision.learning.recipes.settings import AugmentationSettings
from inference.vision.learning.trained_network.description import NetworkDescription
from tests.unit.inference.vision.learning.dense.drawn_examples import LABELS, make_example

SIZE = (64, 64)
GRID = make_grid(SIZE, (8, 16, 32))
DESCRIPTION = NetworkDescription(
    task="detection",
    recipe="detector",
    labels=LABELS,
    good_labels=frozenset(),
    width_px=64,
    height_px=64,
    resize="letterbox",
    preprocessing=Preprocessing(),
    threshold=0.5,
)


def _boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_a_box_smaller_than_a_cell_still_has_one_cell() -> None:
    owner = assign_boxes(_boxes((9.0, 9.0, 10.0, 10.0)), np.array([0]), GRID)
    cells = np.flatnonzero(owner == 0)
    assert len(cells) == 1
    assert GRID.strides[cells[0]] == 8
    assert tuple(GRID.centers[cells[0]]) == (12.0, 12.0)


def test_a_large_box_is_found_on_a_coarse_level() -> None:
    owner = assign_boxes(_boxes((0.0, 0.0, 64.0, 64.0)), np.array([0]), make_grid((128, 128), (4, 8, 16, 32)))
    strides = make_grid((128, 128), (4, 8, 16, 32)).strides[owner == 0]
    assert set(strides) == {8.0, 16.0, 32.0}


def test_of_two_boxes_at_one_cell_the_smaller_is_found() -> None:
    owner = assign_boxes(_boxes((8.0, 8.0, 24.0, 24.0), (4.0, 4.0, 28.0, 28.0)), np.array([0, 1]), GRID)
    fine = owner[: 8 * 8].reshape(8, 8)
    assert fine[1, 1] == 0


def test_cells_of_a_label_that_is_not_learned_are_ignored() -> None:
    owner = assign_boxes(_boxes((8.0, 8.0, 24.0, 24.0)), np.array([-1]), GRID)
    assert set(np.unique(owner)) == {IGNORED, NOBODY}


def test_without_boxes_no_cell_finds_any() -> None:
    assert (assign_boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), GRID) == NOBODY).all()


@pytest.mark.parametrize("change", [Change(True, False), Change(False, True), Change(True, True)])
def test_mirrored_boxes_lie_where_the_mirrored_mask_does(change: Change) -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[10:20, 30:50] = 1
    rows, columns = np.nonzero(change_mask(mask, change))
    moved, _ = change_boxes(_boxes((30.0, 10.0, 50.0, 20.0)), np.array([0]), change, SIZE)
    assert tuple(moved[0]) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert change.is_flip


def test_moved_boxes_lie_where_the_moved_mask_does() -> None:
    settings = AugmentationSettings(translation=0.1, scale=0.1)
    change = draw_change(settings, SIZE, np.random.default_rng(3))
    mask = np.zeros(SIZE, np.uint8)
    mask[20:30, 30:44] = 1
    rows, columns = np.nonzero(change_mask(mask, change) == 1)
    moved, _ = change_boxes(_boxes((30.0, 20.0, 44.0, 30.0)), np.array([0]), change, SIZE)
    around = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    np.testing.assert_allclose(moved[0], around, atol=1.5)
    assert not change.is_flip


def test_a_box_that_leaves_the_image_is_left_out() -> None:
    away = Change(matrix=np.array([[1.0, 0.0, 60.0], [0.0, 1.0, 0.0]]))
    boxes, labels = change_boxes(_boxes((30.0, 10.0, 50.0, 20.0), (0.0, 0.0, 4.0, 4.0)), np.array([0, 1]), away, SIZE)
    assert labels.tolist() == [1]
    assert tuple(boxes[0]) == (60.0, 0.0, 64.0, 4.0)


def test_colors_change_and_places_do_not() -> None:
    settings = AugmentationSettings(brightness=0.2, contrast=0.2, saturation=0.3, hue=0.05, noise=0.02, blur=0.5)
    pixels = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    change = draw_change(settings, SIZE, np.random.default_rng(1))
    changed = change_pixels(pixels, change)
    assert changed.shape == pixels.shape
    assert not np.array_equal(changed, pixels)
    assert np.array_equal(changed, change_pixels(pixels, change))
    mask = np.eye(64, dtype=np.uint8)
    assert np.array_equal(change_mask(mask, change), mask)
    assert draw_change(AugmentationSettings(), SIZE, np.random.default_rng(1)) == NO_CHANGE


def test_a_small_mark_does_not_vanish_on_a_coarse_grid() -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[33, 33] = 2
    assert shrink_mask(mask, 2, (8, 8), least_cover=0.25)[4, 4] == 2


def test_a_cell_with_too_little_of_a_mark_teaches_nothing() -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[0:17, 0:16] = 1
    mask[60:, 60:] = UNKNOWN
    small = shrink_mask(mask, 2, (8, 8), least_cover=0.25)
    assert small[:2, :2].tolist() == [[1, 1], [1, 1]]
    assert small[2, :3].tolist() == [UNKNOWN, UNKNOWN, 0]
    assert small[7, 7] == UNKNOWN


def test_boxes_are_cut_to_the_image_and_placed_in_the_letterbox() -> None:
    image = np.zeros((64, 128, 3), np.uint8)
    boxes = (
        LabeledBox(-10, 0, 20, 10, "dent"),
        LabeledBox(130, 5, 9, 9, "dent"),
        LabeledBox(60, 30, 0.5, 0.5, "other"),
    )
    (one,) = read_inputs(
        [make_example(1, "train", image, boxes)], DESCRIPTION, with_masks=False, hear=lambda done, total: None
    ).inputs
    np.testing.assert_allclose(one.boxes, [(0, 16, 5, 21), (30, 31, 31, 32)])
    assert one.labels.tolist() == [0, -1]
    assert one.outside == 1


def test_a_mark_narrower_than_a_pixel_of_the_input_is_drawn() -> None:
    image = np.zeros((512, 1024, 3), np.uint8)
    example = make_example(1, "train", image, (LabeledBox(100, 100, 2, 300, "scratch"),))
    description = replace(DESCRIPTION, task="segmentation")
    (one,) = read_inputs([example], description, with_masks=True, hear=lambda done, total: None).inputs
    assert (one.mask == 2).sum() >= 18
    assert (one.mask[:16] == UNKNOWN).all()
    assert one.has_marks
