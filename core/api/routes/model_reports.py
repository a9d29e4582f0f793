"""The report of a memory bank on its test images, measuring it once more, and two versions beside each other."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Id, OnceKey
from core.api.repeats import answer_once
from core.api.routes.jobs import JobShape, get_job
from core.api.routes.thresholds import CountsShape, EntryShape, RateShape
from core.api.shapes import Shape
from core.model_report.comparison import compare
from core.model_report.comparison_records import Side
from core.model_report.measurement import start_measurement
from core.model_report.reading import read_report
from core.model_report.records import ModelReport, ScoredImage, TypeReport

router = APIRouter(prefix="/models", tags=["models and thresholds"])


class IntervalShape(Shape):
    """A figure from 0 to 1 with its 95 % bounds."""

    value: float
    low: float
    high: float


class TypeShape(Shape):
    """The test images of one defect type: how many, on how many parts, and how they do."""

    code: str
    n: int
    n_parts: int
    image_auroc: float | None
    escape: RateShape
    reviewed: RateShape
    lowest_score: float


class CurveShape(Shape):
    """Points by falling threshold. ROC: overkill (x), defects found (y); precision (y) by recall (x)."""

    x: list[float]
    y: list[float]
    thresholds: list[float]


class ScoredImageShape(Shape):
    """A test image as it was measured; `image_id` is null where it was deleted, `defect_type` for a good one."""

    id: int
    image_id: int | None
    name: str
    part: str
    defect_type: str | None
    score: float
    verdict: str
    pixel_auroc: float | None


class ReportShape(Shape):
    """How a memory bank does on its test images, with the thresholds in force. `warnings` are codes."""

    version_id: int
    number: int
    product: str
    state: str
    model_name: str
    measured_at: datetime
    is_current: bool = Field(description="Whether the test images are still those that were measured.")
    n_good: int
    n_defect: int
    thresholds: list[EntryShape] = Field(description="All that it has had, those in force first.")
    image_auroc: IntervalShape | None
    pixel_auroc: float | None
    aupro: float | None
    ms_per_image: float | None
    confusion: CountsShape
    types: list[TypeShape]
    roc: CurveShape | None
    precision_recall: CurveShape | None
    skipped: list[str]
    warnings: list[str]
    images: list[ScoredImageShape] | None = Field(description="From the lowest score on; null unless asked for.")


class DifferenceShape(Shape):
    """B minus A, with its 95 % bounds from resampled parts; `p` of McNemar's exact test over parts."""

    value: float
    low: float
    high: float
    p: float | None


class SideShape(Shape):
    """One of two versions, by its own thresholds."""

    version_id: int
    number: int
    thresholds: EntryShape
    confusion: CountsShape
    image_auroc: IntervalShape | None


class DisagreementShape(Shape):
    """A test image that both versions judge differently; `better` is a or b, whichever is nearer to the truth."""

    image_id: int | None
    name: str
    defect_type: str | None
    score_a: float
    verdict_a: str
    score_b: float
    verdict_b: str
    better: str | None


class ComparisonShape(Shape):
    """Two versions on the test images that both were measured on, with the same label."""

    a: SideShape
    b: SideShape
    n_common: int
    n_parts: int
    n_only_a: int
    n_only_b: int
    n_relabeled: int
    image_auroc: DifferenceShape | None
    escape: DifferenceShape | None
    stopped_good: DifferenceShape | None
    disagreements: list[DisagreementShape]


@router.get("/{version_id}/report", summary="The report of a memory bank")
def get_model_report(
    version_id: Id,
    asked: Asked,
    images: Annotated[bool, Query(description="Every scored image, too.")] = False,
) -> ReportShape:
    """Return how a version does on its test images. 409 `report_not_measured`: measure it first."""
    return _shape(read_report(asked.services, version_id), with_images=images)


@router.post("/{version_id}/measurement", status_code=202, response_model=JobShape, summary="Measure a memory bank")
def measure_version(version_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Queue the job that scores the product's test images of now; the report is of them when it is done."""

    def make() -> JobShape:
        return get_job(start_measurement(asked.services, asked.person, version_id), asked)

    return answer_once(
        asked,
        once,
        None,
        make,
        status=202,
        location=lambda made: asked.address("jobs", made.id),
        find=lambda job_ids: get_job(job_ids[0], asked),
    )


@router.get("/{version_id}/comparison", summary="Two memory banks beside each other")
def compare_versions(
    version_id: Id,
    asked: Asked,
    other: Annotated[int, Query(ge=1, le=LARGEST_ID, description="The version to compare with: B.")],
) -> ComparisonShape:
    """Return how two versions of a product differ on the same test images."""
    found = compare(asked.services, version_id, other)
    return ComparisonShape.model_validate(
        {
            "a": _side(found.a),
            "b": _side(found.b),
            "n_common": found.n_common,
            "n_parts": found.n_parts,
            "n_only_a": found.n_only_a,
            "n_only_b": found.n_only_b,
            "n_relabeled": found.n_relabeled,
            "image_auroc": found.auroc,
            "escape": found.escape,
            "stopped_good": found.stopped_good,
            "disagreements": [
                DisagreementShape(
                    image_id=one.image.image_id,
                    name=one.image.name,
                    defect_type=one.image.defect_type,
                    score_a=one.score_a,
                    verdict_a=one.verdict_a,
                    score_b=one.score_b,
                    verdict_b=one.verdict_b,
                    better=one.better,
                )
                for one in found.disagreements
            ],
        }
    )


def _shape(found: ModelReport, *, with_images: bool) -> ReportShape:
    return ReportShape.model_validate(
        {
            "version_id": found.head.version_id,
            "number": found.head.number,
            "product": found.head.product_code,
            "state": found.head.state,
            "model_name": found.head.model_name,
            "measured_at": found.measured_at,
            "is_current": found.freshness.is_current,
            "n_good": found.n_good,
            "n_defect": found.n_defect,
            "thresholds": found.thresholds,
            "image_auroc": found.auroc,
            "pixel_auroc": found.figures.pixel_auroc,
            "aupro": found.figures.aupro,
            "ms_per_image": found.figures.ms_per_image,
            "confusion": found.confusion,
            "types": [_type(one) for one in found.types],
            "roc": found.roc,
            "precision_recall": found.precision_recall,
            "skipped": list(found.figures.skipped),
            "warnings": list(found.warnings),
            "images": [_image(found, one) for one in found.images] if with_images else None,
        }
    )


def _type(one: TypeReport) -> TypeShape:
    return TypeShape.model_validate(one)


def _image(found: ModelReport, one: ScoredImage) -> ScoredImageShape:
    return ScoredImageShape(
        id=one.id,
        image_id=one.image_id,
        name=one.name,
        part=one.part,
        defect_type=one.defect_type,
        score=one.score,
        verdict=one.verdict_at(found.in_force.review_at, found.in_force.reject_at),
        pixel_auroc=one.pixel_auroc,
    )


def _side(side: Side) -> SideShape:
    return SideShape.model_validate(
        {
            "version_id": side.head.version_id,
            "number": side.head.number,
            "thresholds": side.in_force,
            "confusion": side.confusion,
            "image_auroc": side.auroc,
        }
    )
