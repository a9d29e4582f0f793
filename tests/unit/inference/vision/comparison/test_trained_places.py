"""Segmenters and detectors as methods: the places that they name in pixels of the image, and one score of it."""

from __future__ import annotations

import numpy as np
import pytest

from inference.vision.comparison.trained_method import TrainedMethod
from inference.vision.learning.trained_network.description import Task
from tests.trained_networks import describe, paint, place_graph

pytest.importorskip("inference.vision.learning.trained_network.decoding")


def _method(task: Task, *, resize: str = "stretch") -> TrainedMethod:
    description = describe(
        labels=("blue_spot", "red_spot"), good_labels=(), task=task, resize=resize, has_activation=False
    )
    return TrainedMethod(place_graph(description), description)


@pytest.mark.parametrize("task", ["segmentation", "detection"])
@pytest.mark.parametrize("resize", ["stretch", "letterbox"])
def test_a_spot_is_named_where_it_is(task: Task, resize: str) -> None:
    (said,) = _method(task, resize=resize).predict([paint("red_spot", width=192, height=144)])
    assert said.error is None
    assert said.score is not None
    assert said.score > 0.5
    best = said.boxes[0]
    assert best.label == "red_spot"
    # The spot covers 64..128 × 36..108; a place of the network is 24 px or less.
    assert 40 <= best.x <= 128
    assert best.x + best.width <= 152
    assert 12 <= best.y <= 108
    assert best.y + best.height <= 132
    assert max(said.class_probabilities, key=lambda label: said.class_probabilities[label]) == "red_spot"
    assert sum(said.class_probabilities.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("task", ["segmentation", "detection"])
def test_a_good_part_has_a_score_and_no_places(task: Task) -> None:
    (said,) = _method(task).predict([paint("good")])
    assert said.boxes == ()
    assert said.score is not None
    assert 0.0 <= said.score < 0.5
    assert said.class_probabilities["good"] == 1.0
    assert np.isfinite(said.score)
