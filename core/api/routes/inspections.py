"""Inspections: look at one, decide about it, fetch its pictures."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Context, Id
from core.api.files import FILE_SCHEMA, IMAGE_TYPES, file_response, media_type_of
from core.api.inspection_shapes import DecisionShape, Inspection, to_decision, to_shape
from core.api.shapes import Wanted
from core.errors import from_lower
from core.inspections.decisions import close_action, confirm_defect_type, override_verdict
from core.inspections.records import InspectionRecord, load_record
from core.outgoing import note_export
from storage.object_store import ObjectStoreError

router = APIRouter(prefix="/inspections", tags=["inspections"])


class TypeWanted(Wanted):
    """Which defect type it is; null: none of the known ones."""

    row_version: int = Field(ge=1, le=LARGEST_ID)
    defect_type_id: int | None = Field(ge=1, le=LARGEST_ID)


class OverrideWanted(Wanted):
    """Another verdict than the model's, and why."""

    row_version: int = Field(ge=1, le=LARGEST_ID)
    verdict: Literal["ok", "review", "reject"]
    reason: str = Field(min_length=1, max_length=4_000)


class ActionWanted(Wanted):
    """Whether the corrective action is done."""

    row_version: int = Field(ge=1, le=LARGEST_ID)
    status: Literal["open", "done"]
    note: str = Field(default="", max_length=4_000)


@router.get("/{inspection_id}", summary="One inspection")
def get_inspection(inspection_id: Id, asked: Asked) -> Inspection:
    """Return everything that was known then, and what was decided since."""
    return to_shape(asked, load_record(asked.services, inspection_id))


@router.put("/{inspection_id}/defect-type", summary="Confirm the defect type")
def confirm_type(inspection_id: Id, wanted: TypeWanted, asked: Asked) -> DecisionShape:
    """Say which defect type it is."""
    decision = confirm_defect_type(
        asked.services,
        asked.person,
        inspection_id,
        row_version=wanted.row_version,
        defect_type_id=wanted.defect_type_id,
    )
    return to_decision(decision)


@router.put("/{inspection_id}/verdict", summary="Override the verdict")
def override(inspection_id: Id, wanted: OverrideWanted, asked: Asked) -> DecisionShape:
    """Put another verdict over the model's, with the reason; a person has still to confirm it."""
    decision = override_verdict(
        asked.services,
        asked.person,
        inspection_id,
        row_version=wanted.row_version,
        verdict=wanted.verdict,
        reason=wanted.reason,
    )
    return to_decision(decision)


@router.put("/{inspection_id}/action", summary="Close the corrective action, or leave it open")
def set_action(inspection_id: Id, wanted: ActionWanted, asked: Asked) -> DecisionShape:
    """Record whether the corrective action is done."""
    decision = close_action(
        asked.services,
        asked.person,
        inspection_id,
        row_version=wanted.row_version,
        status=wanted.status,
        note=wanted.note,
    )
    return to_decision(decision)


_ANY_IMAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {"schema": FILE_SCHEMA} for kind in IMAGE_TYPES}, "description": "The file"}
}
_PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": FILE_SCHEMA}}, "description": "The picture"}
}
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": FILE_SCHEMA}}, "description": "The picture"}
}
_PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": FILE_SCHEMA}}, "description": "The report"}
}


@router.get("/{inspection_id}/image", response_class=Response, responses=_ANY_IMAGE, summary="The image as it was sent")
def get_inspected_image(inspection_id: Id, asked: Asked) -> Response:
    """Return the file that was inspected, unchanged."""
    record = load_record(asked.services, inspection_id)
    return file_response(_read_object(asked, record.image_key, record), media_type_of(record.image_key))


@router.get("/{inspection_id}/heat-map", response_class=Response, responses=_PNG, summary="The heat map")
def get_heat_map(inspection_id: Id, asked: Asked) -> Response:
    """Return the anomaly map in colors that hang on the thresholds: a PNG with transparency, to lay over the image."""
    from core.inspections.colormap import encode_heat
    from core.inspections.images import load_anomaly_map

    record = load_record(asked.services, inspection_id)
    heat = load_anomaly_map(asked.services, record)
    review_at, reject_at = record.map_limits
    return file_response(encode_heat(heat, review_at=review_at, reject_at=reject_at), "image/png")


@router.get("/{inspection_id}/thumbnail", response_class=Response, responses=_JPEG, summary="A small picture")
def get_inspection_thumbnail(inspection_id: Id, asked: Asked) -> Response:
    """Return the image, small."""
    record = load_record(asked.services, inspection_id)
    return file_response(_read_object(asked, record.thumbnail_key, record), media_type_of(record.thumbnail_key))


@router.get("/{inspection_id}/report", response_class=Response, responses=_PDF, summary="The report as PDF")
def get_report(inspection_id: Id, asked: Asked) -> Response:
    """Return the inspection as PDF, in the language asked for."""
    from core.reports.inspection_report import make_finding_report

    data = make_finding_report(asked.services, inspection_id, language=asked.language)
    note_export(asked.services, asked.person, "report", subject_type="inspection", subject_id=inspection_id, form="pdf")
    return file_response(data, "application/pdf", file_name=f"inspection_{inspection_id}.pdf")


def _read_object(asked: Context, key: str, record: InspectionRecord) -> bytes:
    try:
        return asked.services.objects.get(key)
    except ObjectStoreError as error:
        raise from_lower(error, name=record.original_name) from error
