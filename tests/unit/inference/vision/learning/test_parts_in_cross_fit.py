"""No normal image is scored by a model that has learnt another exposure of its part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from inference.vision.detection.detector import ImageSource
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.padim.config import PadimConfig
from inference.vision.detection.padim.fitting import cross_fit_padim
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.cross_fit import cross_fit
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.images.preprocessing import Preprocessing

CONFIG = PatchCoreConfig(input_size_px=64, min_bank_size=100, max_bank_size=400)
# Half of it is less than the twelve images take.
LEAST_BYTES = 16 * CONFIG.dimension * 4 * (64 // CONFIG.spec.strides[0]) ** 2
N_PARTS, N_EXPOSURES = 6, 2


def draw(part: int, exposure: int, *, size_px: int = 96) -> np.ndarray:
    """Return a surface of spots, of which each exposure of a part shows the same ones in hardly another light."""
    rng = np.random.default_rng(part)
    image = np.full((size_px, size_px), 110.0)
    for row, column, level in zip(*rng.integers(0, size_px, (2, 14)), rng.uniform(20, 240, 14), strict=True):
        image[row : row + 12, column : column + 12] = level
    image += np.random.default_rng((part, exposure)).normal(0, 1, image.shape)
    return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def exposures(*, named: bool, size_px: int = 96) -> list[ImageSource]:
    return [
        ImageSource(
            f"image:{part}.{exposure}",
            lambda part=part, exposure=exposure: draw(part, exposure, size_px=size_px),  # type: ignore[misc]
            part=f"part {part}" if named else "",
        )
        for part in range(N_PARTS)
        for exposure in range(N_EXPOSURES)
    ]


def lowest(scores: Mapping[str, float]) -> float:
    return min(scores.values())


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, memory_budget_bytes=LEAST_BYTES),
        replace(CONFIG, input_size_px=None, preprocessing=Preprocessing(tile_size_px=128)),
    ],
    ids=["whole", "over the memory budget", "in tiles"],
)
def test_exposures_of_a_part_are_left_out_together(config: PatchCoreConfig) -> None:
    size_px = 200 if config.preprocessing.tile_size_px else 96
    alone, together = (
        extract_patches(exposures(named=named, size_px=size_px), config, device="cpu") for named in (False, True)
    )
    assert together.reduced is (config.memory_budget_bytes == LEAST_BYTES)
    seen, unseen = cross_fit(alone).scores, cross_fit(together).scores
    assert set(unseen) == set(seen) == set(together.keys)
    # By a bank that has seen its twin an image has next to no anomaly: that is what the folds must not do.
    assert lowest(unseen) > 1.15 * lowest(seen)


def test_parts_are_left_out_together_of_gaussians() -> None:
    config = PadimConfig(input_size_px=64, channel_count=16)
    alone, together = (extract_patches(exposures(named=named), config, device="cpu") for named in (False, True))
    assert lowest(cross_fit_padim(together)) > 1.2 * lowest(cross_fit_padim(alone))


def test_images_of_one_part_alone_are_left_out_one_by_one() -> None:
    sources = [replace(source, part="the only one") for source in exposures(named=False)]
    plain = extract_patches(exposures(named=False), CONFIG, device="cpu")
    named = extract_patches(sources, CONFIG, device="cpu")
    assert cross_fit(named).scores == cross_fit(plain).scores


def test_a_new_exposure_of_a_part_that_is_known_has_no_unseen_score() -> None:
    given = exposures(named=True)
    model = PatchCore.fit(given[: 4 * N_EXPOSURES], CONFIG, device="cpu")
    features = model.extract([replace(given[0], key="again"), *given[4 * N_EXPOSURES :]])
    scores = model.score_unseen(features, seen_parts={source.part_key for source in given[: 4 * N_EXPOSURES]}).scores
    assert set(scores) == {source.key for source in given[4 * N_EXPOSURES :]}
