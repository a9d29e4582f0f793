"""When scheduled reports fall due: after each shift, at a time of each day, on a day of each week."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.errors import BadInput
from core.rollups.calendar import PlantCalendar
from core.schedules.periods import Period, PeriodKind, day_period, shifts_of, week_period

LONGEST_DELAY_MIN = 240
DEFAULT_DELAY_MIN = 10
# Whoever was away for longer learns at least of so many days.
_MOST_DAYS_BACK = 370
_DAYS_AHEAD = 9


@dataclass(frozen=True)
class Timing:
    """When a report falls due, by its kind.

    shift: so many minutes after each of `shifts` (none named: after every one) · day: at the local time `at`, of the
    last production day that is over then · week: at `at` on `weekday` (0 is Monday), of the last week that is over.
    """

    kind: PeriodKind
    at: time = time(7)
    weekday: int = 0
    delay_min: int = DEFAULT_DELAY_MIN
    shifts: tuple[str, ...] = ()

    def check(self, calendar: PlantCalendar) -> None:
        """Raise BadInput for what can never fall due: report_schedule_kind, report_delay, report_shift_unknown."""
        if self.kind not in {"shift", "day", "week"}:
            raise BadInput("report_schedule_kind", kind=self.kind)
        if not 0 <= self.delay_min <= LONGEST_DELAY_MIN:
            raise BadInput("report_delay", highest=LONGEST_DELAY_MIN)
        if not 0 <= self.weekday <= 6:
            raise BadInput("report_weekday")
        if self.kind == "shift":
            known = [one.name for one in calendar.shifts]
            if not known:
                raise BadInput("report_without_shifts")
            for name in self.shifts:
                if name not in known:
                    raise BadInput("report_shift_unknown", name=name, choices=", ".join(known))


@dataclass(frozen=True)
class Due:
    """The moment (UTC) at which the report of a period falls due."""

    at: datetime
    period: Period


def list_due(timing: Timing, calendar: PlantCalendar, *, after: datetime, until: datetime) -> list[Due]:
    """Return what falls due after one moment and not after another, in order; each period once.

    Where the clocks change, a time of day that there is twice counts once, and one that is left out counts later by as
    much. A report never falls due before its period is over.
    """
    after = max(after, until - timedelta(days=_MOST_DAYS_BACK))
    first, last = calendar.day_of(after) - timedelta(days=2), calendar.day_of(until) + timedelta(days=2)
    found: dict[str, Due] = {}
    for number in range((last - first).days + 1):
        for due in _of_day(timing, calendar, first + timedelta(days=number)):
            if after < due.at <= until:
                found.setdefault(due.period.key, due)
    return sorted(found.values(), key=lambda due: due.at)


def next_due(timing: Timing, calendar: PlantCalendar, after: datetime) -> Due | None:
    """Return what falls due next after a moment; None where nothing does, as with a shift that there is no more."""
    return next(iter(list_due(timing, calendar, after=after, until=after + timedelta(days=_DAYS_AHEAD))), None)


def _of_day(timing: Timing, calendar: PlantCalendar, day: date) -> Iterator[Due]:
    if timing.kind == "shift":
        delay = timedelta(minutes=timing.delay_min)
        for period in shifts_of(calendar, day) if calendar.shifts else ():
            if not timing.shifts or period.shift in timing.shifts:
                yield Due(period.end + delay, period)
        return
    if timing.kind == "week" and day.weekday() != timing.weekday:
        return
    # By the time of day and not by the moment: on a day when the clocks change, each day still has its own report.
    ended = day - timedelta(days=1 if timing.at >= calendar.day_starts_at else 2)
    period = day_period(calendar, ended)
    if timing.kind == "week":
        is_over = ended.weekday() == 6
        period = week_period(calendar, ended if is_over else ended - timedelta(days=ended.weekday() + 1))
    at = datetime.combine(day, timing.at, tzinfo=calendar.zone).astimezone(UTC)
    yield Due(max(at, period.end), period)
