"""What came of one product of a job, as the job's row holds it and the command line prints it.

Rows of earlier versions of the program lack some fields. A field that an outcome does not tell is None, and is not
written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import AppError
from core.jobs.notices import Notice, read_notices
from core.jobs.stored_error import StoredError
from core.models.calibration_figures import CalibrationFigures
from core.models.detection_figures import HEAD_KEY, DetectionSummary
from core.models.figures import ManualFigures
from core.models.head_figures import HeadFigures
from core.models.judgments import REASONS_KEY, WEAK_KEY, HoldReason, WeakSpot, read_reasons, read_weak, write_reasons
from storage.json_fields import read_float, read_int, read_object, read_objects, read_text, read_texts

ACTIVATED, CANDIDATE, UNCHANGED, RETIRED, FAILED = "activated", "candidate", "unchanged", "retired", "failed"
# Of a job that builds nothing.
MEASURED = "measured"
# Of a job that changes images: the files that it skipped were changed by somebody else meanwhile.
IMAGES_CHANGED = "images_changed"
# Whose build gave a new version: their times say how fast this machine is.
BUILT = (ACTIVATED, CANDIDATE)


@dataclass(frozen=True)
class SkippedFile:
    """A file that a build left out, and the code of the reason."""

    name: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """Return the JSON object that is read by `read_skipped`."""
        return {"name": self.name, "reason": self.reason}


def read_skipped(value: object) -> tuple[SkippedFile, ...] | None:
    """Return the files in a list of JSON objects; None for what is no list."""
    if not isinstance(value, list | tuple):
        return None
    return tuple(
        SkippedFile(read_text(found.get("name")) or "", read_text(found.get("reason")) or "")
        for found in read_objects(value)
    )


@dataclass(frozen=True)
class SetApartImage:
    """A normal image that does not look like the others, and its score by a model that did not learn from it."""

    name: str
    image_id: int
    score: float

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that is read by `read_set_apart`."""
        return {"name": self.name, "image_id": self.image_id, "score": self.score}


def read_set_apart(value: object) -> tuple[SetApartImage, ...] | None:
    """Return the images in a list of JSON objects; None for what is no list."""
    if not isinstance(value, list | tuple):
        return None
    return tuple(
        SetApartImage(
            read_text(found.get("name")) or "",
            read_int(found.get("image_id")) or 0,
            read_float(found.get("score")) or 0.0,
        )
        for found in read_objects(value)
    )


@dataclass(frozen=True)
class ProductOutcome:
    """What came of a product, or of one `view` of it.

    `outcome` is activated, candidate, unchanged, retired, measured or failed.
    `code` is the product's. `reason` says why a version is or is not in use (see `core.deployments.acceptance`).
    `notices` say what of its images goes against its preprocessing.
    `held_back` are the reasons for which it waits, or that a person overrode; `weak_on_test` is what it hardly finds.
    `number` and `version_id` are those of the version, `numbers` those of an index by part. `set_apart` are the normal
    images that were not learned from, `head` is what labeled defects taught. `work_s` is how long the work took, and
    `cost_s` what it takes at the standard pace.
    """

    product_id: int
    code: str
    outcome: str
    reason: str | None = None
    version_id: int | None = None
    number: int | None = None
    numbers: Mapping[str, int] | None = None
    metrics: DetectionSummary | ManualFigures | None = None
    warnings: tuple[str, ...] | None = None
    notices: tuple[Notice, ...] | None = None
    calibration: CalibrationFigures | None = None
    skipped_images: tuple[SkippedFile, ...] | None = None
    skipped_manuals: tuple[SkippedFile, ...] | None = None
    set_apart: tuple[SetApartImage, ...] | None = None
    work_s: float | None = None
    cost_s: float | None = None
    error: StoredError | None = None
    held_back: tuple[HoldReason, ...] = ()
    weak_on_test: tuple[WeakSpot, ...] = ()
    head: HeadFigures | None = None
    view: str | None = None

    @classmethod
    def failed(cls, product_id: int, code: str, error: AppError) -> ProductOutcome:
        """Return the outcome of a product that could not be built; its active version is untouched."""
        return cls(product_id, code, FAILED, error=StoredError.from_error(error))

    @property
    def label(self) -> str:
        """Return the product's code, with that of the view where it is of one."""
        return f"{self.code}/{self.view}" if self.view else self.code

    @classmethod
    def from_json(cls, value: object) -> ProductOutcome:
        """Return one outcome in the result of a job's row."""
        data = read_object(value)
        return cls(
            product_id=read_int(data.get("product_id")) or 0,
            code=read_text(data.get("code")) or "",
            outcome=read_text(data.get("outcome")) or "",
            reason=read_text(data.get("reason")),
            version_id=read_int(data.get("version_id")),
            number=read_int(data.get("number")),
            numbers=_read_numbers(data.get("numbers")),
            metrics=_read_metrics(data.get("metrics")),
            warnings=read_texts(data["warnings"]) if "warnings" in data else None,
            notices=read_notices(data.get("notices")),
            calibration=CalibrationFigures.from_json(data["calibration"]) if "calibration" in data else None,
            skipped_images=read_skipped(data.get("skipped_images")),
            skipped_manuals=read_skipped(data.get("skipped_manuals")),
            set_apart=read_set_apart(data.get("set_apart")),
            work_s=read_float(data.get("work_s")),
            cost_s=read_float(data.get("cost_s")),
            error=StoredError.from_json(data.get("error_code"), data.get("error_params")),
            held_back=read_reasons(data.get(REASONS_KEY)),
            weak_on_test=read_weak(data.get(WEAK_KEY)),
            head=HeadFigures.from_json(data.get(HEAD_KEY)),
            view=read_text(data.get("view")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        values = {
            "product_id": self.product_id,
            "code": self.code,
            "view": self.view or None,
            "outcome": self.outcome,
            "reason": self.reason,
            "version_id": self.version_id,
            "number": self.number,
            "numbers": None if self.numbers is None else dict(self.numbers),
            "metrics": None if self.metrics is None else self.metrics.to_json(),
            "warnings": None if self.warnings is None else list(self.warnings),
            "notices": None if not self.notices else [one.to_json() for one in self.notices],
            "calibration": None if self.calibration is None else self.calibration.to_json(),
            "skipped_images": _write_skipped(self.skipped_images),
            "skipped_manuals": _write_skipped(self.skipped_manuals),
            "set_apart": None if self.set_apart is None else [one.to_json() for one in self.set_apart],
            "work_s": self.work_s,
            "cost_s": self.cost_s,
            "error_code": None if self.error is None else self.error.code,
            "error_params": None if self.error is None else dict(self.error.params),
            WEAK_KEY: [found.to_json() for found in self.weak_on_test] or None,
            HEAD_KEY: None if self.head is None else self.head.to_json(),
            **write_reasons(self.held_back),
        }
        return {name: value for name, value in values.items() if value is not None}


def _read_numbers(value: object) -> dict[str, int] | None:
    if not isinstance(value, Mapping):
        return None
    return {part: number for part, found in value.items() if (number := read_int(found)) is not None}


def _read_metrics(value: object) -> DetectionSummary | ManualFigures | None:
    if not isinstance(value, Mapping):
        return None
    return ManualFigures.from_json(value) if "n_passages" in value else DetectionSummary.from_json(value)


def _write_skipped(files: tuple[SkippedFile, ...] | None) -> list[dict[str, str]] | None:
    return None if files is None else [one.to_json() for one in files]
