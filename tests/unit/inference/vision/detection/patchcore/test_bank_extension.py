"""More good images for a bank that exists, without the old ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.artifact import read_bundle
from inference.errors import ModelError
from inference.vision.detection.detector import KIND, ImageSource
from inference.vision.detection.even_sample import MAX_SCORED, sample_scores
from inference.vision.detection.features.feature_extraction import needs_even_light
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.patchcore import PatchCore

CONFIG = PatchCoreConfig(input_size_px=128, min_bank_size=300, max_bank_size=600)


def draw(seed: int, *, period: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    stripes = 120 + 50 * np.sin((np.arange(128) + rng.integers(12)) / period)
    image = np.repeat(stripes[None, :], 128, axis=0) + rng.normal(0, 6, (128, 128))
    return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def sources(seeds: range, *, period: float) -> list[ImageSource]:
    return [ImageSource(f"{period}:{seed}", lambda seed=seed: draw(seed, period=period)) for seed in seeds]  # type: ignore[misc]


@pytest.fixture(scope="module")
def old() -> PatchCore:
    return PatchCore.fit(sources(range(10), period=5.0), CONFIG, device="cpu")


def test_an_extended_bank_knows_the_new_kind_and_still_knows_the_old(old: PatchCore, tmp_path: Path) -> None:
    both = old.extend(old.extract(sources(range(10), period=11.0)))
    of_old, of_new = draw(50, period=5.0), draw(50, period=11.0)
    assert both.inspect(of_new).score < 0.8 * old.inspect(of_new).score
    assert both.inspect(of_old).score < 1.15 * old.inspect(of_old).score
    assert both.training_keys == (*old.training_keys, *(f"11.0:{seed}" for seed in range(10)))
    assert both.inspect(of_new).nearest_key.startswith("11.0:")
    assert both.inspect(of_old).nearest_key.startswith("5.0:")
    assert both.figures.image_count == 20
    assert old.figures.radius_bound <= both.figures.radius_bound
    old.save(tmp_path / "a")
    both.save(tmp_path / "b")
    # Nothing of the old bank is lost: no old patch is farther away than it was.
    rows, old_rows = (read_bundle(tmp_path / name, kind=KIND).tensors["bank"] for name in "ba")
    assert np.array_equal(rows[: old.bank_size], old_rows)
    loaded = PatchCore.load(tmp_path / "b", device="cpu")
    assert loaded.inspect(of_new).score == pytest.approx(both.inspect(of_new).score, rel=1e-5)


def test_patches_that_were_taken_otherwise_are_refused(old: PatchCore) -> None:
    other = replace(CONFIG, patch_window=1, even_light=old.config.even_light)
    foreign = PatchCore.fit(sources(range(2), period=5.0), other, device="cpu")
    with pytest.raises(ModelError) as caught:
        old.extend(foreign.extract(sources(range(2), period=5.0)))
    assert caught.value.code == "config_invalid"


def test_new_images_of_the_same_kind_keep_the_radius(old: PatchCore) -> None:
    both = old.extend(old.extract(sources(range(20, 23), period=5.0)))
    assert (both.figures.radius, both.figures.radius_bound) == (old.figures.radius, old.figures.radius_bound)
    assert old.bank_size <= both.bank_size <= 1.25 * old.bank_size
    assert not both.figures.merged


def test_an_extended_bank_has_few_rows_more_than_a_whole_one(old: PatchCore) -> None:
    both = old.extend(old.extract(sources(range(10), period=11.0)))
    whole = PatchCore.fit([*sources(range(10), period=5.0), *sources(range(10), period=11.0)], CONFIG, device="cpu")
    assert old.bank_size < both.bank_size <= 1.25 * whole.bank_size


def test_new_images_are_scored_by_the_bank_that_has_not_seen_them(old: PatchCore) -> None:
    features = old.extract(sources(range(60, 64), period=5.0))
    scores = old.score_unseen(features).scores
    assert list(scores) == [f"5.0:{seed}" for seed in range(60, 64)]
    for seed in range(60, 64):
        assert scores[f"5.0:{seed}"] == pytest.approx(old.inspect(draw(seed, period=5.0)).score, rel=1e-4)


def test_the_light_is_decided_as_by_a_whole_build() -> None:
    images = [draw(seed, period=5.0) for seed in range(12)]
    dimmed = [(image * (0.5 + 0.05 * place)).astype(np.uint8) for place, image in enumerate(images)]
    for pixels in (images, dimmed):
        given = [ImageSource(str(place), lambda image=image: image) for place, image in enumerate(pixels)]  # type: ignore[misc]
        built = PatchCore.fit(given, CONFIG, device="cpu")
        assert needs_even_light(given, CONFIG, size_px=built.input_size_px) is built.config.even_light
    assert needs_even_light(given, CONFIG, size_px=built.input_size_px)


def test_at_most_so_many_scores_are_kept_and_an_even_part_of_them() -> None:
    scores = {f"image:{place}": float(place) for place in range(1600)}
    kept = sample_scores(scores, list(scores))
    assert len(kept) == MAX_SCORED
    assert np.diff(list(kept.values())).max() <= 3
    assert sample_scores({"image:3": 1.0}, list(scores)) == {"image:3": 1.0}
    assert sample_scores({}, list(scores)) == {}


def test_a_bank_that_was_merged_under_a_small_budget_keeps_its_bound() -> None:
    least = replace(CONFIG, memory_budget_bytes=16 * CONFIG.dimension * 4 * 16 * 16)
    merged = PatchCore.fit(sources(range(30), period=5.0), least, device="cpu")
    assert merged.figures.merged
    features = merged.extract(sources(range(60, 63), period=5.0))
    both = merged.extend(features)
    assert both.figures.merged
    assert both.figures.radius <= both.figures.radius_bound
    assert merged.figures.radius_bound <= both.figures.radius_bound < 1.5 * merged.figures.radius_bound
    assert set(merged.score_unseen(features).scores) == {f"5.0:{seed}" for seed in range(60, 63)}
