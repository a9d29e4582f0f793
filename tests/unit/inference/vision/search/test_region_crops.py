"""Cutting out the most anomalous place."""

import numpy as np
import pytest

from inference.vision.search.region_crops import crop_region, peak_region


def test_the_box_surrounds_the_highest_part_in_pixels_of_the_image() -> None:
    anomaly_map = np.zeros((64, 64), np.float32)
    anomaly_map[10:14, 40:48] = 9.0
    anomaly_map[50:60, 5:15] = 5.0
    assert peak_region(anomaly_map, image_size_px=(640, 320)) == (400, 50, 80, 20)


def test_a_flat_map_gives_the_whole_image() -> None:
    assert peak_region(np.full((8, 8), 3.0, np.float32), image_size_px=(100, 50)) == (0, 0, 100, 50)


@pytest.mark.parametrize("box", [(0, 0, 3, 3), (97, 57, 3, 3), (40, 20, 10, 30), (0, 0, 100, 60), (99, 59, 1, 1)])
def test_the_crop_is_a_square_inside_the_image_that_holds_the_box_if_it_can(box: tuple[int, int, int, int]) -> None:
    image = np.zeros((60, 100, 3), np.uint8)
    x, y, w, h = box
    image[y : y + h, x : x + w] = 255
    crop = crop_region(image, box)
    assert crop.shape[0] == crop.shape[1] <= 60
    if max(w, h) <= 60:
        assert int((crop[..., 0] == 255).sum()) == w * h


def test_one_pixel_is_its_own_crop() -> None:
    assert crop_region(np.zeros((1, 1, 3), np.uint8), (0, 0, 1, 1)).shape == (1, 1, 3)
