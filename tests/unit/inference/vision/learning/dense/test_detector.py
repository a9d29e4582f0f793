"""The recipe of detection on drawn images: it finds, it goes on, it says what is wrong with its images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.errors import ModelError
from inference.vision.learning.dense.detector import DetectorRecipe
from inference.vision.learning.measures.detection import measure_detection
from inference.vision.learning.recipes.contract import LabeledBox, RecipeContext, TrainedNetwork
from inference.vision.learning.recipes.settings import (
    AugmentationSettings,
    InputSettings,
    RecipeSettings,
    TrainingSettings,
)
from inference.vision.learning.trained_network.decoding import decode_boxes
from inference.vision.learning.trained_network.input import place_image, prepare_input
from inference.vision.learning.trained_network.runtime import NetworkRuntime
from tests.unit.inference.vision.learning.dense.drawn_examples import (
    LABELS,
    SIDE_PX,
    Heard,
    break_image,
    draw_example,
    draw_set,
    make_example,
)

CPU = RecipeContext(weights=None)
SETTINGS = RecipeSettings(
    input=InputSettings(width_px=SIDE_PX, height_px=SIDE_PX),
    augmentation=AugmentationSettings(flip_horizontal=True),
    training=TrainingSettings(epochs=12, batch_size=4, learning_rate=0.004, patience=0, trained_stages=0),
)
SHORT = replace(SETTINGS, training=replace(SETTINGS.training, epochs=3, trained_stages=2))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedNetwork:
    spoiled = break_image(draw_example(501, "train", "dent"))
    bare = make_example(502, "train", np.full((SIDE_PX, SIDE_PX, 3), 99, np.uint8), ())
    outside = LabeledBox(900, 900, 10, 10, "dent")
    beside = make_example(
        503, "train", draw_example(503, "train", None).load(), (outside, LabeledBox(9, 9, 1, 1, "other"))
    )
    examples = draw_set(40, 8, spoiled, bare, beside)
    return DetectorRecipe().train(
        examples, SETTINGS, CPU, scratch=tmp_path_factory.mktemp("detector"), listener=Heard()
    )


def test_it_finds_and_names_what_it_was_shown(trained: TrainedNetwork) -> None:
    tests = [draw_example(2000 + number, "test", LABELS[number % 2], size_px=(96, 72)) for number in range(10)]
    runtime = NetworkRuntime(trained.graph, trained.description)
    found = []
    for example in tests:
        image = example.load()
        outputs = runtime.compute([prepare_input(image, trained.description)])
        size_px = (image.shape[1], image.shape[0])
        placement = place_image(*size_px, trained.description)
        boxes, scores = outputs["boxes"][0], outputs["scores"][0]
        found.append(decode_boxes(boxes, scores, trained.description, placement, size_px, threshold=0.05))
    figures = measure_detection(LABELS, [example.load_boxes() for example in tests], found)
    assert figures.map50 is not None
    assert figures.map50 > 0.6


def test_it_says_how_good_it_is_on_validation_and_what_it_passed_over(trained: TrainedNetwork) -> None:
    assert trained.description.labels == LABELS
    assert trained.val["map50"] > 0.6
    assert 0.0 < trained.description.threshold < 1.0
    assert set(trained.val["per_domain"]) == {"line", "studio"}
    assert trained.skipped == {"image:501": "image_truncated", "image:502": "marks_missing"}
    assert trained.figures["boxes_outside"] == 1
    assert trained.figures["judged_on"] == "val"


def test_the_graph_takes_any_number_of_images_in_onnx_runtime(trained: TrainedNetwork) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(trained.graph, providers=["CPUExecutionProvider"])
    images = np.stack([draw_example(3000 + number, "test", "dent").load() for number in range(3)])
    boxes, scores = session.run(None, {"images": images})
    assert boxes.shape[:1] == (3,)
    assert scores.shape == (3, boxes.shape[1], 2)
    alone = session.run(None, {"images": images[:1]})
    np.testing.assert_allclose(alone[1], scores[:1], atol=1e-5)


@pytest.mark.full
def test_a_training_that_was_ended_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    examples = draw_set(10, 4)
    recipe, whole, broken = DetectorRecipe(), tmp_path / "whole", tmp_path / "broken"
    straight = recipe.train(examples, SHORT, CPU, scratch=whole, listener=Heard())
    assert recipe.read_checkpoint(broken) is None
    with pytest.raises(InterruptedError):
        recipe.train(examples, SHORT, CPU, scratch=broken, listener=Heard(ends_after=1))
    assert recipe.read_checkpoint(broken) is not None
    later = Heard()
    resumed = recipe.train(examples, SHORT, CPU, scratch=broken, listener=later)
    assert [one.epoch for one in later.epochs] == [1, 2, 3]
    assert resumed.graph == straight.graph
    assert resumed.description == straight.description


def test_without_any_box_it_asks_for_some(tmp_path: Path) -> None:
    good = [draw_example(number, "train", None) for number in range(4)]
    with pytest.raises(ModelError) as caught:
        DetectorRecipe().train(draw_set(0, 0, *good), SETTINGS, CPU, scratch=tmp_path, listener=Heard())
    assert caught.value.code == "training_marks_missing"


def test_without_any_image_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        DetectorRecipe().train(draw_set(0, 4), SETTINGS, CPU, scratch=tmp_path, listener=Heard())
    assert caught.value.code == "no_usable_images"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (replace(SETTINGS, options={"architecture": "yolo"}), "config_invalid"),
        (replace(SETTINGS, options={"anchors": 3}), "config_invalid"),
        (replace(SETTINGS, options={"architecture": "rt_detr"}), "detector_weights_missing"),
        (replace(SETTINGS, options={"architecture": "retinanet"}), "detector_weights_missing"),
        (replace(SETTINGS, backbone="dinov2_vits14"), "dense_backbone_unsuited"),
        (replace(SETTINGS, backbone="unheard_of"), "backbone_unknown"),
    ],
)
def test_what_cannot_be_trained_is_refused(tmp_path: Path, settings: RecipeSettings, code: str) -> None:
    with pytest.raises(ModelError) as caught:
        DetectorRecipe().train(draw_set(2, 0), settings, CPU, scratch=tmp_path, listener=Heard())
    assert caught.value.code == code


def test_an_estimate_measures_and_names_what_is_not_used() -> None:
    settings = replace(SHORT, augmentation=AugmentationSettings(mixup=0.2, flip_vertical=True))
    cost = DetectorRecipe().estimate(draw_set(20, 4), settings, CPU)
    assert cost.measured
    assert cost.seconds > 0.0
    assert (cost.images, cost.epochs) == (20, 3)
    assert cost.ignored == ("augmentation.mixup",)
