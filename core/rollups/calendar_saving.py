"""Changing the plant's calendar: checked, kept in the audit log, and all that is counted begins anew."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from core.access import ENGINEER, require_role
from core.audit import find_changes, record, stale_save
from core.errors import BadInput
from core.rollups.calendar import KEY, PlantCalendar, Shift, read_calendar
from core.rollups.rebuilding import begin_again
from core.rollups.state import take_state
from core.transactions import HasDatabase, writing
from storage.tables import SystemConfig, utc_now

if TYPE_CHECKING:
    from core.access import Person

MOST_SHIFTS = 6
# As long as the shift that is noted with an inspection.
LONGEST_SHIFT_NAME = 32


def save_calendar(services: HasDatabase, person: Person, calendar: PlantCalendar) -> PlantCalendar:
    """Store the calendar as edited on the state `calendar.row_version` (0: none was stored); return it as it is kept.

    From then on figures follow it, also those of the past; until `core.rollups.rebuilding.ensure_counts` has counted
    all inspections by it, they are read from the inspections. Raises NotAllowed, BadInput as `check_calendar`, and
    Conflict(`stale_save`).
    """
    require_role(services, person, ENGINEER)
    wanted = check_calendar(calendar)
    with writing(services) as session:
        state = take_state(session)
        before = read_calendar(session)
        if before.row_version != calendar.row_version:
            raise stale_save(session, subject_type=KEY, subject_id=0, row_version=calendar.row_version)
        if wanted.is_same_as(before) and before.row_version:
            return before
        row = session.get(SystemConfig, KEY) or SystemConfig(key=KEY, row_version=0)
        row.value, row.updated_at, row.updated_by = wanted.to_json(), utc_now(), person.id
        row.row_version += 1
        session.add(row)
        changes = find_changes(_as_text(before), _as_text(wanted))
        record(session, person, "calendar.changed", KEY, 0, row_version=row.row_version, changes=changes)
        session.flush()
        if not wanted.is_same_as(state.calendar):
            begin_again(session, state, wanted)
        saved = replace(wanted, row_version=row.row_version)
        session.commit()
        return saved


def check_calendar(calendar: PlantCalendar) -> PlantCalendar:
    """Return the calendar as it would be kept: names without stray spaces, shifts in the order of the day.

    The first shift begins the production day, the others follow by the clock. Raises BadInput(`calendar_zone_unknown`,
    `calendar_shifts_too_many`, `calendar_shift_unnamed`, `calendar_shift_name_long`, `calendar_shift_known`,
    `calendar_start_known`).
    """
    if calendar.time_zone not in list_time_zones():
        raise BadInput("calendar_zone_unknown", name=calendar.time_zone)
    if len(calendar.shifts) > MOST_SHIFTS:
        raise BadInput("calendar_shifts_too_many", highest=MOST_SHIFTS)
    shifts = [Shift(_clean(one.name), one.starts_at.replace(second=0, microsecond=0)) for one in calendar.shifts]
    for place, shift in enumerate(shifts):
        if not shift.name:
            raise BadInput("calendar_shift_unnamed", number=place + 1)
        if len(shift.name) > LONGEST_SHIFT_NAME:
            raise BadInput("calendar_shift_name_long", highest=LONGEST_SHIFT_NAME)
        for other in shifts[:place]:
            if other.name.casefold() == shift.name.casefold():
                raise BadInput("calendar_shift_known", name=shift.name)
            if other.starts_at == shift.starts_at:
                start = f"{shift.starts_at:%H:%M}"
                raise BadInput("calendar_start_known", first=other.name, second=shift.name, start=start)
    first = shifts[0].starts_at if shifts else None
    ordered = sorted(shifts, key=lambda one: (first is not None and one.starts_at < first, one.starts_at))
    return PlantCalendar(calendar.time_zone, tuple(ordered), calendar.row_version)


@cache
def list_time_zones() -> tuple[str, ...]:
    """Return the names of all time zones that a calendar may have, by the alphabet."""
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


def _clean(name: str) -> str:
    # What cannot be seen would make two shifts of one name.
    text = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in unicodedata.normalize("NFC", name))
    return " ".join(text.split())


def _as_text(calendar: PlantCalendar) -> dict[str, str]:
    shifts = ", ".join(f"{one.name} {one.starts_at:%H:%M}" for one in calendar.shifts)
    return {"time_zone": calendar.time_zone, "shifts": shifts or "-"}
