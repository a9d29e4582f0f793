"""The plant's calendar: its time zone, its shifts, and where a production day begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlmodel import Session

from storage.tables import SystemConfig

KEY = "plant_calendar"
# The row that says how far inspections are counted, and with which calendar (`core.rollups.state`).
STATE_KEY = "rollups"


@dataclass(frozen=True)
class Shift:
    """A shift: its name, and the local time of day at which it begins; it ends where the next one begins."""

    name: str
    starts_at: time


@dataclass(frozen=True)
class PlantCalendar:
    """Time zone (IANA name) and shifts in order of their beginning in a production day; none: a day begins at midnight.

    A production day begins with its first shift: what a night shift does after midnight belongs to the day before.
    """

    time_zone: str
    shifts: tuple[Shift, ...] = ()
    row_version: int = 0

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def day_starts_at(self) -> time:
        """Return the local time of day at which a production day begins."""
        return self.shifts[0].starts_at if self.shifts else time(0)

    def start_of(self, day: date) -> datetime:
        """Return the moment (UTC) at which the production day begins."""
        return datetime.combine(day, self.day_starts_at, tzinfo=self.zone).astimezone(UTC)

    def end_of(self, day: date) -> datetime:
        """Return the moment (UTC) at which the next production day begins."""
        return self.start_of(day + timedelta(days=1))

    def day_of(self, moment: datetime) -> date:
        """Return the production day of a moment (aware)."""
        day = moment.astimezone(self.zone).date()
        # Compared as moments: on a day when the clocks change, the time of day alone would mislead, and clocks that
        # are put back over midnight show the date of the day before once more.
        if moment < self.start_of(day):
            return day - timedelta(days=1)
        return day if moment < self.end_of(day) else day + timedelta(days=1)

    def shift_of(self, moment: datetime) -> str:
        """Return the name of the shift at a moment (aware); "" where no shifts are set."""
        if not self.shifts:
            return ""
        day = self.day_of(moment)
        return [name for name, start, _end in self.shifts_of(day) if start <= moment][-1]

    def is_same_as(self, other: PlantCalendar | None) -> bool:
        """Return whether another calendar puts every moment into the same day and shift."""
        return other is not None and (self.time_zone, self.shifts) == (other.time_zone, other.shifts)

    @classmethod
    def from_json(cls, value: dict[str, Any], row_version: int = 0) -> PlantCalendar:
        """Return the calendar that a stored value describes."""
        shifts = tuple(Shift(one["name"], time.fromisoformat(one["starts_at"])) for one in value["shifts"])
        return cls(value["time_zone"], shifts, row_version)

    def to_json(self) -> dict[str, Any]:
        """Return the calendar as a value to be stored."""
        shifts = [{"name": one.name, "starts_at": one.starts_at.isoformat("minutes")} for one in self.shifts]
        return {"time_zone": self.time_zone, "shifts": shifts}

    def shifts_of(self, day: date) -> Iterator[tuple[str, datetime, datetime]]:
        """Yield each shift of a production day: its name, its beginning and its end (UTC). Without shifts: none."""
        if not self.shifts:
            return
        starts = [self.start_of(day)]
        for shift in self.shifts[1:]:
            local_day = day if shift.starts_at > self.day_starts_at else day + timedelta(days=1)
            starts.append(datetime.combine(local_day, shift.starts_at, tzinfo=self.zone).astimezone(UTC))
        for shift, start, end in zip(self.shifts, starts, [*starts[1:], self.end_of(day)], strict=True):
            yield shift.name, start, end


def read_calendar(session: Session) -> PlantCalendar:
    """Return the plant's calendar; without one, days from midnight to midnight in the time zone of the installation.

    That is the one in which inspections were first counted: it stays the same for every machine that asks.
    """
    row = session.get(SystemConfig, KEY)
    if row is not None:
        return PlantCalendar.from_json(row.value, row.row_version)
    counted = session.get(SystemConfig, STATE_KEY)
    return PlantCalendar(counted.value.get("first_zone", find_local_zone()) if counted else find_local_zone())


@cache
def find_local_zone() -> str:
    """Return the IANA name of this machine's time zone; UTC where it has none."""
    from babel.localtime import get_localzone

    name = getattr(get_localzone(), "key", None) or getattr(get_localzone(), "zone", None) or "UTC"
    try:
        ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"
    return str(name)
