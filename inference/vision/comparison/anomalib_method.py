"""A model of anomalib as a method: its score and map, and boxes where the map is high on an image that is stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from inference.artifact import Bundle, Manifest, write_bundle
from inference.errors import ArtifactError, InferenceError, ModelError
from inference.vision.comparison.predictions import PredictedBox, Prediction
from inference.vision.detection.regions import find_regions
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.trunk_features import prepare_pixels
from inference.vision.networks.graphs import PortableGraph, TrainedGraph
from inference.vision.networks.runtime import TrainedRuntime, open_trained

KIND = "anomalib"


@dataclass(frozen=True, eq=False)
class AnomalibParts:
    """What a trained model is made of.

    `boxes_at` is the value of the map from which it makes boxes, `stopped_at` the score of an image that has any; None
    where validation gave none. `figures` are plain JSON.
    """

    name: str
    size_px: int
    preprocessing: Preprocessing
    portable: PortableGraph = field(repr=False)
    figures: Mapping[str, Any] = field(repr=False)
    stopped_at: float | None = None
    boxes_at: float | None = None


class AnomalibMethod:
    """A trained model with its runtime, on the CPU: read-only."""

    def __init__(self, parts: AnomalibParts, *, runtime: TrainedRuntime | None = None) -> None:
        self.parts = parts
        self._runtime = runtime or open_trained(TrainedGraph(KIND, (parts.size_px, parts.size_px)), parts.portable)

    @property
    def name(self) -> str:
        """The code by which the method is registered."""
        return self.parts.name

    def with_thresholds(self, *, stopped_at: float | None, boxes_at: float | None) -> AnomalibMethod:
        """Return the same method that draws boxes from these values on."""
        return AnomalibMethod(replace(self.parts, stopped_at=stopped_at, boxes_at=boxes_at), runtime=self._runtime)

    def predict(self, images: Sequence[np.ndarray]) -> list[Prediction]:
        """Return score, map and boxes of images, RGB uint8 H×W×3; one that fails has an error instead."""
        return [self._predict(image) for image in images]

    def save(self, folder: Path) -> Manifest:
        """Write the bundle into a new folder. Raises as `write_bundle`."""
        parts = self.parts
        return write_bundle(
            folder,
            kind=KIND,
            metadata={
                "method": parts.name,
                "input_size_px": parts.size_px,
                "preprocessing": parts.preprocessing.to_dict(),
                "stopped_at": parts.stopped_at,
                "boxes_at": parts.boxes_at,
                "figures": dict(parts.figures),
            },
            files={"graph.xml": parts.portable.xml, "graph.bin": parts.portable.weights},
        )

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> AnomalibMethod:
        """Return the method in a verified bundle.

        Raises ArtifactError(`artifact_damaged`), ModelError(`device_failed`).
        """
        document, files = bundle.metadata, bundle.files
        try:
            return cls(
                AnomalibParts(
                    name=str(document["method"]),
                    size_px=int(document["input_size_px"]),
                    preprocessing=Preprocessing.from_dict(document["preprocessing"]),
                    portable=PortableGraph(files["graph.xml"], files["graph.bin"]),
                    figures=dict(document["figures"]),
                    stopped_at=_number(document["stopped_at"]),
                    boxes_at=_number(document["boxes_at"]),
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError("artifact_damaged", file="manifest.json") from error

    def _predict(self, image: np.ndarray) -> Prediction:
        begun = time.perf_counter()
        try:
            prepared = prepare_pixels(image, self.parts.preprocessing, self.parts.size_px)
            score, drawn = _read_outputs(self._runtime.features(prepared[None]))
        except InferenceError as error:
            return Prediction(score=None, ms=(time.perf_counter() - begun) * 1000.0, error=error)
        boxes: tuple[PredictedBox, ...] = ()
        stopped_at, boxes_at = self.parts.stopped_at, self.parts.boxes_at
        if stopped_at is not None and boxes_at is not None and score >= stopped_at:
            height, width = image.shape[:2]
            regions = find_regions(drawn, threshold=boxes_at, image_size_px=(width, height))
            boxes = tuple(PredictedBox(one.x, one.y, one.w, one.h, one.score) for one in regions)
        return Prediction(score=score, boxes=boxes, anomaly_map=drawn, ms=(time.perf_counter() - begun) * 1000.0)


def _read_outputs(outputs: Sequence[np.ndarray]) -> tuple[float, np.ndarray]:
    """Return score and map (h×w, float32) of one image. Raises ModelError(`scores_invalid`)."""
    if len(outputs) != 2 or outputs[0].size != 1 or outputs[1].ndim != 4:
        raise ModelError("scores_invalid")
    score, drawn = float(outputs[0].reshape(-1)[0]), np.asarray(outputs[1][0, 0], np.float32)
    if not np.isfinite(score) or not np.isfinite(drawn).all():
        raise ModelError("scores_invalid")
    return score, drawn


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
