"""What stands against a version, as its row and its job's outcome hold it: reasons to wait, and what it hardly finds.

Rows of earlier versions of the program tell neither: then there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storage.json_fields import read_float, read_floats, read_int, read_object, read_objects, read_text

# The reasons, by the code under which they are stored.
WORSE_ON_TEST = "worse_on_test"
KNOWN_DEFECTS = "known_defects_pass"
THRESHOLDS_MOVED = "thresholds_moved"
NEAR_CHANCE = "near_chance"
MOST_ESCAPE = "most_escape"
REASONS = (WORSE_ON_TEST, KNOWN_DEFECTS, THRESHOLDS_MOVED, NEAR_CHANCE, MOST_ESCAPE)
# The AUROC of a coin.
CHANCE = 0.5
# Where a version's metrics, and a job's outcome, hold them.
REASONS_KEY = "held_back"
WEAK_KEY = "weak_on_test"


@dataclass(frozen=True)
class PassedDefect:
    """A labeled defect image that the version in use stops, with `active_score`, and the new one passes, with `score`.

    `name` is the stored name of then and `defect_type` the code: the image may be deleted since.
    """

    image_id: int
    name: str
    defect_type: str
    active_score: float
    score: float

    @classmethod
    def from_json(cls, value: object) -> PassedDefect | None:
        """Return the image; None for one whose number or scores cannot be read."""
        data = read_object(value)
        image_id = read_int(data.get("image_id"))
        active_score, score = read_float(data.get("active_score")), read_float(data.get("score"))
        if image_id is None or active_score is None or score is None:
            return None
        name, code = read_text(data.get("name")) or "", read_text(data.get("defect_type")) or ""
        return cls(image_id, name, code, active_score, score)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "image_id": self.image_id,
            "name": self.name,
            "defect_type": self.defect_type,
            "active_score": self.active_score,
            "score": self.score,
        }


@dataclass(frozen=True)
class HoldReason:
    """Why a version waits for a person: a code of this module, and the figures that it stands on.

    `images` are the known defects that would pass; the sentence of a reason (`held_…`) names its figures.
    """

    code: str
    figures: Mapping[str, float] = field(default_factory=dict)
    images: tuple[PassedDefect, ...] = ()

    @classmethod
    def from_json(cls, value: object) -> HoldReason | None:
        """Return the reason; None for one without a code."""
        data = read_object(value)
        code = read_text(data.get("code"))
        if code is None:
            return None
        images = (PassedDefect.from_json(found) for found in read_objects(data.get("images")))
        return cls(code, read_floats(data.get("figures")), tuple(found for found in images if found is not None))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        values: dict[str, Any] = {"code": self.code, "figures": dict(self.figures)}
        if self.images:
            values["images"] = [found.to_json() for found in self.images]
        return values


def read_reasons(value: object) -> tuple[HoldReason, ...]:
    """Return the reasons in a list of JSON objects."""
    reasons = (HoldReason.from_json(found) for found in read_objects(value))
    return tuple(found for found in reasons if found is not None)


def reasons_of(metrics: object) -> tuple[HoldReason, ...]:
    """Return the reasons in the metrics of a version of any kind."""
    return read_reasons(read_object(metrics).get(REASONS_KEY))


def write_reasons(reasons: Sequence[HoldReason]) -> dict[str, Any]:
    """Return what to add to a version's metrics, or a job's outcome; nothing without reasons."""
    return {REASONS_KEY: [found.to_json() for found in reasons]} if reasons else {}


@dataclass(frozen=True)
class WeakSpot:
    """Defects that a version hardly tells from good parts, or mostly passes, on its test images.

    `defect_type` is the code, empty for all defects together. `low` and `high` are the 95 % bounds of the AUROC;
    `escape` of the `n` images were judged OK.
    """

    defect_type: str
    n: int
    image_auroc: float | None = None
    low: float | None = None
    high: float | None = None
    escape: int | None = None

    @property
    def near_chance(self) -> bool:
        """Return whether the figures do not tell these defects from good parts with 95 % certainty."""
        return self.low is not None and self.low <= CHANCE

    @property
    def mostly_escapes(self) -> bool:
        """Return whether more than half of these defects were judged OK."""
        return self.escape is not None and 2 * self.escape > self.n

    @classmethod
    def from_json(cls, value: object) -> WeakSpot:
        """Return one weak spot of a version."""
        data = read_object(value)
        return cls(
            defect_type=read_text(data.get("defect_type")) or "",
            n=read_int(data.get("n")) or 0,
            image_auroc=read_float(data.get("image_auroc")),
            low=read_float(data.get("low")),
            high=read_float(data.get("high")),
            escape=read_int(data.get("escape")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "defect_type": self.defect_type,
            "n": self.n,
            "image_auroc": self.image_auroc,
            "low": self.low,
            "high": self.high,
            "escape": self.escape,
        }


def read_weak(value: object) -> tuple[WeakSpot, ...]:
    """Return the weak spots in a list of JSON objects."""
    return tuple(WeakSpot.from_json(found) for found in read_objects(value))
