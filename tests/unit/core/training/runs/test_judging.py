"""What is read out of a network's outputs, by task, and how right it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from core.training.runs.judging import open_judge
from core.training.runs.scoring import check_goals
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.recipes.contract import Example, LabeledBox
from inference.vision.learning.trained_network.description import NetworkDescription

SIZE_PX = (64, 64)


def _description(task: Any, labels: tuple[str, ...], good: frozenset[str] = frozenset()) -> NetworkDescription:
    return NetworkDescription(task, "tests", labels, good, 64, 64, "stretch", Preprocessing(), 0.5, has_activation=True)


def _example(
    label: str,
    *,
    marks: Mapping[str, np.ndarray] | None = None,
    boxes: tuple[LabeledBox, ...] = (),
    domain: str = "line",
    key: str = "image:1",
) -> Example:
    return Example(
        key, label, label != "good", f"part {key}", "test", domain, "-",
        lambda: np.zeros((64, 64, 3), np.uint8), lambda: marks or {}, lambda: boxes,
    )  # fmt: skip


def _square(x: int) -> np.ndarray:
    mask = np.zeros((64, 64), np.bool_)
    mask[16:32, x : x + 16] = True
    return mask


def test_a_classifier_names_the_likeliest_label_and_says_how_sure_it_is_of_a_defect() -> None:
    judge = open_judge(_description("classification", ("cell", "module", "spot"), frozenset({"cell", "module"})))
    outputs = {
        "probabilities": np.array([0.3, 0.1, 0.6], np.float32),
        "activation": np.arange(12, dtype=np.float32).reshape(3, 2, 2),
    }
    found = judge.judge(_example("spot"), outputs, SIZE_PX)
    assert (found.named, found.right, found.quality) == ("spot", True, 1.0)
    assert found.score == pytest.approx(0.6)
    assert list(found.probabilities) == ["spot", "cell", "module"]
    drawn = judge.draw_map(outputs, "spot", SIZE_PX)
    assert drawn is not None
    assert drawn.tolist() == [[8.0, 9.0], [10.0, 11.0]]
    wrong = judge.judge(_example("cell", domain="field"), outputs, SIZE_PX)
    assert (wrong.named, wrong.right) == ("spot", False)
    figures = judge.measure([(_example("spot"), found), (_example("cell", domain="field"), wrong)])
    goals = check_goals({"top1": 0.5, "field.top1": 0.1, "line.top1": 1.0, "studio.top1": 0.0}, figures, "test")
    assert [(goal.name, goal.found, goal.met) for goal in goals] == [
        ("top1", 0.5, True), ("field.top1", 0.0, False), ("line.top1", 1.0, True), ("studio.top1", None, False),
    ]  # fmt: skip


def test_a_segmenter_is_right_where_its_masks_lie_on_those_of_the_label() -> None:
    judge = open_judge(_description("segmentation", ("scratch", "spot")))
    outputs = {"probabilities": np.zeros((3, 64, 64), np.float32)}
    outputs["probabilities"][2][_square(16)] = 0.9
    outputs["probabilities"][0] = 1.0 - outputs["probabilities"][2]
    right = judge.judge(_example("spot", marks={"spot": _square(16)}), outputs, SIZE_PX)
    assert (right.named, right.right, right.quality) == ("spot", True, 1.0)
    assert [(box["x"], box["width"], box["label"]) for box in right.boxes] == [(16.0, 16.0, "spot")]
    assert right.score == pytest.approx(0.9)
    beside = judge.judge(_example("spot", marks={"spot": _square(28)}), outputs, SIZE_PX)
    assert (beside.named, beside.right) == ("spot", False)
    assert beside.quality == pytest.approx(4 / 28)
    false_alarm = judge.judge(_example("good"), outputs, SIZE_PX)
    assert (false_alarm.right, false_alarm.quality) == (False, 0.0)
    silent = {"probabilities": np.stack([np.ones((64, 64)), *np.zeros((2, 64, 64))]).astype(np.float32)}
    calm = judge.judge(_example("good"), silent, SIZE_PX)
    assert (calm.named, calm.right, calm.quality, calm.boxes) == ("good", True, 1.0, ())
    drawn = judge.draw_map(outputs, "spot", SIZE_PX)
    assert drawn is not None
    assert drawn.shape == (64, 64)
    marked, good = _example("spot", marks={"spot": _square(16)}), _example("good", domain="field")
    figures = judge.measure([(marked, right), (good, calm)])
    assert (figures["miou"], figures["per_domain"]["line"]["miou"]) == (1.0, 1.0)


def test_a_detector_is_right_where_it_finds_every_box_and_no_other() -> None:
    judge = open_judge(_description("detection", ("scratch", "spot")))
    outputs = {
        "boxes": np.array([[0.25, 0.25, 0.5, 0.5], [0.7, 0.7, 0.9, 0.9]], np.float32),
        "scores": np.array([[0.0, 0.9], [0.3, 0.0]], np.float32),
    }
    spot = LabeledBox(16.0, 16.0, 16.0, 16.0, "spot")
    right = judge.judge(_example("spot", boxes=(spot,)), outputs, SIZE_PX)
    assert (right.named, right.right, right.quality) == ("spot", True, 1.0)
    assert right.score == pytest.approx(0.9)
    # What scores below the threshold is kept for the curve, and not told.
    assert len(right.boxes) == 1
    assert len(right.detail[1]) == 2
    half = judge.judge(_example("spot", boxes=(spot, LabeledBox(0.0, 0.0, 8.0, 8.0, "spot"))), outputs, SIZE_PX)
    assert not half.right
    assert half.quality == pytest.approx(2 / 3)
    alarm = judge.judge(_example("good"), outputs, SIZE_PX)
    assert (alarm.named, alarm.right, alarm.quality) == ("spot", False, 0.0)
    assert judge.draw_map(outputs, "spot", SIZE_PX) is None
    figures = judge.measure([(_example("spot", boxes=(spot,)), right)])
    assert figures["map50"] == pytest.approx(1.0)
