"""When light is evened out."""

import numpy as np

from inference.vision.detection.features.input_preparation import light_varies, prepare_input
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.images.input_pixels import even_light
from inference.vision.images.preprocessing import Preprocessing


def draw(mean: float) -> np.ndarray:
    noise = np.random.default_rng(int(mean)).normal(0, 10, (32, 32, 1))
    return np.repeat((mean + noise).clip(0, 255).astype(np.uint8), 3, axis=2)


def test_small_differences_in_light_are_left_to_the_bank_and_large_ones_evened_out() -> None:
    config = PatchCoreConfig()
    assert not light_varies([draw(120 + step) for step in range(-9, 10)], config)
    assert light_varies([draw(120 + 6 * step) for step in range(-9, 10)], config)


def test_few_images_cannot_say_that_light_never_varies() -> None:
    assert light_varies([draw(120)] * 5, PatchCoreConfig())


def test_an_ignored_place_has_no_say_in_the_light() -> None:
    config = PatchCoreConfig(even_light=True, preprocessing=Preprocessing(ignore=((0.0, 0.0, 0.5, 1.0),)))
    plain, labeled = draw(120), draw(120)
    labeled[:, :16] = 255
    outside = (slice(None), slice(16, None))
    first, second = (prepare_input(image, config, size_px=(32, 32)) for image in (plain, labeled))
    np.testing.assert_array_equal(first[outside], second[outside])
    assert not np.array_equal(even_light(plain)[outside], even_light(labeled)[outside])
