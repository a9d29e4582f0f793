"""Reports: of a shift, a day, a week or a lot, as figures and as files; and those that schedules have made."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response

from core.access import ENGINEER, require_role
from core.api.context import Asked, Context, Id, PageNumber, PageSize
from core.api.files import FILE_SCHEMA, file_response
from core.api.routes.products import product_id_of
from core.api.shapes import Shape
from core.inspections.part_details import longest_text
from core.outgoing import note_export
from core.reports.period.as_json import to_json
from core.reports.period.contents import gather
from core.reports.period.file_names import name_report
from core.reports.period.making import make_file
from core.reports.period.request import PeriodChoice, ReportRequest, make_request
from core.schedules.destinations import CONTENT_TYPES
from core.schedules.records import ReportFormat
from core.schedules.views import Run, list_runs, read_run_file

router = APIRouter(prefix="/reports", tags=["reports"])

# Of a shift, where the plant's calendar has none.
_NEEDS_SHIFTS: dict[int | str, dict[str, Any]] = {409: {}}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media_type: {"schema": FILE_SCHEMA} for media_type in CONTENT_TYPES.values()}}
}


class MadeReport(Shape):
    """A report of a schedule: `state` is waiting, made, empty or failed; times are in UTC."""

    id: int
    schedule: str
    period: dict[str, Any]
    state: Literal["waiting", "made", "empty", "failed"]
    due_at: datetime
    finished_at: datetime | None
    skipped: int
    files: list[str]
    error: str | None


class MadeReports(Shape):
    """A page of them, the last due first."""

    total: int
    items: list[MadeReport]


def find_request(
    asked: Asked,
    period: Literal["shift", "day", "week", "lot"],
    date_: Annotated[date | None, Query(alias="date", description="The production day; of a week, any.")] = None,
    shift: Annotated[str, Query(max_length=longest_text("shift"))] = "",
    lot: Annotated[str, Query(max_length=longest_text("lot"))] = "",
    product: Annotated[str | None, Query(max_length=64, description="The product's code.")] = None,
    line: Annotated[str, Query(max_length=longest_text("line"))] = "",
) -> ReportRequest:
    """Return the report that the parameters mean. For quality engineers: a key of a worker is refused."""
    require_role(asked.services, asked.person, ENGINEER)
    choice = PeriodChoice(period, date_, shift.strip(), lot.strip(), product_id_of(asked, product), line.strip())
    return make_request(asked.services, choice, language=asked.language)


Requested = Annotated[ReportRequest, Depends(find_request)]


@router.get("/period", responses=_NEEDS_SHIFTS, summary="The report of a period as figures")
def get_period_report(asked: Asked, wanted: Requested) -> dict[str, Any]:
    """Return the figures, the chart and the lists of a report; without a date, of the last period that is over."""
    return to_json(gather(asked.services, wanted, made_by=asked.person.display_name))


@router.get(
    "/period.pdf",
    response_class=Response,
    responses=_FILES | _NEEDS_SHIFTS,
    summary="The report of a period as PDF",
)
def get_period_pdf(asked: Asked, wanted: Requested) -> Response:
    """Return the report as PDF, in the language asked for."""
    return _make(asked, wanted, "pdf")


@router.get(
    "/period.xlsx",
    response_class=Response,
    responses=_FILES | _NEEDS_SHIFTS,
    summary="The report of a period as Excel",
)
def get_period_xlsx(asked: Asked, wanted: Requested) -> Response:
    """Return the report as an Excel workbook, in the language asked for."""
    return _make(asked, wanted, "xlsx")


@router.get("", summary="The reports of schedules")
def get_reports(asked: Asked, page: PageNumber = 1, size: PageSize = 50) -> MadeReports:
    """Return what schedules have made or tried to, the last due first."""
    require_role(asked.services, asked.person, ENGINEER)
    runs, total = list_runs(asked.services, offset=(page - 1) * size, limit=size)
    return MadeReports(total=total, items=[_shape(run) for run in runs])


@router.get("/{report_id}/files/{name}", response_class=Response, responses=_FILES, summary="A file of a report")
def get_report_file(report_id: Id, name: str, asked: Asked) -> Response:
    """Return a file as a schedule made it."""
    require_role(asked.services, asked.person, ENGINEER)
    data = read_run_file(asked.services, report_id, name)
    note_export(asked.services, asked.person, "report", name=name, run=report_id)
    return file_response(data, _media_type(name), file_name=name)


def _make(asked: Context, wanted: ReportRequest, ending: ReportFormat) -> Response:
    contents = gather(asked.services, wanted, made_by=asked.person.display_name)
    name = name_report(wanted, ending)
    data = make_file(asked.services, contents, ending)
    note_export(asked.services, asked.person, "report", name=name, form=ending)
    return file_response(data, _media_type(name), file_name=name)


def _media_type(name: str) -> str:
    return CONTENT_TYPES.get(f".{name.rpartition('.')[2]}", "application/octet-stream")


def _shape(run: Run) -> MadeReport:
    return MadeReport.model_validate(
        {
            "id": run.id,
            "schedule": run.schedule_name,
            "period": run.period.to_json(),
            "state": run.state,
            "due_at": run.due_at,
            "finished_at": run.finished_at,
            "skipped": run.skipped,
            "files": [file.name for file in run.files],
            "error": None if run.error is None else run.error.code,
        }
    )
