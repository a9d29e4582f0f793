"""Dataset versions, and methods compared on them: start, watch, read the result, fetch its files."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from core.access import ENGINEER, require_role
from core.api.context import Asked, Context, Id, OnceKey, PageNumber, PageSize
from core.api.files import FILE_SCHEMA, file_response
from core.api.repeats import answer_once
from core.api.shapes import FileError, Shape, describe_error
from core.api.uploads import MULTIPART, Sent, SentFile, read_form, run_upload
from core.catalog.products import find_product
from core.comparisons import overview, starting, subjects
from core.comparisons.exports import CONTENT_TYPES, make_file
from core.comparisons.orders import ComparisonOrder, parse_order
from core.comparisons.overview import ComparisonView
from core.comparisons.results import ComparisonResult
from core.comparisons.subjects import SubjectFilter
from core.datasets.freezing import create_dataset
from core.datasets.reading import list_datasets
from core.errors import BadInput
from core.images.imports.folder_import import import_path

router = APIRouter(prefix="/comparisons", tags=["comparisons"])

ORDER_FIELD, SET_FIELD = "order", "set"
FileName = Literal["result.json", "summary.csv", "report.pdf"]
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": [ORDER_FIELD],
                    "properties": {
                        ORDER_FIELD: {
                            "type": "string",
                            "description": "YAML or JSON, as of `python -m core compare`: product, dataset, methods, "
                            "combinations, seed.",
                        },
                        SET_FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": "A ZIP file of labeled images in a layout that `import` knows: taken in for "
                            "the product first, then frozen as a new dataset version.",
                        },
                    },
                }
            }
        },
    }
}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media_type: {"schema": FILE_SCHEMA} for media_type in CONTENT_TYPES.values()}}
}


class DatasetShape(Shape):
    """A dataset version: how it was split, and what is in it."""

    id: int
    number: int
    name: str
    hash: str
    rule: dict[str, Any]
    report: dict[str, Any]
    broken: str | None
    created_at: datetime


class Datasets(Shape):
    """Dataset versions of a product, the newest first."""

    items: list[DatasetShape]


class EntryStanding(Shape):
    """How many images a method has judged on a view, and how many of them without a prediction."""

    key: str
    done: int
    errors: int
    total: int


class ComparisonShape(Shape):
    """A comparison: its job's state, and how far each method is."""

    id: int
    product: str
    dataset: int
    name: str
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    stage: str
    methods: list[EntryStanding]
    can_go_on: bool
    created_at: datetime | None
    finished_at: datetime | None
    error: FileError | None


class Comparisons(Shape):
    """Comparisons, the newest first."""

    items: list[ComparisonShape]


class SaidShape(Shape):
    """What a method said of an image or part."""

    score: float | None
    verdict: str
    named: str
    boxes: list[dict[str, Any]]
    words: str
    ms: float
    error: FileError | None


class SubjectShape(Shape):
    """A test image, or part, with its truth and what each method said."""

    subject: str
    image_id: int | None
    part: str
    view: str
    truth: str
    methods: dict[str, SaidShape]


class Predictions(Shape):
    """One page of the test images of a view, or of the parts of combined views."""

    items: list[SubjectShape]
    total: int


@router.post("", status_code=202, response_model=ComparisonShape, openapi_extra=_FORM, summary="Compare methods")
async def start_comparison(request: Request, asked: Asked, once: OnceKey = None) -> Response:
    """Queue a comparison on a dataset version, or on a set of images that comes along; a worker works it off."""
    sent = await read_form(request, most_files=1)
    try:
        return await run_upload(_start, asked, sent, once)
    finally:
        await sent.close()


@router.get("", summary="Comparisons")
def list_comparisons(asked: Asked, product: str = "", limit: Annotated[int, Query(ge=1, le=200)] = 20) -> Comparisons:
    """Return the newest comparisons first, of a product (by its code) or of all."""
    require_role(asked.services, asked.person, ENGINEER)
    product_id = find_product(asked.services, product).id if product else None
    found = overview.list_comparisons(asked.services, product_id=product_id, limit=limit)
    return Comparisons(items=[_shape(asked, one) for one in found])


@router.get("/datasets", deprecated=True, summary="Dataset versions; GET /v1/datasets says the same")
def list_dataset_versions(asked: Asked, product: str) -> Datasets:
    """Return the dataset versions of a product (by its code), the newest first."""
    require_role(asked.services, asked.person, ENGINEER)
    found = list_datasets(asked.services, find_product(asked.services, product).id)
    return Datasets(items=[DatasetShape.model_validate(head.to_json()) for head in found])


@router.get("/{comparison_id}", summary="One comparison")
def get_comparison(comparison_id: Id, asked: Asked) -> ComparisonShape:
    """Return how a comparison stands."""
    require_role(asked.services, asked.person, ENGINEER)
    return _shape(asked, overview.view_comparison(asked.services, comparison_id))


@router.get("/{comparison_id}/result", summary="The result of a comparison")
def get_result(comparison_id: Id, asked: Asked) -> dict[str, Any]:
    """Return figures with intervals, tables and differences, as `compare --json` does."""
    result = _result(asked, comparison_id)
    return {"comparison": comparison_id, **result.without_curves().to_json()}


@router.get("/{comparison_id}/predictions", summary="What the methods said of each image")
def get_predictions(
    comparison_id: Id,
    asked: Asked,
    view: Annotated[str, Query(max_length=64, description="A view, or combined views joined by +.")] = "",
    differing: Annotated[bool, Query(description="Only where the methods differ.")] = False,
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> Predictions:
    """Return one page of the test images of a view, or of the parts of combined views."""
    result = _result(asked, comparison_id)
    found, total = subjects.list_subjects(
        asked.services,
        comparison_id,
        SubjectFilter(view=view, differing=differing),
        result.good_labels,
        offset=(page - 1) * page_size,
        limit=page_size,
    )
    return Predictions(items=[_subject(asked, one) for one in found], total=total)


@router.get("/{comparison_id}/files/{name}", responses=_FILES, response_class=Response, summary="A comparison as file")
def get_file(comparison_id: Id, name: FileName, asked: Asked) -> Response:
    """Return the result as JSON, its figures as CSV, or both in words as a PDF."""
    require_role(asked.services, asked.person, ENGINEER)
    comparison = overview.view_comparison(asked.services, comparison_id)
    data = make_file(asked.services, comparison, name, language=asked.language)
    return file_response(data, CONTENT_TYPES[name], file_name=f"comparison_{comparison_id}_{name}")


@router.post("/{comparison_id}/cancel", response_model=ComparisonShape, summary="Cancel a comparison")
def cancel_comparison(comparison_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Cancel a comparison: what is trained and predicted stays."""

    def make() -> ComparisonShape:
        starting.cancel(asked.services, asked.person, _job_of(asked, comparison_id))
        return get_comparison(comparison_id, asked)

    return answer_once(asked, once, None, make, status=200)


@router.post("/{comparison_id}/resume", response_model=ComparisonShape, summary="Go on with a comparison that failed")
def resume_comparison(comparison_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Queue a comparison that failed once more: it goes on with what is left."""

    def make() -> ComparisonShape:
        starting.go_on(asked.services, asked.person, _job_of(asked, comparison_id))
        return get_comparison(comparison_id, asked)

    return answer_once(asked, once, None, make, status=200)


def _start(asked: Context, sent: Sent, once: str | None) -> Response:
    require_role(asked.services, asked.person, ENGINEER)
    text = sent.fields.get(ORDER_FIELD, "")
    if not text.strip():
        raise BadInput("api_file_missing", field=ORDER_FIELD)
    order = parse_order(text)
    files = sent.files_of(SET_FIELD)

    def make() -> ComparisonShape:
        wanted = _take_in(asked, order, files[0]) if files else order
        found = starting.start_comparison(asked.services, asked.person, wanted)
        return get_comparison(found, asked)

    request = [sent.fields, [[file.name, file.digest()] for file in files]] if once is not None else None
    return answer_once(
        asked,
        once,
        request,
        make,
        status=202,
        location=lambda made: asked.address("comparisons", made.id),
        find=lambda job_ids: get_comparison(overview.find_by_job(asked.services, job_ids[0]).id, asked),
    )


def _take_in(asked: Context, order: ComparisonOrder, file: SentFile) -> ComparisonOrder:
    """Take a set of images in for the product of the order; return the order on the version that they make."""
    product = find_product(asked.services, order.product)
    with tempfile.TemporaryDirectory(prefix="geomsa-comparison-") as folder:
        path = Path(folder, "set.zip")
        path.write_bytes(file.read())
        summary = import_path(asked.services, asked.person, path, product=product.code)
    if summary.plan.questions:
        raise BadInput("import_questions_open", count=len(summary.plan.questions))
    head = create_dataset(asked.services, asked.person, product.id)
    return replace(order, dataset=head.number)


def _job_of(asked: Context, comparison_id: int) -> int:
    job = overview.view_comparison(asked.services, comparison_id).job
    return 0 if job is None else job.id


def _result(asked: Context, comparison_id: int) -> ComparisonResult:
    require_role(asked.services, asked.person, ENGINEER)
    return overview.read_result(asked.services, overview.view_comparison(asked.services, comparison_id))


def _shape(asked: Context, one: ComparisonView) -> ComparisonShape:
    job = one.job
    return ComparisonShape.model_validate(
        {
            "id": one.id,
            "product": one.product.code,
            "dataset": one.dataset_number,
            "name": one.name,
            "state": one.state,
            "stage": "" if job is None or one.is_over else job.stage,
            "methods": [
                {"key": found.entry.key, "done": found.done, "errors": found.errors, "total": found.total}
                for found in overview.list_progress(asked.services, one)
            ],
            "can_go_on": one.can_go_on,
            "created_at": None if job is None else job.created_at,
            "finished_at": None if job is None else job.finished_at,
            "error": None if job is None else describe_error(job.error, asked.language),
        }
    )


def _subject(asked: Context, one: subjects.Subject) -> SubjectShape:
    return SubjectShape.model_validate(
        {
            "subject": one.subject,
            "image_id": one.image_id,
            "part": one.part,
            "view": one.view,
            "truth": one.truth,
            "methods": {
                key: {
                    "score": said.score,
                    "verdict": said.verdict,
                    "named": said.named,
                    "boxes": list(said.boxes),
                    "words": said.words,
                    "ms": said.ms,
                    "error": describe_error(said.error, asked.language),
                }
                for key, said in one.said.items()
            },
        }
    )
