"""Figures for the dashboard: counted by the database, joined with names, ready to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlmodel import col, func, select

from core.analytics.actions import (
    ActionAge,
    InspectionLine,
    count_actions,
    count_ages,
    find_oldest,
    list_last,
    list_open_actions,
)
from core.analytics.groups import Counts, Group, count_groups
from core.analytics.image_counts import TypeImages, count_type_images
from core.analytics.periods import Step, choose_step, elapsed_part
from core.catalog.products import ProductSummary, list_products
from core.registry.model_status import ModelState, model_states
from core.rollups.calendar import PlantCalendar, read_calendar
from core.transactions import HasDatabase, reading
from storage.tables import DefectType, Inspection, Product, utc_now

if TYPE_CHECKING:
    from core.analytics.scope import Scope
    from core.services import Services


@dataclass(frozen=True)
class ProductFigures:
    """A product's data set and the state of its models by kind: current, out_of_date or none."""

    summary: ProductSummary
    model_states: dict[str, str]
    n_inspections: int
    n_defects: int


@dataclass(frozen=True)
class DefectCount:
    """Rejected parts of one product and defect type; `defect_type` is None where nobody named one."""

    product: Product
    defect_type: DefectType | None
    count: int


@dataclass(frozen=True)
class DashboardView:
    """Everything the dashboard shows, as it was at `as_of`.

    Counts are of the scope; open actions, the last inspections and `all_time` of any time, of the scope's product.
    `before` are those of the period before, up to the same time of its last day; None for all time. `steps` are the
    scope's (from the first inspection on for all time), in hours, days, weeks or months. `first_at` is when the first
    inspection was made; None: there is none.
    """

    as_of: datetime
    calendar: PlantCalendar
    scope: Scope
    counts: Counts
    before: Counts | None
    all_time: Counts
    first_at: datetime | None
    step: Step
    steps: list[Group]
    n_products: int
    n_actions_done: int
    n_actions_left: int
    n_actions_open: int
    open_by_age: tuple[ActionAge, ...]
    oldest_open_at: datetime | None
    per_product: list[ProductFigures]
    states: dict[tuple[str, int], ModelState]
    images_by_type: list[TypeImages]
    defects_by_type: list[DefectCount]
    last_inspections: list[InspectionLine]
    open_actions: list[InspectionLine]

    @property
    def since(self) -> datetime | None:
        """Return the moment (UTC) at which the scope begins; None for all time."""
        return None if self.scope.first is None else self.calendar.start_of(self.scope.first)

    @property
    def n_inspections(self) -> int:
        """Return the number of inspections in the scope."""
        return self.counts.n

    @property
    def n_defects(self) -> int:
        """Return the number of rejected parts in the scope."""
        return self.counts.reject

    @property
    def n_review(self) -> int:
        """Return the number of parts in the scope that are neither clearly OK nor clearly NG."""
        return self.counts.review


def current_calendar(services: HasDatabase) -> PlantCalendar:
    """Return the plant's calendar."""
    with reading(services) as session:
        return read_calendar(session)


def today_of(calendar: PlantCalendar) -> date:
    """Return the production day of this moment."""
    return calendar.day_of(utc_now())


def dashboard(services: Services, scope: Scope, *, first_of: int | None = None) -> DashboardView:
    """Return the dashboard of a period, of all products or of one; the same few queries for any number of either.

    `first_of` is the person whose own open actions come first.
    """
    now = utc_now()
    own = [] if scope.product_id is None else [col(Inspection.product_id) == scope.product_id]
    summaries = [found for found in list_products(services) if scope.product_id in {None, found.product.id}]
    states = model_states(services, with_changes=False)
    by_product = {int(str(group.key)): group.counts for group in count_groups(services, scope, "product")}
    all_time = replace(scope, first=None, last=max(scope.last, now.date()))
    whole = by_product if scope.first is None else None
    with reading(services) as session:
        calendar = read_calendar(session)
        in_period = [*own, *_times(scope, calendar)]
        first_at = session.exec(select(func.min(Inspection.created_at)).where(*own)).one()
        ages = count_ages(session, now, own)
        view_parts: dict[str, Any] = {
            "n_actions_done": count_actions(session, "done", in_period),
            "n_actions_left": count_actions(session, "open", in_period),
            "oldest_open_at": find_oldest(session, own),
            "last_inspections": list_last(session, own),
            "open_actions": list_open_actions(session, own, first_of=first_of),
            "images_by_type": count_type_images(session, scope.product_id),
        }
        products = {row.id: row for row in session.exec(select(Product)).all()}
        types = {row.id: row for row in session.exec(select(DefectType)).all()}
    step, steps = _count_steps(services, scope, calendar, first_at)
    return DashboardView(
        as_of=now,
        calendar=calendar,
        scope=scope,
        counts=_sum(by_product.values()),
        before=_count_before(services, scope, calendar, now),
        all_time=_sum(whole.values() if whole else [group.counts for group in count_groups(services, all_time)]),
        first_at=first_at,
        step=step,
        steps=steps,
        n_products=len(summaries),
        n_actions_open=sum(age.count for age in ages),
        open_by_age=ages,
        per_product=[_product_figures(summary, states, by_product) for summary in summaries],
        states=states,
        defects_by_type=_defects_by_type(count_groups(services, scope, "type"), by_product, products, types),
        **view_parts,
    )


def _times(scope: Scope, calendar: PlantCalendar) -> list[Any]:
    created = col(Inspection.created_at)
    since = [] if scope.first is None else [created >= calendar.start_of(scope.first)]
    return [*since, created < calendar.end_of(scope.last)]


def _sum(counts: Any) -> Counts:
    return sum(counts, Counts())


def _count_before(services: HasDatabase, scope: Scope, calendar: PlantCalendar, now: datetime) -> Counts | None:
    """Return the counts of the period before, without what of its last day is still to come in this one."""
    before = scope.before()
    if before is None:
        return None
    whole = _sum(group.counts for group in count_groups(services, before))
    ahead = elapsed_part(scope, calendar, now)
    if ahead is None or not whole.n:
        return whole
    created = col(Inspection.created_at)
    own = [] if scope.product_id is None else [col(Inspection.product_id) == scope.product_id]
    with reading(services) as session:
        rows = session.exec(
            select(Inspection.final_verdict, func.count())
            .where(created >= ahead[0], created < ahead[1], *own)
            .group_by(col(Inspection.final_verdict))
        ).all()
    late = dict(rows)
    return Counts(
        n=whole.n - sum(late.values()),
        ok=whole.ok - late.get("ok", 0),
        review=whole.review - late.get("review", 0),
        reject=whole.reject - late.get("reject", 0),
    )


def _count_steps(
    services: HasDatabase, scope: Scope, calendar: PlantCalendar, first_at: datetime | None
) -> tuple[Step, list[Group]]:
    """Return the period in steps; one that begins with the first inspection does so in the chart, too."""
    first = scope.first
    if first is None:
        first = scope.last if first_at is None else min(calendar.day_of(first_at), scope.last)
    drawn = replace(scope, first=first)
    step = choose_step(drawn.days or 1)
    return step, count_groups(services, drawn, step, with_empty=True)


def _product_figures(
    summary: ProductSummary, states: dict[tuple[str, int], ModelState], counts: dict[int, Counts]
) -> ProductFigures:
    product_id = summary.product.id
    found = counts.get(product_id, Counts())
    own_states = {kind: state.state for (kind, owner), state in states.items() if owner == product_id}
    return ProductFigures(summary, own_states, found.n, found.reject)


def _defects_by_type(
    groups: Sequence[Group],
    by_product: dict[int, Counts],
    products: dict[int, Product],
    types: dict[int, DefectType],
) -> list[DefectCount]:
    """Return the rejected parts by type; those of a product that no type was named for are what its types leave."""
    found: list[DefectCount] = []
    left = {product_id: counts.reject for product_id, counts in by_product.items()}
    for group in groups:
        kind = types.get(int(str(group.key))) if group.key is not None else None
        if kind is None or not group.counts.reject:
            continue
        found.append(DefectCount(products[kind.product_id], kind, group.counts.reject))
        left[kind.product_id] = left.get(kind.product_id, 0) - group.counts.reject
    found += [DefectCount(products[product_id], None, count) for product_id, count in left.items() if count > 0]
    return sorted(
        found, key=lambda row: (-row.count, row.product.code, row.defect_type.code if row.defect_type else "")
    )
