import numpy as np
import pytest

from inference.errors import ModelError
from inference.vision.detection.regions import find_regions


def test_regions_come_highest_first_in_original_pixels() -> None:
    drawn = np.zeros((64, 128), np.float32)
    drawn[10:20, 30:50] = 2.0
    drawn[40:44, 100:104] = 5.0
    first, second = find_regions(drawn, threshold=1.0, image_size_px=(256, 128))
    assert (first.x, first.y, first.w, first.h, first.area, first.score) == (200, 80, 8, 8, 64, 5.0)
    assert (second.x, second.y, second.w, second.h, second.area) == (60, 20, 40, 20, 800)


def test_a_box_is_never_empty_nor_outside_of_a_tiny_image() -> None:
    drawn = np.zeros((256, 256), np.float32)
    drawn[200:220, 200:220] = 1.0
    (region,) = find_regions(drawn, threshold=0.5, image_size_px=(1, 1))
    assert (region.x, region.y, region.w, region.h, region.area) == (0, 0, 1, 1, 1)


def test_specks_are_left_out_unless_there_is_nothing_else() -> None:
    drawn = np.zeros((256, 256), np.float32)
    drawn[5, 5] = 9.0
    assert len(find_regions(drawn, threshold=1.0, image_size_px=(256, 256))) == 1
    drawn[100:120, 100:120] = 2.0
    (region,) = find_regions(drawn, threshold=1.0, image_size_px=(256, 256))
    assert region.x == 100


def test_nothing_above_gives_nothing_and_a_broken_map_is_refused() -> None:
    assert find_regions(np.zeros((8, 8), np.float32), threshold=0.1, image_size_px=(8, 8)) == []
    for broken in (np.full((8, 8), np.nan, np.float32), np.zeros((0, 4), np.float32), np.zeros(4, np.float32)):
        with pytest.raises(ModelError, match="map"):
            find_regions(broken, threshold=0.1, image_size_px=(8, 8))
