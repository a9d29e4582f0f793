"""The corrective actions that nobody has closed, by their age; and inspections in one line, as lists show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case
from sqlmodel import Session, and_, col, func, select

from core.rollups.counting import named_type_column
from storage.tables import DefectType, Inspection, Product

LISTED = 10
# An action that is younger than so many days, and not than the number before, is of the age.
AGE_DAYS = (1, 3, 7)
# All that is asked of actions stands in one index: no row is read to count them.
_ACTION_INDEX = "INDEXED BY ix_inspections_action_time"


@dataclass(frozen=True)
class InspectionLine:
    """An inspection with the names that its row refers to (the confirmed type, else the suggested one)."""

    inspection: Inspection
    product: Product
    defect_type: DefectType | None


@dataclass(frozen=True)
class ActionAge:
    """How many open actions are of one age: older than `over_days`, and not than `up_to_days` (None: however old).

    Their inspections were made from `since` on (None: at any time) and before `before` (None: until now).
    """

    over_days: int
    up_to_days: int | None
    since: datetime | None
    before: datetime | None
    count: int


def count_actions(session: Session, status: str, conditions: list[Any]) -> int:
    """Return how many inspections have this state of their action, "open" or "done"."""
    query = _by_action(select(func.count()).select_from(Inspection), status, conditions)
    return int(session.execute(query).scalar_one())


def count_ages(session: Session, now: datetime, conditions: list[Any]) -> tuple[ActionAge, ...]:
    """Return the open actions by age, the oldest first, all four of them. Ages are told to the minute."""
    now = now.replace(second=0, microsecond=0)
    limits = [now - timedelta(days=days) for days in AGE_DAYS]
    edges = list(zip((None, *limits), (*limits, None), (0, *AGE_DAYS), (*AGE_DAYS, None), strict=True))
    created = col(Inspection.created_at)
    sums = []
    for before, since, _over, _up_to in edges:
        tests = ([created < before] if before is not None else []) + ([created >= since] if since is not None else [])
        sums.append(func.coalesce(func.sum(case((and_(*tests), 1), else_=0)), 0))
    counts = session.execute(_by_action(select(*sums).select_from(Inspection), "open", conditions)).one()
    ages = [
        ActionAge(over, up_to, since, before, int(count))
        for (before, since, over, up_to), count in zip(edges, counts, strict=True)
    ]
    return tuple(reversed(ages))


def find_oldest(session: Session, conditions: list[Any]) -> datetime | None:
    """Return when the inspection of the oldest open action was made; None where none is open."""
    query = _by_action(select(func.min(Inspection.created_at)).select_from(Inspection), "open", conditions)
    found: datetime | None = session.execute(query).scalar_one()
    return found


def list_open_actions(session: Session, conditions: list[Any], *, first_of: int | None) -> list[InspectionLine]:
    """Return the oldest open actions, those of the parts that the person `first_of` inspected before all others."""
    own = []
    if first_of is not None:
        own = _list_open(session, [*conditions, col(Inspection.created_by) == first_of])
    ids = {line.inspection.id for line in own}
    others = [line for line in _list_open(session, conditions) if line.inspection.id not in ids]
    return [*own, *others][:LISTED]


def list_last(session: Session, conditions: list[Any]) -> list[InspectionLine]:
    """Return the newest inspections, the newest first."""
    newest_first = (col(Inspection.created_at).desc(), col(Inspection.id).desc())
    return _load(session, select(Inspection.id).where(*conditions).order_by(*newest_first).limit(LISTED))


def _list_open(session: Session, conditions: list[Any]) -> list[InspectionLine]:
    query = select(Inspection.id).order_by(col(Inspection.created_at), col(Inspection.id)).limit(LISTED)
    return _load(session, _by_action(query, "open", conditions))


def _load(session: Session, query: Any) -> list[InspectionLine]:
    """Return the lines of the ids that the query finds, in its order."""
    ids = list(session.execute(query).scalars())
    rows = session.exec(
        select(Inspection, Product, DefectType)
        .join(Product, col(Product.id) == col(Inspection.product_id))
        .outerjoin(DefectType, col(DefectType.id) == named_type_column())
        .where(col(Inspection.id).in_(ids))
    ).all()
    lines = {row.id: InspectionLine(row, product, defect_type) for row, product, defect_type in rows}
    return [lines[found] for found in ids]


def _by_action(query: Any, status: str, conditions: list[Any]) -> Any:
    hinted = query.where(col(Inspection.action_status) == status, *conditions)
    return hinted.with_hint(Inspection, _ACTION_INDEX, "sqlite")
