"""The reference image that a bundle carries, with the score and the map that its build found."""

from __future__ import annotations

import numpy as np

from inference.artifact import Bundle
from inference.errors import ArtifactError, ModelError
from inference.vision.detection.detector import Detector

REFERENCE_TOLERANCE = 1e-3


def make_reference_input(first_input: np.ndarray) -> np.ndarray:
    """Return a training image with its middle turned to the negative, which is far from every normal part."""
    reference = first_input.copy()
    height, width = reference.shape[:2]
    middle = reference[height * 3 // 8 : height * 5 // 8, width * 3 // 8 : width * 5 // 8]
    np.subtract(255, middle, out=middle)
    return reference


def check_reference(bundle: Bundle, *, score: float, anomaly_map: np.ndarray, runtime: str) -> None:
    """Compare what a runtime found for the reference image with what the bundle says.

    Raises ModelError(`golden_mismatch`) when the score, or the map at its largest difference relative to its
    highest value, differs by more than 1e-3 or is no number, and ArtifactError(`artifact_damaged`).
    """
    try:
        expected, expected_map = float(bundle.metadata["golden"]["score"]), bundle.tensors["golden_map"]
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError("artifact_damaged", file="manifest.json") from error
    if expected_map.shape != anomaly_map.shape:
        raise ModelError("golden_mismatch", runtime=runtime, found=score, expected=expected)
    scale = max(abs(expected), float(expected_map.max()), 1e-12)
    difference = max(abs(score - expected), float(np.abs(anomaly_map - expected_map).max()))
    if not difference <= REFERENCE_TOLERANCE * scale:
        raise ModelError("golden_mismatch", runtime=runtime, found=score, expected=expected)


def verify_reference(model: Detector, bundle: Bundle) -> None:
    """Score the bundle's reference image with the model. Raises as `check_reference` does."""
    score, anomaly_map = model.score_reference()
    check_reference(bundle, score=score, anomaly_map=anomaly_map, runtime=model.runtime_name)
