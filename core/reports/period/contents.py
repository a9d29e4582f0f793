"""What stands in the report of a period, gathered once for the screen, the paper, the workbook and the interface."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from core.analytics.groups import Counts, count_groups
from core.catalog.names import DefectTypeName, ProductName
from core.reports.period import in_force, rows
from core.reports.period.defect_chart import DefectChart, make_defect_chart
from core.rollups.calendar import PlantCalendar, read_calendar
from core.transactions import HasDatabase, reading
from storage.tables import utc_now

if TYPE_CHECKING:
    from core.reports.period.request import ReportRequest
    from core.schedules.periods import Period

MOST_PARTS = 12
MOST_ACTIONS = 12
MOST_GROUPS = 40


@dataclass(frozen=True)
class PeriodFigures:
    """The figures of a period: what people decided in the end, first pass, and corrective actions."""

    counts: Counts
    first_pass: rows.FirstPass
    actions: rows.Actions

    @property
    def override_rate(self) -> float | None:
        """Return the share of inspections whose verdict a person changed; None without any."""
        return self.counts.overridden / self.counts.n if self.counts.n else None


@dataclass(frozen=True)
class TypeCount:
    """Rejected parts of a defect type of a product; both are None where no type is named."""

    defect_type: DefectTypeName | None
    product: ProductName | None
    count: int


@dataclass(frozen=True)
class NamedCounts:
    """The counts of one line, shift or product by its name; "" where none was noted.

    `name_en` is a product's English name where it has one.
    """

    name: str
    counts: Counts
    name_en: str = ""


@dataclass(frozen=True)
class PeriodContents:
    """A report's contents as of `made_at`. `made_by` is who asked for it; a schedule's own report has its name.

    `skipped` reports before it were not made. `n_rejected` parts were rejected, of which `parts` are the first.
    """

    request: ReportRequest
    calendar: PlantCalendar
    made_at: datetime
    made_by: str
    skipped: int
    figures: PeriodFigures
    before: PeriodFigures | None
    chart: DefectChart
    types: tuple[TypeCount, ...]
    causes: tuple[in_force.Cause, ...]
    lines: tuple[NamedCounts, ...]
    shifts: tuple[NamedCounts, ...]
    products: tuple[NamedCounts, ...]
    parts: tuple[rows.RejectedPart, ...]
    open_actions: rows.OpenActions
    models: tuple[in_force.ModelInForce, ...]
    n_waiting_review: int

    @property
    def is_empty(self) -> bool:
        """Return whether nothing was inspected."""
        return not self.figures.counts.n

    @property
    def is_running(self) -> bool:
        """Return whether the period was not over yet."""
        return self.request.period.kind != "lot" and self.request.period.end > self.made_at

    @property
    def n_rejected(self) -> int:
        """Return how many parts were rejected."""
        return self.figures.counts.reject


def gather(
    services: HasDatabase,
    request: ReportRequest,
    *,
    made_by: str,
    now: datetime | None = None,
    skipped: int = 0,
) -> PeriodContents:
    """Return the contents of a report as of now. Raises AppError when the database fails."""
    now = utc_now() if now is None else now
    period, product_id = request.period, request.scope.product_id
    with reading(services) as session:
        calendar = read_calendar(session)
        conditions = _conditions(request, period, calendar)
        figures = _read_figures(services, session, request, period, calendar)
        before = None if request.before is None else _read_figures(services, session, request, request.before, calendar)
        parts = rows.list_first_rejected(session, conditions, limit=MOST_PARTS)
        wanted = rows.filter_conditions(product_id, request.line, period.lot)
        open_actions = rows.list_open_actions(session, wanted, now=now, limit=MOST_ACTIONS)
        models = in_force.list_models_in_force(session, conditions)
        causes = in_force.list_causes(session, conditions)
        waiting = rows.count_waiting_reviews(session, conditions)
        types = _list_types(services, session, request)
        products = _list_products(services, session, request)
    shift_names = [shift.name for shift in calendar.shifts]
    return PeriodContents(
        request=request,
        calendar=calendar,
        made_at=now,
        made_by=made_by,
        skipped=skipped,
        figures=figures,
        before=before,
        chart=make_defect_chart(services, period, request.scope, calendar, now=now),
        types=tuple(types),
        causes=tuple(causes),
        lines=_list_named(services, request, "line", ()),
        shifts=_list_named(services, request, "shift", shift_names) if period.kind != "shift" else (),
        products=tuple(products),
        parts=tuple(parts),
        open_actions=open_actions,
        models=tuple(models),
        n_waiting_review=waiting,
    )


def _conditions(request: ReportRequest, period: Period, calendar: PlantCalendar) -> list[Any]:
    return rows.period_conditions(period, product_id=request.scope.product_id, line=request.line, calendar=calendar)


def _read_figures(
    services: HasDatabase, session: Any, request: ReportRequest, period: Period, calendar: PlantCalendar
) -> PeriodFigures:
    scope = request.scope if period is request.period else request.scope_before
    assert scope is not None
    total = sum((group.counts for group in count_groups(services, scope)), Counts())
    conditions = _conditions(request, period, calendar)
    return PeriodFigures(total, rows.count_first_pass(session, conditions), rows.count_actions(session, conditions))


def _list_types(services: HasDatabase, session: Any, request: ReportRequest) -> list[TypeCount]:
    groups = [group for group in count_groups(services, request.scope, "type") if group.counts.reject]
    ids = {cast(int, group.key) for group in groups if group.key is not None}
    products, types = rows.find_names(session, products=set(), types=ids)
    found = []
    for group in groups:
        kind = types.get(cast(int, group.key)) if group.key is not None else None
        if kind is None:
            found.append(TypeCount(None, None, group.counts.reject))
        else:
            found.append(TypeCount(kind[0], products[kind[1]], group.counts.reject))
    return sorted(found, key=lambda one: -one.count)


def _list_products(services: HasDatabase, session: Any, request: ReportRequest) -> list[NamedCounts]:
    """Return the counts by product, for a report of all of them, those with the most rejected parts first."""
    if request.product is not None:
        return []
    groups = count_groups(services, request.scope, "product")
    names, _types = rows.find_names(session, products={cast(int, group.key) for group in groups}, types=set())
    found = []
    for group in groups:
        product = names[cast(int, group.key)]
        english = _full_name(product, product.name_en) if product.name_en else ""
        found.append(NamedCounts(_full_name(product, product.name), group.counts, english))
    return sorted(found, key=lambda one: (-one.counts.reject, -one.counts.n, one.name))


def _list_named(
    services: HasDatabase, request: ReportRequest, by: Any, order: Sequence[str]
) -> tuple[NamedCounts, ...]:
    """Return the counts by line or shift, those of a shift of all days together; none where none was ever noted.

    Those of `order` come first and in its order, what was not noted last.
    """
    found: dict[str, Counts] = defaultdict(Counts)
    for group in count_groups(services, request.scope, by):
        name = group.key[1] if isinstance(group.key, tuple) else str(group.key or "")
        found[name] = found[name] + group.counts
    if set(found) <= {""}:
        return ()
    places = {name: place for place, name in enumerate(order)}
    names = sorted(found, key=lambda name: (name == "", places.get(name, len(places)), name))
    return tuple(NamedCounts(name, found[name]) for name in names)


def _full_name(product: ProductName, name: str) -> str:
    return name if name == product.code else f"{name} ({product.code})"
