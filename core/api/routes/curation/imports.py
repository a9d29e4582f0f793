"""Imports: files or a named place become a plan with questions; decided and started, a job takes them in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from core.api.context import Asked, Context, Id, OnceKey, PageNumber, PageSize
from core.api.files import FILE_SCHEMA
from core.api.repeats import answer_once
from core.api.routes.curation.shapes import (
    ImportLine,
    Imports,
    ImportShape,
    Items,
    NamedPlace,
    Outcome,
    RolesWanted,
    StartWanted,
    draft_shape,
    item_shape,
    started_shape,
)
from core.api.uploads import MULTIPART, Sent, content_type_of, read_form, run_upload
from core.errors import BadInput
from core.image_imports import drafts, results, starting
from core.images.records import IncomingFile

router = APIRouter(prefix="/imports", tags=["imports"])

FILES_FIELD = "files"
MOST_FILES = 1_000

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": [FILES_FIELD],
                    "properties": {
                        FILES_FIELD: {
                            "type": "array",
                            "items": FILE_SCHEMA,
                            "description": "A ZIP file, or images, masks, lists and annotation files.",
                        },
                        "product": {"type": "string", "description": "The product of all of it: a code or name."},
                        "as_role": {"type": "string", "description": "What images are of which nothing says it."},
                    },
                }
            },
            "application/json": {"schema": NamedPlace.model_json_schema()},
        },
    }
}


@router.post("", status_code=201, response_model=ImportShape, openapi_extra=_BODY, summary="Plan an import")
async def plan_import(request: Request, asked: Asked, once: OnceKey = None) -> Response:
    """Plan what uploaded files (512 MB in all), or those of a named place, become; nothing is taken in yet."""
    if content_type_of(request) != MULTIPART:
        place = _read_place(await request.body()) if content_type_of(request).endswith("json") else None
        if place is None:
            raise BadInput("api_media_type")
        return await run_upload(_plan_place, asked, place, once)
    sent = await read_form(request, most_files=MOST_FILES)
    try:
        return await run_upload(_plan_files, asked, sent, once)
    finally:
        await sent.close()


@router.get("", summary="Imports")
def list_imports(asked: Asked, limit: Annotated[int, Query(ge=1, le=200)] = 20) -> Imports:
    """Return the drafts that were changed last, then what was started last."""
    waiting = drafts.list_drafts(asked.services, asked.person, limit=limit)
    started = results.list_imports(asked.services, asked.person, limit=limit)
    lines = [ImportLine(id=row.id, state="draft", title=row.title) for row in waiting]
    lines += [
        ImportLine.model_validate({"id": one.id, "state": one.state, "title": one.title})
        for one in started[: max(0, limit - len(lines))]
    ]
    return Imports(items=lines)


@router.get("/{import_id}", summary="One import")
def get_import(import_id: Id, asked: Asked) -> ImportShape:
    """Return the plan of a draft, or how far an import is that was started."""
    job_id = results.find_job(asked.services, asked.person, import_id)
    if job_id is None:
        return draft_shape(drafts.open_draft(asked.services, asked.person, import_id), asked.language)
    return started_shape(results.view_import(asked.services, asked.person, job_id), asked.language)


@router.put("/{import_id}/roles", summary="Decide what folders become")
def decide_roles(import_id: Id, wanted: RolesWanted, asked: Asked) -> ImportShape:
    """Set the roles of folders, files and patterns in place of those before, and return the plan that follows."""
    draft = drafts.open_draft(asked.services, asked.person, import_id)
    answers = {path: "" for path in draft.decisions if path not in wanted.roles} | wanted.roles
    changed = drafts.change_draft(
        asked.services,
        asked.person,
        import_id,
        row_version=wanted.row_version,
        answers=answers,
        product=wanted.product,
        plan=draft.plan,
    )
    return draft_shape(changed, asked.language)


@router.post("/{import_id}/start", status_code=202, response_model=ImportShape, summary="Take a draft in")
def start_import(import_id: Id, wanted: StartWanted, asked: Asked, once: OnceKey = None) -> Response:
    """Queue the job that takes in what is planned; it goes on where it stopped, whatever breaks."""

    def make() -> ImportShape:
        starting.start_import(
            asked.services,
            asked.person,
            import_id,
            row_version=wanted.row_version,
            leave_questions_out=wanted.leave_questions_out,
            test_share=wanted.test_share,
        )
        return get_import(import_id, asked)

    address = asked.address("imports", import_id)
    return answer_once(asked, once, wanted.model_dump(), make, status=202, location=lambda _made: address)


@router.get("/{import_id}/items", summary="The files of an import")
def get_items(
    import_id: Id,
    asked: Asked,
    outcome: Annotated[Outcome | None, Query(description="Only these.")] = None,
    page: PageNumber = 1,
    page_size: PageSize = 100,
) -> Items:
    """Return one page of what became of each file, also while the import runs; of a draft there is none."""
    job_id = _find_started(asked, import_id)
    rows = results.list_rows(
        asked.services,
        asked.person,
        job_id,
        outcome=results.WAITING if outcome == "waiting" else outcome,
        limit=page_size + 1,
        offset=(page - 1) * page_size,
    )
    shapes = [item_shape(row, asked.language) for row in rows[:page_size]]
    return Items(items=shapes, page=page, more=len(rows) > page_size)


@router.post("/{import_id}/cancel", response_model=ImportShape, summary="Cancel an import")
def cancel_import(import_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Cancel an import within two seconds: what is taken in stays, and the files that are left are deleted."""

    def make() -> ImportShape:
        starting.cancel(asked.services, asked.person, _find_started(asked, import_id))
        return get_import(import_id, asked)

    return answer_once(asked, once, None, make, status=200)


@router.post("/{import_id}/resume", response_model=ImportShape, summary="Go on with an import that failed")
def resume_import(import_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Queue an import that failed once more: it goes on with the files that are left."""

    def make() -> ImportShape:
        starting.go_on(asked.services, asked.person, _find_started(asked, import_id))
        return get_import(import_id, asked)

    return answer_once(asked, once, None, make, status=200)


@router.delete("/{import_id}", status_code=204, response_class=Response, summary="Throw a draft away")
def discard_import(import_id: Id, asked: Asked) -> Response:
    """Throw a draft away with what was uploaded for it; one that was started is canceled instead."""
    drafts.discard_draft(asked.services, asked.person, import_id)
    return Response(status_code=204)


def _find_started(asked: Context, import_id: int) -> int:
    job_id = results.find_job(asked.services, asked.person, import_id)
    if job_id is None:
        raise BadInput("import_not_started")
    return job_id


def _read_place(body: bytes) -> NamedPlace:
    try:
        place = NamedPlace.model_validate_json(body)
    except ValidationError as error:
        # With the place of the body before each name, as the framework's own.
        wrong = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise RequestValidationError(wrong) from error
    if bool(place.folder.strip()) == bool(place.store_folder.strip()):
        raise BadInput("api_values_wrong", fields="folder, store_folder")
    return place


def _plan_place(asked: Context, place: NamedPlace, once: str | None) -> Response:
    def make() -> ImportShape:
        about = {"product": place.product, "as_role": place.as_role}
        if place.folder.strip():
            draft = drafts.draft_from_folder(asked.services, asked.person, place.folder, **about)
        else:
            draft = drafts.draft_from_store(asked.services, asked.person, place.store_folder, **about)
        return draft_shape(draft, asked.language)

    return _answer(asked, once, place.model_dump(), make)


def _plan_files(asked: Context, sent: Sent, once: str | None) -> Response:
    files = sent.files_of(FILES_FIELD)
    if not files:
        raise BadInput("api_file_missing", field=FILES_FIELD)

    def make() -> ImportShape:
        draft = drafts.draft_from_files(
            asked.services,
            asked.person,
            [IncomingFile(file.name, file.read) for file in files],
            product=sent.fields.get("product", ""),
            as_role=sent.fields.get("as_role", ""),
        )
        return draft_shape(draft, asked.language)

    request = [sent.fields, [[file.name, file.digest()] for file in files]] if once is not None else None
    return _answer(asked, once, request, make)


def _answer(asked: Context, once: str | None, request: Any, make: Any) -> Response:
    return answer_once(asked, once, request, make, status=201, location=lambda made: asked.address("imports", made.id))
