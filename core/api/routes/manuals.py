"""Manuals: list, upload, read, change, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Id, OnceKey
from core.api.files import file_response
from core.api.repeats import answer_once
from core.api.routes.products import product_id_of
from core.api.shapes import FileError, Shape, Wanted, describe_error
from core.api.uploads import MULTIPART, Sent, read_form, run_upload
from core.catalog.products import find_product
from core.errors import BadInput
from core.images.records import IncomingFile
from core.manuals import library
from core.manuals.library import ManualView

router = APIRouter(prefix="/manuals", tags=["manuals"])

FILES_FIELD = "files"
MOST_FILES = 50
_FILE = {"type": "string", "format": "binary"}
_PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": _FILE}}, "description": "The file"}
}


class ManualShape(Shape):
    """A manual, and how it stands in the index of its product. Send `row_version` back with a change."""

    id: int
    product_id: int
    title: str
    original_name: str
    byte_size: int
    page_count: int
    pages_without_text: list[int]
    pages_by_ocr: list[int]
    language: str | None
    created_at: datetime
    row_version: int
    state: Literal["indexed", "not_indexed", "out_of_date", "failed"]
    failure: FileError | None


class ManualChange(Wanted):
    """What a manual is to be called from now on, and its language; what is left out stays."""

    row_version: int = Field(ge=1, le=LARGEST_ID)
    title: str | None = Field(default=None, max_length=400)
    language: Literal["ko", "en"] | None = None


class Manuals(Shape):
    """Manuals, the newest first."""

    items: list[ManualShape]


class ManualOutcome(Shape):
    """What became of one file: added, duplicate or refused."""

    file: str
    outcome: Literal["added", "duplicate", "refused"]
    manual_id: int | None
    page_count: int
    pages_without_text: list[int]
    language: str | None
    error: FileError | None


class ManualOutcomes(Shape):
    """What became of each file."""

    outcomes: list[ManualOutcome]


@router.get("", summary="Manuals")
def list_manuals(
    asked: Asked, product: Annotated[str | None, Query(max_length=64, description="The product's code.")] = None
) -> Manuals:
    """Return the manuals of a product, or of all, with their state in the index."""
    found = library.list_manuals(asked.services, product_id_of(asked, product))
    return Manuals(items=[_shape(one, asked.language) for one in found])


_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": [FILES_FIELD, "product"],
                    "properties": {
                        FILES_FIELD: {"type": "array", "items": _FILE},
                        "product": {"type": "string", "description": "The product's code."},
                        "language": {"type": "string", "enum": ["ko", "en"], "description": "Else the text tells."},
                        "title": {"type": "string", "description": "Else the PDF's own, or the file's name."},
                    },
                }
            }
        },
    }
}


@router.post("", response_model=ManualOutcomes, openapi_extra=_FORM, summary="Upload manuals")
async def upload_manuals(request: Request, asked: Asked, once: OnceKey = None) -> Response:
    """Take in PDF files; a file that is refused does not stop the others. They count from the next deployment on."""
    sent = await read_form(request, most_files=MOST_FILES)
    try:
        return await run_upload(_upload, asked, sent, once)
    finally:
        await sent.close()


@router.get("/{manual_id}", summary="One manual")
def get_manual(manual_id: Id, asked: Asked) -> ManualShape:
    """Return a manual with its state in the index."""
    return _shape(library.get_manual_view(asked.services, manual_id), asked.language)


@router.get("/{manual_id}/file", response_class=Response, responses=_PDF, summary="The file as it was uploaded")
def get_manual_file(manual_id: Id, asked: Asked) -> Response:
    """Return the PDF, proved by its hash."""
    manual = library.get_manual(asked.services, manual_id)
    data = library.read_manual(asked.services, manual)
    return file_response(data, "application/pdf", file_name=manual.original_name)


@router.patch("/{manual_id}", summary="Change a manual's title or language")
def update_manual(manual_id: Id, change: ManualChange, asked: Asked) -> ManualShape:
    """Change what the manual is called, or the language that it is said to be in; its file stays."""
    now = library.get_manual(asked.services, manual_id)
    library.update_manual(
        asked.services,
        asked.person,
        manual_id,
        row_version=change.row_version,
        title=now.title if change.title is None else change.title,
        language=now.language if change.language is None else change.language,
    )
    return _shape(library.get_manual_view(asked.services, manual_id), asked.language)


@router.delete("/{manual_id}", status_code=204, response_class=Response, summary="Delete a manual")
def delete_manual(manual_id: Id, asked: Asked) -> Response:
    """Delete a manual; nobody is shown its passages any more."""
    library.delete_manual(asked.services, asked.person, manual_id)
    return Response(status_code=204)


def _upload(asked: Asked, sent: Sent, once: str | None) -> Response:
    files = sent.files_of(FILES_FIELD)
    if not files:
        raise BadInput("api_file_missing", field=FILES_FIELD)
    product = find_product(asked.services, sent.fields.get("product", ""))

    def make() -> ManualOutcomes:
        found = library.add_manuals(
            asked.services,
            asked.person,
            product_id=product.id,
            files=[IncomingFile(file.name, file.read) for file in files],
            language=sent.fields.get("language") or None,
            title=sent.fields.get("title") or None,
        )
        return ManualOutcomes(
            outcomes=[
                ManualOutcome.model_validate(
                    {
                        "file": one.name,
                        "outcome": one.outcome,
                        "manual_id": one.manual_id,
                        "page_count": one.page_count,
                        "pages_without_text": list(one.pages_without_text),
                        "language": one.language,
                        "error": describe_error(one.error, asked.language),
                    }
                )
                for one in found
            ]
        )

    request = [sent.fields, [[file.name, file.digest()] for file in files]] if once is not None else None
    return answer_once(asked, once, request, make, status=200)


def _shape(one: ManualView, language: str) -> ManualShape:
    row = one.manual
    return ManualShape.model_validate(
        {
            "id": row.id,
            "product_id": row.product_id,
            "title": row.title,
            "original_name": row.original_name,
            "byte_size": row.byte_size,
            "page_count": row.page_count,
            "pages_without_text": row.pages_without_text or [],
            "pages_by_ocr": row.pages_by_ocr or [],
            "language": row.language,
            "created_at": row.created_at,
            "row_version": row.row_version,
            "state": one.state,
            "failure": describe_error(one.failure, language),
        }
    )
