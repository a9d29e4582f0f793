"""Hints about focus and exposure."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inference.vision.images.quality import assess

RNG = np.random.default_rng(2)


def make_part(size_px: int = 300) -> np.ndarray:
    """Draw a gray part with edges and a fine grain, as cameras give it."""
    image = np.full((size_px, size_px), 110, np.float64)
    width = size_px // 20
    for line in range(width, size_px, 4 * width):
        image[line : line + width] = 60
        image[:, line : line + width] = 170
    image += RNG.normal(0, 4, image.shape)
    return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def test_a_good_picture_gets_no_warning() -> None:
    quality = assess(make_part())
    assert quality.warnings == ()
    assert 0 < quality.blur_score < 0.6


@pytest.mark.parametrize("size_px", [200, 300, 1200])
def test_a_picture_out_of_focus_is_pointed_out(size_px: int) -> None:
    sigma = 5 * max(1, size_px / 512)
    blurred = np.asarray(cv2.GaussianBlur(make_part(size_px), (0, 0), sigma), np.uint8)
    assert assess(blurred).warnings == ("blurred",)


def test_motion_along_one_axis_is_blur_too() -> None:
    assert "blurred" in assess(np.asarray(cv2.blur(make_part(), (25, 1)), np.uint8)).warnings


def test_blur_does_not_depend_on_exposure() -> None:
    dim = assess((make_part() * 0.6).astype(np.uint8))
    assert dim.warnings == ()
    assert dim.blur_score == pytest.approx(assess(make_part()).blur_score, abs=0.05)


def test_exposure_is_assessed_at_both_ends() -> None:
    assert "under_exposed" in assess((make_part() * 0.1).astype(np.uint8)).warnings
    assert "over_exposed" in assess((make_part().astype(int) * 4).clip(0, 255).astype(np.uint8)).warnings


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (20_000, 64, 3), (2, 2, 3)])
def test_any_size_is_measured_and_a_plain_surface_is_not_called_blurred(shape: tuple[int, int, int]) -> None:
    quality = assess(np.full(shape, 120, np.uint8))
    assert quality.warnings == ()
    assert np.isfinite(quality.blur_score)
