"""How an inspection and what people decided about it are given out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from core.api.context import Context
from core.api.shapes import FileError, Shape
from core.inspections.decisions import Decision
from core.inspections.description import describe_record
from core.inspections.records import InspectionRecord


class Region(Shape):
    """A defective place, in pixels of the image from its top left; `score` is a distance as of the inspection."""

    x: int
    y: int
    w: int
    h: int
    area: int
    score: float
    defect_type: str | None = None
    type_share: float | None = None


class SimilarImage(Shape):
    """An image that looks alike: cosine `similarity`, `closeness` 0 to 100 on the product's own scale."""

    image: str
    similarity: float
    defect_type: str | None
    closeness: float | None
    likeness: str | None
    inspection: int | None
    done: str | None


class DecisionShape(Shape):
    """What people have decided: `verdict` is the one in force. Send `row_version` back with the next decision."""

    row_version: int
    verdict: Literal["ok", "review", "reject"]
    override_reason: str
    overridden_at: datetime | None
    defect_type_id: int | None
    confirmed_at: datetime | None
    action_status: Literal["none", "open", "done"]
    action_note: str
    action_at: datetime | None
    review_state: Literal["none", "waiting", "done"]
    reviewed_at: datetime | None


class Addresses(Shape):
    """Where the inspection and its pictures are."""

    self: str
    image: str
    heat_map: str
    thumbnail: str
    report: str


class TrainedBoxFound(Shape):
    """A place that the trained model took for a type of defect, in pixels of the image."""

    x: float
    y: float
    w: float
    h: float
    score: float
    label: str


class TrainedFound(Shape):
    """What the trained model in use said beside the score.

    `raised`: the part waits for a person because of it. `error_code` says why it could not be asked.
    """

    version_id: int
    number: int
    label: str
    probability: float
    is_defect: bool
    raised: bool
    probabilities: dict[str, float]
    boxes: list[TrainedBoxFound]
    error_code: str | None = None


class Inspection(Shape):
    """One inspected part: what the model found, what is known of the part, what people decided."""

    id: int
    file: str
    product: str
    verdict: Literal["ok", "review", "reject"]
    score: float
    review_at: float
    reject_at: float
    regions: list[Region]
    suggested_defect_type: str | None
    similar: list[SimilarImage]
    notes: list[str]
    model_version: int
    ms: float
    created_at: datetime
    created_by: str
    line: str
    lot: str
    serial: str
    shift: str
    source: str
    width_px: int
    height_px: int
    decision: DecisionShape
    addresses: Addresses
    found_as: Literal["", "internal", "external", "combined"] | None = Field(
        default=None, description="Of a part with several views: what the views that found it make it."
    )
    missing_views: list[str] | None = None
    trained: TrainedFound | None = Field(default=None, description="Where a trained model of the product is in use.")
    fusion: FusionName | None = None
    views: list[ViewFound] | None = Field(
        default=None, description="Of a part with several views; `score` and the thresholds are then probabilities."
    )


class FusionName(Shape):
    """The rule by which views were combined: its id in the product's history, and its method."""

    id: int
    method: Literal["weighted_average", "voting", "rule_based"]


class ViewFound(Shape):
    """What one picture of a part showed: `probability` went into the combined verdict; null where it failed."""

    view: str
    exposure: int
    file: str
    verdict: Literal["ok", "review", "reject"]
    probability: float | None
    score: float | None
    review_at: float | None
    reject_at: float | None
    deciding: bool
    regions: list[Region]
    suggested_defect_type: str | None
    notes: list[str]
    model_version: int | None
    ms: float
    error: dict[str, str] | None = None


class FileOutcome(Shape):
    """What became of one file: its inspection, or the error for which there is none."""

    file: str
    inspection: Inspection | None = None
    error: FileError | None = None


class Outcomes(Shape):
    """What became of each file, in the order in which they were sent."""

    outcomes: list[FileOutcome]
    failed: int = Field(description="How many have no inspection.")


def to_shape(asked: Context, record: InspectionRecord) -> Inspection:
    """Return a record as it is given out."""
    own = asked.address("inspections", record.id)
    return Inspection(
        **describe_record(record, language=asked.language),
        id=record.id,
        file=record.original_name,
        created_at=record.created_at,
        created_by=record.person_name,
        line=record.part.line,
        lot=record.part.lot,
        serial=record.part.serial,
        shift=record.part.shift,
        source=record.part.source,
        width_px=record.width_px,
        height_px=record.height_px,
        decision=to_decision(record.decision),
        addresses=Addresses(
            self=own,
            image=f"{own}/image",
            heat_map=f"{own}/heat-map",
            thumbnail=f"{own}/thumbnail",
            report=f"{own}/report",
        ),
    )


def to_decision(decision: Decision) -> DecisionShape:
    """Return what people decided as it is given out."""
    return DecisionShape.model_validate(decision)
