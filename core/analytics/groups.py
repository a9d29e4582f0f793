"""Inspections counted by one of their properties: the figures behind every chart and report."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlmodel import Session, col, func, select

from core.rollups.calendar import PlantCalendar, read_calendar
from core.rollups.sources import (
    Source,
    between,
    inspection_source,
    latest_before,
    of_view,
    rollup_source,
    view_source,
)
from core.rollups.state import read_state
from core.transactions import HasDatabase, reading
from storage.expressions import HourOf
from storage.row_limits import limits_of
from storage.tables import Inspection

if TYPE_CHECKING:
    from core.analytics.scope import Scope

By = Literal["all", "hour", "day", "week", "month", "shift", "line", "lot", "product", "type", "version"]
Key = date | datetime | str | int | tuple[date, str] | None


@dataclass(frozen=True)
class Counts:
    """Numbers of inspections, as people decided in the end: `n` = `ok` + `review` + `reject`.

    `overridden` ended with another verdict than the model's.
    `regions` is the number of defect regions on the parts that were rejected. `score_sum` and `score_square_sum` are of
    the scores of the parts that are OK (float32 distances).
    """

    n: int = 0
    ok: int = 0
    review: int = 0
    reject: int = 0
    overridden: int = 0
    regions: int = 0
    score_sum: float = 0.0
    score_square_sum: float = 0.0

    @property
    def defect_rate(self) -> float | None:
        """Return the share of rejected parts; None without any inspection."""
        return self.reject / self.n if self.n else None

    @property
    def mean_score(self) -> float | None:
        """Return the mean score of the OK parts; None without any."""
        return self.score_sum / self.ok if self.ok else None

    @property
    def score_deviation(self) -> float | None:
        """Return the standard deviation (n - 1) of the scores of the OK parts; None for fewer than two."""
        if self.ok < 2:
            return None
        return math.sqrt(max(0.0, (self.score_square_sum - self.score_sum**2 / self.ok) / (self.ok - 1)))

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both."""
        return Counts(*(mine + theirs for mine, theirs in zip(_numbers(self), _numbers(other), strict=True)))


@dataclass(frozen=True)
class Group:
    """The counts of one group. `key` by what is grouped:

    all: None · hour: its beginning (datetime, UTC) · day, week (its Monday), month (its first): date ·
    shift: (production day, name) · line, lot: text · product, type, version: id (None:
    no type named).
    """

    key: Key
    counts: Counts


def count_groups(services: HasDatabase, scope: Scope, by: By = "all", *, with_empty: bool = False) -> list[Group]:
    """Return the counts of the scope by one property, in order of the keys (None first).

    With `with_empty`, hours, days, weeks and months of the period in which nothing was inspected are there, too.
    Read from the roll-ups, hours from the inspections; from these, too, while the roll-ups are being counted again.
    """
    with reading(services) as session:
        calendar = read_calendar(session)
        found = _count_rollups(session, scope, by, calendar)
        if found is None:
            found = _count_inspections(session, scope, by, calendar)
    if with_empty:
        for key in _all_keys(scope, by, calendar):
            found.setdefault(key, Counts())
    return [Group(key, found[key]) for key in sorted(found, key=lambda key: (key is not None, key))]


def count_pictures(services: HasDatabase, scope: Scope, by: By, view: str) -> list[Group]:
    """Return the same of the pictures of one view: their number, scores and versions, with the verdict of the part.

    Read from the inspections; the roll-ups know only what the views come to together.
    """
    with reading(services) as session:
        found = _count_inspections(session, scope, by, read_calendar(session), view=view)
    return [Group(key, found[key]) for key in sorted(found, key=lambda key: (key is not None, key))]


# What each property is read from, by the names of a source.
_COLUMNS: dict[By, tuple[str, ...]] = {
    "all": (),
    "hour": (),
    "day": ("day",),
    "week": ("day",),
    "month": ("day",),
    "shift": ("day", "shift"),
    "line": ("line",),
    "lot": ("lot",),
    "product": ("product_id",),
    "type": ("defect_type_id",),
    "version": ("version_id",),
}
_IN_DETAIL = {"line", "lot", "shift", "version_id"}


def _count_rollups(session: Session, scope: Scope, by: By, calendar: PlantCalendar) -> dict[Any, Counts] | None:
    """Return the counts by key from the roll-ups; None where they do not know them."""
    state = read_state(session)
    if by == "hour" or not state.is_complete_for(calendar):
        return None
    asked = {*_COLUMNS[by], *_wanted(scope)}
    # The roll-ups are bare tables: what the session may see is asked for here.
    limits = limits_of(session)
    source = rollup_source(in_detail=bool(asked & _IN_DETAIL) or limits.lines is not None)
    seen = limits.conditions(source.columns["product_id"], source.columns.get("line"))
    period = [source.columns["day"] <= scope.last, *seen]
    if scope.first is not None:
        period.append(source.columns["day"] >= scope.first)
    keys = [source.columns[name] for name in _COLUMNS[by]]
    found: dict[Any, Counts] = defaultdict(Counts)
    for values, counts in _run(session, scope, source, keys, period):
        found[_to_key(by, values)] += counts
    # A server shows each statement the rows of its own moment: not half of what is being counted again.
    return found if read_state(session).version == state.version else None


def _count_inspections(
    session: Session, scope: Scope, by: By, calendar: PlantCalendar, *, view: str | None = None
) -> dict[Any, Counts]:
    """Return the counts by key from the inspections, day by day where the day or the calendar's shift matters."""
    found: dict[Any, Counts] = defaultdict(Counts)
    by_day = by in {"day", "week", "month", "shift"} or bool(scope.shift is not None and calendar.shifts)
    start = None if scope.first is None else calendar.start_of(scope.first)
    end = _end_of(session, scope, calendar)
    while end is not None and (start is None or end > start):
        latest = latest_before(session, end)
        if latest is None or (start is not None and latest < start):
            break
        day = calendar.day_of(latest) if by_day else None
        begin = start if day is None else calendar.start_of(day)
        source = inspection_source(calendar, day) if view is None else view_source(calendar, day)
        # The day is known: MariaDB would give it back as text.
        names = [name for name in _COLUMNS[by] if name != "day"]
        keys = [HourOf(Inspection.created_at)] if by == "hour" else [source.columns[name] for name in names]
        period = [col(Inspection.created_at) < end] if begin is None else [between(begin, end)]
        period += [] if view is None else of_view(view)
        of_day = (day,) if len(names) < len(_COLUMNS[by]) else ()
        for values, counts in _run(session, scope, source, keys, period):
            found[_to_key(by, (*of_day, *values))] += counts
        end = begin if by_day else None
    return found


def _end_of(session: Session, scope: Scope, calendar: PlantCalendar) -> datetime | None:
    """Return where the period ends: no later than with the last inspection, however far ahead the scope looks."""
    latest = session.exec(select(func.max(Inspection.created_at))).one()
    return None if latest is None else calendar.end_of(min(scope.last, calendar.day_of(latest)))


def _run(
    session: Session, scope: Scope, source: Source, keys: list[Any], period: list[Any]
) -> Iterator[tuple[Sequence[Any], Counts]]:
    named = [key.label(f"key_{place}") for place, key in enumerate(keys)]
    verdicts = [source.columns[name].label(f"key_{name}") for name in ("verdict", "final_verdict")]
    query = select(*named, *verdicts, *source.sums()).where(
        *period, *(source.columns[name] == value for name, value in _wanted(scope).items())
    )
    # By their names in the result: an expression with values in it is not known again on PostgreSQL.
    query = query.group_by(*(one.name for one in (*named, *verdicts)))
    for row in session.execute(query):
        yield row[: len(keys)], _to_counts(*row[len(keys) :])


def _wanted(scope: Scope) -> dict[str, Any]:
    wanted = {
        "product_id": scope.product_id,
        "line": scope.line,
        "lot": scope.lot,
        "shift": scope.shift,
        "defect_type_id": scope.defect_type_id,
        "version_id": scope.version_id,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _to_key(by: By, values: Sequence[Any]) -> Key:
    if by == "all":
        return None
    first: Any = values[0]
    if by == "hour":
        return datetime.strptime(first, "%Y-%m-%d %H").replace(tzinfo=UTC)
    if by == "shift":
        return first, values[1]
    if by == "type":
        return first or None
    return _START_OF[by](first) if by in _START_OF else first


# The day by which a week and a month are named.
_START_OF: dict[str, Callable[[date], date]] = {
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


def _to_counts(verdict: str, final: str, n: Any, regions: Any, score_sum: float, score_square_sum: float) -> Counts:
    # Sums are decimal numbers on MariaDB and PostgreSQL.
    number, is_ok = int(n), final == "ok"
    return Counts(
        n=number,
        ok=number if is_ok else 0,
        review=number if final == "review" else 0,
        reject=number if final == "reject" else 0,
        overridden=number if verdict != final else 0,
        regions=int(regions) if final == "reject" else 0,
        score_sum=float(score_sum) if is_ok else 0.0,
        score_square_sum=float(score_square_sum) if is_ok else 0.0,
    )


def _all_keys(scope: Scope, by: By, calendar: PlantCalendar) -> set[Key]:
    if scope.first is None or by not in {"hour", "day", "week", "month"}:
        return set()
    days = [scope.first + timedelta(days=number) for number in range(scope.days or 0)]
    if by == "hour":
        start, end = calendar.start_of(scope.first), calendar.end_of(scope.last)
        first = start.replace(minute=0, second=0, microsecond=0)
        return {first + timedelta(hours=number) for number in range(int((end - first) / timedelta(hours=1)) + 1)}
    return {_START_OF[by](day) if by in _START_OF else day for day in days}


def _numbers(counts: Counts) -> Sequence[Any]:
    return tuple(getattr(counts, name) for name in Counts.__dataclass_fields__)
