"""The detectors through their one interface, and PaDiM by itself."""

import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.artifact import read_bundle
from inference.errors import ArtifactError, ModelError
from inference.vision.detection import registry
from inference.vision.detection.detector import KIND, ImageSource
from inference.vision.detection.padim import gaussians
from inference.vision.detection.padim.config import PadimConfig
from inference.vision.detection.padim.fitting import PadimFeatures, cross_fit_padim
from inference.vision.detection.padim.padim import Padim
from inference.vision.detection.padim.specification import SPECIFICATION as PADIM
from inference.vision.detection.reference_image import verify_reference
from inference.vision.detection.specification import AnyDetectorSpec
from inference.vision.images.preprocessing import Preprocessing

ROOT = Path(__file__).resolve().parents[5]
CONFIG = PadimConfig(input_size_px=128, channel_count=24)


def draw(seed: int, *, hole: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    across = np.arange(160)
    image = np.repeat((120 + 50 * np.sin((across + rng.integers(3)) / 5.0))[None, :], 160, axis=0)
    image += rng.normal(0, 6, (160, 160))
    if hole:
        image[60:84, 90:114] = 30
    return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def sources(count: int) -> list[ImageSource]:
    return [ImageSource(f"image:{seed}", lambda seed=seed: draw(seed)) for seed in range(count)]  # type: ignore[misc]


@pytest.fixture(scope="module")
def features() -> PadimFeatures:
    return PADIM.extract(sources(16), CONFIG, device="cpu")


@pytest.fixture(scope="module")
def model(features: PadimFeatures) -> Padim:
    return PADIM.fit(features)


@pytest.mark.parametrize("count", [2, 20, 60])
def test_the_gaussians_and_distances_are_those_of_anomalib(count: int) -> None:
    with warnings.catch_warnings():  # raised by its own dependencies while they are imported
        warnings.simplefilter("ignore")
        import torch
        from anomalib.models.components.stats import MultiVariateGaussian
        from anomalib.models.image.padim.anomaly_map import AnomalyMapGenerator

    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(30, 30)).astype(np.float32)
    patches = (rng.normal(2.0, 3.0, (count, 4 * 5, 30)) @ mixing).astype(np.float32)
    fitted = gaussians.fit_gaussians(patches)
    spread = patches.reshape(-1, 30).std(axis=0, dtype=np.float64)
    np.testing.assert_allclose(fitted.spread, spread, rtol=1e-6)

    def to_maps(rows: np.ndarray) -> torch.Tensor:
        # In double precision: it inverts in the precision that it is given.
        return torch.from_numpy((rows.astype(np.float64) / fitted.spread).transpose(0, 2, 1).reshape(-1, 30, 4, 5))

    theirs = MultiVariateGaussian()
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        theirs.fit(to_maps(patches))
    finally:
        torch.set_default_dtype(before)
    np.testing.assert_allclose(fitted.mean.T, theirs.mean.numpy(), rtol=1e-6, atol=1e-6)
    highest = np.abs(theirs.inv_covariance.numpy()).max()
    np.testing.assert_allclose(fitted.inverse_covariance, theirs.inv_covariance.numpy(), rtol=1e-5, atol=1e-6 * highest)
    query = (rng.normal(2.0, 5.0, (1, 4 * 5, 30)) @ mixing).astype(np.float32)
    expected = AnomalyMapGenerator.compute_distance(to_maps(query), [theirs.mean, theirs.inv_covariance])
    np.testing.assert_allclose(fitted.distances(query[0]), expected.numpy().ravel(), rtol=1e-5)


def test_fitting_imports_neither_torch_nor_anomalib() -> None:
    code = (
        "import sys, numpy as np\n"
        "from inference.vision.detection.padim.gaussians import fit_gaussians\n"
        "fit_gaussians(np.random.default_rng(0).normal(size=(3, 40, 8)).astype(np.float32))\n"
        "assert not {'torch', 'anomalib', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_a_defect_scores_above_every_unseen_normal_and_is_found_in_its_place(model: Padim) -> None:
    normal = [model.inspect(draw(seed)).score for seed in range(100, 108)]
    detection = model.inspect(draw(200, hole=True))
    assert detection.score > 1.5 * max(normal)
    row, column = np.unravel_index(detection.anomaly_map.argmax(), detection.anomaly_map.shape)
    assert 50 / 160 < row / 128 < 94 / 160
    assert 80 / 160 < column / 128 < 124 / 160
    assert detection.anomaly_map.dtype == np.float32
    assert detection.nearest_key in model.training_keys


def test_the_nearest_training_image_of_a_training_image_is_itself(model: Padim) -> None:
    assert model.inspect(draw(7)).nearest_key == "image:7"


def test_one_by_one_and_many_agree(model: Padim) -> None:
    images = [draw(seed, hole=seed % 2 == 0) for seed in range(300, 311)]
    alone = [model.inspect(image).score for image in images]
    np.testing.assert_allclose([found.score for found in model.inspect_many(images)], alone, rtol=1e-4)


def test_a_saved_model_is_loaded_as_what_it_is_and_scores_its_reference_image(model: Padim, tmp_path: Path) -> None:
    manifest = model.save(tmp_path / "b", metadata={"product": "p"})
    loaded = registry.load(tmp_path / "b", device="cpu", manifest_sha256=manifest.sha256)
    assert isinstance(loaded, Padim)
    assert loaded.config == model.config
    assert loaded.metadata == {"product": "p"}
    verify_reference(loaded, read_bundle(tmp_path / "b", kind="memory_bank"))
    first, again = model.inspect(draw(200, hole=True)), loaded.inspect(draw(200, hole=True))
    assert again.score == pytest.approx(first.score, rel=1e-5)
    assert again.nearest_key == first.nearest_key


def test_a_model_that_scores_otherwise_is_refused(model: Padim, features: PadimFeatures, tmp_path: Path) -> None:
    model.save(tmp_path / "b")
    other = PADIM.fit(replace(features, config=replace(features.config, seed=1)))
    with pytest.raises(ModelError) as caught:
        verify_reference(other, read_bundle(tmp_path / "b", kind="memory_bank"))
    assert caught.value.code == "golden_mismatch"


@pytest.mark.parametrize("damage", ["detector", "shape"])
def test_a_bundle_that_is_none_of_ours_is_refused(model: Padim, tmp_path: Path, damage: str) -> None:
    model.save(tmp_path / "b")
    bundle = read_bundle(tmp_path / "b", kind="memory_bank")
    if damage == "detector":
        bundle = replace(bundle, metadata={**bundle.metadata, "detector": "unheard_of"})
    else:
        bundle = replace(bundle, tensors={**bundle.tensors, "mean": bundle.tensors["mean"][:, 1:]})
    with pytest.raises((ModelError, ArtifactError)) as caught:
        registry.find_bundle_detector(bundle).load(bundle, device="cpu")
    assert caught.value.code == {"detector": "detector_unknown", "shape": "artifact_damaged"}[damage]


@pytest.mark.parametrize("spec", registry.list_detectors(), ids=lambda spec: spec.name)
def test_every_detector_goes_through_the_same_interface(spec: AnyDetectorSpec, tmp_path: Path) -> None:
    config = spec.make_config(
        backbone="efficientnet_lite0" if spec.backbones else None,
        preprocessing=Preprocessing(clahe=True),
        memory_budget_bytes=2**30,
        options={"input_size_px": 128, **({"epochs": 2} if spec.name == "autoencoder" else {})},
    )
    assert config.preprocessing.clahe
    taken = spec.extract(sources(3), config, device="cpu")
    built = spec.fit(taken)
    assert len(spec.cross_fit(taken).scores) == 3
    assert spec.distance_scale(built) > 0
    built.save(tmp_path / "b")
    bundle = read_bundle(tmp_path / "b", kind=KIND)
    assert registry.find_bundle_detector(bundle) is spec
    loaded = registry.load(tmp_path / "b", device="cpu")
    assert type(loaded) is type(built)
    verify_reference(loaded, bundle)
    assert spec.describe(loaded) == spec.describe(built)
    assert spec.describe(loaded)["detector"] == spec.name
    assert (spec.as_extendable(loaded) is not None) is spec.can_extend
    # One without a network of others' making is computed by one runtime alone.
    assert spec.as_graph(loaded) is (loaded if spec.backbones else None)


def test_a_name_that_is_taken_or_unknown_is_refused() -> None:
    with pytest.raises(ValueError, match="padim"):
        registry.register(PADIM)
    with pytest.raises(ModelError) as caught:
        registry.find_detector("unheard_of")
    assert caught.value.code == "detector_unknown"


def test_cross_fitted_scores_are_like_those_of_unseen_parts_and_not_of_seen_ones(
    model: Padim, features: PadimFeatures
) -> None:
    scores = cross_fit_padim(features)
    assert sorted(scores) == sorted(model.training_keys)
    unseen = float(np.median([model.inspect(draw(seed)).score for seed in range(100, 116)]))
    seen = float(np.median([model.inspect(draw(seed)).score for seed in range(16)]))
    assert float(np.median(list(scores.values()))) > 1.1 * seen
    assert 0.8 < float(np.median(list(scores.values()))) / unseen < 1.5


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_images_give_a_model_and_scores_above_zero(count: int) -> None:
    few = PADIM.extract(sources(count), CONFIG, device="cpu")
    built = PADIM.fit(few)
    scores = PADIM.cross_fit(few).scores
    assert len(scores) == count
    assert min(scores.values()) > 0.0
    assert np.isfinite(built.inspect(draw(200, hole=True)).score)
    assert built.inspect(draw(200, hole=True)).score > max(scores.values())


def test_of_very_many_images_an_even_part_is_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PadimConfig, "image_limit", 4)
    taken = PADIM.extract(sources(10), CONFIG, device="cpu")
    assert taken.keys == ("image:0", "image:2", "image:5", "image:7")


def test_an_ignored_place_neither_scores_nor_shows() -> None:
    masked = replace(CONFIG, preprocessing=Preprocessing(ignore=((0.4, 0.2, 0.5, 0.5),)))
    built = PADIM.fit(PADIM.extract(sources(16), masked, device="cpu"))
    normal = max(built.inspect(draw(seed)).score for seed in range(100, 105))
    detection = built.inspect(draw(200, hole=True))
    assert detection.score < 1.3 * normal
    assert detection.anomaly_map[60, 80] == 0.0


def test_a_fit_can_be_cancelled(features: PadimFeatures) -> None:
    class CancelledError(Exception):
        pass

    def cancel(_stage: str, _done: int, _total: int) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        PADIM.fit(features, progress=cancel)
    with pytest.raises(CancelledError):
        PADIM.cross_fit(features, progress=cancel)


def test_a_configuration_survives_its_dictionary_and_refuses_nonsense() -> None:
    config = replace(CONFIG, levels=("blocks.4",), preprocessing=Preprocessing(clahe=True))
    assert PadimConfig.from_dict(config.to_dict()) == config
    for field, value in (("channel_count", 1), ("channel_count", 1000), ("backbone", "x"), ("patch_window", 2)):
        with pytest.raises(ModelError):
            replace(CONFIG, **{field: value})  # type: ignore[arg-type]
    with pytest.raises(ModelError):
        PadimConfig.from_dict({"surprise": 1})
    with pytest.raises(ModelError):  # covariances of a gigabyte and more
        PadimConfig(backbone="wide_resnet50_2", channel_count=550)
