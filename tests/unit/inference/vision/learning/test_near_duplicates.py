"""Exposures of one part stand out; parts that merely look alike do not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inference.vision.learning.near_duplicates import FEWEST_IMAGES, find_exposures, group_exposures


def draw(part: int, *, noise: int = 0, turn_deg: float = 0.0, light: float = 1.0, grain: float = 25.0) -> np.ndarray:
    """Return a ring on grained metal, 200 × 200 px: all parts have the ring, each has grain of its own."""
    rng = np.random.default_rng(part)
    image: np.ndarray = 120 + cv2.GaussianBlur(rng.normal(0, 1, (200, 200)).astype(np.float32), (0, 0), 2) * grain * 5
    cv2.circle(image, (100, 100), 60, 40.0, 8)
    image = cv2.warpAffine(
        image, cv2.getRotationMatrix2D((100, 100), turn_deg, 1.0), (200, 200), borderMode=cv2.BORDER_REFLECT
    )
    image = image * light + np.random.default_rng((part, noise)).normal(0, 2, image.shape)
    return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def test_exposures_of_one_part_are_grouped_in_any_order_light_and_small_turn() -> None:
    images = [draw(part) for part in range(12)]
    images += [draw(3, noise=1, turn_deg=1.0, light=0.7), draw(3, noise=2, turn_deg=-0.7), draw(7, noise=1, light=1.2)]
    found = find_exposures(images)
    assert [group.places for group in found] == [(3, 12, 13), (7, 14)]
    assert all(group.likeness > 0.6 > group.nearest_other for group in found)


def test_parts_that_look_alike_are_no_exposures() -> None:
    assert find_exposures([draw(part) for part in range(16)]) == []


@pytest.mark.parametrize("grain", [0.0, 25.0])
def test_a_fixture_on_which_every_image_looks_the_same_is_no_part(grain: float) -> None:
    assert find_exposures([draw(1, noise=number, grain=grain) for number in range(16)]) == []


def test_blank_and_few_images_give_nothing() -> None:
    assert find_exposures([np.full((60, 80, 3), 128, np.uint8)] * 8) == []
    assert find_exposures([draw(1)] * (FEWEST_IMAGES - 1)) == []


def test_what_progress_raises_ends_the_search() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_exposures([draw(part) for part in range(6)], progress=stop)


def test_a_group_must_stand_out_for_each_of_its_members() -> None:
    likeness = np.full((5, 5), 0.2, np.float32)
    likeness[0, 1] = likeness[1, 0] = 0.95
    assert [group.places for group in group_exposures(likeness)] == [(0, 1)]
    # The second one is nearly as like to a third: nobody can say where the part ends.
    likeness[1, 2] = likeness[2, 1] = 0.94
    assert group_exposures(likeness) == []
    likeness[0, 2] = likeness[2, 0] = 0.93
    assert [group.places for group in group_exposures(likeness)] == [(0, 1, 2)]
