"""Color beside its surroundings: what it reacts to, what it does not, and that it is in every path."""

from pathlib import Path

import numpy as np
import pytest

from inference.artifact import read_bundle, write_bundle
from inference.errors import ArtifactError, ModelError
from inference.vision.detection.detector import ImageSource
from inference.vision.detection.features.local_color import fit_local_color, measure_color
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.cross_fit import cross_fit
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.images.preprocessing import Preprocessing

CONFIG = PatchCoreConfig(input_size_px=128, min_bank_size=300, max_bank_size=600, even_light=False)
GRID = (16, 16)


def weave(seed: int, *, tint: float = 0.0, light: float = 1.0, size: tuple[int, int] = (128, 128)) -> np.ndarray:
    """Draw a colored weave; `tint` takes so much blue away around (48, 72)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    relief = 1 + 0.25 * np.sin((x + rng.integers(9)) / 2.9) * np.sin((y + rng.integers(9)) / 3.7)
    image = relief[..., None] * np.array([150.0, 120.0, 95.0]) + rng.normal(0, 3, (*size, 3))
    stained = ((y - 48) ** 2 + (x - 72) ** 2 < 14**2) * tint
    image[..., 2] *= 1 - stained
    image[..., 0] *= 1 + 0.5 * stained
    return np.asarray((image * light).clip(0, 255), np.uint8)


def sources(count: int) -> list[ImageSource]:
    return [ImageSource(f"image:{seed}", lambda seed=seed: weave(seed)) for seed in range(count)]  # type: ignore[misc]


def margin(model: PatchCore, *, tint: float) -> float:
    """Return how far a stained part is above unseen good ones, in their standard deviations."""
    good = np.array([model.inspect(weave(seed)).score for seed in range(100, 110)])
    stained = np.array([model.inspect(weave(seed, tint=tint)).score for seed in range(200, 205)])
    return float((stained.mean() - good.mean()) / good.std())


def test_an_even_color_has_no_contrast_whatever_the_light() -> None:
    for level in (20, 120, 250):
        image = np.full((128, 128, 3), (level, level // 2, level // 3), np.uint8)
        assert np.abs(measure_color(image, GRID, valid=None)).max() < 1e-3


def test_light_that_falls_off_slowly_is_hardly_seen_and_a_stain_is_at_its_place() -> None:
    slope = np.linspace(0.8, 1.2, 128)[None, :, None]
    shaded = (np.full((128, 128, 3), (150, 120, 95)) * slope).clip(0, 255).astype(np.uint8)
    stained = shaded.copy()
    stained[40:64, 64:88, 2] -= 20
    inner = np.s_[:, 3:-3, 3:-3]
    from_light = np.abs(measure_color(shaded, GRID, valid=None).reshape(3, *GRID)[inner]).max()
    contrast = measure_color(stained, GRID, valid=None).reshape(3, *GRID)
    assert np.abs(contrast[2]).max() > 8 * from_light
    row, column = np.unravel_index(np.abs(contrast[2]).argmax(), GRID)
    assert 5 <= row < 8
    assert 8 <= column < 11


def test_what_is_ignored_has_no_say_in_the_color_beside_it() -> None:
    plain = np.full((128, 128, 3), (150, 120, 95), np.uint8)
    labeled = plain.copy()
    labeled[:, :64] = (20, 200, 30)
    valid = np.ones(GRID, np.bool_)
    valid[:, :8] = False
    with_label = measure_color(labeled, GRID, valid=valid.ravel()).reshape(3, *GRID)
    assert np.abs(with_label).max() < 1e-3
    assert np.abs(measure_color(labeled, GRID, valid=None)).max() > 10


def test_a_channel_without_color_is_not_weighed_by_its_noise() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(0, 2, (100, 500)).astype(np.float32)
    colors = rng.normal(0, 1, (3, 500)).astype(np.float32) * np.array([[4.0], [2.0], [0.01]], np.float32)
    scale = fit_local_color(colors, features, CONFIG).scale
    spread = np.sqrt(features.var(axis=1).sum())
    scaled = colors.std(axis=1) * scale / spread
    assert scaled[1] == pytest.approx(CONFIG.colour_weight, rel=1e-3)
    assert scaled[0] == pytest.approx(0.75 * CONFIG.colour_weight, rel=1e-3)
    assert scaled[2] < 0.05 * CONFIG.colour_weight


def test_a_gray_camera_has_no_color_to_compare() -> None:
    def shoot(seed: int) -> np.ndarray:
        return np.repeat(weave(seed)[..., :1], 3, axis=2)

    gray = [ImageSource(str(seed), lambda seed=seed: shoot(seed)) for seed in range(6)]  # type: ignore[misc]
    model = PatchCore.fit(gray, CONFIG, device="cpu")
    taken = model.extract([ImageSource("more", lambda: shoot(50))])
    assert taken.color_scale is not None
    assert not taken.color_scale.any()
    assert model.extend(taken).bank_size >= model.bank_size
    # Another camera may take its place: a picture in color is inspected all the same.
    assert np.isfinite(model.inspect(weave(60)).score)


def test_a_faint_stain_stands_out_more_than_by_the_network_alone() -> None:
    with_color = PatchCore.fit(sources(12), CONFIG, device="cpu")
    alone = PatchCore.fit(
        sources(12),
        PatchCoreConfig(input_size_px=128, min_bank_size=300, max_bank_size=600, even_light=False, colour_weight=0.0),
        device="cpu",
    )
    assert margin(with_color, tint=0.12) > 2 * margin(alone, tint=0.12)
    found = with_color.inspect(weave(300, tint=0.12))
    x, y, width, height = found.highest_cell
    assert abs((x + width / 2) * 128 - 72) < 20
    assert abs((y + height / 2) * 128 - 48) < 20


def test_a_stored_bank_sees_color_as_the_built_one_and_a_damaged_scale_is_refused(tmp_path: Path) -> None:
    built = PatchCore.fit(sources(6), CONFIG, device="cpu")
    built.save(tmp_path / "bank")
    stained = weave(300, tint=0.2)
    assert PatchCore.load(tmp_path / "bank", device="cpu").inspect(stained).score == built.inspect(stained).score
    bundle = read_bundle(tmp_path / "bank", kind="memory_bank")
    without = {name: tensor for name, tensor in bundle.tensors.items() if name != "colour_scale"}
    damaged = {
        "missing": without,
        "short": {**without, "colour_scale": np.ones(2, np.float32)},
        "infinite": {**without, "colour_scale": np.array([1, np.inf, 1], np.float32)},
    }
    for name, tensors in damaged.items():
        folder = tmp_path / name
        write_bundle(folder, kind="memory_bank", metadata=dict(bundle.metadata), tensors=tensors, files=bundle.files)
        with pytest.raises(ArtifactError) as caught:
            PatchCore.load(folder, device="cpu")
        assert caught.value.code == "artifact_damaged"


def test_new_images_are_colored_as_the_bank_they_are_added_to() -> None:
    bank = PatchCore.fit(sources(8), CONFIG, device="cpu")
    more = [ImageSource(f"more:{seed}", lambda seed=seed: weave(seed)) for seed in range(50, 54)]  # type: ignore[misc]
    taken = bank.extract(more)
    assert taken.color_scale is not None
    assert bank.extend(taken).bank_size >= bank.bank_size
    elsewhere = extract_patches(more, bank.config, device="cpu")
    with pytest.raises(ModelError) as caught:
        bank.extend(elsewhere)
    assert caught.value.code == "config_invalid"


def test_unseen_good_parts_score_in_calibration_as_they_do_in_inspection() -> None:
    features = extract_patches(sources(20), CONFIG, device="cpu")
    model = PatchCore.from_patches(features)
    calibrated = np.median(list(cross_fit(features).scores.values()))
    inspected = np.median([model.inspect(weave(seed)).score for seed in range(100, 110)])
    assert inspected == pytest.approx(calibrated, rel=0.1)


def test_a_stain_is_found_in_tiles_as_at_once_also_across_their_borders() -> None:
    tiled = PatchCoreConfig(
        input_size_px=128,
        min_bank_size=300,
        max_bank_size=600,
        even_light=False,
        preprocessing=Preprocessing(tile_size_px=128),
    )
    size = (320, 416)
    good = [
        ImageSource(f"image:{seed}", lambda seed=seed: weave(seed, size=size))  # type: ignore[misc]
        for seed in range(4)
    ]
    model = PatchCore.fit(good, tiled, device="cpu")
    normal = max(model.inspect(weave(seed, size=size)).score for seed in range(100, 104))
    found = model.inspect(weave(200, tint=0.2, size=size))
    assert found.score > 1.3 * normal
    x, y, width, height = found.highest_cell
    assert abs((x + width / 2) * size[1] - 72) < 24
    assert abs((y + height / 2) * size[0] - 48) < 24
