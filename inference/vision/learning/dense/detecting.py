"""What every detector shares, whatever its architecture: how it is judged, and how its threshold is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.dense.inputs import DenseInput
from inference.vision.learning.dense.training_loop import Judgement, Trainee
from inference.vision.learning.measures.detection import DetectionFigures, choose_box_threshold, measure_detection
from inference.vision.learning.recipes.contract import LabeledBox
from inference.vision.learning.trained_network.decoding import ScoredBox, decode_boxes
from inference.vision.learning.trained_network.description import NetworkDescription
from inference.vision.learning.trained_network.input import Placement

# Boxes from this score on make the curve of precision and recall.
LOWEST_SCORE = 0.05
_AT_ONCE = 4


class DetectorTrainee(Trainee, Protocol):
    """A detector that the loop can train."""

    description: NetworkDescription

    def look(self, inputs: Sequence[DenseInput]) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
        """Return boxes N×Q×4 in shares of the input, scores N×Q×K, and the sum of the loss over the images."""
        ...

    def graph(self) -> torch.nn.Module:
        """Return what is exported: uint8 N×H×W×3 to boxes and scores, on the CPU."""
        ...


def find_all(
    trainee: DetectorTrainee, inputs: Sequence[DenseInput], hear: Callable[[], None]
) -> tuple[list[tuple[ScoredBox, ...]], float]:
    """Return the boxes found in each input, in its pixels and from LOWEST_SCORE on, and the mean loss."""
    description = replace(trainee.description, preprocessing=Preprocessing())
    whole = Placement(0, 0, description.width_px, description.height_px)
    size_px = (description.width_px, description.height_px)
    found: list[tuple[ScoredBox, ...]] = []
    total = 0.0
    trainee.module.eval()
    for start in range(0, len(inputs), _AT_ONCE):
        hear()
        with torch.inference_mode():
            boxes, scores, loss = trainee.look(inputs[start : start + _AT_ONCE])
        total += loss
        found += [
            decode_boxes(own, score, description, whole, size_px, threshold=LOWEST_SCORE)
            for own, score in zip(boxes, scores, strict=True)
        ]
    return found, total / max(1, len(inputs))


def judge_detector(trainee: DetectorTrainee, inputs: Sequence[DenseInput], hear: Callable[[], None]) -> Judgement:
    """Return mAP50 and mAP50-95 on inputs; mAP50 is what counts."""
    found, loss = find_all(trainee, inputs, hear)
    figures = measure_detection(trainee.description.labels, known_boxes(trainee.description, inputs), found)
    map50, map50_95 = figures.map50 or 0.0, figures.map50_95 or 0.0
    return Judgement(map50, loss, {"map50": map50, "map50_95": map50_95})


def measure_detector(
    trainee: DetectorTrainee, inputs: Sequence[DenseInput], hear: Callable[[], None]
) -> tuple[float, DetectionFigures]:
    """Return the threshold of the best F1 on inputs, and all figures at it."""
    found, _ = find_all(trainee, inputs, hear)
    known = known_boxes(trainee.description, inputs)
    threshold = choose_box_threshold(trainee.description.labels, known, found)
    domains = [one.example.domain for one in inputs]
    return threshold, measure_detection(trainee.description.labels, known, found, domains, threshold=threshold)


def known_boxes(description: NetworkDescription, inputs: Sequence[DenseInput]) -> list[tuple[LabeledBox, ...]]:
    """Return the boxes of the truth in pixels of the input."""
    return [
        tuple(
            LabeledBox(float(left), float(top), float(right - left), float(bottom - top), description.labels[label])
            for (left, top, right, bottom), label in zip(one.boxes, one.labels, strict=True)
            if label >= 0
        )
        for one in inputs
    ]
