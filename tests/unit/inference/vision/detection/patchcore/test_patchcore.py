"""The detector on its real backbone, with images drawn here. The first test pays for importing torch."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.artifact import read_bundle
from inference.errors import ImageError, ModelError
from inference.vision.detection.detector import KIND, ImageSource, LabeledSource
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.patchcore.bank_building import BankFeatures
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.cross_fit import cross_fit
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.detection.patchcore.teaching import teach_bank
from inference.vision.detection.reference_image import verify_reference
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.networks.pooling.embedder import open_embedder

CONFIG = PatchCoreConfig(input_size_px=128, min_bank_size=300, max_bank_size=600)


def draw(seed: int, *, hole: bool = False, light: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    across = np.arange(160)
    stripes = 120 + 50 * np.sin((across + rng.integers(12)) / 5.0)
    image = np.repeat(stripes[None, :], 160, axis=0) + rng.normal(0, 6, (160, 160))
    if hole:
        image[60:84, 90:114] = 30
    return np.repeat((image * light).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def sources(count: int) -> list[ImageSource]:
    return [ImageSource(f"image:{seed}", lambda seed=seed: draw(seed)) for seed in range(count)]  # type: ignore[misc]


@pytest.fixture(scope="module")
def features() -> BankFeatures:
    return extract_patches(sources(12), CONFIG, device="cpu")


@pytest.fixture(scope="module")
def model(features: BankFeatures) -> PatchCore:
    return PatchCore.from_patches(features)


def test_a_defect_scores_above_every_unseen_normal_and_is_found_in_its_place(model: PatchCore) -> None:
    normal = [model.inspect(draw(seed)).score for seed in range(100, 110)]
    detection = model.inspect(draw(200, hole=True))
    assert detection.score > 1.3 * max(normal)
    assert detection.image_size_px == (160, 160)
    row, column = np.unravel_index(detection.anomaly_map.argmax(), detection.anomaly_map.shape)
    assert 50 / 160 < row / 128 < 94 / 160
    assert 80 / 160 < column / 128 < 124 / 160
    assert detection.nearest_key in model.training_keys
    assert detection.anomaly_map.max() >= detection.score


def test_light_moves_the_score_of_a_normal_part_little(model: PatchCore) -> None:
    plain = model.inspect(draw(100)).score
    defect = model.inspect(draw(200, hole=True)).score
    for light in (0.7, 1.3):
        assert model.inspect(draw(100, light=light)).score - plain < 0.3 * (defect - plain)


def test_one_by_one_many_and_all_threads_agree(model: PatchCore) -> None:
    images = [draw(seed, hole=seed % 2 == 0) for seed in range(300, 311)]
    alone = [model.inspect(image).score for image in images]
    np.testing.assert_allclose([d.score for d in model.inspect_many(images)], alone, rtol=1e-4)
    found: dict[int, float] = {}

    def inspect(place: int) -> None:
        found[place] = model.inspect(images[place]).score

    threads = [threading.Thread(target=inspect, args=(place,)) for place in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_allclose([found[place] for place in range(len(images))], alone, rtol=1e-6)


def test_a_saved_model_is_the_same_model(model: PatchCore, tmp_path: Path) -> None:
    manifest = model.save(tmp_path / "b", metadata={"thresholds": [1.0, 2.0]})
    loaded = PatchCore.load(tmp_path / "b", device="cpu", manifest_sha256=manifest.sha256)
    verify_reference(loaded, read_bundle(tmp_path / "b", kind="memory_bank"))
    first, again = model.inspect(draw(200, hole=True)), loaded.inspect(draw(200, hole=True))
    assert again.score == pytest.approx(first.score, rel=1e-5)
    assert again.nearest_key == first.nearest_key
    assert loaded.config == model.config
    assert loaded.metadata == {"thresholds": [1.0, 2.0]}


def test_torch_and_openvino_agree_on_the_reference_image(
    model: PatchCore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inference.vision.networks import runtime

    class Unusable:
        def __init__(self, *_args: object, **_kwargs: object) -> None:
            raise RuntimeError("no such device")

    model.save(tmp_path / "b")
    monkeypatch.setattr(runtime, "OpenVinoRuntime", Unusable)
    monkeypatch.setattr(runtime, "RUNTIMES", runtime.RuntimeCache())
    loaded = PatchCore.load(tmp_path / "b", device="cpu")
    assert (model.runtime.name, loaded.runtime.name) == ("openvino-cpu", "torch-cpu")
    verify_reference(loaded, read_bundle(tmp_path / "b", kind="memory_bank"))


def test_a_model_that_scores_otherwise_is_refused(model: PatchCore, features: BankFeatures, tmp_path: Path) -> None:
    model.save(tmp_path / "b")
    other = PatchCore.from_patches(replace(features, config=replace(CONFIG, min_bank_size=1, max_bank_size=5)))
    with pytest.raises(ModelError) as caught:
        verify_reference(other, read_bundle(tmp_path / "b", kind="memory_bank"))
    assert caught.value.code == "golden_mismatch"


def test_cross_fitted_scores_are_like_those_of_unseen_parts(model: PatchCore, features: BankFeatures) -> None:
    scores = cross_fit(features, folds=4).scores
    assert sorted(scores) == sorted(model.training_keys)
    unseen = [model.inspect(draw(seed)).score for seed in range(100, 120)]
    assert 0.8 < np.median(list(scores.values())) / np.median(unseen) < 1.25


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_images_give_a_model_and_scores_above_zero(count: int) -> None:
    few = extract_patches(sources(count), CONFIG, device="cpu")
    model = PatchCore.from_patches(few)
    scores = cross_fit(few).scores
    assert len(scores) == count
    assert min(scores.values()) > 0.0
    assert model.inspect(draw(200, hole=True)).score > max(scores.values())


def test_over_the_budget_groups_are_merged_and_the_loss_is_told(features: BankFeatures, model: PatchCore) -> None:
    image_bytes = features.samples[0].nbytes
    tight = extract_patches(sources(60), replace(CONFIG, memory_budget_bytes=16 * image_bytes), device="cpu")
    merged = PatchCore.from_patches(tight)
    assert merged.figures.merged
    assert merged.figures.radius_bound > merged.figures.radius
    assert merged.inspect(draw(200, hole=True)).score > 1.3 * max(cross_fit(tight).scores.values()) * 0.9
    assert not model.figures.merged
    assert model.figures.radius_bound == model.figures.radius


def test_unusable_images_are_skipped_by_key_and_none_left_is_an_error() -> None:
    def broken() -> np.ndarray:
        raise ImageError("image_truncated")

    bad = [ImageSource("image:bad", broken), ImageSource("image:grey", lambda: np.zeros((9, 9), np.uint8))]
    mixed = extract_patches([bad[0], *sources(3), bad[1]], CONFIG, device="cpu")
    assert mixed.keys == ("image:0", "image:1", "image:2")
    assert {key: error.code for key, error in mixed.skipped.items()} == {
        "image:bad": "image_truncated",
        "image:grey": "image_wrong_shape",
    }
    with pytest.raises(ModelError) as caught:
        extract_patches(bad, CONFIG, device="cpu")
    assert caught.value.code == "no_usable_images"


@pytest.mark.parametrize("cancelled", ["features", "fit", "calibration"])
def test_every_stage_reports_and_can_be_cancelled(cancelled: str) -> None:
    class CancelledError(Exception):
        pass

    def cancel(stage: str, done: int, _total: int) -> None:
        if stage == cancelled and done > 0:
            raise CancelledError

    def build() -> None:
        taken = extract_patches(sources(12), CONFIG, device="cpu", progress=cancel)
        PatchCore.from_patches(taken, progress=cancel)
        cross_fit(taken, progress=cancel)

    with pytest.raises(CancelledError):
        build()


@pytest.mark.parametrize("shape", [(1, 1, 3), (5000, 16, 3), (64, 4000, 3)])
def test_odd_and_flat_images_get_a_finite_score(model: PatchCore, shape: tuple[int, int, int]) -> None:
    for value in (0, 255):
        detection = model.inspect(np.full(shape, value, np.uint8))
        assert np.isfinite(detection.score)
        assert np.isfinite(detection.anomaly_map).all()
        assert detection.image_size_px == (shape[1], shape[0])


@pytest.mark.parametrize(
    "image",
    [
        np.full((8, 8, 3), np.nan, np.float32),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 3), np.uint16),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_what_is_no_rgb_image_is_refused(model: PatchCore, image: np.ndarray) -> None:
    with pytest.raises(ModelError) as caught:
        model.inspect(image)
    assert caught.value.code == "image_wrong_shape"


def test_an_ignored_place_neither_scores_nor_shows() -> None:
    masked = replace(CONFIG, preprocessing=Preprocessing(ignore=((0.4, 0.2, 0.5, 0.5),)))
    model = PatchCore.fit(sources(12), masked, device="cpu")
    normal = max(model.inspect(draw(seed)).score for seed in range(100, 105))
    detection = model.inspect(draw(200, hole=True))
    assert detection.score < 1.2 * normal
    assert detection.anomaly_map[60, 80] == 0.0


def test_a_configuration_survives_its_dictionary_and_refuses_nonsense() -> None:
    config = replace(CONFIG, levels=("blocks.4",), preprocessing=Preprocessing(clahe=True))
    assert PatchCoreConfig.from_dict(config.to_dict()) == config
    for field, value in (("coreset_ratio", 0.0), ("input_size_px", 5000), ("backbone", "x"), ("levels", ("y",))):
        with pytest.raises(ModelError):
            replace(CONFIG, **{field: value})  # type: ignore[arg-type]
    with pytest.raises(ModelError):
        PatchCoreConfig.from_dict({"surprise": 1})


def test_a_part_scores_the_same_however_often_and_in_whatever_company_it_is_inspected(model: PatchCore) -> None:
    # Single images get a compilation of their own after a few; it must not be another model.
    alone = [model.inspect(draw(200, hole=True)) for _ in range(8)]
    assert len({detection.score for detection in alone}) == 1
    assert all(np.array_equal(detection.anomaly_map, alone[0].anomaly_map) for detection in alone)
    together = list(model.inspect_many([draw(201), draw(200, hole=True), draw(202)]))[1]
    assert together.score == alone[0].score
    assert np.array_equal(together.anomaly_map, alone[0].anomaly_map)


def test_embeddings_are_unit_vectors_that_tell_alike_from_unlike() -> None:
    embedder = open_embedder(device="cpu")
    plain, alike, unlike = embedder.embed([draw(1), draw(2), 255 - draw(1).transpose(1, 0, 2)[:40]])
    assert plain.shape == (embedder.dimension,)
    assert np.linalg.norm(plain) == pytest.approx(1.0, abs=1e-5)
    assert plain @ alike > plain @ unlike
    assert embedder.embed([]).shape == (0, embedder.dimension)
    assert np.array_equal(embedder.embed([draw(1)])[0], plain)


def test_a_bundle_of_before_projection_smoothing_and_color_scores_as_it_did(tmp_path: Path) -> None:
    features = extract_patches(sources(12), replace(CONFIG, colour_weight=0.0), device="cpu")
    former = replace(features.config, projected_share=None, smoothing_cells=0.0, score_share=0.01, even_light=True)
    model = PatchCore.from_patches(replace(features, config=former))
    model.save(tmp_path / "new")
    bundle = read_bundle(tmp_path / "new", kind="memory_bank")
    document = {**bundle.metadata, "config": dict(bundle.metadata["config"])}
    for name in ("projected_share", "smoothing_cells", "colour_weight"):
        del document["config"][name]
    old = PatchCore.from_bundle(replace(bundle, metadata=document), device="cpu")
    assert old.config == model.config
    verify_reference(old, bundle)


def _labeled(count: int) -> list[LabeledSource]:
    def mask() -> np.ndarray:
        marked = np.zeros((160, 160), np.bool_)
        marked[60:84, 90:114] = True
        return marked

    return [
        LabeledSource(ImageSource(f"bad:{seed}", lambda seed=seed: draw(seed, hole=True)), "7", mask)  # type: ignore[misc]
        for seed in range(400, 400 + count)
    ]


def test_a_bank_is_taught_with_labeled_defects_and_its_bundle_keeps_the_head(
    model: PatchCore, features: BankFeatures, tmp_path: Path
) -> None:
    unseen = cross_fit(features)
    taught = teach_bank(model, features, unseen, _labeled(6))
    assert taught is not None
    assert set(taught.normal_scores) == set(unseen.scores)
    assert set(taught.defect_scores) == {f"bad:{seed}" for seed in range(400, 406)}
    head = taught.model.head
    assert head is not None
    # However it is raised, nothing is nearer than without, and it survives the way into a bundle and back.
    stronger = taught.model.with_head(head.with_gain(max(head.gain, 0.5)))
    stronger.save(tmp_path / "bundle")
    loaded = PatchCore.load(tmp_path / "bundle", device="cpu")
    shown = draw(450, hole=True)
    plain, raised, again = (one.inspect(shown) for one in (model, stronger, loaded))
    assert raised.score >= plain.score
    assert raised.raised_by == pytest.approx(raised.score - plain.score, abs=1e-4)
    assert again.score == pytest.approx(raised.score, rel=1e-5)
    assert again.opinion is not None
    assert again.opinion.first == "7"
    assert again.places is not None
    assert again.places.name((90 / 160, 60 / 160, 24 / 160, 24 / 160)) == ("7", 1.0)
    verify_reference(loaded, read_bundle(tmp_path / "bundle", kind=KIND))


def test_fewer_labeled_defects_than_teach_leave_the_bank_as_it_is(model: PatchCore, features: BankFeatures) -> None:
    assert teach_bank(model, features, cross_fit(features), _labeled(4)) is None
    assert model.inspect(draw(450, hole=True)).opinion is None


def test_images_that_are_left_out_have_no_row_in_the_bank(features: BankFeatures) -> None:
    remaining = features.leave_out({"image:0", "image:5"})
    assert remaining is not None
    assert len(remaining.keys) == 10
    model = PatchCore.from_patches(remaining)
    assert model.training_keys == tuple(f"image:{seed}" for seed in range(12) if seed not in (0, 5))
    assert set(cross_fit(remaining).scores) == set(model.training_keys)
    assert features.leave_out(set(features.keys)) is None


def test_scores_of_smaller_banks_are_brought_to_those_of_the_whole_one(features: BankFeatures) -> None:
    found = cross_fit(features)
    for key, distances in found.distances.items():
        assert found.scores[key] == pytest.approx(distances.score)
    unseen = PatchCore.from_patches(features)
    usual = np.median([unseen.inspect(draw(seed)).score for seed in range(500, 512)])
    assert np.median(list(found.scores.values())) == pytest.approx(usual, rel=0.12)
