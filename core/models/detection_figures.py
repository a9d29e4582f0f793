"""What a detector measured on test images, as the row of its version holds it.

Rows of earlier versions of the program lack some fields; these have their defaults. What was not measured is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from core.models.head_figures import HeadFigures
from core.models.input_figures import InputFigures
from core.models.judgments import WEAK_KEY, WeakSpot, read_weak
from storage.json_fields import read_float, read_floats, read_int, read_object, read_text, read_texts

Scalar = float | int | str | None


def read_measured(values: Mapping[str, Scalar]) -> dict[str, float]:
    """Return the numbers among the values by name: what was measured."""
    return {name: number for name, value in values.items() if (number := read_float(value)) is not None}


@dataclass(frozen=True)
class TypeFigures:
    """The test images of one defect type, their AUROC against all normal ones, and how many were judged OK."""

    n: int
    image_auroc: float | None
    escape: int | None = None

    @classmethod
    def from_json(cls, value: object) -> TypeFigures:
        """Return the figures of a type in a version's metrics."""
        data = read_object(value)
        return cls(read_int(data.get("n")) or 0, read_float(data.get("image_auroc")), read_int(data.get("escape")))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        counted = {} if self.escape is None else {"escape": self.escape}
        return {"n": self.n, "image_auroc": self.image_auroc, **counted}


@dataclass(frozen=True)
class VerdictCounts:
    """How many images of one label got each verdict."""

    ok: int = 0
    review: int = 0
    reject: int = 0

    @classmethod
    def from_json(cls, value: object) -> VerdictCounts:
        """Return one row of a confusion table."""
        data = read_object(value)
        return cls(*(read_int(data.get(verdict)) or 0 for verdict in ("ok", "review", "reject")))

    def to_json(self) -> dict[str, int]:
        """Return the JSON object that `from_json` reads."""
        return {"ok": self.ok, "review": self.review, "reject": self.reject}


@dataclass(frozen=True)
class ConfusionFigures:
    """Verdicts by true label."""

    normal: VerdictCounts
    defect: VerdictCounts

    @classmethod
    def from_json(cls, value: object) -> ConfusionFigures | None:
        """Return the confusion table in a version's metrics, or None."""
        data = read_object(value)
        if not data:
            return None
        return cls(VerdictCounts.from_json(data.get("normal")), VerdictCounts.from_json(data.get("defect")))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {"normal": self.normal.to_json(), "defect": self.defect.to_json()}


@dataclass(frozen=True)
class DetectionSummary:
    """The few figures of a detector that a job's outcome tells."""

    image_auroc: float | None = None
    pixel_auroc: float | None = None
    aupro: float | None = None
    overkill: int | None = None
    escape: int | None = None

    def by_name(self) -> dict[str, float]:
        """Return what was measured."""
        return read_measured(self.to_json())

    @classmethod
    def from_json(cls, value: object) -> DetectionSummary:
        """Return the figures in a job's outcome."""
        data = read_object(value)
        return cls(
            image_auroc=read_float(data.get("image_auroc")),
            pixel_auroc=read_float(data.get("pixel_auroc")),
            aupro=read_float(data.get("aupro")),
            overkill=read_int(data.get("overkill")),
            escape=read_int(data.get("escape")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True)
class DetectionFigures:
    """A detector measured on test images.

    `overkill` normal parts were judged NG and `escape` defective ones OK. `skipped` names images that could not be
    read. `type_top1` is how often the defect head names the type of a defect first, None without one or with a single
    type. Figures with the same `test_fingerprint` stand on the same images, labels and masks. `weak_on_test` names
    what the detector hardly tells from good parts: all defects together first, then single types.
    """

    n_normal: int | None = None
    n_defect: int | None = None
    image_auroc: float | None = None
    pixel_auroc: float | None = None
    aupro: float | None = None
    per_defect: Mapping[str, TypeFigures] = field(default_factory=dict)
    confusion: ConfusionFigures | None = None
    overkill: int | None = None
    escape: int | None = None
    ms_per_image: float | None = None
    skipped: tuple[str, ...] = ()
    test_fingerprint: str | None = None
    weak_on_test: tuple[WeakSpot, ...] = ()
    type_top1: float | None = None

    @property
    def summary(self) -> DetectionSummary:
        """Return the figures for a job's outcome."""
        return DetectionSummary(self.image_auroc, self.pixel_auroc, self.aupro, self.overkill, self.escape)

    def by_name(self) -> dict[str, float]:
        """Return the single figures that were measured."""
        counts = read_measured({"n_normal": self.n_normal, "n_defect": self.n_defect})
        return counts | self.summary.by_name() | read_measured({"ms_per_image": self.ms_per_image})

    @classmethod
    def from_json(cls, value: object) -> DetectionFigures | None:
        """Return what a version's metrics tell of its test images; None where they tell nothing."""
        data = read_object(value)
        if not DETECTION_KEYS & data.keys():
            return None
        return cls(
            n_normal=read_int(data.get("n_normal")),
            n_defect=read_int(data.get("n_defect")),
            image_auroc=read_float(data.get("image_auroc")),
            pixel_auroc=read_float(data.get("pixel_auroc")),
            aupro=read_float(data.get("aupro")),
            per_defect={
                code: TypeFigures.from_json(found) for code, found in read_object(data.get("per_defect")).items()
            },
            confusion=ConfusionFigures.from_json(data.get("confusion")),
            overkill=read_int(data.get("overkill")),
            escape=read_int(data.get("escape")),
            ms_per_image=read_float(data.get("ms_per_image")),
            skipped=read_texts(data.get("skipped")),
            test_fingerprint=read_text(data.get("test_fingerprint")),
            weak_on_test=read_weak(data.get(WEAK_KEY)),
            type_top1=read_float(data.get("type_top1")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "n_normal": self.n_normal,
            "n_defect": self.n_defect,
            "image_auroc": self.image_auroc,
            "pixel_auroc": self.pixel_auroc,
            "aupro": self.aupro,
            "per_defect": {code: found.to_json() for code, found in self.per_defect.items()},
            "confusion": self.confusion.to_json() if self.confusion is not None else {},
            "overkill": self.overkill,
            "escape": self.escape,
            "ms_per_image": self.ms_per_image,
            "skipped": list(self.skipped),
            "test_fingerprint": self.test_fingerprint,
            **({} if self.type_top1 is None else {"type_top1": self.type_top1}),
            **({WEAK_KEY: [found.to_json() for found in self.weak_on_test]} if self.weak_on_test else {}),
        }


# Where the metrics of a version hold the scores of labeled defects.
SCORES_KEY = "defect_scores"
# Where they hold the cross-fitted scores of normal images, of a bank whose sources do not.
_NORMAL_SCORES_KEY = "normal_scores"
# Where they, and a job's outcome, hold what its labeled defects taught it.
HEAD_KEY = "defect_head"
_INPUT_KEY = "input_choice"
DETECTION_KEYS = frozenset(one.name for one in fields(DetectionFigures))


@dataclass(frozen=True)
class BankFigures:
    """What a memory bank measured, None without test images, and what its detector says of its own size.

    `defect_scores` are those of labeled defect images of either split, by the engine's key: the next version is
    compared with them. Versions of before have none. `head` is of the defect head, None for a bank that was not taught.
    `input_choice` is how its build chose to look at the images, None where it knew no such choice. `normal_scores` are
    those that its thresholds stand on, by the engine's key, of a bank that cannot be extended (else: `BankGrowth`).
    """

    detection: DetectionFigures | None = None
    model: Mapping[str, Scalar] = field(default_factory=dict)
    defect_scores: Mapping[str, float] = field(default_factory=dict)
    head: HeadFigures | None = None
    input_choice: InputFigures | None = None
    normal_scores: Mapping[str, float] = field(default_factory=dict)

    def by_name(self) -> dict[str, float]:
        """Return the single figures that were measured, and the numbers of the detector."""
        return (self.detection.by_name() if self.detection is not None else {}) | read_measured(self.model)

    @classmethod
    def from_json(cls, value: object) -> BankFigures:
        """Return the metrics of a memory bank's row."""
        data = read_object(value)
        model = {
            name: found
            for name, found in data.items()
            if name not in DETECTION_KEYS and isinstance(found, int | float | str | None)
        }
        return cls(
            DetectionFigures.from_json(data),
            model,
            read_floats(data.get(SCORES_KEY)),
            HeadFigures.from_json(data.get(HEAD_KEY)),
            InputFigures.from_json(data.get(_INPUT_KEY)),
            read_floats(data.get(_NORMAL_SCORES_KEY)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        scores = {SCORES_KEY: dict(self.defect_scores)} if self.defect_scores else {}
        head = {HEAD_KEY: self.head.to_json()} if self.head is not None else {}
        seen = {_INPUT_KEY: self.input_choice.to_json()} if self.input_choice is not None else {}
        normal = {_NORMAL_SCORES_KEY: dict(self.normal_scores)} if self.normal_scores else {}
        measured = self.detection.to_json() if self.detection is not None else {}
        return {**measured, **self.model, **scores, **head, **seen, **normal}
