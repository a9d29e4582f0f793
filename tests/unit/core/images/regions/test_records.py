"""Regions as values: bounds, the pixels that they mark, and run lengths that come back as they were."""

from __future__ import annotations

import numpy as np
import pytest

from core.images.regions.records import Region, rasterize
from core.images.regions.run_lengths import decode_runs, encode_runs


def test_a_box_marks_the_pixels_whose_centers_it_holds() -> None:
    marked = rasterize([Region.of_box(1.4, 2, 2.2, 1)], width_px=6, height_px=5)
    assert np.argwhere(marked).tolist() == [[2, 1], [2, 2], [2, 3]]


def test_a_box_thinner_than_a_pixel_still_marks_one() -> None:
    assert rasterize([Region.of_box(2.6, 2.6, 0.2, 0.2)], width_px=6, height_px=5).sum() == 1


def test_what_lies_outside_the_image_is_cut_off() -> None:
    marked = rasterize([Region.of_box(-3, -3, 5, 5), Region.of_box(10, 10, 4, 4)], width_px=6, height_px=5)
    assert marked.sum() == 4
    assert marked[:2, :2].all()


def test_a_polygon_along_pixel_edges_marks_the_box_within() -> None:
    square = Region.of_polygon([(1, 1), (4, 1), (4, 3), (1, 3)])
    marked = rasterize([square], width_px=6, height_px=5)
    assert (square.x, square.y, square.width, square.height) == (1, 1, 3, 2)
    assert marked[1:3, 1:4].all()


@pytest.mark.parametrize("seed", range(5))
def test_a_mask_comes_back_from_its_run_lengths(seed: int) -> None:
    marked = np.random.default_rng(seed).random((7, 11)) > 0.6
    assert np.array_equal(decode_runs(encode_runs(marked), height_px=7, width_px=11), marked)
    region = Region.of_mask(marked)
    assert np.array_equal(rasterize([region], width_px=11, height_px=7), marked)


def test_run_lengths_that_do_not_fill_the_mask_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fill"):
        decode_runs([3, 4], height_px=7, width_px=11)
