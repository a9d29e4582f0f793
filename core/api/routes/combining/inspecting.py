"""Inspecting one part by several views: a form with one file field a view."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from core.api.context import Asked, Context, OnceKey
from core.api.files import FILE_SCHEMA
from core.api.inspection_shapes import Inspection, to_shape
from core.api.routes.inspecting import DETAILS, read_details, read_top_k
from core.api.uploads import MULTIPART, Sent, check_image_size, read_form, run_upload
from core.catalog.products import find_product
from core.errors import BadInput
from core.inspections.by_view.examining import MOST_PICTURES, ViewPicture
from core.inspections.by_view.inspection import inspect_views
from core.inspections.records import InspectionRecord, load_record
from core.inspections.storing import find_by_key

router = APIRouter(prefix="/inspections", tags=["inspections"])

_FIELDS: dict[str, Any] = {
    "product": {"type": "string", "description": "The product's code.", "example": "cell"},
    **{name: {"type": "string", "maxLength": 64} for name in DETAILS},
    "top_k": {"type": "integer", "minimum": 1, "maximum": 20, "default": 6},
}
_FORM = {
    "schema": {
        "type": "object",
        "required": ["product"],
        "properties": _FIELDS,
        "additionalProperties": FILE_SCHEMA,
        "description": "A file field for each view, named by the view's code (ct, rgb …); repeated for more exposures.",
    }
}


@router.post(
    "/by-view",
    status_code=201,
    response_model=Inspection,
    summary="Inspect one part by several views",
    openapi_extra={"requestBody": {"required": True, "content": {MULTIPART: _FORM}}},
)
async def inspect_by_view(request: Request, asked: Asked, once: OnceKey = None) -> Response:
    """Inspect a part by a picture, or more, of each view: one combined verdict, and what each view showed.

    A picture that cannot be judged has its error, and the others stand. With an `Idempotency-Key` that has an
    inspection already, that one is given out.
    """
    sent = await read_form(request, most_files=MOST_PICTURES)
    try:
        record = await run_upload(_inspect, asked, sent, once)
    finally:
        await sent.close()
    asked.interface.metrics.inspections.labels(record.verdict).inc()
    shape = await run_in_threadpool(to_shape, asked, record)
    return Response(
        shape.model_dump_json(),
        status_code=201,
        media_type="application/json",
        headers={"Location": shape.addresses.self},
    )


def _inspect(asked: Context, sent: Sent, once: str | None) -> InspectionRecord:
    product = find_product(asked.services, sent.fields.get("product", ""))
    details = read_details(sent.fields)
    top_k = read_top_k(sent.fields.get("top_k"), 6)
    for _, file in sent.files:
        if (too_large := check_image_size(file)) is not None:
            raise too_large
    pictures = [ViewPicture(name.strip().lower(), file.read(), file.name) for name, file in sent.files]
    key = None if once is None else f"api:{asked.caller.key_id}:{once}"
    record: InspectionRecord | None = None
    if key is not None and (earlier := find_by_key(asked.services, key)) is not None:
        record = load_record(asked.services, earlier)
    if record is None:
        record = inspect_views(
            asked.services,
            asked.person,
            product_id=product.id,
            pictures=pictures,
            part=details,
            top_k=top_k,
            idempotency_key=key,
        ).record
    if key is not None and _tell(record) != (
        product.id,
        sorted((one.view, hashlib.sha256(one.data).hexdigest()) for one in pictures),
    ):
        raise BadInput("idempotency_key_reused")
    return record


def _tell(record: InspectionRecord) -> tuple[int, list[tuple[str, str]]]:
    """Return what the inspection was asked for with: its product, and the pictures by view and SHA-256."""
    pictures = record.combined.pictures if record.combined is not None else ()
    return record.product.id, sorted((one.code, one.image_sha256) for one in pictures)
