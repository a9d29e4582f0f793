"""Training in several processes: one network, heard like one, ended like one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from inference.vision.learning.recipes.contract import RecipeContext, TrainedNetwork
from inference.vision.learning.recipes.full_training import FullTrainingRecipe
from inference.vision.learning.recipes.settings import AugmentationSettings, RecipeSettings, TrainingSettings
from tests.unit.inference.vision.learning.recipes.drawn_examples import SMALL, Remembering, StoppedError, make_set

pytestmark = pytest.mark.full

SETTINGS = RecipeSettings(
    backbone="test_efficientnet",
    scratch=True,
    input=SMALL,
    training=TrainingSettings(epochs=3, batch_size=4, learning_rate=0.003, patience=0, processes=2),
    augmentation=AugmentationSettings(flip_horizontal=True),
)


def train(scratch: Path, listener: Remembering, settings: RecipeSettings = SETTINGS) -> TrainedNetwork:
    context = RecipeContext(weights=None)
    return FullTrainingRecipe().train(make_set(), settings, context, scratch=scratch, listener=listener)


def test_two_processes_train_one_network_and_go_on_after_a_kill_to_the_same_bytes(tmp_path: Path) -> None:
    heard = Remembering()
    whole = train(tmp_path / "whole", heard)
    assert [one.epoch for one in heard.epochs] == [1, 2, 3]
    assert heard.epochs[-1].images_seen == 3 * 18
    assert whole.epochs_done == 3
    broken = tmp_path / "broken"
    with pytest.raises(StoppedError):
        train(broken, Remembering(stop_after=1))
    later = Remembering()
    resumed = train(broken, later)
    # The last epoch that was written is told once more; which one it is, the moment of the kill decides.
    told = [one.epoch for one in later.epochs]
    assert told == list(range(told[0], 4))
    assert hashlib.sha256(resumed.graph).digest() == hashlib.sha256(whole.graph).digest()


def test_no_process_outlives_a_training_that_is_broken_off(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        train(tmp_path, Remembering(stop_at="epoch"))
    alive = [
        entry
        for entry in Path("/proc").glob("[0-9]*/cmdline")
        if str(tmp_path).encode() in (entry.read_bytes() if entry.exists() else b"")
    ]
    assert alive == []


def test_one_process_sees_as_many_images_as_two(tmp_path: Path) -> None:
    one = replace(SETTINGS, training=replace(SETTINGS.training, processes=1, batch_size=8))
    first, second = Remembering(), Remembering()
    train(tmp_path / "one", first, one)
    train(tmp_path / "two", second)
    assert [each.images_seen for each in first.epochs] == [each.images_seen for each in second.epochs]
