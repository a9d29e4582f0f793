"""Model versions and their thresholds: list, put into use, roll back, set, undo."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Id, OnceKey
from core.api.repeats import answer_once
from core.api.routes.jobs import Kind
from core.api.shapes import Shape, Wanted
from core.catalog.products import find_product
from core.models.judgment_words import reason_sentence
from core.models.judgments import reasons_of
from core.registry import thresholds, versions
from core.registry.retention import is_kept
from storage.tables import ModelVersion, ThresholdSetting

router = APIRouter(prefix="/models", tags=["models and thresholds"])


class Reason(Shape):
    """What stands against putting a version into use by itself."""

    code: str
    message: str


class VersionShape(Shape):
    """A version of a product's model: candidate, active or retired. `is_kept`: it can be put into use."""

    id: int
    kind: Kind
    part: str = Field(description="Of a similarity index: normal, defect or region; else empty.")
    view: str = Field(default="", description="The code of the view that it is of; empty for the whole product.")
    product_id: int | None
    number: int
    state: Literal["candidate", "active", "retired"]
    is_kept: bool
    model_name: str
    byte_size: int
    metrics: dict[str, Any]
    held_back: list[Reason]
    job_id: int | None
    created_at: datetime
    activated_at: datetime | None


class Versions(Shape):
    """Versions, the newest first."""

    items: list[VersionShape]


class ActivationWanted(Wanted):
    """Codes of the reasons (`held_back`) in spite of which a candidate is put into use."""

    in_spite_of: list[Annotated[str, Field(max_length=64)]] = Field(default_factory=list, max_length=20)


class ThresholdShape(Shape):
    """Two thresholds, float32 distances of the scores' unit: below `review_at` OK, from `reject_at` on NG."""

    id: int
    model_version_id: int
    review_at: float
    reject_at: float
    method: str
    reason: str
    created_at: datetime
    created_by: int | None


class Thresholds(Shape):
    """All thresholds that a version has had; the first are in force."""

    items: list[ThresholdShape]


class ThresholdsWanted(Wanted):
    """New thresholds, with the reason; `seen_id` is the id of those that were in force when they were chosen."""

    review_at: float
    reject_at: float
    reason: str = Field(max_length=4_000)
    seen_id: int = Field(ge=1, le=LARGEST_ID)


class UndoWanted(Wanted):
    """Why the thresholds of before are put back; `seen_id` is the id of those in force."""

    reason: str = Field(max_length=4_000)
    seen_id: int = Field(ge=1, le=LARGEST_ID)


@router.get("", summary="Model versions of a product")
def list_versions(
    asked: Asked,
    product: Annotated[str, Query(max_length=64, description="The product's code.")],
    kind: Kind = "memory_bank",
    view: Annotated[str | None, Query(max_length=64, description="Those of one view alone, by its code.")] = None,
) -> Versions:
    """Return a product's versions of this kind, the newest first."""
    found = versions.list_versions(asked.services, kind, find_product(asked.services, product).id, view=view)
    return Versions(items=[_shape(row, asked.language) for row in found])


@router.get("/{version_id}", summary="One model version")
def get_version(version_id: Id, asked: Asked) -> VersionShape:
    """Return a version with its figures, and what stands against it."""
    return _shape(versions.get_version(asked.services, version_id), asked.language)


@router.post("/{version_id}/activate", response_model=VersionShape, summary="Put a version into use")
def activate(version_id: Id, asked: Asked, wanted: ActivationWanted | None = None, once: OnceKey = None) -> Response:
    """Fetch and verify a version's files, and inspect with it from the next image on."""
    in_spite_of = wanted.in_spite_of if wanted is not None else []

    def make() -> VersionShape:
        row = versions.activate(asked.services, asked.person, version_id, in_spite_of=in_spite_of)
        return _shape(row, asked.language)

    return answer_once(asked, once, sorted(in_spite_of), make, status=200)


@router.post("/{version_id}/roll-back", response_model=VersionShape, summary="Go back to the version before")
def roll_back(version_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Put into use again what inspected before this version, which is the one in use."""

    def make() -> VersionShape:
        before = versions.find_previous(asked.services, version_id)
        return _shape(versions.activate(asked.services, asked.person, before.id), asked.language)

    return answer_once(asked, once, None, make, status=200)


@router.get("/{version_id}/thresholds", summary="The history of the thresholds")
def list_thresholds(version_id: Id, asked: Asked) -> Thresholds:
    """Return all thresholds of a memory bank, those in force first."""
    found = thresholds.list_thresholds(asked.services, version_id)
    return Thresholds(items=[ThresholdShape.model_validate(row) for row in found])


@router.post("/{version_id}/thresholds", status_code=201, response_model=ThresholdShape, summary="Set the thresholds")
def set_thresholds(version_id: Id, wanted: ThresholdsWanted, asked: Asked, once: OnceKey = None) -> Response:
    """Put other thresholds in force, from the next inspection on; earlier inspections stay as they were judged."""

    def make() -> ThresholdShape:
        row: ThresholdSetting = thresholds.save_thresholds(
            asked.services,
            asked.person,
            version_id,
            wanted.review_at,
            wanted.reject_at,
            reason=wanted.reason,
            seen_id=wanted.seen_id,
        )
        return ThresholdShape.model_validate(row)

    return answer_once(asked, once, wanted.model_dump(), make)


@router.post(
    "/{version_id}/thresholds/undo", status_code=201, response_model=ThresholdShape, summary="Undo the last change"
)
def undo_thresholds(version_id: Id, wanted: UndoWanted, asked: Asked, once: OnceKey = None) -> Response:
    """Put the thresholds before those in force back in force."""

    def make() -> ThresholdShape:
        row = thresholds.undo_thresholds(
            asked.services, asked.person, version_id, reason=wanted.reason, seen_id=wanted.seen_id
        )
        return ThresholdShape.model_validate(row)

    return answer_once(asked, once, wanted.model_dump(), make)


def _shape(row: ModelVersion, language: str) -> VersionShape:
    return VersionShape.model_validate(
        {
            "id": row.id,
            "kind": row.kind,
            "part": versions.part_of(row),
            "view": row.view,
            "product_id": row.product_id,
            "number": row.number,
            "state": row.state,
            "is_kept": is_kept(row),
            "model_name": row.model_name,
            "byte_size": row.byte_size,
            "metrics": row.metrics,
            "held_back": [
                Reason(code=found.code, message=reason_sentence(found, language)) for found in reasons_of(row.metrics)
            ],
            "job_id": row.job_id,
            "created_at": row.created_at,
            "activated_at": row.activated_at,
        }
    )
