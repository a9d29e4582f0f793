"""How images are lit, and how they would look in another light."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inference.vision.images.illumination import (
    draw_illumination,
    estimate_noise,
    survey_illumination,
    vary_illumination,
)

Pixels = NDArray[np.uint8]


def _gray(values: NDArray[np.floating]) -> Pixels:
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def test_varied_light_is_a_straight_line_that_clips() -> None:
    pixels = _gray(np.tile(np.linspace(50, 150, 101), (20, 1)))
    half = vary_illumination(pixels, exposure=0.5, contrast=1.0)
    assert np.abs(half.astype(int) - pixels / 2).max() <= 1
    flat = vary_illumination(pixels, exposure=1.0, contrast=0.5)
    assert np.ptp(flat) == pytest.approx(50, abs=1)
    assert flat.mean() == pytest.approx(pixels.mean(), abs=1)
    assert vary_illumination(pixels, exposure=3.0, contrast=1.0).max() == 255


def test_drawn_light_stays_within_its_share_and_depends_on_the_seed_alone() -> None:
    drawn = np.array([draw_illumination(np.random.default_rng(seed), share=0.3) for seed in range(200)])
    assert drawn.min() >= 0.7
    assert drawn.max() <= 1.3
    assert np.ptp(drawn) > 0.5
    assert draw_illumination(np.random.default_rng(7), share=0.3) == tuple(drawn[7])


@pytest.mark.parametrize("sigma", [2.0, 5.0, 10.0])
def test_noise_is_measured_in_levels_beside_texture(sigma: float) -> None:
    rng = np.random.default_rng(1)
    values = np.full((256, 256), 120.0)
    values[64:128] += 60 * (np.indices((64, 256))[1] // 4 % 2)
    noisy = np.clip(values + rng.normal(0, sigma, values.shape), 0, 255).astype(np.uint8)
    assert estimate_noise(noisy) == pytest.approx(sigma, rel=0.3)


def test_image_of_a_pixel_has_no_noise() -> None:
    assert estimate_noise(np.zeros((1, 1), np.uint8)) == 0.0
    assert survey_illumination([np.zeros((1, 1, 3), np.uint8)]).image_count == 1


def test_slope_that_all_images_share_counts_and_structure_does_not() -> None:
    rng = np.random.default_rng(2)
    slope = np.tile(np.linspace(0.75, 1.25, 120), (90, 1))
    uneven = [_gray(120 * slope + rng.normal(0, 3, slope.shape)) for _ in range(6)]
    assert survey_illumination(uneven).side_drop == pytest.approx(0.5, abs=0.05)
    parts = []
    for index in range(6):
        values = np.full((90, 120), 120.0)
        cv2.circle(values, (60, 45), 30, 200.0, -1)
        parts.append(_gray(values[:, :: 1 if index % 2 else -1]))
    assert survey_illumination(parts).side_drop < 0.05


def test_survey_counts_contrast_variation_color_and_warnings() -> None:
    rng = np.random.default_rng(3)
    texture = rng.normal(0, 5, (100, 100))
    survey = survey_illumination([_gray(level + texture) for level in (80.0, 120.0)])
    assert survey.mean_variation == pytest.approx(0.2, abs=0.01)
    assert survey.contrast_levels == pytest.approx(26, abs=4)
    assert not survey.has_color
    black = np.zeros((64, 64, 3), np.uint8)
    red = np.full((64, 64, 3), (200, 30, 30), np.uint8)
    found = survey_illumination([black, red])
    assert found.has_color
    assert found.warnings == {"under_exposed": 1}
