"""The periods that reports are made of: a shift, a production day, a week, or a lot from its first part to its last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, cast

from core.errors import BadInput, NotReady
from core.i18n import N_
from core.rollups.calendar import PlantCalendar, read_calendar
from core.transactions import HasDatabase, reading
from storage.json_fields import read_object, read_text

PeriodKind = Literal["shift", "day", "week", "lot"]
PERIOD_NAMES: dict[PeriodKind, str] = {
    "shift": N_("Shift"),
    "day": N_("Production day"),
    "week": N_("Week"),
    "lot": N_("Lot"),
}
_WEEK_DAYS = 7
# Shifts follow each other within a day: so many days back there always is another one.
_DAYS_BACK = 3


@dataclass(frozen=True)
class Period:
    """A period in production days, `first` to `last` with both; `start` and `end` (not included) in UTC.

    `shift` is its name for a shift, `lot` its number for a lot, else "".
    """

    kind: PeriodKind
    first: date
    last: date
    start: datetime
    end: datetime
    shift: str = ""
    lot: str = ""

    @property
    def key(self) -> str:
        """Return what no other period of its kind has: where it begins."""
        return f"{self.kind}:{self.start.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "kind": self.kind,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "shift": self.shift,
            "lot": self.lot,
        }

    @classmethod
    def from_json(cls, value: object) -> Period:
        """Return the period in a JSON object that `to_json` wrote."""
        data = read_object(value)
        return cls(
            cast(PeriodKind, data["kind"]),
            date.fromisoformat(data["first"]),
            date.fromisoformat(data["last"]),
            datetime.fromisoformat(data["start"]),
            datetime.fromisoformat(data["end"]),
            read_text(data.get("shift")) or "",
            read_text(data.get("lot")) or "",
        )


def load_calendar(services: HasDatabase) -> PlantCalendar:
    """Return the plant's calendar, which periods are reckoned by."""
    with reading(services) as session:
        return read_calendar(session)


def day_period(calendar: PlantCalendar, day: date) -> Period:
    """Return the production day."""
    return Period("day", day, day, calendar.start_of(day), calendar.end_of(day))


def week_period(calendar: PlantCalendar, day: date) -> Period:
    """Return the week of production days, Monday to Sunday, that the day lies in."""
    monday = day - timedelta(days=day.weekday())
    sunday = monday + timedelta(days=_WEEK_DAYS - 1)
    return Period("week", monday, sunday, calendar.start_of(monday), calendar.end_of(sunday))


def shift_period(calendar: PlantCalendar, day: date, name: str) -> Period:
    """Return the shift of a production day.

    Raises NotReady report_without_shifts where the plant has none, BadInput report_shift_unknown for another name.
    """
    if not calendar.shifts:
        raise NotReady("report_without_shifts")
    found = next((one for one in shifts_of(calendar, day) if one.shift == name), None)
    if found is None:
        raise BadInput("report_shift_unknown", name=name, choices=", ".join(one.name for one in calendar.shifts))
    return found


def shifts_of(calendar: PlantCalendar, day: date) -> Iterator[Period]:
    """Yield the shifts of a production day in their order, without one that the clocks leave no time for."""
    for name, start, end in calendar.shifts_of(day):
        if start < end:
            yield Period("shift", day, day, start, end, shift=name)


def lot_period(calendar: PlantCalendar, lot: str, first: datetime, last: datetime) -> Period:
    """Return the period of a lot whose first and last part were inspected at these moments."""
    first_day, last_day = calendar.day_of(first), calendar.day_of(last)
    return Period("lot", first_day, last_day, calendar.start_of(first_day), calendar.end_of(last_day), lot=lot)


def period_at(calendar: PlantCalendar, kind: PeriodKind, moment: datetime) -> Period:
    """Return the shift, day or week that a moment (aware) lies in. Raises NotReady report_without_shifts."""
    day = calendar.day_of(moment)
    if kind == "week":
        return week_period(calendar, day)
    if kind == "day":
        return day_period(calendar, day)
    if not calendar.shifts:
        raise NotReady("report_without_shifts")
    return next(one for one in reversed(list(shifts_of(calendar, day))) if one.start <= moment)


def period_before(calendar: PlantCalendar, period: Period) -> Period:
    """Return the shift, day or week before. For a shift this is the one that ran before it, not that of yesterday."""
    if period.kind == "week":
        return week_period(calendar, period.first - timedelta(days=_WEEK_DAYS))
    if period.kind == "day":
        return day_period(calendar, period.first - timedelta(days=1))
    earlier = [
        one
        for number in range(_DAYS_BACK)
        for one in shifts_of(calendar, period.first - timedelta(days=number))
        if one.start < period.start
    ]
    return max(earlier, key=lambda one: one.start)


def last_ended(calendar: PlantCalendar, kind: PeriodKind, moment: datetime) -> Period:
    """Return the last shift, day or week that was over at a moment. Raises NotReady report_without_shifts."""
    return period_before(calendar, period_at(calendar, kind, moment))
