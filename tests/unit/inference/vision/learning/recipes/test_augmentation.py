"""Augmentation: the same by seed, epoch and image; each setting does what it says, and nothing where it is off."""

import numpy as np
import pytest

from inference.vision.learning.recipes.augmentation import (
    augment,
    changes_pixels,
    draw_mix,
    fit_to_modality,
    mix_pixels,
    mix_targets,
)
from inference.vision.learning.recipes.epochs.batches import Batches
from inference.vision.learning.recipes.settings import AugmentationSettings

EVERYTHING = AugmentationSettings(
    flip_horizontal=True,
    flip_vertical=True,
    rotation_deg=20.0,
    scale=0.2,
    translation=0.1,
    brightness=0.2,
    contrast=0.2,
    saturation=0.3,
    hue=0.05,
    noise=0.03,
    blur=0.5,
    erasing=0.5,
)


def picture(*, gray: bool = False) -> np.ndarray:
    pixels = np.random.default_rng(3).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    return np.repeat(pixels[..., :1], 3, axis=2) if gray else pixels


def times(settings: AugmentationSettings, count: int = 200, *, gray: bool = False) -> list[np.ndarray]:
    return [augment(picture(gray=gray), settings, seed=0, epoch=1, index=index) for index in range(count)]


def test_nothing_is_changed_where_everything_is_off() -> None:
    assert not changes_pixels(AugmentationSettings())
    assert np.array_equal(augment(picture(), AugmentationSettings(), seed=1, epoch=2, index=3), picture())


def test_the_same_numbers_give_the_same_image_and_others_another() -> None:
    given = picture()
    first = augment(given, EVERYTHING, seed=1, epoch=2, index=3)
    assert first.shape == given.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, augment(given, EVERYTHING, seed=1, epoch=2, index=3))
    assert np.array_equal(given, picture())
    for other in ({"seed": 2}, {"epoch": 3}, {"index": 4}):
        assert not np.array_equal(first, augment(given, EVERYTHING, **{"seed": 1, "epoch": 2, "index": 3} | other))


def test_half_of_the_images_are_mirrored() -> None:
    found = times(AugmentationSettings(flip_horizontal=True))
    mirrored = sum(np.array_equal(one, picture()[:, ::-1]) for one in found)
    assert 70 < mirrored < 130
    assert mirrored + sum(np.array_equal(one, picture()) for one in found) == 200


def test_brightness_stays_within_its_limit_either_way() -> None:
    flat = np.full((8, 8, 3), 100, np.uint8)
    settings = AugmentationSettings(brightness=0.1)
    means = [float(augment(flat, settings, seed=0, epoch=1, index=index).mean()) for index in range(200)]
    assert min(means) < 80
    assert max(means) > 120
    assert all(100 - 26 <= mean <= 100 + 26 for mean in means)


def test_erasing_blots_out_a_part_of_about_as_many_images_as_asked() -> None:
    found = times(AugmentationSettings(erasing=0.5))
    shares = [float((one != picture()).any(axis=2).mean()) for one in found]
    assert 70 < sum(share > 0 for share in shares) < 130
    assert max(shares) < 0.25


def test_a_gray_image_stays_gray_whatever_is_changed() -> None:
    assert all(np.ptp(one.astype(int), axis=2).max() == 0 for one in times(EVERYTHING, 40, gray=True))


@pytest.mark.parametrize("modality", ["gray", "ct", "xray", "thermal", "depth"])
def test_images_without_colors_have_none_to_change(modality: str) -> None:
    fitting = fit_to_modality(EVERYTHING, modality)
    assert (fitting.hue, fitting.saturation, fitting.contrast) == (0.0, 0.0, 0.2)
    assert fit_to_modality(EVERYTHING, "rgb") == EVERYTHING


def test_mixed_targets_add_up_and_say_what_the_pixels_hold() -> None:
    batch = np.stack([np.full((20, 30, 3), value, np.float32) for value in (0, 50, 100, 200)])
    targets = np.eye(4, dtype=np.float32)
    for settings in (AugmentationSettings(mixup=0.4), AugmentationSettings(cutmix=1.0)):
        for step in range(20):
            mix = draw_mix(settings, seed=0, epoch=1, step=step, count=4, size_px=(20, 30))
            assert mix is not None
            mixed, said = mix_pixels(batch, mix), mix_targets(targets, mix)
            assert np.allclose(said.sum(axis=1), 1.0)
            assert np.allclose(mixed.mean(axis=(1, 2, 3)), said @ np.array([0, 50, 100, 200]), atol=1e-3)
    assert draw_mix(AugmentationSettings(), seed=0, epoch=1, step=0, count=4, size_px=(20, 30)) is None


def make_batches(weights: np.ndarray, *, seed: int = 0) -> Batches:
    count = len(weights)
    places = np.arange(count)
    return Batches(
        np.zeros((count, 8, 8, 3), np.uint8),
        places % 2,
        train=places,
        val=places[:0],
        weights=weights,
        augmentation=AugmentationSettings(),
        seed=seed,
    )


def test_an_epoch_shows_every_image_once_in_another_order_than_the_next() -> None:
    batches = make_batches(np.ones(25))
    first, second = (np.concatenate(batches.deal(epoch, 4)) for epoch in (1, 2))
    assert sorted(first) == sorted(second) == list(range(25))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, np.concatenate(make_batches(np.ones(25)).deal(1, 4)))
    assert min(len(one) for one in batches.deal(1, 4)) >= 6


def test_an_image_of_three_times_the_weight_comes_three_times_as_often() -> None:
    weights = np.array([3.0] * 10 + [1.0] * 30)
    batches = make_batches(weights)
    drawn = np.bincount(np.concatenate([np.concatenate(batches.deal(epoch, 5)) for epoch in range(60)]), minlength=40)
    assert drawn.sum() == 60 * 40
    assert drawn[:10].mean() / drawn[10:].mean() == pytest.approx(3.0, rel=0.05)
