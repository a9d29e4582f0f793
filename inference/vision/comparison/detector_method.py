"""A detector as a method among others: its score and map, and boxes where the map is high."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inference.artifact import Bundle, Manifest
from inference.errors import InferenceError
from inference.vision.comparison.predictions import PredictedBox, Prediction
from inference.vision.detection.detection import Detection
from inference.vision.detection.detector import Detector
from inference.vision.detection.regions import find_regions

# A bundle keeps the threshold of its boxes beside what the detector says of itself.
_BOXES_AT = "boxes_at"


class DetectorMethod:
    """A loaded detector under the name of a method. `boxes_at` is the score from which its map makes boxes, or None."""

    def __init__(self, name: str, detector: Detector, *, boxes_at: float | None = None) -> None:
        self._name = name
        self.detector = detector
        self.boxes_at = boxes_at

    @property
    def name(self) -> str:
        """The code by which the method is registered."""
        return self._name

    def predict(self, images: Sequence[np.ndarray]) -> list[Prediction]:
        """Return score, map and boxes of images, RGB uint8 H×W×3; one that fails has an error instead."""
        return [self._predict(image) for image in images]

    def save(self, folder: Path) -> Manifest:
        """Write the detector's bundle, which any deployment of it could load. Raises as `write_bundle`."""
        return self.detector.save(folder, metadata={_BOXES_AT: self.boxes_at})

    def _predict(self, image: np.ndarray) -> Prediction:
        begun = time.perf_counter()
        try:
            found = self.detector.inspect(image)
        except InferenceError as error:
            return Prediction(score=None, ms=_since(begun), error=error)
        boxes = () if self.boxes_at is None else draw_boxes(found, self.boxes_at)
        return Prediction(score=found.score, boxes=boxes, anomaly_map=found.anomaly_map, ms=_since(begun))


def read_boxes_at(bundle: Bundle) -> float | None:
    """Return the score from which the map makes boxes, as a bundle keeps it; None for one that keeps none."""
    user = bundle.metadata.get("user", {})
    value = user.get(_BOXES_AT) if isinstance(user, dict) else None
    return float(value) if isinstance(value, int | float) else None


def draw_boxes(found: Detection, threshold: float) -> tuple[PredictedBox, ...]:
    """Return the boxes of the map's parts at or above the threshold, highest first, in the image's pixels."""
    regions = find_regions(found.anomaly_map, threshold=threshold, image_size_px=found.image_size_px)
    return tuple(PredictedBox(one.x, one.y, one.w, one.h, one.score) for one in regions)


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000.0
