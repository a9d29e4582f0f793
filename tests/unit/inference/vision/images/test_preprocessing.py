"""The preprocessing chain: same shape, fixed order, strict options."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from inference.errors import InferenceError
from inference.vision.images.preprocessing import Preprocessing

RNG = np.random.default_rng(3)
COLOR = RNG.integers(40, 120, (40, 52, 3), dtype=np.uint8)
GRAY = np.repeat(COLOR[..., :1], 3, axis=2)
ALL_ON: dict[str, Any] = {
    "grayscale": True,
    "clahe": True,
    "equalize": True,
    "normalize": True,
    "smoothing": "median",
    "smoothing_size_px": 5,
}
SINGLES: list[dict[str, Any]] = [
    {"grayscale": True},
    {"clahe": True},
    {"equalize": True},
    {"normalize": True},
    {"smoothing": "gaussian"},
    {"smoothing": "median"},
    {"smoothing": "bilateral"},
    ALL_ON,
]


@pytest.mark.parametrize("options", SINGLES, ids=lambda options: "+".join(map(str, options)))
@pytest.mark.parametrize("shape", [(40, 52), (1, 1), (64, 2000), (2, 3)])
def test_every_option_keeps_shape_and_type_and_leaves_the_input_alone(
    options: dict[str, Any], shape: tuple[int, int]
) -> None:
    image = RNG.integers(0, 256, (*shape, 3), dtype=np.uint8)
    image.flags.writeable = False
    result = Preprocessing(**options).apply(image)
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, Preprocessing(**options).apply(image))


@pytest.mark.parametrize("options", SINGLES, ids=lambda options: "+".join(map(str, options)))
def test_every_option_changes_a_color_image(options: dict[str, Any]) -> None:
    assert not np.array_equal(Preprocessing(**options).apply(COLOR), COLOR)


def test_without_options_nothing_is_touched() -> None:
    assert Preprocessing().apply(COLOR) is COLOR


@pytest.mark.parametrize("options", SINGLES, ids=lambda options: "+".join(map(str, options)))
def test_a_gray_image_stays_gray(options: dict[str, Any]) -> None:
    assert np.ptp(Preprocessing(**options).apply(GRAY).astype(int), axis=2).max() == 0


def test_normalize_undoes_a_change_of_exposure() -> None:
    dark = (GRAY * 0.7).astype(np.uint8)
    chain = Preprocessing(normalize=True)
    before = np.abs(GRAY.astype(int) - dark).mean()
    after = np.abs(chain.apply(GRAY).astype(int) - chain.apply(dark)).mean()
    assert after < before / 10
    assert chain.apply(GRAY).min() == 0
    assert chain.apply(GRAY).max() == 255


def test_normalize_leaves_a_constant_image_and_limits_its_gain() -> None:
    chain = Preprocessing(normalize=True)
    flat = np.full((20, 20, 3), 77, np.uint8)
    np.testing.assert_array_equal(chain.apply(flat), flat)
    noisy = flat.copy()
    noisy[::2] += 1
    assert np.ptp(chain.apply(noisy)) <= 8


def test_normalize_is_not_led_astray_by_a_few_glints() -> None:
    glints = GRAY.copy()
    glints[0, :4] = 255
    chain = Preprocessing(normalize=True)
    difference = np.abs(chain.apply(glints)[1:].astype(int) - chain.apply(GRAY)[1:])
    assert difference.mean() < 4


def test_contrast_options_keep_the_hue() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = np.linspace(60, 160, 32, dtype=np.uint8)
    result = Preprocessing(equalize=True).apply(red).astype(int)
    assert (result[..., 0] >= result[..., 1]).all()
    assert (result[..., 0] - result[..., 1]).mean() > 40


def test_the_region_of_interest_and_ignored_rectangles_make_the_mask() -> None:
    chain = Preprocessing(region_of_interest=(0.25, 0.0, 0.5, 1.0), ignore=((0.25, 0.0, 0.25, 0.5),))
    mask = chain.valid_mask(4, 8)
    expected = np.zeros((4, 8), bool)
    expected[:, 2:6] = True
    expected[:2, 2:4] = False
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_array_equal(chain.apply(COLOR), COLOR)


def test_a_doubtful_pixel_counts_so_that_no_image_is_wholly_blind() -> None:
    assert Preprocessing(region_of_interest=(0.9, 0.9, 0.01, 0.01)).valid_mask(1, 1).all()
    assert Preprocessing(ignore=((0.1, 0.1, 0.8, 0.8),)).valid_mask(1, 1).all()
    assert Preprocessing().valid_mask(3, 5).all()


def test_fractions_meet_pixel_edges_exactly() -> None:
    for size in range(1, 200):
        for pixel in range(size):
            mask = Preprocessing(region_of_interest=(pixel / size, 0.0, 1 / size, 1.0)).valid_mask(1, size)
            assert mask.sum() == 1
            assert mask[0, pixel]


def test_options_survive_json() -> None:
    chain = Preprocessing(**ALL_ON, region_of_interest=(0.1, 0.2, 0.3, 0.4), ignore=((0.1, 0.2, 0.1, 0.1),))
    assert Preprocessing.from_dict(json.loads(json.dumps(chain.to_dict()))) == chain
    assert Preprocessing.from_dict({}) == Preprocessing()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"clahe": 1}, "clahe"),
        ({"grayscale": "yes"}, "grayscale"),
        ({"clahe_clip_limit": 0}, "clahe_clip_limit"),
        ({"clahe_clip_limit": float("nan")}, "clahe_clip_limit"),
        ({"clahe_tile_grid": 2.5}, "clahe_tile_grid"),
        ({"smoothing": "box"}, "smoothing"),
        ({"smoothing": None}, "smoothing"),
        ({"smoothing_size_px": 4}, "smoothing_size_px"),
        ({"smoothing_size_px": True}, "smoothing_size_px"),
        ({"region_of_interest": [0.5, 0, 0.6, 1]}, "region_of_interest"),
        ({"region_of_interest": [0, 0, 0, 1]}, "region_of_interest"),
        ({"region_of_interest": [0, 0, 1]}, "region_of_interest"),
        ({"ignore": [[0, 0, "a", 1]]}, "ignore"),
        ({"ignore": 3}, "ignore"),
    ],
)
def test_values_outside_their_range_are_refused_by_name(options: dict[str, Any], field: str) -> None:
    with pytest.raises(InferenceError) as refusal:
        Preprocessing.from_dict(options)
    assert refusal.value.code == "preprocessing_invalid"
    assert refusal.value.params["field"] == field


def test_unknown_keys_are_refused_by_name() -> None:
    with pytest.raises(InferenceError) as refusal:
        Preprocessing.from_dict({"claeh": True})
    assert refusal.value.code == "preprocessing_unknown"
    assert refusal.value.params == {"field": "claeh"}


def test_ignoring_the_whole_region_is_refused() -> None:
    halves = ((0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 0.5, 1.0))
    with pytest.raises(InferenceError) as refusal:
        Preprocessing(ignore=halves)
    assert refusal.value.code == "preprocessing_nothing_left"
    Preprocessing(ignore=halves[:1])


@pytest.mark.parametrize(
    "values",
    [
        {"bit_depth": 11},
        {"bit_depth": True},
        {"bit_depth": 12.0},
        {"tile_height_px": 256},
        {"tile_size_px": 64},
        {"tile_size_px": 8, "tile_height_px": 256},
        {"tile_size_px": 64, "tile_height_px": 2048},
        {"tile_size_px": 64, "tile_height_px": 100},
    ],
    ids=str,
)
def test_depths_and_tiles_that_cannot_be_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(InferenceError) as refusal:
        Preprocessing.from_dict(values)
    assert refusal.value.code in {"preprocessing_invalid", "preprocessing_tile_shape"}
