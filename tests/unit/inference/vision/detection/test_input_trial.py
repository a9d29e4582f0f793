"""Which way of looking at the images a build chooses."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from inference.errors import ImageError
from inference.vision.detection.detector import ImageSource, LabeledSource
from inference.vision.detection.input_choice import LOCAL_CONTRAST
from inference.vision.detection.input_trial import MOST_IMAGES, choose_input
from inference.vision.detection.padim.config import PadimConfig
from inference.vision.detection.padim.specification import SPECIFICATION as PADIM
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.images.preprocessing import Preprocessing

SIDE = 128
CONFIG = PatchCoreConfig(input_size_px=SIDE, min_bank_size=256, max_bank_size=512, colour_weight=0.0)


def draw(seed: int, *, defect: bool, gradient: float) -> np.ndarray:
    """Draw a woven part whose light falls off in a direction of its own; defective ones have a faint smooth spot."""
    rng = np.random.default_rng((seed, defect))
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
    values = 1.0 + 0.12 * np.sin(x / 2.0) * np.sin(y / 2.0) + rng.normal(0.0, 0.02, (SIDE, SIDE))
    if defect:
        spot = np.zeros((SIDE, SIDE))
        cv2.circle(spot, tuple(int(at) for at in rng.integers(30, SIDE - 30, 2)), 7, 1.0, -1)
        values = values - 0.16 * cv2.GaussianBlur(spot, (0, 0), 1.0) * (values - 0.4)
    angle, strength = rng.uniform(0.0, 2.0 * np.pi), gradient * rng.uniform(0.5, 1.0)
    along = (np.cos(angle) * (x - SIDE / 2) + np.sin(angle) * (y - SIDE / 2)) / (SIDE / 2)
    light = np.exp(strength * along)
    return np.repeat((100.0 * light * values).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def source(seed: int, *, defect: bool = False, gradient: float = 0.0, part: str = "") -> ImageSource:
    kind = "defect" if defect else "good"
    return ImageSource(f"{kind}:{seed}", lambda: draw(seed, defect=defect, gradient=gradient), part=part)


def normals(count: int, *, gradient: float = 0.0) -> list[ImageSource]:
    return [source(seed, gradient=gradient) for seed in range(count)]


def defects(count: int, *, gradient: float = 0.0) -> list[LabeledSource]:
    return [LabeledSource(source(seed, defect=True, gradient=gradient), "spot", lambda: None) for seed in range(count)]


def test_local_contrast_is_chosen_where_light_falls_otherwise_on_every_image() -> None:
    config, choice = choose_input(normals(24, gradient=1.1), defects(16, gradient=1.1), CONFIG, device="cpu")
    assert choice.reason == "better"
    assert choice.chosen in LOCAL_CONTRAST
    assert config == replace(CONFIG, local_contrast=LOCAL_CONTRAST[choice.chosen], even_light=False)
    assert choice.auroc[choice.chosen] >= choice.auroc["plain"] + 0.02
    assert choice.sureness[choice.chosen] >= 0.99
    assert (choice.n_normal, choice.n_defect, choice.made_up) == (24, 16, False)


def test_images_stay_as_they_are_where_nothing_is_gained_and_the_choice_is_the_same_again() -> None:
    given = normals(24), defects(16), CONFIG
    config, choice = choose_input(*given, device="cpu")
    assert (config, choice.chosen, choice.reason) == (CONFIG, "plain", "no_gain")
    # What leaves nothing to gain is not compared with anything; the size of the input is set in any case.
    tried = {"plain"} if choice.auroc["plain"] > 0.98 else {"plain", "fine", "coarse"}
    assert set(choice.auroc) == tried
    assert choose_input(*given, device="cpu")[1] == choice


def test_defects_are_made_up_where_few_are_labeled_and_whole_parts_are_sampled() -> None:
    many = [source(seed, part=f"part {seed // 3}") for seed in range(60)]
    stages: set[tuple[str, int, int]] = set()
    _config, choice = choose_input(
        many, defects(3), CONFIG, device="cpu", progress=lambda *standing: stages.add(standing)
    )
    assert choice.made_up
    assert choice.n_normal == choice.n_defect == 3 * (MOST_IMAGES // 3)
    assert stages == {("features", 0, 60)}


def test_nothing_is_compared_on_few_images_few_parts_or_in_tiles() -> None:
    def broken() -> np.ndarray:
        raise ImageError("image_truncated")

    few = [*normals(11), ImageSource("broken", broken)]
    of_one_part = [source(seed, part="one") for seed in range(14)]
    for given in (few, of_one_part):
        config, choice = choose_input(given, [], CONFIG, device="cpu")
        assert (config, choice.chosen, choice.reason, choice.auroc) == (CONFIG, "plain", "few_images", {})
    tiled = replace(CONFIG, preprocessing=Preprocessing(tile_size_px=128))
    config, choice = choose_input(normals(14), [], tiled, device="cpu")
    assert (config, choice.chosen, choice.reason) == (tiled, "plain", "tiles")


def test_a_build_may_be_cancelled_while_it_compares() -> None:
    def cancel(*_standing: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        choose_input(normals(14), [], CONFIG, device="cpu", progress=cancel)


def test_a_detector_without_such_a_choice_is_built_as_it_is_set() -> None:
    config = PadimConfig()
    assert PADIM.choose_input(normals(14), [], config) == (config, None)


def test_an_extension_keeps_the_choice_of_its_bank() -> None:
    images = normals(10, gradient=0.4)
    bank = PatchCore.fit(images, replace(CONFIG, local_contrast=0.25), device="cpu")
    assert bank.config.even_light is False
    more = [*images, *(source(seed, gradient=0.4) for seed in range(50, 52))]
    assert bank.refuse_extension(more, CONFIG, weights=None) is None
    assert bank.refuse_extension(more, replace(CONFIG, local_contrast=0.1), weights=None) == "set_otherwise"
    grown = bank.extend(bank.extract(more[10:]))
    assert grown.config == bank.config
    larger = PatchCore.fit(images, replace(CONFIG, input_size_px=192), device="cpu")
    assert larger.refuse_extension(more, replace(CONFIG, input_size_px=None), weights=None) is None
