"""What another method said of an inspected part: the row's JSON as dataclasses, and the record that a screen shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.comparisons.bills import TokenBill
from core.errors import AppError
from inference.vision.comparison.predictions import PredictedBox, Prediction
from storage.json_fields import read_float, read_floats, read_object, read_objects, read_text


@dataclass(frozen=True)
class StoredPrediction:
    """A prediction as the table keeps it; its map is an object of its own.

    `verdict` is ok, review or reject by the method's own thresholds, empty for a method that has none.
    `thresholds` are (review, reject) in the unit of the score. `model` is the id of a model at its server.
    """

    score: float | None = None
    class_probabilities: Mapping[str, float] = field(default_factory=dict)
    boxes: tuple[PredictedBox, ...] = ()
    words: str = ""
    verdict: str = ""
    thresholds: tuple[float, float] | None = None
    model: str = ""
    bill: TokenBill | None = None

    @classmethod
    def of(
        cls,
        prediction: Prediction,
        *,
        thresholds: tuple[float, float] | None,
        model: str = "",
        bill: TokenBill | None = None,
    ) -> StoredPrediction:
        """Return what is kept of a prediction."""
        return cls(
            score=prediction.score,
            class_probabilities=dict(prediction.class_probabilities),
            boxes=prediction.boxes,
            words=prediction.words,
            verdict=judge(prediction.score, thresholds),
            thresholds=thresholds,
            model=model,
            bill=bill,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "score": self.score,
            "class_probabilities": dict(self.class_probabilities),
            "boxes": [box.to_json() for box in self.boxes],
            "words": self.words,
            "verdict": self.verdict,
            "thresholds": None if self.thresholds is None else list(self.thresholds),
            "model": self.model,
            "bill": None if self.bill is None else self.bill.to_json(),
        }

    @classmethod
    def from_json(cls, value: object) -> StoredPrediction:
        """Return what a row holds; what cannot be read is left out."""
        data = read_object(value)
        boxes = []
        for found in read_objects(data.get("boxes")):
            try:
                boxes.append(PredictedBox.from_json(found))
            except (KeyError, TypeError, ValueError):
                continue
        given = data.get("thresholds")
        pair = [read_float(one) for one in given] if isinstance(given, list) and len(given) == 2 else []
        thresholds = (pair[0], pair[1]) if len(pair) == 2 and pair[0] is not None and pair[1] is not None else None
        return cls(
            score=read_float(data.get("score")),
            class_probabilities=read_floats(data.get("class_probabilities")),
            boxes=tuple(boxes),
            words=read_text(data.get("words")) or "",
            verdict=read_text(data.get("verdict")) or "",
            thresholds=thresholds,
            model=read_text(data.get("model")) or "",
            bill=TokenBill.from_json(data.get("bill")),
        )


@dataclass(frozen=True)
class SecondOpinionRecord:
    """A second opinion as it is shown. `title` is the msgid of the method's name, `method` its code.

    `model_id` is the row of a trained method, None for one that is not trained. `problem` says why there is no answer.
    """

    id: int
    inspection_id: int
    method: str
    title: str
    model_id: int | None
    view: str
    prediction: StoredPrediction
    map_key: str
    latency_ms: float
    problem: AppError | None
    created_at: datetime
    person_name: str


def judge(score: float | None, thresholds: tuple[float, float] | None) -> str:
    """Return ok, review or reject of a score by (review, reject); empty without one of them."""
    if score is None or thresholds is None:
        return ""
    return "reject" if score >= thresholds[1] else "review" if score >= thresholds[0] else "ok"
