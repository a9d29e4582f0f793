"""Trends of the scores of good parts: each version's own, because scores of two models cannot be compared.

Of a product with views, the pictures of one view: what its views come to together is a probability, kept under the
version of whichever view decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlmodel import col, select

from core.analytics.charts.control_charts import ControlChart, Plan
from core.analytics.charts.score_charts import make_ewma_chart, make_individuals_chart
from core.analytics.conditions import conditions_of
from core.analytics.groups import By, Group, Key, count_groups, count_pictures
from core.analytics.scope import Scope
from core.analytics.trend_filter import BASELINE, ORDERED, SINGLE_PARTS, TrendFilter
from core.analytics.trends import MOST_GROUPS, narrow_hours, start_of_group
from core.catalog.views import View, find_view, read_views_of
from core.rollups.calendar import PlantCalendar, read_calendar
from core.rollups.sources import of_view
from core.transactions import HasDatabase, reading
from storage.tables import Inspection, InspectionView, ModelVersion, utc_now

MOST_PARTS = 400
_MOST_VERSIONS = 8


@dataclass(frozen=True)
class ScorePoint:
    """What a point of a score chart stands for: a group's OK parts by one model version, or a single OK part.

    Of a product with views, `n_parts` counts the pictures of the view.
    """

    version_id: int
    version_number: int
    value: float
    n_parts: int
    key: Key = None
    inspection_id: int | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class ScoreTrend:
    """The scores of good parts: single values, their moving ranges, and the moving average. Phases by model version.

    `is_capped`: there were more parts than a chart can show; the newest are shown. `view` is the one that is charted of
    the product's `views`; None where it has none.
    """

    points: tuple[ScorePoint, ...]
    individuals: ControlChart
    ranges: ControlChart
    ewma: ControlChart
    is_capped: bool = False
    view: View | None = None
    views: tuple[View, ...] = ()


def read_score_trend(services: HasDatabase, wanted: TrendFilter, *, today: date | None = None) -> ScoreTrend:
    """Return the trend of the scores of OK parts of one product; empty without a product. Raises AppError.

    Scores of several products, views or versions cannot be compared: of a product with views the wanted one is shown
    (else that of the wanted version, else the first), and each version has limits of its own.
    """
    with reading(services) as session:
        calendar = read_calendar(session)
    scope = replace(wanted.to_scope(today or calendar.day_of(utc_now())), defect_type_id=None)
    if wanted.scores != SINGLE_PARTS:
        scope = narrow_hours(scope, wanted)
    views, view = _choose_view(services, scope, wanted.view)
    code = None if view is None else view.code
    points: list[ScorePoint] = []
    is_capped = False
    if scope.product_id is not None and wanted.scores == SINGLE_PARTS:
        points, is_capped = _read_parts(services, scope, calendar, code)
    elif scope.product_id is not None:
        points, is_capped = _read_means(services, scope, wanted, calendar, code)
    values = [point.value for point in points]
    starts = tuple(
        place for place in range(1, len(points)) if points[place].version_id != points[place - 1].version_id
    )  # fmt: skip
    is_ordered = wanted.scores == SINGLE_PARTS or wanted.by in ORDERED
    plan = Plan(starts, None, is_ordered)
    if wanted.limits == BASELINE and wanted.baseline_first is not None:
        plan = replace(plan, baseline=_in_baseline(points, wanted, calendar))
    individuals, ranges = make_individuals_chart(values, plan)
    return ScoreTrend(
        points=tuple(points),
        individuals=individuals,
        ranges=ranges,
        ewma=make_ewma_chart(values, plan, weight=wanted.weight, width=wanted.width),
        is_capped=is_capped,
        view=view,
        views=views,
    )


def _choose_view(services: HasDatabase, scope: Scope, wanted: str) -> tuple[tuple[View, ...], View | None]:
    if scope.product_id is None:
        return (), None
    with reading(services) as session:
        views = read_views_of(session, {scope.product_id}).get(scope.product_id, ())
        if not views:
            return (), None
        version = session.get(ModelVersion, scope.version_id) if scope.version_id is not None else None
        of_version = version.view if version is not None else ""
    return views, find_view(views, wanted) or find_view(views, of_version) or views[0]


def _in_baseline(points: Sequence[ScorePoint], wanted: TrendFilter, calendar: PlantCalendar) -> frozenset[int]:
    assert wanted.baseline_first is not None
    start = calendar.start_of(wanted.baseline_first)
    end = calendar.end_of(wanted.baseline_last) if wanted.baseline_last is not None else None
    moments = [point.at or start_of_group(point.key, calendar) for point in points]
    return frozenset(
        place for place, moment in enumerate(moments) if moment >= start and (end is None or moment < end)
    )  # fmt: skip


def _read_means(
    services: HasDatabase, scope: Scope, wanted: TrendFilter, calendar: PlantCalendar, view: str | None
) -> tuple[list[ScorePoint], bool]:
    if wanted.by not in ORDERED:
        return [], False

    def count(scope: Scope, by: By) -> list[Group]:
        return count_groups(services, scope, by) if view is None else count_pictures(services, scope, by, view)

    per_version = [group for group in count(scope, "version") if group.counts.ok]
    latest = sorted((group.key for group in per_version if isinstance(group.key, int)), reverse=True)[:_MOST_VERSIONS]
    numbers = _read_numbers(services, latest)
    points = [
        ScorePoint(version_id, numbers.get(version_id, 0), group.counts.mean_score, group.counts.ok, group.key)
        for version_id in latest
        for group in count(replace(scope, version_id=version_id), wanted.by)
        if group.counts.mean_score is not None
    ]
    points.sort(key=lambda point: (start_of_group(point.key, calendar), point.version_id))
    return points[-MOST_GROUPS:], len(points) > MOST_GROUPS or len(per_version) > _MOST_VERSIONS


def _read_parts(
    services: HasDatabase, scope: Scope, calendar: PlantCalendar, view: str | None
) -> tuple[list[ScorePoint], bool]:
    judged = Inspection if view is None else InspectionView
    own = select(Inspection.id, Inspection.created_at, judged.score, judged.memory_bank_version_id)
    newest: list[Any] = [col(Inspection.created_at).desc(), col(Inspection.id).desc()]
    if view is not None:
        own = own.where(*of_view(view))
        newest.append(col(InspectionView.id).desc())
        if scope.version_id is not None:
            own = own.where(col(InspectionView.memory_bank_version_id) == scope.version_id)
            scope = replace(scope, version_id=None)  # of the inspection it is that of the view that decided
    query = (
        own.where(*conditions_of(scope, calendar), col(Inspection.final_verdict) == "ok")
        .order_by(*newest)
        .limit(MOST_PARTS + 1)
    )
    with reading(services) as session:
        found: list[Any] = list(session.exec(query).all())
    numbers = _read_numbers(services, {row[3] for row in found})
    points = [
        ScorePoint(version, numbers.get(version, 0), score, 1, inspection_id=number, at=at)
        for number, at, score, version in reversed(found[:MOST_PARTS])
    ]
    return points, len(found) > MOST_PARTS


def _read_numbers(services: HasDatabase, ids: Iterable[int]) -> dict[int, int]:
    with reading(services) as session:
        return dict(
            session.exec(select(ModelVersion.id, ModelVersion.number).where(col(ModelVersion.id).in_(ids))).all()
        )
