"""The recipes: graphs that say what was learned, the same to the bit, also after a training was broken off."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from inference.errors import ImageError, ModelError
from inference.vision.learning.recipes.contract import ExampleSet, Recipe, RecipeContext, TrainedNetwork
from inference.vision.learning.recipes.fine_tuning import FineTuningRecipe
from inference.vision.learning.recipes.full_training import FullTrainingRecipe
from inference.vision.learning.recipes.probe_recipe import ProbeRecipe
from inference.vision.learning.recipes.settings import AugmentationSettings, RecipeSettings, TrainingSettings
from inference.vision.learning.trained_network.input import prepare_input
from inference.vision.learning.trained_network.runtime import NetworkRuntime
from tests.unit.inference.vision.learning.recipes.drawn_examples import (
    LABELS,
    SMALL,
    Remembering,
    StoppedError,
    draw,
    make_example,
    make_set,
)

PROBED = RecipeSettings(input=SMALL)
# The last stages learn from images that are the same in every epoch.
TUNED = RecipeSettings(
    input=SMALL, training=TrainingSettings(epochs=3, batch_size=6, learning_rate=0.002, accumulate=2, patience=0)
)
WHOLE = RecipeSettings(
    backbone="test_efficientnet",
    scratch=True,
    input=SMALL,
    training=TrainingSettings(epochs=3, batch_size=6, learning_rate=0.003, patience=0),
    augmentation=AugmentationSettings(flip_horizontal=True, brightness=0.1, mixup=0.2, erasing=0.2),
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that keeps features from test to test, as the product does from run to run."""
    return tmp_path_factory.mktemp("features")


def train(
    recipe: Recipe,
    settings: RecipeSettings,
    scratch: Path,
    *,
    cache: Path | None = None,
    examples: ExampleSet | None = None,
    listener: Remembering | None = None,
) -> TrainedNetwork:
    return recipe.train(
        examples or make_set(),
        settings,
        RecipeContext(weights=None, cache=cache),
        scratch=scratch,
        listener=listener or Remembering(),
    )


@pytest.fixture(scope="module")
def probed(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedNetwork:
    return train(ProbeRecipe(), PROBED, tmp_path_factory.mktemp("probe"), cache=cache)


def ask(trained: TrainedNetwork, images: list[np.ndarray]) -> dict[str, np.ndarray]:
    inputs = [prepare_input(image, trained.description) for image in images]
    return NetworkRuntime(trained.graph, trained.description, threads=1).compute(inputs)


def test_a_probe_names_images_that_it_has_not_seen(probed: TrainedNetwork) -> None:
    images = [draw(label, 100 + seed) for seed, label in enumerate(LABELS * 4)]
    named = ask(probed, images)["probabilities"].argmax(axis=1)
    assert [LABELS[one] for one in named] == list(LABELS * 4)
    assert probed.val["top1"] == 1.0
    assert probed.figures["cross_validation"]["n"] == 18
    assert (probed.best_epoch, probed.epochs_done) == (1, 1)


def test_the_graph_takes_any_number_of_images_and_says_the_same_in_both_runtimes(probed: TrainedNetwork) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(probed.graph, providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_inputs()] == ["images"]
    assert tuple(one.name for one in session.get_outputs()) == probed.description.outputs
    images = [draw(label, 200) for label in LABELS]
    ours = ask(probed, images)
    inputs = np.stack([prepare_input(image, probed.description) for image in images])
    for count in (1, 3):
        shares, places = session.run(None, {"images": inputs[:count]})
        assert shares.shape == (count, 3)
        assert np.abs(shares - ours["probabilities"][:count]).max() <= 1e-3
        assert np.allclose(places, ours["activation"][:count], atol=1e-3)
    assert np.allclose(ours["probabilities"].sum(axis=1), 1.0, atol=1e-5)


def test_evidence_by_place_adds_up_to_what_is_said_of_the_image(probed: TrainedNetwork, tmp_path: Path) -> None:
    images = [draw(label, 300 + seed) for seed, label in enumerate(LABELS * 2)]
    found = ask(probed, images)
    logits = found["activation"].mean(axis=(2, 3))
    said = np.log(found["probabilities"])
    # Bias and the logarithm of the sum are the same for all images, or for all labels: what is left is equal.
    bias = said - logits
    bias -= bias[:, :1]
    assert np.allclose(bias, bias[0], atol=2e-3)


def test_two_trainings_of_a_probe_give_the_same_bytes(probed: TrainedNetwork, cache: Path, tmp_path: Path) -> None:
    again = train(ProbeRecipe(), PROBED, tmp_path, cache=cache)
    assert hashlib.sha256(again.graph).digest() == hashlib.sha256(probed.graph).digest()
    assert ProbeRecipe().read_checkpoint(tmp_path)


def test_what_a_probe_has_seen_is_kept_when_it_is_broken_off(tmp_path: Path) -> None:
    seen: list[int] = []

    def load(number: int) -> np.ndarray:
        seen.append(number)
        return draw(LABELS[number % 3], number)

    examples = make_set(train=0, val=0)
    many = tuple(make_example(one, LABELS[one % 3], "train", partial(load, one)) for one in range(12))
    with pytest.raises(StoppedError):
        train(
            ProbeRecipe(),
            PROBED,
            tmp_path,
            examples=replace(examples, examples=many),
            listener=Remembering(stop_at="fit"),
        )
    assert sorted(set(seen)) == list(range(12))
    seen.clear()
    train(ProbeRecipe(), PROBED, tmp_path, examples=replace(examples, examples=many))
    assert len(seen) <= 4  # those by which the graph is proven


def test_images_that_cannot_be_read_are_left_out_and_named(cache: Path, tmp_path: Path) -> None:
    def broken() -> np.ndarray:
        raise ImageError("image_damaged")

    examples = make_set(more=(make_example(90, "spot", "train", broken), make_example(91, "good", "val", broken)))
    found = train(ProbeRecipe(), PROBED, tmp_path, cache=cache, examples=examples)
    assert found.skipped == {"image:90": "image_damaged", "image:91": "image_damaged"}
    assert found.val["n"] == 9


def test_one_label_alone_or_a_label_that_is_not_there_is_refused(tmp_path: Path) -> None:
    one = make_set(train=0, val=0, more=tuple(make_example(number, "good", "train") for number in range(4)))
    for recipe, settings in ((ProbeRecipe(), PROBED), (FullTrainingRecipe(), WHOLE)):
        with pytest.raises(ModelError, match="two labels") as found:
            train(recipe, settings, tmp_path, examples=one)
        assert found.value.code == "classifier_one_label"
        with pytest.raises(ModelError) as unknown:
            train(recipe, settings, tmp_path, examples=make_set(more=(make_example(99, "crack", "train"),)))
        assert unknown.value.code == "config_invalid"
        with pytest.raises(ModelError) as nothing:
            recipe.estimate(make_set(train=0), settings, RecipeContext(weights=None))
        assert nothing.value.code == "no_usable_images"


def test_an_estimate_is_measured_and_says_what_is_not_used(cache: Path) -> None:
    settings = replace(PROBED, training=TrainingSettings(epochs=7))
    cost = ProbeRecipe().estimate(make_set(), settings, RecipeContext(weights=None, cache=cache))
    assert cost.measured
    assert cost.seconds > 0
    assert (cost.images, cost.epochs) == (27, 1)
    assert cost.ignored == ("training.epochs",)
    whole = FullTrainingRecipe().estimate(make_set(), WHOLE, RecipeContext(weights=None))
    assert whole.measured
    assert (whole.images, whole.epochs, whole.ignored) == (27, 3, ())
    assert whole.memory_bytes > 100_000_000


def test_fine_tuning_is_not_better_than_a_probe_that_is_always_right(
    probed: TrainedNetwork, cache: Path, tmp_path: Path
) -> None:
    heard = Remembering()
    harmful = replace(TUNED, training=replace(TUNED.training, learning_rate=0.9, warmup_epochs=0.0, clip_norm=0.0))
    found = train(FineTuningRecipe(), harmful, tmp_path, cache=cache, listener=heard)
    assert found.stopped_for == "not_better_than_probe"
    assert found.best_epoch == 0
    assert [one.epoch for one in heard.epochs] == [1, 2, 3]
    assert hashlib.sha256(found.graph).digest() == hashlib.sha256(probed.graph).digest()
    assert found.figures["probe"]["macro_f1"] == 1.0
    assert found.figures["fine_tuned"]["macro_f1"] <= 1.0
    assert len(found.figures["history"]) == 3


@pytest.mark.full
def test_fine_tuning_that_was_killed_ends_in_the_same_bytes(cache: Path, tmp_path: Path) -> None:
    # Labels that a frozen network does not tell apart well: what is left is for its last stages.
    hard = make_hard_set()
    settings = replace(TUNED, augmentation=AugmentationSettings(flip_vertical=True, noise=0.02))
    whole = train(FineTuningRecipe(), settings, tmp_path / "whole", cache=cache, examples=hard)
    broken = tmp_path / "broken"
    for stop in (Remembering(stop_after=1), Remembering(stop_after=1), Remembering(stop_at="export")):
        with pytest.raises(StoppedError):
            train(FineTuningRecipe(), settings, broken, cache=cache, examples=hard, listener=stop)
    assert FineTuningRecipe().read_checkpoint(broken)
    heard = Remembering()
    resumed = train(FineTuningRecipe(), settings, broken, cache=cache, examples=hard, listener=heard)
    assert [one.epoch for one in heard.epochs] == [3]  # all were trained before, the last one is told once more
    assert hashlib.sha256(resumed.graph).digest() == hashlib.sha256(whole.graph).digest()
    assert resumed.val == whole.val


def make_hard_set() -> ExampleSet:
    def faint(number: int) -> np.ndarray:
        image = np.random.default_rng(number).normal(120, 25, (64, 64, 3))
        image[20:44:4, 20:44] += 18 * (number % 3 - 1)
        return np.asarray(image.clip(0, 255), np.uint8)

    examples = tuple(
        make_example(1000 + one, LABELS[one % 3], "val" if one >= 24 else "train", partial(faint, one))
        for one in range(36)
    )
    return replace(make_set(train=0, val=0), examples=examples)


def test_without_validation_fine_tuning_gives_the_probe_and_says_why(cache: Path, tmp_path: Path) -> None:
    found = train(FineTuningRecipe(), TUNED, tmp_path, cache=cache, examples=make_set(val=0))
    assert (found.stopped_for, found.best_epoch, found.epochs_done) == ("no_validation", 0, 0)
    assert found.val == {}


def test_full_training_that_was_killed_in_any_epoch_ends_in_the_same_bytes(tmp_path: Path) -> None:
    whole = train(FullTrainingRecipe(), WHOLE, tmp_path / "whole")
    assert whole.epochs_done == 3
    assert whole.description.has_activation
    broken = tmp_path / "broken"
    for _ in range(2):
        with pytest.raises(StoppedError):
            train(FullTrainingRecipe(), WHOLE, broken, listener=Remembering(stop_after=1))
    resumed = train(FullTrainingRecipe(), WHOLE, broken)
    assert hashlib.sha256(resumed.graph).digest() == hashlib.sha256(whole.graph).digest()
    other = train(FullTrainingRecipe(), replace(WHOLE, seed=1), broken)
    assert hashlib.sha256(other.graph).digest() != hashlib.sha256(whole.graph).digest()


@pytest.mark.parametrize("within", [False, True], ids=["after an epoch", "within an epoch"])
def test_full_training_ends_with_its_best_epoch_when_the_time_is_up(tmp_path: Path, within: bool) -> None:
    heard = Remembering(time_is_up=2, within_next=within)
    found = train(FullTrainingRecipe(), WHOLE, tmp_path, listener=heard)
    assert (found.epochs_done, found.stopped_for) == (2, "time_limit")
    assert [one.epoch for one in heard.epochs] == [1, 2]
    assert found.best_epoch in (1, 2)
    assert found.val["macro_f1"] == heard.epochs[found.best_epoch - 1].val["macro_f1"]
    # Whoever goes on with more time tells the last whole epoch again, and trains what is left.
    later = Remembering()
    whole = train(FullTrainingRecipe(), WHOLE, tmp_path, listener=later)
    assert [one.epoch for one in later.epochs] == [2, 3]
    assert later.epochs[0] == heard.epochs[-1]
    assert (whole.epochs_done, whole.stopped_for) == (3, "")


def test_full_training_without_validation_keeps_the_last_epoch_and_says_so(tmp_path: Path) -> None:
    found = train(FullTrainingRecipe(), WHOLE, tmp_path, examples=make_set(val=0))
    assert (found.best_epoch, found.epochs_done, found.stopped_for) == (3, 3, "no_validation")


def test_a_training_that_diverges_is_ended_with_what_to_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wild = replace(
        WHOLE, training=TrainingSettings(epochs=20, batch_size=6, learning_rate=1.0, clip_norm=0.0, warmup_epochs=0.0)
    )

    import torch

    monkeypatch.setattr(torch.nn.functional, "log_softmax", lambda logits, dim: logits * float("nan"))
    with pytest.raises(ModelError, match="learning rate") as found:
        train(FullTrainingRecipe(), wild, tmp_path)
    assert found.value.code == "training_diverged"


def test_a_network_that_is_not_here_is_refused(tmp_path: Path) -> None:
    for settings, expected in (
        (replace(WHOLE, backbone="no_such_network"), "backbone_unknown"),
        (replace(WHOLE, scratch=False), "backbone_weights_missing"),
    ):
        with pytest.raises(ModelError) as found:
            train(FullTrainingRecipe(), settings, tmp_path)
        assert found.value.code == expected
