"""Trends: the groups of a period in their order, with the control charts of defect rate and regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from core.analytics.changes import Change, list_changes
from core.analytics.charts.control_charts import ControlChart, Plan
from core.analytics.charts.count_charts import make_p_chart, make_u_chart
from core.analytics.groups import Counts, Group, Key, count_groups
from core.analytics.scope import Scope
from core.analytics.trend_filter import BASELINE, ORDERED, PHASES, TrendFilter
from core.rollups.calendar import PlantCalendar, read_calendar
from core.transactions import HasDatabase, reading
from storage.tables import utc_now

MOST_GROUPS = 400
MOST_HOUR_DAYS = 31


@dataclass(frozen=True)
class TrendGroup:
    """One group: its key, its counts, and the parts and regions that count as defects: of the chosen type, if any."""

    key: Key
    counts: Counts
    n_rejected: int
    n_regions: int


@dataclass(frozen=True)
class Trend:
    """The groups in their order, and the charts of the defect rate and of defect regions a part.

    `total`, `n_rejected` and `n_regions` are of the whole period. Hours are those from `hours_from` on (None: all).
    `n_left_out` groups more were found than a chart can show: the newest are shown, or those with the most parts.
    `changes` came into force at the group of the same place in `change_places` (the number of groups: after the last).
    """

    scope: Scope
    groups: tuple[TrendGroup, ...]
    total: Counts
    n_rejected: int
    n_regions: int
    rate: ControlChart
    regions: ControlChart
    changes: tuple[Change, ...] = ()
    change_places: tuple[int, ...] = ()
    n_left_out: int = 0
    hours_from: date | None = None


def find_today(services: HasDatabase) -> date:
    """Return the production day of now."""
    with reading(services) as session:
        return read_calendar(session).day_of(utc_now())


def read_trend(services: HasDatabase, wanted: TrendFilter, *, today: date | None = None) -> Trend:
    """Return the trend of what is wanted, as of `today` (the production day of now). Raises AppError."""
    with reading(services) as session:
        calendar = read_calendar(session)
    scope = wanted.to_scope(today or calendar.day_of(utc_now()))
    narrow = narrow_hours(scope, wanted)
    groups = _read_groups(services, narrow, wanted, calendar)
    shown = _limit(groups, wanted)
    total = _sum(services, replace(scope, defect_type_id=None))
    own = total if scope.defect_type_id is None else _sum(services, scope)
    changes = _read_changes(services, scope, wanted, calendar)
    places = tuple(_place_of(change, shown, calendar) for change in changes)
    base = _read_baseline(services, scope, wanted, calendar)
    starts = places if wanted.limits == PHASES else ()
    sizes = [float(group.counts.n) for group in shown]
    rejected = [float(group.n_rejected) for group in shown]
    regions = [float(group.n_regions) for group in shown]
    # Types have no center in common.
    plan = Plan(starts, frozenset() if wanted.by == "type" else None, wanted.by in ORDERED, wanted.is_plain)
    base_sizes = [float(group.counts.n) for group in base]
    return Trend(
        scope=scope,
        groups=tuple(shown),
        total=total,
        n_rejected=own.reject,
        n_regions=own.regions,
        rate=_chart(make_p_chart, sizes, rejected, plan, base_sizes, [float(group.n_rejected) for group in base]),
        regions=_chart(make_u_chart, sizes, regions, plan, base_sizes, [float(group.n_regions) for group in base]),
        changes=tuple(changes),
        change_places=places,
        n_left_out=len(groups) - len(shown),
        hours_from=narrow.first if narrow != scope else None,
    )


def narrow_hours(scope: Scope, wanted: TrendFilter) -> Scope:
    """Return the scope, by hour of no more than its last month: hours are counted one inspection after another."""
    if wanted.by != "hour" or (scope.days is not None and scope.days <= MOST_HOUR_DAYS):
        return scope
    return replace(scope, first=scope.last - timedelta(days=MOST_HOUR_DAYS - 1))


def _sum(services: HasDatabase, scope: Scope) -> Counts:
    return sum((group.counts for group in count_groups(services, scope)), Counts())


def _chart(
    make: Callable[[Sequence[float], Sequence[float], Plan], ControlChart],
    sizes: list[float],
    counts: list[float],
    plan: Plan,
    base_sizes: list[float],
    base_counts: list[float],
) -> ControlChart:
    """Return the chart; with a baseline, its groups stand before the others for the limits alone."""
    n_base = len(base_sizes)
    if not n_base:
        return make(sizes, counts, plan)
    plan = replace(plan, starts=(n_base,), baseline=frozenset(range(n_base)))
    chart = make([*base_sizes, *sizes], [*base_counts, *counts], plan)
    n_points = sum(size > 0 for size in base_sizes)
    points = tuple(replace(point, place=point.place - n_base) for point in chart.points[n_points:])
    phases = tuple(
        replace(phase, start=phase.start - n_points, stop=phase.stop - n_points)
        for phase in chart.phases
        if phase.start >= n_points
    )
    return ControlChart(points, phases)


def _read_groups(services: HasDatabase, scope: Scope, wanted: TrendFilter, calendar: PlantCalendar) -> list[TrendGroup]:
    """Return the groups that hold inspections: all of them, also those of other types than the chosen one."""
    if wanted.by == "type":
        return _read_types(services, scope)
    if scope.defect_type_id is None:
        found = count_groups(services, scope, wanted.by)
        own = {group.key: group.counts for group in found}
    else:
        found = count_groups(services, replace(scope, defect_type_id=None), wanted.by)
        own = {group.key: group.counts for group in count_groups(services, scope, wanted.by)}
    groups = [_describe(group, own.get(group.key, Counts())) for group in found if group.counts.n]
    order = {shift.name: place for place, shift in enumerate(calendar.shifts)}
    if wanted.by == "shift":
        groups.sort(key=lambda group: _shift_order(group.key, order))
    return groups


def _read_types(services: HasDatabase, scope: Scope) -> list[TrendGroup]:
    """Return a group for each type with NG parts: its parts as a share of all that were inspected."""
    n = _sum(services, replace(scope, defect_type_id=None)).n
    return [
        TrendGroup(group.key, replace(group.counts, n=n), group.counts.reject, group.counts.regions)
        for group in count_groups(services, scope, "type")
        if group.counts.reject
    ]


def _describe(group: Group, own: Counts) -> TrendGroup:
    return TrendGroup(group.key, group.counts, own.reject, own.regions)


def _shift_order(key: Key, order: dict[str, int]) -> tuple[date, int, str]:
    assert isinstance(key, tuple)
    return key[0], order.get(key[1], len(order)), key[1]


def _limit(groups: list[TrendGroup], wanted: TrendFilter) -> list[TrendGroup]:
    if len(groups) <= MOST_GROUPS:
        return groups
    if wanted.by in ORDERED:
        return groups[-MOST_GROUPS:]
    largest = sorted(range(len(groups)), key=lambda place: -groups[place].counts.n)[:MOST_GROUPS]
    return [groups[place] for place in sorted(largest)]


def _read_changes(services: HasDatabase, scope: Scope, wanted: TrendFilter, calendar: PlantCalendar) -> list[Change]:
    if scope.product_id is None or wanted.by not in ORDERED:
        return []
    since = calendar.start_of(scope.first) if scope.first is not None else None
    return list_changes(services, scope.product_id, since=since, until=calendar.end_of(scope.last))


def _place_of(change: Change, groups: Sequence[TrendGroup], calendar: PlantCalendar) -> int:
    """Return the first group that begins when the change is in force already."""
    return next(
        (place for place, group in enumerate(groups) if start_of_group(group.key, calendar) >= change.at), len(groups)
    )


def start_of_group(key: Key, calendar: PlantCalendar) -> datetime:
    """Return the moment (UTC) at which a group in time begins."""
    if isinstance(key, datetime):
        return key
    if isinstance(key, tuple):
        day, name = key
        shifts = calendar.shifts_of(day) if calendar.shifts else ()
        return next((start for found, start, _end in shifts if found == name), calendar.start_of(day))
    assert isinstance(key, date)
    return calendar.start_of(key)


def _read_baseline(
    services: HasDatabase, scope: Scope, wanted: TrendFilter, calendar: PlantCalendar
) -> list[TrendGroup]:
    if wanted.limits != BASELINE or wanted.by not in ORDERED or wanted.baseline_first is None:
        return []
    last = wanted.baseline_last or scope.last
    base = narrow_hours(replace(scope, first=min(wanted.baseline_first, last), last=last), wanted)
    return _limit(_read_groups(services, base, wanted, calendar), wanted)
