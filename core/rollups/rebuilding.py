"""Counting again from the inspections: after an update, for another calendar, and where counts are wrong.

It goes from the newest day back into the past, some days in each transaction: nobody who inspects waits for long, and
what was broken off goes on where it stopped. What is inspected meanwhile is counted by whoever stores it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from sqlalchemy import delete, func, insert
from sqlmodel import Session, select

from core.rollups.calendar import PlantCalendar, find_local_zone, read_calendar
from core.rollups.counting import DAYS, DETAILS, TABLES
from core.rollups.sources import latest_before, select_days, select_details
from core.rollups.state import RollupState, read_state, save_state, take_state
from core.transactions import HasDatabase, reading, writing
from storage.tables import Inspection, utc_now

# After so many inspections a transaction ends: a fraction of a second.
SLICE_ROWS = 20_000
# Told after each transaction: the inspections counted so far, and how many there are.
Progress = Callable[[int, int], None]


def ensure_counts(services: HasDatabase, *, progress: Progress | None = None) -> bool:
    """Count what is not counted yet by the plant's calendar; return whether there was anything to do.

    Raises AppError when the database fails: the next call goes on.
    """
    with reading(services) as session:
        if read_state(session).is_complete_for(read_calendar(session)):
            return False
    with writing(services) as session:
        state = take_state(session)
        calendar = read_calendar(session)
        if not calendar.is_same_as(state.calendar):
            begin_again(session, state, calendar)
        session.commit()
    _go_on(services, progress)
    return True


def rebuild_counts(services: HasDatabase, *, progress: Progress | None = None) -> None:
    """Count everything again, whatever is counted already. Raises as `ensure_counts`."""
    with writing(services) as session:
        begin_again(session, take_state(session), read_calendar(session))
        session.commit()
    _go_on(services, progress)


def begin_again(session: Session, taken: RollupState, calendar: PlantCalendar) -> None:
    """Forget all counts: from now on inspections are counted by `calendar`; the caller has taken the state."""
    for table in TABLES:
        session.execute(delete(table))
    latest = session.exec(select(func.max(Inspection.created_at))).one()
    # What is inspected between now and the first transaction is of today: counted with the day, not one by one.
    counted_from = None if latest is None else calendar.end_of(calendar.day_of(max(latest, utc_now())))
    zone = taken.first_zone or find_local_zone()
    save_state(session, replace(taken, calendar=calendar, counted_from=counted_from, first_zone=zone))


def _go_on(services: HasDatabase, progress: Progress | None) -> None:
    with reading(services) as session:
        total = session.exec(select(func.count()).select_from(Inspection)).one() if progress else 0
    done, counted = 0, 1
    while counted:
        with writing(services) as session:
            counted = _count_slice(session)
            session.commit()
        done += counted
        if progress is not None:
            progress(min(done, total), total)


def _count_slice(session: Session) -> int:
    """Count the days before those that are counted; return how many inspections they hold, 0 when all are counted."""
    state = take_state(session)
    calendar, start = state.calendar, state.counted_from
    if calendar is None or start is None:
        return 0
    counted = 0
    while counted < SLICE_ROWS and start is not None:
        latest = latest_before(session, start)
        if latest is None:
            start = None
        else:
            day = calendar.day_of(latest)
            start = calendar.start_of(day)
            counted += _count_day(session, calendar, day)
    save_state(session, replace(state, counted_from=start))
    return counted


def _count_day(session: Session, calendar: PlantCalendar, day: date) -> int:
    """Count the inspections of a production day, which are not counted yet; return how many there are."""
    names = [column.name for column in DETAILS.columns]
    session.execute(insert(DETAILS).from_select(names, select_details(calendar, day)))
    session.execute(insert(DAYS).from_select([column.name for column in DAYS.columns], select_days(day)))
    return int(session.execute(select(func.sum(DAYS.c.n)).where(DAYS.c.day == day)).scalar_one() or 0)
