"""A classifier as a method: probabilities of the labels, a map and boxes of the likeliest type of defect.

The score is 1 - P(kinds of good parts): how sure the classifier is that the part is of none of them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from inference.artifact import Bundle, Manifest, write_bundle
from inference.errors import ArtifactError, InferenceError
from inference.vision.comparison.predictions import PredictedBox, Prediction
from inference.vision.detection.regions import find_regions
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.class_activation import BOX_SHARE, draw_activation
from inference.vision.learning.probe import softmax
from inference.vision.learning.trunk_features import prepare_pixels
from inference.vision.networks.graphs import PortableGraph, TrainedGraph
from inference.vision.networks.runtime import open_trained

KIND = "classifier"


@dataclass(frozen=True, eq=False)
class ClassifierParts:
    """What a classifier is made of: `good_labels` are those of kinds of good parts, `figures` plain JSON."""

    name: str
    labels: tuple[str, ...]
    good_labels: frozenset[str]
    size_px: int
    preprocessing: Preprocessing
    portable: PortableGraph = field(repr=False)
    figures: Mapping[str, Any] = field(repr=False)


class ClassifierMethod:
    """A trained classifier with its runtime, on the CPU: read-only."""

    def __init__(self, parts: ClassifierParts) -> None:
        self.parts = parts
        self._runtime = open_trained(TrainedGraph(KIND, (parts.size_px, parts.size_px)), parts.portable)
        self._good = np.array([label in parts.good_labels for label in parts.labels])

    @property
    def name(self) -> str:
        """The code by which the method is registered."""
        return self.parts.name

    def predict(self, images: Sequence[np.ndarray]) -> list[Prediction]:
        """Return what the classifier says of images, RGB uint8 H×W×3; one that fails has an error instead."""
        return [self._predict(image) for image in images]

    def save(self, folder: Path) -> Manifest:
        """Write the bundle into a new folder. Raises as `write_bundle`."""
        parts = self.parts
        return write_bundle(
            folder,
            kind=KIND,
            metadata={
                "method": parts.name,
                "labels": list(parts.labels),
                "good_labels": sorted(parts.good_labels),
                "input_size_px": parts.size_px,
                "preprocessing": parts.preprocessing.to_dict(),
                "figures": dict(parts.figures),
            },
            files={"graph.xml": parts.portable.xml, "graph.bin": parts.portable.weights},
        )

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> ClassifierMethod:
        """Return the classifier in a verified bundle.

        Raises ArtifactError(`artifact_damaged`), ModelError(`device_failed`).
        """
        document, files = bundle.metadata, bundle.files
        try:
            return cls(
                ClassifierParts(
                    name=str(document["method"]),
                    labels=tuple(document["labels"]),
                    good_labels=frozenset(document["good_labels"]),
                    size_px=int(document["input_size_px"]),
                    preprocessing=Preprocessing.from_dict(document["preprocessing"]),
                    portable=PortableGraph(files["graph.xml"], files["graph.bin"]),
                    figures=dict(document["figures"]),
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError("artifact_damaged", file="manifest.json") from error

    def _predict(self, image: np.ndarray) -> Prediction:
        begun = time.perf_counter()
        try:
            prepared = prepare_pixels(image, self.parts.preprocessing, self.parts.size_px)
            logits, maps = self._runtime.features(prepared[None])
        except InferenceError as error:
            return Prediction(score=None, ms=(time.perf_counter() - begun) * 1000.0, error=error)
        shares = softmax(logits[0, :, 0, 0][None])[0]
        probabilities = {label: float(share) for label, share in zip(self.parts.labels, shares, strict=True)}
        score = float(shares[~self._good].sum())
        drawn: np.ndarray | None = None
        boxes: tuple[PredictedBox, ...] = ()
        if not self._good.all():
            place = int(np.where(self._good, -1.0, shares).argmax())
            drawn = draw_activation(maps[0, place])
            if int(shares.argmax()) == place:
                height, width = image.shape[:2]
                boxes = draw_class_boxes(drawn, self.parts.labels[place], float(shares[place]), (width, height))
        return Prediction(
            score=score,
            class_probabilities=probabilities,
            boxes=boxes,
            anomaly_map=drawn,
            ms=(time.perf_counter() - begun) * 1000.0,
        )


def draw_class_boxes(
    drawn: np.ndarray, label: str, probability: float, image_size_px: tuple[int, int]
) -> tuple[PredictedBox, ...]:
    """Return boxes around what speaks most for a label, in pixels of the image of this (width, height).

    A box's score is the label's probability, less where its evidence is weaker than the strongest. None where nothing
    speaks for the label in particular.
    """
    peak = float(drawn.max())
    if peak <= 0.0:
        return ()
    regions = find_regions(drawn, threshold=BOX_SHARE * peak, image_size_px=image_size_px)
    return tuple(PredictedBox(one.x, one.y, one.w, one.h, probability * one.score / peak, label) for one in regions)
