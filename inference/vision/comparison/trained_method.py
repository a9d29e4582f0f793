"""A trained network as a method: what a training run gave, asked about images as every other method is.

Of a classifier the score is 1 - P(kinds of good parts), with a map and boxes of the likeliest type of defect. Of a
segmenter and of a detector it is the score of the strongest place that they name, with the places that count.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inference.artifact import Bundle
from inference.errors import InferenceError
from inference.vision.comparison.classifier_method import draw_class_boxes
from inference.vision.comparison.predictions import PredictedBox, Prediction
from inference.vision.learning.class_activation import draw_activation
from inference.vision.learning.recipes.contract import GOOD
from inference.vision.learning.trained_network.bundle import read_network
from inference.vision.learning.trained_network.description import NetworkDescription
from inference.vision.learning.trained_network.input import Placement, place_image, prepare_input
from inference.vision.learning.trained_network.runtime import NetworkRuntime

if TYPE_CHECKING:
    from inference.vision.learning.trained_network.decoding import ScoredBox

NAME = "trained_run"
# Boxes below it say nothing of an image, whatever the threshold.
_LEAST_SCORE = 0.02


class TrainedMethod:
    """A trained network with its `runtime`, on the CPU: read-only. Raises ModelError(`device_failed`)."""

    def __init__(
        self, graph: bytes, description: NetworkDescription, *, name: str = NAME, threads: int | None = None
    ) -> None:
        self.description = description
        self._name = name
        self.runtime = NetworkRuntime(graph, description, threads=threads)
        self._good = np.array([label in description.good_labels for label in description.labels], np.bool_)

    @property
    def name(self) -> str:
        """Return the code by which the method is registered."""
        return self._name

    @classmethod
    def from_bundle(cls, bundle: Bundle, *, name: str = NAME, threads: int | None = None) -> TrainedMethod:
        """Return the network in a verified bundle.

        Raises ArtifactError(`artifact_damaged`), ModelError(`device_failed`).
        """
        graph, description = read_network(bundle)
        return cls(graph, description, name=name, threads=threads)

    def predict(self, images: Sequence[np.ndarray]) -> list[Prediction]:
        """Return what the network says of images, RGB uint8 H×W×3; one that fails has an error instead."""
        return [self._predict(image) for image in images]

    def compute(self, image: np.ndarray) -> dict[str, NDArray[np.float32]]:
        """Return the graph's outputs by name for one image, RGB uint8 H×W×3, without the axis N. Raises ModelError."""
        outputs = self.runtime.compute([prepare_input(image, self.description)])
        return {name: values[0] for name, values in outputs.items()}

    def _predict(self, image: np.ndarray) -> Prediction:
        begun = time.perf_counter()
        try:
            outputs = self.compute(image)
            said = self.describe(outputs, (image.shape[1], image.shape[0]))
        except InferenceError as error:
            return Prediction(score=None, ms=(time.perf_counter() - begun) * 1000.0, error=error)
        return Prediction(
            score=said.score,
            class_probabilities=said.class_probabilities,
            boxes=said.boxes,
            anomaly_map=said.anomaly_map,
            ms=(time.perf_counter() - begun) * 1000.0,
        )

    def describe(self, outputs: Mapping[str, NDArray[np.float32]], size_px: tuple[int, int]) -> Prediction:
        """Return what the outputs of one image of this (width, height) say, without the time that it took."""
        place = place_image(*size_px, self.description)
        if self.description.task == "classification":
            return self._describe_classes(outputs, place, size_px)
        if self.description.task == "segmentation":
            return self._describe_masks(outputs, place, size_px)
        return self._describe_boxes(outputs, place, size_px)

    def _describe_classes(
        self, outputs: Mapping[str, NDArray[np.float32]], place: Placement, size_px: tuple[int, int]
    ) -> Prediction:
        shares = np.asarray(outputs["probabilities"], np.float64)
        probabilities = {label: float(share) for label, share in zip(self.description.labels, shares, strict=True)}
        drawn: np.ndarray | None = None
        boxes: tuple[PredictedBox, ...] = ()
        if self.description.has_activation and not self._good.all():
            likeliest = int(np.where(self._good, -1.0, shares).argmax())
            drawn = self._cut(draw_activation(outputs["activation"][likeliest]), place)
            if int(shares.argmax()) == likeliest:
                boxes = draw_class_boxes(drawn, self.description.labels[likeliest], float(shares[likeliest]), size_px)
        return Prediction(
            score=float(shares[~self._good].sum()), class_probabilities=probabilities, boxes=boxes, anomaly_map=drawn
        )

    def _describe_masks(
        self, outputs: Mapping[str, NDArray[np.float32]], place: Placement, size_px: tuple[int, int]
    ) -> Prediction:
        from inference.vision.learning.trained_network.decoding import decode_segmentation

        found = decode_segmentation(outputs["probabilities"], self.description, place, size_px)
        drawn = np.asarray(found.map, np.float32)
        boxes = _to_boxes(found.boxes)
        return Prediction(
            score=float(drawn.max(initial=0.0)),
            class_probabilities=_share_labels(boxes, self.description),
            boxes=boxes,
            anomaly_map=drawn,
        )

    def _describe_boxes(
        self, outputs: Mapping[str, NDArray[np.float32]], place: Placement, size_px: tuple[int, int]
    ) -> Prediction:
        from inference.vision.learning.trained_network.decoding import decode_boxes

        # Below the threshold there is a score, too: figures over all thresholds need that of every image.
        least = min(_LEAST_SCORE, self.description.threshold)
        found = _to_boxes(
            decode_boxes(outputs["boxes"], outputs["scores"], self.description, place, size_px, threshold=least)
        )
        boxes = tuple(box for box in found if box.score >= self.description.threshold)
        score = found[0].score if found else min(least, float(np.max(outputs["scores"], initial=0.0)))
        return Prediction(score=score, class_probabilities=_share_labels(boxes, self.description), boxes=boxes)

    def _cut(self, drawn: np.ndarray, place: Placement) -> NDArray[np.float32]:
        """Return the part of a map over the whole input that lies on the image."""
        height, width = self.description.height_px, self.description.width_px
        if (place.width, place.height) == (width, height):
            return np.asarray(drawn, np.float32)
        rows, columns = drawn.shape
        top, left = round(place.y * rows / height), round(place.x * columns / width)
        bottom = max(top + 1, round((place.y + place.height) * rows / height))
        right = max(left + 1, round((place.x + place.width) * columns / width))
        return np.ascontiguousarray(drawn[top:bottom, left:right], np.float32)


def _to_boxes(found: Sequence[ScoredBox]) -> tuple[PredictedBox, ...]:
    """Return decoded boxes as those of a prediction, the surest first."""
    boxes = [
        PredictedBox(float(one.x), float(one.y), float(one.width), float(one.height), float(one.score), one.label)
        for one in found
    ]
    return tuple(sorted(boxes, key=lambda box: -box.score))


def _share_labels(boxes: Sequence[PredictedBox], description: NetworkDescription) -> dict[str, float]:
    """Return by label how sure the network is that the image shows it: that of its surest box, the rest for good.

    They add up to 1.
    """
    best = {label: 0.0 for label in description.labels if label not in description.good_labels}
    for box in boxes:
        if box.label in best:
            best[box.label] = max(best[box.label], min(1.0, box.score))
    total = sum(best.values())
    if total > 1.0:
        best = {label: share / total for label, share in best.items()}
    return {GOOD: max(0.0, 1.0 - sum(best.values()))} | best
