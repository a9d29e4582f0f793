"""Comparing the roll-ups with the inspections that they count."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Table
from sqlmodel import Session, func, select

from core.rollups.calendar import PlantCalendar, read_calendar
from core.rollups.counting import DAYS, DETAILS
from core.rollups.sources import latest_before, select_details
from core.rollups.state import read_state
from core.transactions import HasDatabase, reading
from storage.tables import Inspection

# A server shows each statement the rows of its own moment: what differs by an inspection that came in between is the
# same at another look.
LOOKS = 3
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_Numbers = tuple[float, ...]
_Groups = dict[tuple[Any, ...], _Numbers]


@dataclass(frozen=True)
class Difference:
    """A production day that is not counted as it is: how many inspections are counted, and how many there are."""

    day: date
    counted: int
    there: int


def is_counted(services: HasDatabase) -> bool:
    """Return whether all inspections are counted by the plant's calendar: not while they are counted again."""
    with reading(services) as session:
        return read_state(session).is_complete_for(read_calendar(session))


def compare_totals(services: HasDatabase) -> tuple[int, int]:
    """Return how many inspections are counted, and how many there are."""
    for _ in range(LOOKS):
        with reading(services) as session:
            counted = int(session.execute(select(func.sum(DAYS.c.n))).scalar_one() or 0)
            there = session.exec(select(func.count()).select_from(Inspection)).one()
        if counted == there:
            break
    return counted, there


def find_difference(services: HasDatabase) -> Difference | None:
    """Return the newest day whose counts are not those of its inspections; None where all agree.

    Goes through all inspections: seconds for each million. What is being counted again is not compared.
    """
    before: date | None = None
    while True:
        with reading(services) as session:
            state = read_state(session)
            if state.calendar is None or state.counted_from is not None:
                return None
            calendar = state.calendar
            day = _next_day(session, calendar, before)
        if day is None:
            return None
        difference = _compare(services, calendar, day)
        if difference is not None:
            return difference
        before = day


def _next_day(session: Session, calendar: PlantCalendar, before: date | None) -> date | None:
    """Return the newest day before another of which there are inspections or counts."""
    until = _END_OF_TIME if before is None else calendar.start_of(before)
    latest = latest_before(session, until)
    days = [] if latest is None else [calendar.day_of(latest)]
    for table in (DAYS, DETAILS):
        query = select(func.max(table.c.day))
        found = session.execute(query if before is None else query.where(table.c.day < before)).scalar_one()
        days += [] if found is None else [found]
    return max(days, default=None)


def _compare(services: HasDatabase, calendar: PlantCalendar, day: date) -> Difference | None:
    difference = None
    for _ in range(LOOKS):
        with reading(services) as session:
            expected = _read_inspections(session, calendar, day)
            details, days = _read(session, DETAILS, day), _read(session, DAYS, day)
        counted, there = (int(sum(one[0] for one in groups.values())) for groups in (days, expected))
        if _agree(details, expected) and _agree(days, _fold(expected)):
            return None
        difference = Difference(day, counted, there)
    return difference


def _read(session: Session, table: Table, day: date) -> _Groups:
    return _group(session.execute(table.select().where(table.c.day == day)))


def _read_inspections(session: Session, calendar: PlantCalendar, day: date) -> _Groups:
    return _group(session.execute(select_details(calendar, day)))


def _group(rows: Iterable[Any]) -> _Groups:
    return {tuple(row[1:-4]): tuple(float(number) for number in row[-4:]) for row in rows}


def _fold(details: _Groups) -> _Groups:
    """Return the groups without line, lot, shift and version."""
    found: dict[tuple[Any, ...], list[float]] = defaultdict(lambda: [0.0] * 4)
    for (product, _line, _lot, _shift, _version, *others), numbers in details.items():
        sums = found[product, *others]
        for place, number in enumerate(numbers):
            sums[place] += number
    return {key: tuple(sums) for key, sums in found.items()}


def _agree(counted: Mapping[Any, _Numbers], expected: Mapping[Any, _Numbers]) -> bool:
    # Sums that were added up in another order differ in their last digits.
    return counted.keys() == expected.keys() and all(
        math.isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-6)
        for key, numbers in counted.items()
        for mine, theirs in zip(numbers, expected[key], strict=True)
    )
