"""Each place of an image at one mean and one spread of the light around it."""

import numpy as np
import pytest

from inference.errors import ModelError
from inference.vision.detection.features.input_preparation import light_varies, prepare_input
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.images.input_pixels import LIGHT_MEAN, even_local_contrast
from inference.vision.images.preprocessing import Preprocessing

SIDE = 128


def texture(seed: int = 0, *, color: bool = False) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 20, (SIDE, SIDE, 3 if color else 1))
    return np.broadcast_to(120.0 + noise, (SIDE, SIDE, 3))


def to_pixels(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values.clip(0, 255).round().astype(np.uint8))


@pytest.mark.parametrize("color", [False, True])
def test_light_that_falls_off_across_the_image_does_not_matter(color: bool) -> None:
    even = texture(color=color)
    falling = even * np.linspace(0.6, 1.4, SIDE)[None, :, None]
    before = np.abs(to_pixels(even).astype(float) - to_pixels(falling)).mean()
    first, second = (even_local_contrast(to_pixels(one), share=1 / 8).astype(float) for one in (even, falling))
    assert before > 20.0
    assert np.abs(first - second).mean() < 4.0
    assert first.mean() == pytest.approx(LIGHT_MEAN, abs=3.0)


def test_a_gray_image_is_treated_as_its_three_equal_channels_would_be() -> None:
    gray = to_pixels(texture())
    nearly = gray.copy()
    nearly[0, 0, 2] ^= 1  # no gray image any more
    found, expected = (even_local_contrast(one, share=1 / 4).astype(int) for one in (gray, nearly))
    assert found.dtype == expected.dtype
    assert np.abs(found - expected).max() <= 2
    assert np.array_equal(found[..., 0], found[..., 2])


def test_a_flat_image_is_not_blown_up_to_its_noise() -> None:
    flat = to_pixels(120.0 + np.random.default_rng(0).normal(0, 1, (SIDE, SIDE, 1)).repeat(3, axis=2))
    assert even_local_contrast(flat, share=1 / 12).std() < 10.0


def test_a_masked_place_has_no_say_in_what_is_around_it() -> None:
    plain = to_pixels(texture())
    labeled = plain.copy()
    labeled[40:80, 40:80] = 255
    valid = np.ones((SIDE, SIDE), np.bool_)
    valid[40:80, 40:80] = False
    first, second = (even_local_contrast(one, share=1 / 6, valid=valid) for one in (plain, labeled))
    np.testing.assert_array_equal(first[valid], second[valid])
    assert not np.array_equal(
        even_local_contrast(plain, share=1 / 6)[valid], even_local_contrast(labeled, share=1 / 6)[valid]
    )
    everywhere = np.ones((SIDE, SIDE), np.bool_)
    whole = even_local_contrast(plain, share=1 / 6, valid=everywhere).astype(int)
    assert np.abs(whole - even_local_contrast(plain, share=1 / 6)).max() <= 1


def test_local_contrast_takes_the_place_of_even_light() -> None:
    config = PatchCoreConfig(local_contrast=0.25, even_light=True)
    pixels = to_pixels(texture())
    expected = even_local_contrast(pixels, share=0.25)
    np.testing.assert_array_equal(prepare_input(pixels, config, size_px=(SIDE, SIDE)), expected)
    assert not light_varies([pixels], config)


def test_configurations_without_local_contrast_are_written_and_read_as_before() -> None:
    plain = PatchCoreConfig()
    assert "local_contrast" not in plain.to_dict()
    assert PatchCoreConfig.from_dict(plain.to_dict()) == plain
    chosen = PatchCoreConfig(local_contrast=0.25)
    assert PatchCoreConfig.from_dict(chosen.to_dict()) == chosen


@pytest.mark.parametrize("share", [-0.1, 0.01, 0.6])
def test_a_window_that_makes_no_sense_is_refused(share: float) -> None:
    with pytest.raises(ModelError) as caught:
        PatchCoreConfig(local_contrast=share)
    assert caught.value.code == "config_invalid"


def test_local_contrast_is_refused_in_tiles() -> None:
    with pytest.raises(ModelError):
        PatchCoreConfig(local_contrast=0.25, preprocessing=Preprocessing(tile_size_px=256))
