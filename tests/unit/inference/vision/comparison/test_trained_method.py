"""A trained network as a method: score, probabilities, and where it saw them, in the image's own pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.artifact import Bundle
from inference.errors import ArtifactError, ModelError
from inference.vision.comparison.trained_method import TrainedMethod
from tests.trained_networks import classifier_graph, describe, paint, write_classifier


@pytest.fixture(scope="module")
def method(tmp_path_factory: pytest.TempPathFactory) -> TrainedMethod:
    return TrainedMethod.from_bundle(write_classifier(tmp_path_factory.mktemp("networks") / "bundle"))


@pytest.mark.parametrize("kind", ["good", "red_spot", "blue_spot"])
def test_it_names_what_it_was_taught(method: TrainedMethod, kind: str) -> None:
    (said,) = method.predict([paint(kind)])
    assert max(said.class_probabilities, key=lambda label: said.class_probabilities[label]) == kind
    assert sum(said.class_probabilities.values()) == pytest.approx(1.0, abs=1e-5)
    assert said.score == pytest.approx(1.0 - said.class_probabilities["good"], abs=1e-6)
    assert said.ms > 0.0


def test_a_box_lies_on_the_spot_in_pixels_of_the_image(method: TrainedMethod) -> None:
    (said,) = method.predict([paint("red_spot", width=192, height=144)])
    (box,) = said.boxes
    assert box.label == "red_spot"
    # The spot covers 64..128 × 36..108; a cell of the map is 24 × 18 px.
    assert abs(box.x - 64) <= 24
    assert abs(box.x + box.width - 128) <= 24
    assert abs(box.y - 36) <= 18
    assert abs(box.y + box.height - 108) <= 18


def test_a_good_part_has_no_boxes(method: TrainedMethod) -> None:
    (said,) = method.predict([paint("good")])
    assert said.boxes == ()


def test_the_map_of_a_letterbox_covers_the_image_alone(tmp_path: Path) -> None:
    found = TrainedMethod.from_bundle(write_classifier(tmp_path / "bundle", describe(resize="letterbox")))
    (said,) = found.predict([paint("red_spot", width=128, height=32)])
    assert said.anomaly_map is not None
    # 128 × 32 in 64 × 64 is 64 × 16: a quarter of the rows of a map of 8 cells, drawn eightfold.
    assert said.anomaly_map.shape == (16, 64)
    assert said.boxes
    assert all(box.y >= 0 and box.y + box.height <= 32 for box in said.boxes)


def test_an_image_that_fails_leaves_the_others(method: TrainedMethod) -> None:
    first, second = method.predict([np.zeros((4, 4), np.uint8), paint("good")])
    assert isinstance(first.error, ModelError)
    assert first.score is None
    assert second.error is None


def test_a_bundle_without_its_graph_is_damaged(tmp_path: Path) -> None:
    bundle = write_classifier(tmp_path / "bundle")
    with pytest.raises(ArtifactError) as refused:
        TrainedMethod.from_bundle(Bundle(bundle.manifest, {}, {}, {}, bundle.metadata))
    assert refused.value.code == "artifact_damaged"


def test_a_graph_that_is_none_is_a_failed_device() -> None:
    with pytest.raises(ModelError) as refused:
        TrainedMethod(b"no graph", describe())
    assert refused.value.code == "device_failed"


def test_two_methods_of_the_same_graph_say_the_same(method: TrainedMethod) -> None:
    other = TrainedMethod(classifier_graph(describe()), describe())
    (one,), (two,) = method.predict([paint("blue_spot")]), other.predict([paint("blue_spot")])
    assert one.class_probabilities == two.class_probabilities
