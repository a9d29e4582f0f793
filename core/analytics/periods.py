"""The periods that figures are looked at in: some that move with today, any days chosen, all time; and in addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from core.analytics.scope import Scope

if TYPE_CHECKING:
    from core.rollups.calendar import PlantCalendar

PeriodName = Literal["today", "7d", "30d", "90d", "all", "custom"]
ALL_TIME: PeriodName = "all"
CUSTOM: PeriodName = "custom"
USUAL: PeriodName = "30d"
_DAYS: dict[str, int] = {"today": 1, "7d": 7, "30d": 30, "90d": 90}
PERIODS: tuple[PeriodName, ...] = ("today", "7d", "30d", "90d", ALL_TIME, CUSTOM)
# A bar for each up to so many days; longer periods are drawn in longer steps.
_LONGEST: tuple[tuple[int, Literal["hour", "day", "week"]], ...] = ((2, "hour"), (92, "day"), (550, "week"))
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2999, 12, 31)
Step = Literal["hour", "day", "week", "month"]


@dataclass(frozen=True)
class Period:
    """A period by its name; `first` and `last`, both included, are those of a custom one."""

    name: PeriodName = USUAL
    first: date | None = None
    last: date | None = None

    def to_query(self) -> dict[str, str]:
        """Return what an address says of it; nothing for the usual one."""
        if self.name == CUSTOM and self.first is not None and self.last is not None:
            return {"first_day": self.first.isoformat(), "last_day": self.last.isoformat()}
        return {} if self.name == USUAL else {"period": self.name}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[Period, tuple[str, ...]]:
        """Return the period in an address, and the names of what in it is not understood and was left out."""
        texts = {name: query.get(name, "").strip() for name in ("period", "first_day", "last_day")}
        if texts["first_day"] or texts["last_day"]:
            first, last = _read_day(texts["first_day"]), _read_day(texts["last_day"])
            if first is not None and last is not None and first <= last:
                return cls(CUSTOM, first, last), ()
            wrong = [name for name, day in (("first_day", first), ("last_day", last)) if day is None]
            return cls(), tuple(wrong or ["last_day"])
        name = next((one for one in PERIODS if one == texts["period"] and one != CUSTOM), None)
        return (cls(name), ()) if name is not None else (cls(), ("period",) if texts["period"] else ())

    def to_scope(self, today: date, *, product_id: int | None = None) -> Scope:
        """Return the production days of the period, as they are on the production day `today`."""
        if self.name == CUSTOM and self.first is not None and self.last is not None:
            return Scope(self.first, self.last, product_id)
        days = _DAYS.get(self.name)
        return Scope(None if days is None else today - timedelta(days=days - 1), today, product_id)


def choose_step(days: int) -> Step:
    """Return in which steps a period of so many days is drawn."""
    return next((step for longest, step in _LONGEST if days <= longest), "month")


def days_of_step(start: date, step: Step, scope: Scope) -> tuple[date, date]:
    """Return the first and the last day of the day, week or month that begins at `start`, within the period."""
    if step == "month":
        last = (start.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    else:
        last = start + timedelta(days=6 if step == "week" else 0)
    return max(start, scope.first or start), min(last, scope.last)


def elapsed_part(scope: Scope, calendar: PlantCalendar, now: datetime) -> tuple[datetime, datetime] | None:
    """Return what of the period before has no counterpart yet, from its moment to its end (UTC); None for none.

    Today is not over: three inspections at ten in the morning are compared with those of yesterday until ten.
    """
    before = scope.before()
    start, end = calendar.start_of(scope.last), calendar.end_of(scope.last)
    if before is None or not start <= now < end:
        return None
    return calendar.start_of(before.last) + (now - start), calendar.end_of(before.last)


def _read_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None
