"""Inspecting: one image, or many."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from core.api.context import Asked, Context, OnceKey
from core.api.files import ENDINGS, FILE_SCHEMA, IMAGE_TYPES
from core.api.inspection_shapes import FileOutcome, Inspection, Outcomes, to_shape
from core.api.shapes import describe_error
from core.api.uploads import (
    MULTIPART,
    Sent,
    SentFile,
    check_image_size,
    content_type_of,
    read_form,
    read_raw,
    require_file,
)
from core.catalog.products import find_product
from core.errors import AppError, BadInput, Unavailable
from core.inspections.loading import PartFile
from core.inspections.part_details import PartDetails
from core.inspections.records import InspectionRecord, load_record
from core.inspections.storing import KeptRequest, find_request

router = APIRouter(prefix="/inspections", tags=["inspections"])

IMAGE_FIELD, MANY_FIELD = "image", "images"
MOST_FILES = 200
# How long a caller is kept waiting; the inspection itself goes on, and is found again by its key.
LONGEST_WAIT_S = 60.0
DETAILS = ("line", "lot", "serial", "shift")
_TEXT_FIELD = {"type": "string", "maxLength": 64}
_FORM_FIELDS = {
    "product": {"type": "string", "description": "The product's code.", "example": "casting"},
    **dict.fromkeys(DETAILS, _TEXT_FIELD),
    "top_k": {"type": "integer", "minimum": 1, "maximum": 20, "default": 6},
}


def _form_schema(field: str, *, many: bool) -> dict[str, Any]:
    file = {"type": "array", "items": FILE_SCHEMA, "minItems": 1, "maxItems": MOST_FILES} if many else FILE_SCHEMA
    return {
        "schema": {
            "type": "object",
            "required": [field, "product"],
            "properties": {field: file, **_FORM_FIELDS},
        }
    }


@router.post(
    "",
    status_code=201,
    response_model=Inspection,
    summary="Inspect one part",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                MULTIPART: _form_schema(IMAGE_FIELD, many=False),
                **{kind: {"schema": FILE_SCHEMA} for kind in IMAGE_TYPES},
            },
        }
    },
)
async def inspect(
    request: Request,
    asked: Asked,
    once: OnceKey = None,
    product: Annotated[str | None, Query(max_length=64, description="The product's code, for a raw body.")] = None,
    line: Annotated[str, Query(max_length=64)] = "",
    lot: Annotated[str, Query(max_length=64)] = "",
    serial: Annotated[str, Query(max_length=64)] = "",
    shift: Annotated[str, Query(max_length=32)] = "",
    top_k: Annotated[int, Query(ge=1, le=20, description="How many similar images.")] = 6,
    file_name: Annotated[str | None, Query(max_length=255, description="For a raw body.")] = None,
) -> Response:
    """Inspect one image: a form with the fields `image` and `product`, or the image itself as the body.

    With an `Idempotency-Key` that has an inspection already, that one is given out.
    """
    sent = await _read_one(request, file_name)
    try:
        file = require_file(sent, IMAGE_FIELD)
        given = {"line": line, "lot": lot, "serial": serial, "shift": shift}
        details = read_details({**given, **sent.fields})
        code = sent.fields.get("product", product or "")
        k = read_top_k(sent.fields.get("top_k"), top_k)
        if (too_large := check_image_size(file)) is not None:
            raise too_large
        record = await _inspect_once(asked, code, file, details, once, k)
    finally:
        await sent.close()
    asked.interface.metrics.inspections.labels(record.verdict).inc()
    shape = to_shape(asked, record)
    return Response(
        shape.model_dump_json(),
        status_code=201,
        media_type="application/json",
        headers={"Location": shape.addresses.self},
    )


@router.post(
    "/many",
    response_model=Outcomes,
    summary="Inspect many parts of one product",
    openapi_extra={"requestBody": {"required": True, "content": {MULTIPART: _form_schema(MANY_FIELD, many=True)}}},
)
async def inspect_several(request: Request, asked: Asked, once: OnceKey = None) -> Outcomes:
    """Inspect up to 200 images (512 MB in all): a file that fails has its error, and the others go on.

    For more, start a batch.
    """
    sent = await read_form(request, most_files=MOST_FILES)
    try:
        files = sent.files_of(MANY_FIELD, IMAGE_FIELD)
        if not files:
            raise BadInput("api_file_missing", field=MANY_FIELD)
        details = read_details(sent.fields)
        k = read_top_k(sent.fields.get("top_k"), 6)
        code = sent.fields.get("product", "")
        await run_in_threadpool(find_product, asked.services, code)
        outcomes: list[FileOutcome] = []
        # A few at a time: enough for a full group, and others find their turn between them.
        for start in range(0, len(files), 16):
            several = [
                _outcome(asked, file, details, code, f"{once}:{start + place}" if once else None, k)
                for place, file in enumerate(files[start : start + 16])
            ]
            outcomes += await asyncio.gather(*several)
    finally:
        await sent.close()
    return Outcomes(outcomes=outcomes, failed=sum(one.error is not None for one in outcomes))


async def _read_one(request: Request, file_name: str | None) -> Sent:
    kind = content_type_of(request)
    if kind == MULTIPART:
        return await read_form(request, most_files=2)
    if kind not in IMAGE_TYPES:
        raise BadInput("api_media_type")
    return await read_raw(request, name=file_name or f"image{ENDINGS.get(kind, '')}", field_name=IMAGE_FIELD)


def read_details(values: dict[str, str]) -> PartDetails:
    """Return what is told of a part in the fields of a form. Raises BadInput for what is too long."""
    line, lot, serial, shift = (values.get(name, "") for name in DETAILS)
    return PartDetails(line=line, lot=lot, serial=serial, shift=shift, source="api").checked()


def read_top_k(text: str | None, default: int) -> int:
    """Return how many similar images are wanted. Raises BadInput(`api_values_wrong`)."""
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 2 and 1 <= int(text) <= 20):
        raise BadInput("api_values_wrong", fields="top_k")
    return int(text)


async def _outcome(
    asked: Context, file: SentFile, details: PartDetails, code: str, once: str | None, top_k: int
) -> FileOutcome:
    try:
        if (too_large := check_image_size(file)) is not None:
            raise too_large
        record = await _inspect_once(asked, code, file, details, once, top_k)
    except AppError as error:
        return FileOutcome(file=file.name, error=describe_error(error, asked.language))
    asked.interface.metrics.inspections.labels(record.verdict).inc()
    return FileOutcome(file=file.name, inspection=to_shape(asked, record))


async def _inspect_once(
    asked: Context, code: str, file: SentFile, details: PartDetails, once: str | None, top_k: int
) -> InspectionRecord:
    """Return the record of a new inspection, or of the one that this key has.

    Raises BadInput idempotency_key_reused where the key came with another image, product or part.
    """
    services = asked.services
    product = await run_in_threadpool(find_product, services, code)
    # As it is noted, so that the same request is the same with and without the line. What is stored is checked again.
    line = asked.caller.bindings.fit_line(product_id=product.id, line=details.line)
    details = replace(details, line=line)
    if once is None:
        return await _wait(
            asked.interface.gatherer.submit(
                asked.person, product_id=product.id, file=PartFile(file.name, file.read, details), top_k=top_k
            )
        )
    key = f"api:{asked.caller.key_id}:{once}"

    def look() -> tuple[KeptRequest, KeptRequest | None]:
        wanted = KeptRequest(0, product.id, file.digest(), details)
        return wanted, find_request(services, key)

    wanted, earlier = await run_in_threadpool(look)
    if earlier is not None:
        if not earlier.is_same_as(wanted):
            raise BadInput("idempotency_key_reused")
        return await run_in_threadpool(load_record, services, earlier.inspection_id)
    running = asked.interface.running
    first, made = running.get(key, (wanted, None))
    if not first.is_same_as(wanted):
        raise BadInput("idempotency_key_reused")
    if made is None:
        made = asked.interface.gatherer.submit(
            asked.person,
            product_id=wanted.product_id,
            file=PartFile(file.name, file.read, details, idempotency_key=key),
            top_k=top_k,
        )
        running[key] = (wanted, made)
        made.add_done_callback(lambda _: running.pop(key, None))
    record = await _wait(made)
    # Another process may have had the same key at the same moment.
    kept = await run_in_threadpool(find_request, services, key)
    if kept is None or not kept.is_same_as(wanted):
        raise BadInput("idempotency_key_reused")
    return record


async def _wait(made: Future[InspectionRecord]) -> InspectionRecord:
    try:
        # Others may wait for the same: who goes does not take it along.
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(made)), LONGEST_WAIT_S)
    except TimeoutError as error:
        raise Unavailable("api_timeout", seconds=round(LONGEST_WAIT_S)) from error
