"""Where counts are read from: the roll-ups, or the inspections themselves, under the same names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, Select, String, case, func, literal
from sqlmodel import Session, and_, col, select

from core.rollups.calendar import PlantCalendar
from core.rollups.counting import DAYS, DETAILS, named_type_column
from storage.expressions import ListLength
from storage.tables import Inspection, InspectionView


@dataclass(frozen=True)
class Source:
    """Columns by which is counted, and the numbers that are added up, of a table or of its rows one by one."""

    columns: Mapping[str, ColumnElement[Any]]
    n: ColumnElement[int]
    regions: ColumnElement[int]
    score_sum: ColumnElement[float]
    score_square_sum: ColumnElement[float]

    def sums(self) -> list[ColumnElement[Any]]:
        """Return the numbers added up, in the order of the columns of a roll-up."""
        numbers = (self.n, self.regions, self.score_sum, self.score_square_sum)
        return [func.sum(one).label(f"sum_{place}") for place, one in enumerate(numbers)]


def rollup_source(*, in_detail: bool) -> Source:
    """Return the roll-up of the days; with `in_detail` the one that knows lines, lots, shifts and versions."""
    c = (DETAILS if in_detail else DAYS).c
    keys = {column.name: column for column in c if column.primary_key}
    return Source(keys, c.n, c.regions, c.score_sum, c.score_square_sum)


def inspection_source(calendar: PlantCalendar, day: date | None) -> Source:
    """Return the inspections of a production day, or of any time; of any time, `shift` is the one that was noted."""
    is_reject = col(Inspection.final_verdict) == "reject"
    columns: dict[str, Any] = {
        "product_id": col(Inspection.product_id),
        "line": col(Inspection.line),
        "lot": col(Inspection.lot),
        "shift": col(Inspection.shift) if day is None else _shift_on(calendar, day),
        "version_id": col(Inspection.memory_bank_version_id),
        "verdict": col(Inspection.verdict),
        "final_verdict": col(Inspection.final_verdict),
        "defect_type_id": func.coalesce(named_type_column(), literal(0, Integer)),
    }
    if day is not None:
        columns["day"] = literal(day, Date)
    score: Any = col(Inspection.score)
    regions = case((is_reject, ListLength(col(Inspection.regions))), else_=literal(0, Integer))
    return Source(columns, literal(1, Integer), regions, score, score * score)


def view_source(calendar: PlantCalendar, day: date | None) -> Source:
    """Return the pictures of one view, each with the score and the version of its own, to be joined by `of_view`.

    What an inspection of several views holds itself is what they come to together: a probability, and the version of
    the view that decided.
    """
    whole = inspection_source(calendar, day)
    score: Any = col(InspectionView.score)
    columns: dict[str, Any] = {**whole.columns, "version_id": col(InspectionView.memory_bank_version_id)}
    return Source(columns, whole.n, whole.regions, score, score * score)


def of_view(code: str) -> list[ColumnElement[bool]]:
    """Return the conditions that join to inspections their pictures of this view that were judged."""
    return [
        col(InspectionView.inspection_id) == col(Inspection.id),
        col(InspectionView.view) == code,
        col(InspectionView.score).is_not(None),
        col(InspectionView.memory_bank_version_id).is_not(None),
    ]


def between(start: datetime, end: datetime) -> ColumnElement[bool]:
    """Return the condition that an inspection was made from `start` until before `end`."""
    return and_(col(Inspection.created_at) >= start, col(Inspection.created_at) < end)


def latest_before(session: Session, end: datetime) -> datetime | None:
    """Return when the last inspection before `end` was made; None where there is none."""
    return session.exec(select(func.max(Inspection.created_at)).where(col(Inspection.created_at) < end)).one()


def select_details(calendar: PlantCalendar, day: date) -> Select[Any]:
    """Return the query of what `detail_counts` holds of a production day, from the inspections, in its columns."""
    source = inspection_source(calendar, day)
    names = [column.name for column in DETAILS.primary_key.columns]
    # Grouped by their names in the result: an expression with values in it is not known again on PostgreSQL.
    columns = [source.columns[name].label(f"key_{name}") for name in names]
    rows = select(*columns, *source.sums()).where(between(calendar.start_of(day), calendar.end_of(day)))
    hinted: Select[Any] = rows.with_hint(Inspection, "INDEXED BY ix_inspections_created_at", "sqlite")
    return hinted.group_by(*(f"key_{name}" for name in names if name != "day"))


def select_days(day: date) -> Select[Any]:
    """Return the query of what `day_counts` holds of a production day, from `detail_counts`, in its columns."""
    names = [column.name for column in DAYS.primary_key.columns if column.name != "day"]
    keys = [DETAILS.c[name] for name in names]
    source = rollup_source(in_detail=True)
    found: Select[Any] = select(literal(day, Date), *keys, *source.sums()).where(DETAILS.c.day == day)
    return found.group_by(*keys)


def _shift_on(calendar: PlantCalendar, day: date) -> Any:
    noted: Any = col(Inspection.shift)
    if not calendar.shifts:
        return noted
    # The last one that has begun, as the calendar says it of a moment: also where clocks that are put forward let two
    # begin at once.
    (first, _start, _end), *later = calendar.shifts_of(day)
    by_time = [(col(Inspection.created_at) >= start, literal(name, String)) for name, start, _end in reversed(later)]
    return case((noted != "", noted), *by_time, else_=literal(first, String))
