"""A defective place cut out beside the whole: which place of a mask, and where both are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from inference.vision.images.outlines import OUTLINE_RGB
from inference.vision.search.cut_outs import SIDE_PX, draw_beside, largest_place
from inference.vision.search.region_crops import crop_box


def test_the_largest_part_of_a_mask_is_its_place() -> None:
    mask = np.zeros((40, 60), np.bool_)
    assert largest_place(mask) is None
    mask[2:4, 2:4] = True
    mask[20:30, 30:45] = True
    assert largest_place(mask) == (30, 20, 15, 10)


@pytest.mark.parametrize(("height", "width"), [(300, 300), (120, 600), (900, 70), (16, 16), (1, 1)])
def test_the_place_stands_left_and_the_whole_right_with_its_outline(height: int, width: int) -> None:
    image = np.full((height, width, 3), 90, np.uint8)
    box = (width // 2, height // 2, max(1, width // 20), max(1, height // 20))
    left, top, side, _ = crop_box(box, image_size_px=(width, height))
    image[top : top + side, left : left + side] = (10, 200, 30)
    before = image.copy()
    drawn = draw_beside(image, box)
    assert drawn.shape == (SIDE_PX, 2 * SIDE_PX + 8, 3)
    assert drawn.dtype == np.uint8
    assert (drawn[:, :SIDE_PX] == (10, 200, 30)).all()
    assert (drawn[:, SIDE_PX + 8 :] == OUTLINE_RGB).all(axis=2).any()
    np.testing.assert_array_equal(image, before)
