"""The recipe of segmentation on drawn images: it marks, it keeps the better head, it goes on where it was ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.errors import ModelError
from inference.vision.learning.dense.segmenter import SegmenterRecipe
from inference.vision.learning.measures.segmentation import measure_segmentation
from inference.vision.learning.recipes.contract import RecipeContext, TrainedNetwork
from inference.vision.learning.recipes.settings import (
    AugmentationSettings,
    InputSettings,
    RecipeSettings,
    TrainingSettings,
)
from inference.vision.learning.trained_network.decoding import decode_segmentation
from inference.vision.learning.trained_network.input import place_image, prepare_input
from inference.vision.learning.trained_network.runtime import NetworkRuntime
from tests.unit.inference.vision.learning.dense.drawn_examples import LABELS, SIDE_PX, Heard, draw_example, draw_set

CPU = RecipeContext(weights=None)
SETTINGS = RecipeSettings(
    input=InputSettings(width_px=SIDE_PX, height_px=SIDE_PX, resize="letterbox"),
    augmentation=AugmentationSettings(flip_vertical=True),
    training=TrainingSettings(epochs=15, batch_size=4, learning_rate=0.005, patience=0),
)
SHORT = replace(
    SETTINGS,
    augmentation=AugmentationSettings(rotation_deg=10.0, noise=0.02),
    training=replace(SETTINGS.training, epochs=2),
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedNetwork:
    return SegmenterRecipe().train(
        draw_set(30, 8), SETTINGS, CPU, scratch=tmp_path_factory.mktemp("segmenter"), listener=Heard()
    )


def test_it_marks_and_names_what_it_was_shown(trained: TrainedNetwork) -> None:
    tests = [draw_example(2000 + number, "test", LABELS[number % 2], size_px=(96, 72)) for number in range(8)]
    runtime = NetworkRuntime(trained.graph, trained.description)
    found = []
    for example in tests:
        image = example.load()
        (planes,) = runtime.compute([prepare_input(image, trained.description)])["probabilities"]
        size_px = (image.shape[1], image.shape[0])
        placement = place_image(*size_px, trained.description)
        found.append(decode_segmentation(planes, trained.description, placement, size_px))
    figures = measure_segmentation(
        LABELS, [example.load_marks() for example in tests], [one.mask_by_label for one in found]
    )
    assert figures.mask_iou is not None
    assert figures.mask_iou > 0.5
    assert figures.miou is not None
    assert figures.miou > 0.4


def test_the_better_head_on_validation_is_kept(trained: TrainedNetwork) -> None:
    cells, decoder = trained.figures["cells_miou"], trained.figures["decoder_miou"]
    assert trained.val["miou"] == max(cells, decoder)
    assert trained.figures["kept"] == ("decoder" if decoder > cells else "cells")
    assert (trained.best_epoch > 0) == (trained.figures["kept"] == "decoder")
    assert set(trained.val["per_domain"]) == {"line", "studio"}


def test_probabilities_of_a_place_add_up_to_one(trained: TrainedNetwork) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(trained.graph, providers=["CPUExecutionProvider"])
    images = np.stack([draw_example(3000 + number, "test", "dent").load() for number in range(3)])
    (planes,) = session.run(None, {"images": images})
    assert planes.shape[:2] == (3, 3)
    np.testing.assert_allclose(planes.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.full
def test_the_cell_head_stays_where_the_decoder_learned_too_little(tmp_path: Path) -> None:
    idle = replace(SETTINGS, training=replace(SETTINGS.training, epochs=1, learning_rate=1e-6))
    found = SegmenterRecipe().train(draw_set(10, 4), idle, CPU, scratch=tmp_path, listener=Heard())
    assert found.figures["kept"] == "cells"
    assert found.best_epoch == 0


@pytest.mark.full
def test_a_training_that_was_ended_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    # One label alone, nothing marked in validation, and changes that no kept map serves.
    dents = [draw_example(number, "train", "dent") for number in range(6)]
    examples = draw_set(0, 0, *dents, draw_example(90, "val", None), labels=("good", "dent"))
    recipe, whole, broken = SegmenterRecipe(), tmp_path / "whole", tmp_path / "broken"
    straight = recipe.train(examples, SHORT, CPU, scratch=whole, listener=Heard())
    with pytest.raises(InterruptedError):
        recipe.train(examples, SHORT, CPU, scratch=broken, listener=Heard(ends_after=1))
    later = Heard()
    resumed = recipe.train(examples, SHORT, CPU, scratch=broken, listener=later)
    assert [one.epoch for one in later.epochs] == [1, 2]
    assert resumed.graph == straight.graph
    assert recipe.read_checkpoint(broken) is not None
    assert straight.figures["judged_on"] == "train"
    assert straight.figures["decoder_miou"] == resumed.figures["decoder_miou"]


def test_without_any_mark_it_asks_for_some(tmp_path: Path) -> None:
    good = [draw_example(number, "train", None) for number in range(3)]
    with pytest.raises(ModelError) as caught:
        SegmenterRecipe().train(draw_set(0, 0, *good), SETTINGS, CPU, scratch=tmp_path, listener=Heard())
    assert caught.value.code == "training_marks_missing"


def test_random_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        SegmenterRecipe().train(
            draw_set(2, 0), replace(SETTINGS, scratch=True), CPU, scratch=tmp_path, listener=Heard()
        )
    assert caught.value.code == "config_invalid"


def test_what_a_listener_raises_comes_through(tmp_path: Path) -> None:
    def cancel() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SegmenterRecipe().train(draw_set(4, 2), SETTINGS, CPU, scratch=tmp_path, listener=Heard(on_progress=cancel))


@pytest.mark.full
def test_an_estimate_measures_and_names_what_is_not_used() -> None:
    cost = SegmenterRecipe().estimate(draw_set(12, 4), SHORT, CPU)
    assert cost.measured
    assert cost.seconds > 0.0
    assert (cost.images, cost.epochs) == (12, 2)
