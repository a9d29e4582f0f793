"""Large images in tiles: a small hole is found, the map has no seams, memory stays bounded."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inference.artifact import read_bundle
from inference.errors import ModelError
from inference.vision.detection.detector import ImageSource
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.features.tiled_image import open_tiled
from inference.vision.detection.features.tiling import PLACES, count_tiles, encode_places, plan_tiles
from inference.vision.detection.padim.config import PadimConfig
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.cross_fit import cross_fit
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.detection.reference_image import verify_reference
from inference.vision.detection.regions import find_regions
from inference.vision.images.preprocessing import Preprocessing

CONFIG = PatchCoreConfig(
    input_size_px=128,
    min_bank_size=300,
    max_bank_size=600,
    even_light=False,
    preprocessing=Preprocessing(tile_size_px=256),
)


def draw(seed: int, *, side: int = 640, hole: tuple[int, int] | None = None, hole_px: int = 12) -> np.ndarray:
    """Draw brushed metal with a drilled row and a shade over the whole; the hole is one that does not belong there."""
    rng = np.random.default_rng(seed)
    grain = cv2.resize(rng.normal(0, 14, (side, side // 8)).astype(np.float32), (side, side))
    shade = np.linspace(100, 160, side, dtype=np.float32)[None] + grain + rng.normal(0, 4, (side, side))
    image = np.repeat(shade.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    for x in range(side // 8, side, side // 4):
        cv2.circle(image, (x, side // 5), side // 40, (60, 60, 60), -1)
    if hole is not None:
        cv2.circle(image, hole, hole_px // 2, (25, 25, 25), -1)
    return image


def sources(count: int, **options: Any) -> list[ImageSource]:
    return [ImageSource(f"image:{seed}", lambda seed=seed: draw(seed, **options)) for seed in range(count)]  # type: ignore[misc]


@pytest.fixture(scope="module")
def model() -> PatchCore:
    return PatchCore.fit(sources(6), CONFIG, device="cpu")


@pytest.mark.parametrize("shape", [(640, 640), (100, 3000), (641, 1777), (20, 20), (1, 1), (256, 257)])
def test_every_cell_of_the_image_is_covered_by_exactly_one_tile(shape: tuple[int, int]) -> None:
    plan = plan_tiles(shape, CONFIG)
    times = np.zeros(plan.grid, int)
    for window in plan.windows:
        times[slice(*window.rows), slice(*window.columns)] += 1
        sides = ((window.rows, window.top), (window.columns, window.left))
        for ((low, high), begin), side in zip(sides, plan.tile_px, strict=True):
            assert begin <= low * plan.cell_px
            assert high * plan.cell_px <= begin + side
    assert (times == 1).all()
    assert plan.size_px == (plan.grid[0] * plan.cell_px, plan.grid[1] * plan.cell_px)


STRIP = replace(CONFIG, preprocessing=Preprocessing(tile_size_px=48, tile_height_px=320))


@pytest.mark.parametrize("shape", [(3000, 48), (5000, 64), (5000, 31), (700, 200), (20, 20), (1, 1), (48, 3000)])
def test_rectangular_tiles_cover_every_cell_of_an_image_once(shape: tuple[int, int]) -> None:
    plan = plan_tiles(shape, STRIP)
    assert plan.tile_px[0] > 3 * plan.tile_px[1]
    times = np.zeros(plan.grid, int)
    for window in plan.windows:
        times[slice(*window.rows), slice(*window.columns)] += 1
        sides = ((window.rows, window.top), (window.columns, window.left))
        for ((low, high), begin), side in zip(sides, plan.tile_px, strict=True):
            assert begin <= low * plan.cell_px
            assert high * plan.cell_px <= begin + side
    assert (times == 1).all()


def test_tiles_of_a_strip_look_at_nothing_beside_it() -> None:
    plan = plan_tiles((3000, 64), replace(STRIP, preprocessing=Preprocessing(tile_size_px=64, tile_height_px=256)))
    assert plan.size_px[1] == plan.tile_px[1] == 64
    assert len({window.left for window in plan.windows}) == 1
    squares = plan_tiles((3000, 64), CONFIG)
    assert len(plan.windows) < 1.2 * len(squares.windows)
    assert np.prod(plan.tile_px) <= np.prod(squares.tile_px)


def test_tiles_as_high_as_wide_are_the_squares_that_they_were() -> None:
    square = replace(CONFIG, preprocessing=Preprocessing(tile_size_px=256, tile_height_px=256))
    for shape in ((640, 640), (100, 3000), (20, 20)):
        assert plan_tiles(shape, square) == plan_tiles(shape, CONFIG)


def test_a_bank_of_rectangular_tiles_is_saved_and_finds_a_hole_at_its_place(tmp_path: Path) -> None:
    def cut(seed: int, hole: tuple[int, int] | None = None) -> np.ndarray:
        return np.ascontiguousarray(draw(seed, hole=hole)[:, 280:328])

    parts = [ImageSource(f"image:{seed}", lambda seed=seed: cut(seed)) for seed in range(4)]  # type: ignore[misc]
    built = PatchCore.fit(parts, STRIP, device="cpu")
    built.save(tmp_path / "b")
    loaded = PatchCore.load(tmp_path / "b", device="cpu")
    verify_reference(loaded, read_bundle(tmp_path / "b", kind="memory_bank"))
    assert loaded.config.preprocessing.tile_px == (320, 48)
    normal = max(loaded.inspect(cut(seed)).score for seed in range(100, 103))
    detection = loaded.inspect(cut(200, hole=(303, 415)))
    assert detection.score > 1.2 * normal
    _x, y, _w, h = detection.highest_cell
    assert abs((y + h / 2) * 640 - 415) < 24
    assert detection.anomaly_map.shape[0] > 5 * detection.anomaly_map.shape[1]


def test_a_place_survives_the_grid_of_all_images() -> None:
    cells = np.arange(37 * 53)
    rows, columns = np.divmod(encode_places(cells, (37, 53)), PLACES[1])
    assert (rows * 37 // PLACES[0] * 53 + columns * 53 // PLACES[1] == cells).all()


def test_patches_of_all_tiles_lie_on_one_grid(model: PatchCore) -> None:
    # The same place is most alike when it is seen by other tiles, half a tile off: at its own cell, not beside it.
    image = draw(50)
    first = open_tiled(image, CONFIG, model.runtime, color=None)
    other = open_tiled(np.ascontiguousarray(image[:, 64:]), CONFIG, model.runtime, color=None)
    row, columns = 20, np.arange(10, first.plan.grid[1] - 4)
    here = first.patches_at(row * first.plan.grid[1] + columns)
    apart = [
        float(np.linalg.norm(here - other.patches_at(row * other.plan.grid[1] + columns - 4 + step), axis=0).mean())
        for step in (-1, 0, 1)
    ]
    assert apart[1] < 0.9 * min(apart[0], apart[2])


def test_a_hole_that_is_lost_at_once_is_found_in_tiles_at_its_place(model: PatchCore) -> None:
    normal = [model.inspect(draw(seed)).score for seed in range(100, 106)]
    detection = model.inspect(draw(200, hole=(411, 333)))
    assert detection.score > 1.25 * max(normal)
    assert detection.view_share < 0.3
    (region,) = find_regions(
        detection.anomaly_map,
        threshold=0.8 * detection.score,
        image_size_px=detection.image_size_px,
        min_area_share=1e-4 * detection.view_share,
    )[:1]
    assert region.x - 16 <= 411 <= region.x + region.w + 16
    assert region.y - 16 <= 333 <= region.y + region.h + 16
    x, y, w, h = detection.highest_cell
    assert abs((x + w / 2) * 640 - 411) < 32
    assert abs((y + h / 2) * 640 - 333) < 32
    assert detection.nearest_key in model.training_keys


def test_the_map_of_a_normal_part_has_no_seams(model: PatchCore) -> None:
    plan = plan_tiles((640, 640), CONFIG)
    maps = np.mean([model.inspect(draw(seed)).anomaly_map for seed in range(100, 108)], axis=0)
    zoom = maps.shape[1] // plan.grid[1]
    steps = np.abs(np.diff(maps[maps.shape[0] // 3 :], axis=1)).mean(axis=0)
    seams = sorted({window.columns[0] * zoom for window in plan.windows} - {0})
    assert len(seams) >= 2
    assert np.mean([steps[seam - 1] for seam in seams]) < 2.0 * np.median(steps)


def test_a_saved_model_inspects_in_the_same_tiles(model: PatchCore, tmp_path: Path) -> None:
    model.save(tmp_path / "b")
    loaded = PatchCore.load(tmp_path / "b", device="cpu")
    verify_reference(loaded, read_bundle(tmp_path / "b", kind="memory_bank"))
    assert loaded.config.preprocessing.tile_size_px == 256
    first, again = (one.inspect(draw(200, hole=(411, 333))) for one in (model, loaded))
    assert again.score == pytest.approx(first.score, rel=1e-5)
    assert [found.score for found in loaded.inspect_many([draw(100), draw(101)])] == pytest.approx(
        [model.inspect(draw(seed)).score for seed in (100, 101)], rel=1e-5
    )


@pytest.mark.parametrize("count", [1, 2, 5])
def test_cross_fitted_scores_are_like_those_of_unseen_parts(count: int) -> None:
    features = extract_patches(sources(count), CONFIG, device="cpu")
    model = PatchCore.from_patches(features)
    scores = cross_fit(features).scores
    unseen = np.median([model.inspect(draw(seed)).score for seed in range(100, 104)])
    assert len(scores) == count
    assert 0.7 < np.median(list(scores.values())) / unseen < 1.6


def test_images_of_other_sizes_are_seen_at_the_same_scale(model: PatchCore) -> None:
    normal = model.inspect(draw(100)).score
    for shape in ((300, 640), (640, 90), (1, 1), (16, 4000)):
        detection = model.inspect(cv2.resize(draw(100), shape[::-1]))
        assert np.isfinite(detection.score)
        assert np.isfinite(detection.anomaly_map).all()
        assert detection.image_size_px == shape[::-1]
    assert model.inspect(np.ascontiguousarray(draw(100)[200:, 100:])).score < 1.3 * normal


def test_over_the_budget_groups_are_merged_and_nothing_is_held_whole() -> None:
    least = replace(CONFIG, max_bank_size=300, memory_budget_bytes=16 * CONFIG.dimension * 4 * 16 * 16)
    features = extract_patches(sources(6), least, device="cpu")
    assert features.reduced
    assert not features.samples
    assert sum(group.rows.nbytes for group in features.groups) < least.memory_budget_bytes
    merged = PatchCore.from_patches(features)
    assert merged.figures.merged
    assert merged.figures.radius_bound > merged.figures.radius
    assert merged.inspect(draw(200, hole=(411, 333))).score > 1.2 * max(cross_fit(features).scores.values())


def test_more_images_extend_a_bank_of_tiles(model: PatchCore) -> None:
    features = model.extract(sources(2, side=500))
    scores = model.score_unseen(features).scores
    assert list(scores.values()) == pytest.approx(
        [model.inspect(source.load()).score for source in sources(2, side=500)], rel=1e-4
    )
    larger = model.extend(features)
    assert larger.figures.image_count == 8
    assert larger.inspect(draw(100, side=500)).score < 1.1 * model.inspect(draw(100, side=500)).score


def test_what_is_ignored_is_not_looked_at() -> None:
    config = replace(CONFIG, preprocessing=Preprocessing(tile_size_px=256, ignore=((0.5, 0.4, 0.4, 0.5),)))
    masked = PatchCore.fit(sources(4), config, device="cpu")
    detection = masked.inspect(draw(200, hole=(411, 400)))
    assert detection.score < 1.2 * max(masked.inspect(draw(seed)).score for seed in range(100, 104))
    height, width = detection.anomaly_map.shape
    assert detection.anomaly_map[round(height * 400 / 640), round(width * 411 / 640)] == 0.0


@pytest.mark.parametrize("cancelled", ["features", "calibration"])
def test_a_build_can_be_cancelled_between_the_tiles_of_an_image(cancelled: str) -> None:
    class CancelledError(Exception):
        pass

    calls: list[int] = []

    def cancel(stage: str, done: int, _total: int) -> None:
        if stage == cancelled and done == 0:
            calls.append(done)
            if len(calls) > 6:
                raise CancelledError

    def build() -> None:
        features = extract_patches(sources(2, side=1280), CONFIG, device="cpu", progress=cancel)
        cross_fit(features, progress=cancel)

    with pytest.raises(CancelledError):
        build()


def test_padim_says_that_it_has_no_tiles() -> None:
    with pytest.raises(ModelError) as caught:
        PadimConfig(preprocessing=CONFIG.preprocessing)
    assert caught.value.code == "tiles_not_supported"


def test_the_number_of_tiles_is_told_before_they_are_cut() -> None:
    config = PatchCoreConfig(input_size_px=256, preprocessing=Preprocessing(tile_size_px=512))
    for shape in ((6000, 6000), (300, 4000), (100, 100)):
        assert count_tiles(shape, tile_px=(512, 512)) == len(plan_tiles(shape, config).windows)
