"""What the trained model in use said of an inspected image, as its row keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from storage.json_fields import read_float, read_int, read_object, read_objects, read_text

MOST_BOXES = 20
_MOST_LABELS = 5


@dataclass(frozen=True)
class TrainedBox:
    """A place that the trained model took for a type of defect: in pixels of the inspected image."""

    x: float
    y: float
    w: float
    h: float
    score: float
    label: str

    @classmethod
    def from_json(cls, value: object) -> TrainedBox | None:
        """Return the box of a JSON object; None where its place is not told."""
        data = read_object(value)
        x, y, w, h = (read_float(data.get(name)) for name in ("x", "y", "w", "h"))
        if x is None or y is None or w is None or h is None:
            return None
        return cls(x, y, w, h, read_float(data.get("score")) or 0.0, read_text(data.get("label")) or "")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        numbers = {name: round(getattr(self, name), 1) for name in ("x", "y", "w", "h")}
        return {**numbers, "score": round(self.score, 4), "label": self.label}


@dataclass(frozen=True)
class TrainedFinding:
    """What the trained model said: `label` is the code that it names, of `probability`; `is_defect` by its threshold.

    `raised` says that the part waits for a person because of it: the anomaly score alone would have let it pass.
    `probabilities` are those of the likeliest labels. `error_code` says why it could not be asked, empty where it was;
    the verdict stands without it then.
    """

    version_id: int
    number: int
    label: str = ""
    probability: float = 0.0
    is_defect: bool = False
    raised: bool = False
    probabilities: Mapping[str, float] = field(default_factory=dict)
    boxes: tuple[TrainedBox, ...] = ()
    error_code: str = ""

    @classmethod
    def from_json(cls, value: object) -> TrainedFinding | None:
        """Return the finding of a row's column; None where no trained model was in use."""
        data = read_object(value)
        version_id, number = read_int(data.get("version_id")), read_int(data.get("number"))
        if version_id is None or number is None:
            return None
        shares = {name: read_float(share) for name, share in read_object(data.get("probabilities")).items()}
        return cls(
            version_id,
            number,
            read_text(data.get("label")) or "",
            read_float(data.get("probability")) or 0.0,
            data.get("is_defect") is True,
            data.get("raised") is True,
            {name: share for name, share in shares.items() if share is not None},
            tuple(box for one in read_objects(data.get("boxes")) if (box := TrainedBox.from_json(one)) is not None),
            read_text(data.get("error_code")) or "",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        likeliest = sorted(self.probabilities.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_LABELS]
        values: dict[str, Any] = {
            "version_id": self.version_id,
            "number": self.number,
            "label": self.label,
            "probability": round(self.probability, 4),
            "is_defect": self.is_defect,
            "raised": self.raised,
            "probabilities": {name: round(share, 4) for name, share in likeliest},
            "boxes": [box.to_json() for box in self.boxes[:MOST_BOXES]],
        }
        if self.error_code:
            values["error_code"] = self.error_code
        return values
