"""Batches: many files as one job, that goes on where it stopped and inspects no file twice."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from core.api.context import Asked, Context, Id, OnceKey, PageNumber, PageSize
from core.api.repeats import answer_once
from core.api.shapes import FileError, Shape, describe_error
from core.api.uploads import MULTIPART, Sent, read_form, run_upload
from core.batches import overview, results, starting
from core.batches.overview import BatchView
from core.batches.results import BatchRow, RowFilter
from core.batches.starting import BatchOrder
from core.catalog.products import find_product
from core.errors import BadInput
from core.images.records import IncomingFile
from core.inspections.part_details import PartDetails

router = APIRouter(prefix="/batches", tags=["batches"])

FILES_FIELD = "files"
MOST_FILES = 1_000
_FILE = {"type": "string", "format": "binary"}


class BatchShape(Shape):
    """A batch: its job's state, and how many of its files are how far."""

    id: int
    product: str
    title: str
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    files: int
    done: int
    failed: int
    waiting: int
    verdicts: dict[str, int] = Field(examples=[{"ok": 38, "review": 1, "reject": 1}])
    can_go_on: bool
    line: str
    lot: str
    shift: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    remaining_s: float | None
    error: FileError | None


class Batches(Shape):
    """Batches, the newest first."""

    items: list[BatchShape]


class BatchFile(Shape):
    """One file, or one part with views, of a batch: waiting, done (with its inspection) or failed (with the error)."""

    place: int
    file: str
    files: list[str] = Field(description="All files of the part, where a part of the product has several views.")
    state: Literal["waiting", "done", "failed"]
    error: FileError | None
    inspection_id: int | None
    address: str | None
    verdict: str | None
    model_verdict: str | None
    score: float | None
    review_at: float | None
    reject_at: float | None
    defect_type: str | None
    serial: str


class BatchResults(Shape):
    """One page of a batch's files, in the order asked for."""

    items: list[BatchFile]
    total: int


_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": [FILES_FIELD, "product"],
                    "properties": {
                        FILES_FIELD: {"type": "array", "items": _FILE, "description": "Images, or ZIP files of them."},
                        "product": {"type": "string", "description": "The product's code."},
                        "title": {"type": "string"},
                        "line": {"type": "string", "maxLength": 64},
                        "lot": {"type": "string", "maxLength": 64},
                        "shift": {"type": "string", "maxLength": 32},
                        "serial_rule": {"type": "string", "description": "Reads the serial out of each file's name."},
                    },
                }
            }
        },
    }
}


@router.post("", status_code=202, response_model=BatchShape, openapi_extra=_FORM, summary="Start a batch")
async def start_batch(request: Request, asked: Asked, once: OnceKey = None) -> Response:
    """Store the files (512 MB in all) and queue their inspection; a worker inspects them one after the other."""
    sent = await read_form(request, most_files=MOST_FILES)
    try:
        return await run_upload(_start, asked, sent, once)
    finally:
        await sent.close()


@router.get("", summary="Batches")
def list_batches(asked: Asked, limit: Annotated[int, Query(ge=1, le=200)] = 20) -> Batches:
    """Return the newest batches first."""
    return Batches(items=[_shape(one, asked.language) for one in overview.list_batches(asked.services, limit=limit)])


@router.get("/{batch_id}", summary="One batch")
def get_batch(batch_id: Id, asked: Asked) -> BatchShape:
    """Return how a batch stands."""
    return _shape(overview.view_batch(asked.services, batch_id), asked.language)


@router.get("/{batch_id}/results", summary="The results of a batch")
def get_results(
    batch_id: Id,
    asked: Asked,
    kind: Annotated[Literal["", "ok", "review", "reject", "failed", "waiting"], Query(description="Only these.")] = "",
    order: Literal["place", "highest", "lowest", "name"] = "place",
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> BatchResults:
    """Return one page of what came of each file, also while the batch runs."""
    overview.view_batch(asked.services, batch_id)
    rows, total = results.list_rows(
        asked.services,
        batch_id,
        RowFilter(kind=kind, order=order),
        offset=(page - 1) * page_size,
        limit=page_size,
    )
    return BatchResults(items=[_file(asked, row) for row in rows], total=total)


@router.post("/{batch_id}/cancel", response_model=BatchShape, summary="Cancel a batch")
def cancel_batch(batch_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Cancel a batch: what is inspected stays, and the files that are left are deleted."""

    def make() -> BatchShape:
        starting.cancel(asked.services, asked.person, batch_id)
        return get_batch(batch_id, asked)

    return answer_once(asked, once, None, make, status=200)


@router.post("/{batch_id}/resume", response_model=BatchShape, summary="Go on with a batch that failed")
def resume_batch(batch_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Queue a batch that failed once more: it goes on with the files that are left."""

    def make() -> BatchShape:
        starting.go_on(asked.services, asked.person, batch_id)
        return get_batch(batch_id, asked)

    return answer_once(asked, once, None, make, status=200)


def _start(asked: Context, sent: Sent, once: str | None) -> Response:
    files = sent.files_of(FILES_FIELD)
    if not files:
        raise BadInput("api_file_missing", field=FILES_FIELD)
    product = find_product(asked.services, sent.fields.get("product", ""))
    line, lot, shift = (sent.fields.get(name, "") for name in ("line", "lot", "shift"))
    order = BatchOrder(
        product.id,
        PartDetails(line=line, lot=lot, shift=shift, source="batch"),
        serial_rule=sent.fields.get("serial_rule", ""),
        title=sent.fields.get("title", ""),
    )

    def make() -> BatchShape:
        job_id = starting.start_with_files(
            asked.services, asked.person, order, [IncomingFile(file.name, file.read) for file in files]
        )
        return get_batch(job_id, asked)

    request = [sent.fields, [[file.name, file.digest()] for file in files]] if once is not None else None
    return answer_once(
        asked,
        once,
        request,
        make,
        status=202,
        location=lambda made: asked.address("batches", made.id),
        find=lambda job_ids: get_batch(job_ids[0], asked),
    )


def _shape(one: BatchView, language: str) -> BatchShape:
    return BatchShape.model_validate(
        {
            "id": one.job.id,
            "product": one.product.code,
            "title": one.title,
            "state": one.job.state,
            "files": one.n_files,
            "done": one.n_done,
            "failed": one.n_failed,
            "waiting": one.n_waiting,
            "verdicts": one.verdicts,
            "can_go_on": one.can_go_on,
            "line": one.line,
            "lot": one.lot,
            "shift": one.shift,
            "created_at": one.job.created_at,
            "started_at": one.job.started_at,
            "finished_at": one.job.finished_at,
            "remaining_s": one.job.remaining_s,
            "error": describe_error(one.job.error, language),
        }
    )


def _file(asked: Context, row: BatchRow) -> BatchFile:
    return BatchFile.model_validate(
        {
            "place": row.place,
            "file": row.name,
            "files": list(row.names),
            "state": row.state,
            "error": describe_error(row.error, asked.language),
            "inspection_id": row.inspection_id,
            "address": None if row.inspection_id is None else asked.address("inspections", row.inspection_id),
            "verdict": row.verdict or None,
            "model_verdict": row.model_verdict or None,
            "score": row.score,
            "review_at": row.review_at,
            "reject_at": row.reject_at,
            "defect_type": row.defect_type.code if row.defect_type else None,
            "serial": row.serial,
        }
    )
