"""The history: find inspections by what they have in common, and decide those that wait for a person."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Id, PageNumber, PageSize
from core.api.inspection_shapes import DecisionShape
from core.api.routes.products import product_id_of
from core.api.shapes import Shape, Wanted
from core.history.filters import HistoryFilter
from core.history.lines import HistoryLine, load_lines
from core.history.review_queue import decide_review
from core.history.search import find_inspections

router = APIRouter(prefix="/inspections", tags=["inspections"])

Verdict = Literal["ok", "review", "reject"]
_Number = Annotated[int | None, Query(ge=1, le=LARGEST_ID)]


class Line(Shape):
    """One inspection in a list: `verdict` is the model's own, `final_verdict` the one in force."""

    id: int
    address: str
    created_at: datetime
    product: str
    file: str
    verdict: Verdict
    final_verdict: Verdict
    score: float
    review_at: float
    reject_at: float
    defect_type: str | None = Field(description="The confirmed one, else the suggested one.")
    is_type_confirmed: bool
    action_status: Literal["none", "open", "done"]
    action_note: str
    review_state: Literal["none", "waiting", "done"]
    override_reason: str
    line: str
    lot: str
    serial: str
    shift: str
    source: str
    batch: int | None
    person: str
    model_version: int
    row_version: int


class Lines(Shape):
    """One page of inspections, the newest first. With `newest`, the next pages are of the same list."""

    items: list[Line]
    total: int
    is_cut: bool = Field(description="More fit than are counted: a narrower filter finds the others.")
    page: int
    pages: int
    newest: int


class ReviewWanted(Wanted):
    """Confirms the verdict in force (null), or puts another in its place with a reason."""

    row_version: int = Field(ge=1, le=LARGEST_ID)
    verdict: Verdict | None = None
    defect_type_id: int | None = Field(default=None, ge=1, le=LARGEST_ID)
    reason: str = Field(default="", max_length=4_000)


@router.get("", summary="Find inspections")
def list_inspections(
    asked: Asked,
    product: Annotated[str | None, Query(max_length=64, description="The product's code.")] = None,
    verdict: Annotated[Verdict | None, Query(description="The verdict in force.")] = None,
    model_verdict: Verdict | None = None,
    defect_type_id: _Number = None,
    action: Literal["none", "open", "done"] | None = None,
    review: Literal["none", "waiting", "done"] | None = None,
    first_day: Annotated[date | None, Query(description="In UTC.")] = None,
    last_day: Annotated[date | None, Query(description="In UTC, included.")] = None,
    line: Annotated[str, Query(max_length=64)] = "",
    lot: Annotated[str, Query(max_length=64)] = "",
    serial: Annotated[str, Query(max_length=64, description="What the serial number begins with.")] = "",
    source: Literal["upload", "camera", "sample", "batch", "cli", "api", "watch"] | None = None,
    batch: _Number = None,
    file: Annotated[str, Query(max_length=255, description="A part of the file's name.")] = "",
    newest: _Number = None,
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> Lines:
    """Return one page of the inspections that fit all filters, the newest first."""
    wanted = HistoryFilter(
        product=product_id_of(asked, product),
        verdict=verdict,
        model_verdict=model_verdict,
        defect_type=defect_type_id,
        action=action,
        review=review,
        first_day=first_day,
        last_day=last_day,
        line=line,
        lot=lot,
        serial=serial,
        source=source,
        batch=batch,
        name=file,
    )
    found = find_inspections(asked.services, wanted, newest=newest)
    pages = found.count_pages(page_size)
    page = min(page, pages)
    return Lines(
        items=[_line(asked, one) for one in load_lines(asked.services, found.page(page, page_size))],
        total=found.total,
        is_cut=found.is_cut,
        page=page,
        pages=pages,
        newest=found.newest,
    )


@router.put("/{inspection_id}/review", summary="Decide what waits for a person")
def review(inspection_id: Id, wanted: ReviewWanted, asked: Asked) -> DecisionShape:
    """Confirm the verdict of an inspection in the review queue, or change it; it waits no more."""
    decision = decide_review(
        asked.services,
        asked.person,
        inspection_id,
        row_version=wanted.row_version,
        verdict=wanted.verdict,
        defect_type_id=wanted.defect_type_id,
        reason=wanted.reason,
    )
    return DecisionShape.model_validate(decision)


def _line(asked: Asked, one: HistoryLine) -> Line:
    return Line.model_validate(
        {
            **{name: getattr(one, name) for name in Line.model_fields if hasattr(one, name)},
            "address": asked.address("inspections", one.id),
            "product": one.product.code,
            "file": one.original_name,
            "defect_type": one.defect_type.code if one.defect_type else None,
            "batch": one.batch_job_id,
            "person": one.person_name,
            "model_version": one.model_number,
        }
    )
