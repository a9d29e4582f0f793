"""The p-chart of a period: the share of rejected parts by hour or day, with limits from the time before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal, cast

from core.analytics.charts.control_charts import FEWEST_POINTS, Plan
from core.analytics.charts.count_charts import make_p_chart
from core.analytics.groups import Group, count_groups
from core.analytics.scope import Scope

if TYPE_CHECKING:
    from core.rollups.calendar import PlantCalendar
    from core.schedules.periods import Period
    from core.transactions import HasDatabase

Grouping = Literal["hour", "day", "week"]
# Limits are those of so many days before: a shift has too few hours to tell its own.
_BASELINE_DAYS: dict[Grouping, int] = {"hour": 7, "day": 28, "week": 182}
_MOST_HOURLY_DAYS, _MOST_DAILY_DAYS = 2, 62


@dataclass(frozen=True)
class ChartPoint:
    """One sample: where it begins (an hour in UTC, or a production day), its size, its rejected parts, its limits."""

    start: datetime | date
    n: int
    n_reject: int
    lower: float | None
    upper: float | None

    @property
    def share(self) -> float | None:
        """Return the share of rejected parts; None where nothing was inspected."""
        return self.n_reject / self.n if self.n else None

    @property
    def is_outside(self) -> bool:
        """Return whether the share lies outside its limits."""
        if self.share is None or self.lower is None or self.upper is None:
            return False
        return not self.lower <= self.share <= self.upper


@dataclass(frozen=True)
class DefectChart:
    """The points of a period, and the center of their limits, which stands on `n_samples` samples.

    `is_own` where these are the period's own, for want of enough before it; without enough at all, `center` is None.
    """

    by: Grouping
    points: tuple[ChartPoint, ...]
    center: float | None
    n_samples: int
    is_own: bool

    @property
    def outside(self) -> tuple[ChartPoint, ...]:
        """Return the points outside their limits."""
        return tuple(point for point in self.points if point.is_outside)


def choose_grouping(period: Period) -> Grouping:
    """Return by what a period's parts are counted: a short one by hours, a longer one by days or weeks."""
    days = (period.last - period.first).days + 1
    if period.kind in {"shift", "day"} or days <= _MOST_HOURLY_DAYS:
        return "hour"
    return "day" if days <= _MOST_DAILY_DAYS else "week"


def make_defect_chart(
    services: HasDatabase, period: Period, scope: Scope, calendar: PlantCalendar, *, now: datetime
) -> DefectChart:
    """Return the p-chart of a period as far as it has come, with limits from the days before it (`make_p_chart`)."""
    by = choose_grouping(period)
    own = _within(count_groups(services, scope, by, with_empty=True), period, calendar, now)
    before = Scope(
        scope.first - timedelta(days=_BASELINE_DAYS[by]) if scope.first is not None else None,
        period.first - timedelta(days=1),
        scope.product_id,
        scope.line,
    )
    samples = [group for group in count_groups(services, before, by) if group.counts.n]
    is_own = len(samples) < FEWEST_POINTS
    earlier = [] if is_own else samples
    counts = [group.counts for group in (*earlier, *own)]
    plan = Plan() if is_own else Plan(baseline=frozenset(range(len(earlier))))
    chart = make_p_chart([one.n for one in counts], [one.reject for one in counts], plan)
    limits = {point.place - len(earlier): (point.lower, point.upper) for point in chart.points}
    points = [
        ChartPoint(
            cast("datetime | date", group.key), group.counts.n, group.counts.reject, *limits.get(place, (None, None))
        )
        for place, group in enumerate(own)
    ]
    phase = chart.phases[0] if chart.phases else None
    return DefectChart(by, tuple(points), phase.center if phase else None, phase.n_points if phase else 0, is_own)


def _within(groups: Sequence[Group], period: Period, calendar: PlantCalendar, now: datetime) -> list[Group]:
    """Return the groups of a period that has begun: empty hours outside a shift, and what is to come, are left out."""
    kept = []
    for group in groups:
        start, end = _span(group, period, calendar)
        if group.counts.n or (start < min(period.end, now) and end > period.start):
            kept.append(group)
    return kept


def _span(group: Group, period: Period, calendar: PlantCalendar) -> tuple[datetime, datetime]:
    key = group.key
    if isinstance(key, datetime):
        return key.astimezone(UTC), key.astimezone(UTC) + timedelta(hours=1)
    if isinstance(key, date):
        return calendar.start_of(key), calendar.end_of(key)
    return period.start, period.end
