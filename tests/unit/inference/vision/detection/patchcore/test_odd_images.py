"""Comparing each of a few images with each: strange ones that are alike do not hide one another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from inference.vision.detection.detector import ImageSource
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.patchcore.bank_building import BankFeatures
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.odd_images import MOST_PATCHES, find_odd_images
from inference.vision.detection.purity import NOBODY

CONFIG = PatchCoreConfig(input_size_px=64, min_bank_size=100, max_bank_size=200)


def draw(seed: int, *, hole: bool) -> np.ndarray:
    rng = np.random.default_rng(seed)
    stripes = 120 + 50 * np.sin((np.arange(96) + 3 * (seed % 2)) / 5.0)
    image = np.repeat(stripes[None, :], 96, axis=0) + rng.normal(0, 6, (96, 96))
    if hole:
        image[40:60, 50:70] = 20
    return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def take(count: int, *, holes: int = 0, part: str = "") -> BankFeatures:
    """Return the patches of `count` images, the last `holes` of them with the same hole."""
    sources = [
        ImageSource(f"image:{seed}", lambda seed=seed: draw(seed, hole=seed >= count - holes), part=part)  # type: ignore[misc]
        for seed in range(count)
    ]
    return extract_patches(sources, CONFIG, device="cpu")


def test_one_strange_image_and_two_that_are_alike_are_named() -> None:
    for holes in (1, 2):
        found = find_odd_images(take(16, holes=holes))
        assert set(found.scores) == {f"image:{seed}" for seed in range(16 - holes, 16)}
        assert min(found.scores.values()) > found.limit


def test_what_a_person_kept_is_not_named_again() -> None:
    assert set(find_odd_images(take(16, holes=2), kept={"image:15"}).scores) == {"image:14"}


def test_good_images_few_parts_and_many_patches_name_nobody() -> None:
    features = take(16)
    assert find_odd_images(features) == NOBODY
    assert find_odd_images(take(12, holes=1, part="one")) == NOBODY
    many = replace(features, keys=tuple(f"image:{place}" for place in range(MOST_PATCHES)))
    assert find_odd_images(many) == NOBODY
