"""Statistics: the figures of the dashboard, of any period, and counted by one of their properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from core.analytics.actions import InspectionLine
from core.analytics.dashboard import current_calendar, dashboard, today_of
from core.analytics.groups import Counts, Group, count_groups
from core.analytics.periods import FIRST_DAY, LAST_DAY
from core.analytics.scope import Scope
from core.api.context import LARGEST_ID, Asked, Context
from core.api.routes.products import product_id_of
from core.api.shapes import Shape
from core.catalog.products import list_products
from core.errors import BadInput

By = Literal["all", "hour", "day", "week", "month", "shift", "line", "lot", "product", "type", "version"]
# More hours would be an answer that nobody reads.
MOST_HOURS_DAYS = 92
_Days = Annotated[int, Query(ge=1, le=3_660, description="The last days, today included; `from` and `to` go before.")]
_From = Annotated[date | None, Query(alias="from", ge=FIRST_DAY, le=LAST_DAY, description="The first production day.")]
_To = Annotated[date | None, Query(ge=FIRST_DAY, le=LAST_DAY, description="The last production day, included.")]
_AllTime = Annotated[bool, Query(description="From the first inspection on.")]
_Product = Annotated[str | None, Query(max_length=64, description="The product's code.")]

router = APIRouter(prefix="/statistics", tags=["statistics"])


class ProductStatistics(Shape):
    """One product: its data set, how its models stand, its inspections of the period."""

    product: str
    normal: int
    defect: int
    manuals: int
    models: dict[str, str]
    inspections: int
    defects: int


class DefectStatistics(Shape):
    """Rejected parts of the period by product and defect type; null where nobody named one."""

    product: str
    defect_type: str | None
    count: int


class CountsShape(Shape):
    """Numbers of inspections, as people decided in the end; the rate is null without any."""

    inspections: int
    ok: int
    review: int
    defects: int
    overridden: int
    defect_rate: float | None


class GroupShape(CountsShape):
    """The counts of one hour, day, week (its Monday), month, shift, line, lot, product, type or model version."""

    key: str | int | None = Field(
        description="A moment, a day, a name, a code or a number. Null: no type named, or all of them."
    )
    day: date | None = Field(default=None, description="The production day of a shift.")


class OpenAge(Shape):
    """How many open actions are older than `over_days`, and not than `up_to_days` (null: however old)."""

    over_days: int
    up_to_days: int | None
    count: int


class ShortInspection(Shape):
    """An inspection in one line; `defect_type` is the confirmed one, else the suggested one."""

    id: int
    product: str
    created_at: datetime
    verdict: str
    score: float
    action_status: str
    defect_type: str | None


class Statistics(Shape):
    """Counts of the period and product asked for; open actions of any time."""

    since: datetime | None = Field(description="Null for all time.")
    until: datetime
    products: int
    inspections: int
    defects: int
    review: int
    actions_done: int
    actions_open: int
    per_product: list[ProductStatistics]
    defects_by_type: list[DefectStatistics]
    last_inspections: list[ShortInspection]
    open_actions: list[ShortInspection]
    totals: CountsShape
    before: CountsShape | None = Field(
        description="The period before, up to the same time of its last day. Null for all time."
    )
    all_time: CountsShape
    open_by_age: list[OpenAge]


class GroupedStatistics(Shape):
    """The counts of a period by one property, in the order of the keys."""

    by: By
    since: datetime | None
    until: datetime
    groups: list[GroupShape]


@router.get("", summary="The figures of the dashboard")
def get_statistics(
    asked: Asked,
    days: _Days = 30,
    first: _From = None,
    to: _To = None,
    all_time: _AllTime = False,
    product: _Product = None,
) -> Statistics:
    """Return the figures of the last `days` days, of a period or of all time; of all products or of one."""
    scope = _scope(asked, days, first, to, all_time, product)
    found = dashboard(asked.services, scope)
    return Statistics(
        since=found.since,
        until=found.calendar.end_of(scope.last),
        products=found.n_products,
        inspections=found.n_inspections,
        defects=found.n_defects,
        review=found.n_review,
        actions_done=found.n_actions_done,
        actions_open=found.n_actions_open,
        per_product=[
            ProductStatistics(
                product=one.summary.product.code,
                normal=one.summary.n_normal,
                defect=one.summary.n_defect,
                manuals=one.summary.n_manual,
                models=one.model_states,
                inspections=one.n_inspections,
                defects=one.n_defects,
            )
            for one in found.per_product
        ],
        defects_by_type=[
            DefectStatistics(
                product=one.product.code,
                defect_type=one.defect_type.code if one.defect_type else None,
                count=one.count,
            )
            for one in found.defects_by_type
        ],
        last_inspections=[_line(one) for one in found.last_inspections],
        open_actions=[_line(one) for one in found.open_actions],
        totals=CountsShape(**_numbers(found.counts)),
        before=None if found.before is None else CountsShape(**_numbers(found.before)),
        all_time=CountsShape(**_numbers(found.all_time)),
        open_by_age=[
            OpenAge(over_days=one.over_days, up_to_days=one.up_to_days, count=one.count) for one in found.open_by_age
        ],
    )


@router.get("/groups", summary="Inspections counted by one of their properties")
def get_groups(
    asked: Asked,
    by: By,
    days: _Days = 30,
    first: _From = None,
    to: _To = None,
    all_time: _AllTime = False,
    product: _Product = None,
    line: Annotated[str | None, Query(max_length=64)] = None,
    lot: Annotated[str | None, Query(max_length=64)] = None,
    shift: Annotated[str | None, Query(max_length=32)] = None,
    defect_type_id: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    version_id: Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="A memory bank's.")] = None,
    with_empty: Annotated[bool, Query(description="Also hours, days, weeks and months without inspections.")] = False,
) -> GroupedStatistics:
    """Return the counts of a period by hour, day, week, month, shift, line, lot, product, type or model version."""
    scope = replace(
        _scope(asked, days, first, to, all_time, product),
        line=line,
        lot=lot,
        shift=shift,
        defect_type_id=defect_type_id,
        version_id=version_id,
    )
    if by == "hour" and (scope.days is None or scope.days > MOST_HOURS_DAYS):
        raise BadInput("statistics_period_too_long", days=MOST_HOURS_DAYS)
    codes = {}
    if by == "product":
        found = list_products(asked.services, include_inactive=True)
        codes = {one.product.id: one.product.code for one in found}
    groups = count_groups(asked.services, scope, by, with_empty=with_empty)
    calendar = current_calendar(asked.services)
    return GroupedStatistics(
        by=by,
        since=None if scope.first is None else calendar.start_of(scope.first),
        until=calendar.end_of(scope.last),
        groups=[_group(group, codes) for group in groups],
    )


def _scope(
    asked: Context, days: int, first: date | None, last: date | None, all_time: bool, product: str | None
) -> Scope:
    """Return what is asked for. Raises BadInput statistics_period_reversed; NotFound product_unknown."""
    product_id = product_id_of(asked, product)
    last = last or today_of(current_calendar(asked.services))
    if all_time:
        return Scope(None, last, product_id)
    first = first or last - timedelta(days=days - 1)
    if first > last:
        raise BadInput("statistics_period_reversed", first=first.isoformat(), last=last.isoformat())
    return Scope(first, last, product_id)


def _group(group: Group, codes: Mapping[int, str]) -> GroupShape:
    key, day = group.key, None
    if isinstance(key, tuple):
        day, key = key
    elif isinstance(key, datetime | date):
        key = key.isoformat()
    elif isinstance(key, int) and key in codes:
        key = codes[key]
    return GroupShape(key=key, day=day, **_numbers(group.counts))


def _numbers(counts: Counts) -> dict[str, Any]:
    return {
        "inspections": counts.n,
        "ok": counts.ok,
        "review": counts.review,
        "defects": counts.reject,
        "overridden": counts.overridden,
        "defect_rate": counts.defect_rate,
    }


def _line(one: InspectionLine) -> ShortInspection:
    row = one.inspection
    return ShortInspection(
        id=row.id,
        product=one.product.code,
        created_at=row.created_at,
        verdict=row.final_verdict,
        score=row.score,
        action_status=row.action_status,
        defect_type=one.defect_type.code if one.defect_type else None,
    )
