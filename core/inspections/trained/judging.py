"""Asking the trained model in use, beside the memory bank.

It knows the labels that it was taught, and nothing else: what was never seen is the memory bank's to find. So the
verdict stays with the anomaly score, and the trained model does two things. It names the type of what is not OK, and
where it is sure of a defect that the score would have let pass, the part waits for a person (Review).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from core.catalog.names import DefectTypeName
from core.catalog.outcomes import is_offered
from core.errors import from_lower
from core.inspections.trained.records import MOST_BOXES, TrainedBox, TrainedFinding
from core.similarity.suggestions import Suggestion
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from core.services import Services
    from inference.vision.comparison.predictions import Prediction
    from inference.vision.comparison.trained_method import TrainedMethod
    from storage.tables import DefectType, ModelVersion

# Below this share the likeliest label names nothing: others are as likely together.
LEAST_SHARE = 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedJudge:
    """The trained model of a product in use: its version, and the network, or why it cannot be asked."""

    version: ModelVersion
    method: TrainedMethod | None = field(repr=False)
    error_code: str = ""


def open_trained(services: Services, version: ModelVersion | None) -> TrainedJudge | None:
    """Return the judge of a version, loaded once in this process; None for none.

    One that cannot be loaded stops no inspection: what it would have said is missing, and the finding says why.
    """
    if version is None:
        return None
    try:
        return TrainedJudge(version, services.models.trained_network(version))
    except (InferenceError, ObjectStoreError) as error:
        found = from_lower(error)
        _log.warning("trained model version %d cannot be asked: %s", version.id, found.code)
        return TrainedJudge(version, None, found.code)


def ask_trained(
    judge: TrainedJudge | None, images: Sequence[NDArray[np.uint8]], verdicts: Sequence[str]
) -> list[TrainedFinding | None]:
    """Return what the trained model says of each image, RGB uint8 H×W×3, whose verdicts by score are given."""
    if judge is None:
        return [None] * len(images)
    nothing = TrainedFinding(judge.version.id, judge.version.number, error_code=judge.error_code)
    if judge.method is None:
        return [nothing] * len(images)
    try:
        predictions = judge.method.predict(images)
    except InferenceError as error:
        _log.warning("trained model version %d failed: %s", judge.version.id, error.code)
        return [replace(nothing, error_code=error.code)] * len(images)
    threshold = judge.method.description.threshold
    return [
        _find(nothing, prediction, threshold, verdict)
        for prediction, verdict in zip(predictions, verdicts, strict=True)
    ]


def _find(nothing: TrainedFinding, prediction: Prediction, threshold: float, verdict: str) -> TrainedFinding:
    if prediction.error is not None or prediction.score is None:
        code = prediction.error.code if prediction.error is not None else "device_failed"
        return replace(nothing, error_code=code)
    label, share = "", 0.0
    if prediction.class_probabilities:
        label, share = max(prediction.class_probabilities.items(), key=lambda pair: (pair[1], pair[0]))
    elif prediction.boxes:
        best = max(prediction.boxes, key=lambda box: box.score)
        label, share = best.label, best.score
    is_defect = prediction.score >= threshold
    boxes = sorted(prediction.boxes, key=lambda box: -box.score)[:MOST_BOXES]
    return replace(
        nothing,
        label=label,
        probability=float(share),
        is_defect=is_defect,
        raised=is_defect and verdict == "ok",
        probabilities={name: float(value) for name, value in prediction.class_probabilities.items()},
        boxes=tuple(TrainedBox(box.x, box.y, box.width, box.height, box.score, box.label) for box in boxes),
    )


def suggest_by_trained(finding: TrainedFinding | None, types: Iterable[DefectType]) -> Suggestion | None:
    """Return the type of defect that the trained model names; None where it is not sure of one, or of a good part."""
    if finding is None or finding.error_code or finding.probability < LEAST_SHARE:
        return None
    named = next((row for row in types if row.code == finding.label and row.outcome != "good"), None)
    if named is None or not is_offered(named):
        return None
    return Suggestion(DefectTypeName.from_row(named), finding.probability)
