"""A scope as conditions on single inspections, for figures that no counts can give."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement
from sqlmodel import and_, col, or_

from core.analytics.scope import Scope
from core.rollups.calendar import PlantCalendar
from core.rollups.counting import named_type_column
from storage.tables import Inspection

# The calendar's shift of an inspection that names none is looked up for so many days, up to the last one.
MOST_SHIFT_DAYS = 400


def conditions_of(scope: Scope, calendar: PlantCalendar) -> list[ColumnElement[bool]]:
    """Return what an inspection of the scope fulfills."""
    conditions: list[ColumnElement[bool]] = [col(Inspection.created_at) < calendar.end_of(scope.last)]
    if scope.first is not None:
        conditions.append(col(Inspection.created_at) >= calendar.start_of(scope.first))
    for column, wanted in (
        (col(Inspection.product_id), scope.product_id),
        (col(Inspection.line), scope.line),
        (col(Inspection.lot), scope.lot),
        (col(Inspection.memory_bank_version_id), scope.version_id),
        (named_type_column(), scope.defect_type_id),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    if scope.shift is not None:
        conditions.append(_in_shift(scope, scope.shift, calendar))
    return conditions


def _in_shift(scope: Scope, name: str, calendar: PlantCalendar) -> ColumnElement[bool]:
    """Return the condition of a shift: the one that was noted, else the calendar's at that moment."""
    noted = col(Inspection.shift) == name
    if not calendar.shifts:
        return noted
    first = scope.last - timedelta(days=MOST_SHIFT_DAYS - 1)
    first = max(first, scope.first) if scope.first is not None else first
    days = [first + timedelta(days=number) for number in range((scope.last - first).days + 1)]
    spans = [
        and_(col(Inspection.created_at) >= start, col(Inspection.created_at) < end)
        for day in days
        for found, start, end in calendar.shifts_of(day)
        if found == name
    ]
    return or_(noted, and_(col(Inspection.shift) == "", or_(*spans))) if spans else noted
