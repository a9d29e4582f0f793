"""The auto-encoder: what it finds, that it is the same every time, that a killed training goes on, its bundle."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inference.artifact import read_bundle
from inference.errors import ArtifactError, ModelError
from inference.vision.detection import registry
from inference.vision.detection.autoencoder.autoencoder import AutoencoderDetector
from inference.vision.detection.autoencoder.config import AutoencoderConfig
from inference.vision.detection.autoencoder.features import AutoencoderInputs
from inference.vision.detection.autoencoder.specification import SPECIFICATION as AUTOENCODER
from inference.vision.detection.autoencoder.training import CHECKPOINT, train_network
from inference.vision.detection.detector import KIND, ImageSource
from inference.vision.detection.reference_image import verify_reference
from inference.vision.images.preprocessing import Preprocessing

CONFIG = AutoencoderConfig(input_size_px=64, width=8, code_channels=8, epochs=5, batch_size=4, learning_rate=5e-3)


def draw(seed: int, *, hole: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.repeat((120 + 50 * np.sin(np.arange(80) / 6.0))[None, :], 80, axis=0)
    image += rng.normal(0, 4, (80, 80))
    if hole:
        image[30:46, 30:46] = 250
    return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def sources(count: int) -> list[ImageSource]:
    return [ImageSource(f"image:{seed}", lambda seed=seed: draw(seed)) for seed in range(count)]  # type: ignore[misc]


@pytest.fixture(scope="module")
def inputs() -> AutoencoderInputs:
    return AUTOENCODER.extract(sources(12), CONFIG)


@pytest.fixture(scope="module")
def model(inputs: AutoencoderInputs) -> AutoencoderDetector:
    return AUTOENCODER.fit(inputs)


def test_a_defect_scores_above_every_unseen_good_part_and_the_map_shows_where(model: AutoencoderDetector) -> None:
    good = [model.inspect(draw(100 + seed)).score for seed in range(6)]
    found = model.inspect(draw(200, hole=True))
    assert found.score > 2.0 * max(good)
    row, column = np.unravel_index(found.anomaly_map.argmax(), found.anomaly_map.shape)
    height, width = found.anomaly_map.shape
    assert 0.3 < row / height < 0.65
    assert 0.3 < column / width < 0.65
    assert found.image_size_px == (80, 80)


def test_many_are_inspected_as_one_by_one(model: AutoencoderDetector) -> None:
    images = [draw(seed) for seed in range(9)]
    assert [one.score for one in model.inspect_many(images)] == [model.inspect(image).score for image in images]


class StoppedError(Exception):
    pass


def weights_of(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return dict(network.state_dict())


def test_a_training_killed_at_the_third_epoch_ends_with_the_same_weights(
    inputs: AutoencoderInputs, tmp_path: Path
) -> None:
    whole = train_network(inputs.inputs, inputs.parts, inputs.config)

    def stop(_stage: str, done: int, _total: int) -> None:
        if done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_network(inputs.inputs, inputs.parts, inputs.config, checkpoints=tmp_path, progress=stop)
    begun_at: list[int] = []
    resumed = train_network(
        inputs.inputs,
        inputs.parts,
        inputs.config,
        checkpoints=tmp_path,
        progress=lambda _stage, done, _total: begun_at.append(done),
    )
    assert begun_at[0] == 3
    assert resumed.val_losses == whole.val_losses
    again = weights_of(resumed.network)
    assert all(torch.equal(tensor, again[name]) for name, tensor in weights_of(whole.network).items())


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_passed_over(
    inputs: AutoencoderInputs, tmp_path: Path
) -> None:
    config = replace(inputs.config, epochs=2)
    train_network(inputs.inputs, inputs.parts, replace(config, seed=1), checkpoints=tmp_path)
    begun_at: list[int] = []
    train_network(
        inputs.inputs,
        inputs.parts,
        config,
        checkpoints=tmp_path,
        progress=lambda _stage, done, _total: begun_at.append(done),
    )
    assert begun_at[0] == 0
    (tmp_path / CHECKPOINT).write_bytes(b"no checkpoint")
    assert train_network(inputs.inputs, inputs.parts, config, checkpoints=tmp_path).best_epoch > 0


def test_the_same_images_give_the_same_model_and_another_seed_another(inputs: AutoencoderInputs) -> None:
    config = replace(inputs.config, epochs=2)
    first, second = (train_network(inputs.inputs, inputs.parts, config) for _ in range(2))
    other = train_network(inputs.inputs, inputs.parts, replace(config, seed=3))
    assert first.val_losses == second.val_losses
    assert first.val_losses != other.val_losses


def test_one_part_is_never_both_learned_and_held_out(inputs: AutoencoderInputs) -> None:
    parts = [f"part {number // 3}" for number in range(len(inputs.keys))]
    held = train_network(inputs.inputs, parts, replace(inputs.config, epochs=1)).held_out
    assert 0 < held.sum() < len(parts)
    assert all(len({bool(held[i]) for i in range(len(parts)) if parts[i] == name}) == 1 for name in set(parts))


def test_the_bundle_gives_the_same_model_without_torch_weights(model: AutoencoderDetector, tmp_path: Path) -> None:
    manifest = model.save(tmp_path / "bundle", metadata={"product": "P"})
    read = registry.load(tmp_path / "bundle", manifest_sha256=manifest.sha256)
    assert isinstance(read, AutoencoderDetector)
    assert read.inspect(draw(7, hole=True)).score == model.inspect(draw(7, hole=True)).score
    assert read.metadata == {"product": "P"}
    verify_reference(read, read_bundle(tmp_path / "bundle", kind=KIND))


def test_a_bundle_whose_parts_do_not_belong_together_is_refused(model: AutoencoderDetector, tmp_path: Path) -> None:
    parts = replace(model.parts, spread=-model.parts.spread - 1.0)
    AutoencoderDetector(parts).save(tmp_path / "bundle")
    with pytest.raises(ArtifactError) as caught:
        registry.load(tmp_path / "bundle")
    assert caught.value.code == "artifact_damaged"


def test_cross_fitting_scores_every_image_of_few_and_below_a_defect(
    inputs: AutoencoderInputs, model: AutoencoderDetector
) -> None:
    unseen = AUTOENCODER.cross_fit(inputs).scores
    assert set(unseen) == set(inputs.keys)
    assert max(unseen.values()) < model.inspect(draw(200, hole=True)).score


def test_ignored_regions_have_no_say(inputs: AutoencoderInputs) -> None:
    options = Preprocessing(ignore=((0.3, 0.3, 0.4, 0.4),))
    taken = AUTOENCODER.extract(sources(12), replace(CONFIG, preprocessing=options, epochs=2))
    detector = AUTOENCODER.fit(taken)
    found = detector.inspect(draw(200, hole=True))
    height, width = found.anomaly_map.shape
    assert not found.anomaly_map[int(height * 0.4) : int(height * 0.6), int(width * 0.4) : int(width * 0.6)].any()


@pytest.mark.parametrize(
    ("field", "value"), [("input_size_px", 65), ("input_size_px", 1024), ("epochs", 0), ("ssim_weight", 2.0)]
)
def test_settings_that_cannot_be_are_refused(field: str, value: float) -> None:
    with pytest.raises(ModelError) as caught:
        AutoencoderConfig.from_dict({field: value})
    assert caught.value.code == "config_invalid"


def test_it_has_no_tiles() -> None:
    with pytest.raises(ModelError) as caught:
        AUTOENCODER.make_config(
            backbone=None,
            preprocessing=Preprocessing(tile_size_px=256),
            memory_budget_bytes=2**31,
            options={},
        )
    assert caught.value.code == "tiles_not_supported"


def test_images_that_cannot_be_used_are_skipped_and_none_at_all_is_said() -> None:
    bad = ImageSource("bad", lambda: np.zeros((4, 4), np.uint8))
    taken = AUTOENCODER.extract([*sources(3), bad], CONFIG)
    assert set(taken.skipped) == {"bad"}
    assert len(taken.keys) == 3
    with pytest.raises(ModelError) as caught:
        AUTOENCODER.extract([bad], CONFIG)
    assert caught.value.code == "no_usable_images"
