"""What a period report reads of the inspections themselves, beside the counts: actions, first pass, first parts."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlmodel import Session, and_, case, col, func, or_, select

from core.catalog.names import DefectTypeName, ProductName
from core.inspections.stored_values import DefectRegion, read_regions
from core.rollups.calendar import PlantCalendar
from core.rollups.counting import named_type
from core.schedules.periods import Period
from storage.tables import DefectType, Inspection, Product

# Open actions by age in days: below 1, from 1, from 3, from 7.
AGE_DAYS: tuple[int, ...] = (1, 3, 7)


@dataclass(frozen=True)
class Actions:
    """Corrective actions of the parts of a period: how many are open and done, and the median time until done."""

    n_open: int
    n_done: int
    median_to_done: timedelta | None


@dataclass(frozen=True)
class FirstPass:
    """Parts of a period by their serial number (each inspection without one is a part), and how many were OK at once.

    At once: OK at the first inspection, by the model and in the end.
    """

    n: int
    n_ok: int

    @property
    def share(self) -> float | None:
        """Return the first-pass yield; None without any part."""
        return self.n_ok / self.n if self.n else None


@dataclass(frozen=True)
class RejectedPart:
    """A rejected part with what is shown of it. `regions` are in pixels of the inspected image."""

    id: int
    created_at: datetime
    product: ProductName
    defect_type: DefectTypeName | None
    is_type_confirmed: bool
    is_overridden: bool
    line: str
    lot: str
    serial: str
    score: float
    reject_at: float
    action_status: str
    action_note: str
    thumbnail_key: str
    width_px: int
    height_px: int
    regions: tuple[DefectRegion, ...]


@dataclass(frozen=True)
class OpenAction:
    """An action that nobody has closed, and how old it is."""

    id: int
    created_at: datetime
    age: timedelta
    product: ProductName
    defect_type: DefectTypeName | None
    line: str
    lot: str
    serial: str
    note: str


@dataclass(frozen=True)
class OpenActions:
    """All open actions of the product and line: how many, by age (`AGE_DAYS`), and the oldest of them."""

    n: int
    by_age: tuple[int, ...]
    oldest: tuple[OpenAction, ...]


def period_conditions(period: Period, *, product_id: int | None, line: str, calendar: PlantCalendar) -> list[Any]:
    """Return what an inspection must fulfil to be of a period.

    A shift is the one that was noted with the inspection, else the calendar's at that moment, as in `Scope`.
    """
    conditions: list[Any] = filter_conditions(product_id, line)
    created = col(Inspection.created_at)
    if period.lot:
        conditions.append(col(Inspection.lot) == period.lot)
    conditions += [created >= calendar.start_of(period.first), created < calendar.end_of(period.last)]
    if period.shift:
        by_clock = and_(col(Inspection.shift) == "", created >= period.start, created < period.end)
        conditions.append(or_(col(Inspection.shift) == period.shift, by_clock))
    return conditions


def filter_conditions(product_id: int | None, line: str, lot: str = "") -> list[Any]:
    """Return what an inspection of a product, line and lot must fulfil, whenever it was made."""
    wanted = ((Inspection.product_id, product_id), (Inspection.line, line or None), (Inspection.lot, lot or None))
    return [col(column) == value for column, value in wanted if value is not None]


def count_actions(session: Session, conditions: list[Any]) -> Actions:
    """Return the corrective actions of these inspections."""
    n_open = session.scalar(
        select(func.count()).select_from(Inspection).where(*conditions, col(Inspection.action_status) == "open")
    )
    done = session.exec(
        select(Inspection.created_at, Inspection.action_at).where(*conditions, col(Inspection.action_status) == "done")
    ).all()
    times = [action_at - created_at for created_at, action_at in done if action_at is not None]
    seconds = statistics.median(time.total_seconds() for time in times) if times else None
    return Actions(int(n_open or 0), len(done), None if seconds is None else timedelta(seconds=seconds))


def count_first_pass(session: Session, conditions: list[Any]) -> FirstPass:
    """Return how many parts there were, and how many were OK at their first inspection."""
    has_serial = col(Inspection.serial) != ""
    at_once = and_(col(Inspection.verdict) == "ok", col(Inspection.final_verdict) == "ok")
    firsts = (
        select(func.min(Inspection.id).label("id"))
        .where(*conditions, has_serial)
        .group_by(col(Inspection.product_id), col(Inspection.serial))
        .subquery()
    )
    ok = func.coalesce(func.sum(case((at_once, 1), else_=0)), 0)
    counts = [
        session.exec(select(func.count(), ok).select_from(Inspection).where(*conditions, ~has_serial)).one(),
        session.exec(select(func.count(), ok).select_from(Inspection).join(firsts, firsts.c.id == Inspection.id)).one(),
    ]
    return FirstPass(sum(int(n) for n, _ok in counts), sum(int(n_ok) for _n, n_ok in counts))


def count_waiting_reviews(session: Session, conditions: list[Any]) -> int:
    """Return how many of these inspections nobody has reviewed yet."""
    query = select(func.count()).select_from(Inspection)
    return int(session.scalar(query.where(*conditions, col(Inspection.review_state) == "waiting")) or 0)


def list_first_rejected(session: Session, conditions: list[Any], *, limit: int) -> list[RejectedPart]:
    """Return the first rejected parts of a period, the earliest first."""
    rows = session.exec(
        select(Inspection)
        .where(*conditions, col(Inspection.final_verdict) == "reject")
        .order_by(col(Inspection.created_at), col(Inspection.id))
        .limit(limit)
    ).all()
    products, types = _names(session, rows)
    found = []
    for row in rows:
        kind = named_type(row)
        found.append(
            RejectedPart(
                id=row.id,
                created_at=row.created_at,
                product=products[row.product_id],
                defect_type=types.get(kind) if kind is not None else None,
                is_type_confirmed=row.confirmed_at is not None,
                is_overridden=row.verdict != row.final_verdict,
                line=row.line,
                lot=row.lot,
                serial=row.serial,
                score=row.score,
                reject_at=row.reject_at,
                action_status=row.action_status,
                action_note=row.action_note,
                thumbnail_key=row.thumbnail_key,
                width_px=row.width_px,
                height_px=row.height_px,
                regions=read_regions(row.regions),
            )
        )
    return found


def list_open_actions(session: Session, conditions: list[Any], *, now: datetime, limit: int) -> OpenActions:
    """Return the open actions among these inspections, by age and the oldest first."""
    conditions = [*conditions, col(Inspection.action_status) == "open"]
    edges = [now - timedelta(days=days) for days in AGE_DAYS]
    created = col(Inspection.created_at)
    tests = [
        created > edges[0],
        *(and_(created <= newer, created > older) for newer, older in pairwise(edges)),
        created <= edges[-1],
    ]
    sums = [func.coalesce(func.sum(case((test, 1), else_=0)), 0) for test in tests]
    by_age = tuple(
        int(count) for count in session.execute(select(*sums).select_from(Inspection).where(*conditions)).one()
    )
    rows = session.exec(select(Inspection).where(*conditions).order_by(created, col(Inspection.id)).limit(limit)).all()
    products, types = _names(session, rows)
    oldest = []
    for row in rows:
        kind = named_type(row)
        oldest.append(
            OpenAction(
                row.id,
                row.created_at,
                now - row.created_at,
                products[row.product_id],
                types.get(kind) if kind is not None else None,
                row.line,
                row.lot,
                row.serial,
                row.action_note,
            )
        )
    return OpenActions(sum(by_age), by_age, tuple(oldest))


def find_names(
    session: Session, *, products: set[int], types: set[int]
) -> tuple[dict[int, ProductName], dict[int, tuple[DefectTypeName, int]]]:
    """Return the names of products, and those of defect types with the product of each, by their ids."""
    kinds = _by_id(session, DefectType, types)
    wanted = products | {row.product_id for row in kinds.values()}
    return (
        {number: ProductName.from_row(row) for number, row in _by_id(session, Product, wanted).items()},
        {number: (DefectTypeName.from_row(row), row.product_id) for number, row in kinds.items()},
    )


def _names(session: Session, rows: Any) -> tuple[dict[int, ProductName], dict[int, DefectTypeName]]:
    kinds = {kind for row in rows if (kind := named_type(row)) is not None}
    products, types = find_names(session, products={row.product_id for row in rows}, types=kinds)
    return products, {number: name for number, (name, _product) in types.items()}


def _by_id(session: Session, table: Any, ids: set[int]) -> dict[int, Any]:
    return {row.id: row for row in session.exec(select(table).where(col(table.id).in_(ids))).all()} if ids else {}
