"""The corrective actions that are still open: a person's own, or all of a product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from core.catalog.names import DefectTypeName, ProductName
from core.rollups.counting import named_type_column
from core.transactions import HasDatabase, reading
from storage.tables import DefectType, Inspection, Product, User


@dataclass(frozen=True)
class OpenAction:
    """An inspection whose action is open: enough to know it by. `defect_type` is the confirmed, else the suggested one.

    `created_at` is when it was inspected (UTC), `person_name` by whom, `thumbnail_key` the object of its picture.
    """

    inspection_id: int
    created_at: datetime
    verdict: str
    product: ProductName
    defect_type: DefectTypeName | None
    line: str
    lot: str
    serial: str
    note: str
    person_name: str
    thumbnail_key: str


@dataclass(frozen=True)
class OpenActions:
    """Open actions, the newest first, and how many there are in all."""

    rows: tuple[OpenAction, ...]
    total: int


def count_open_actions(services: HasDatabase, *, product_id: int | None = None, created_by: int | None = None) -> int:
    """Return how many actions are open, of a product and of whom inspected where these are given."""
    with reading(services) as session:
        return _count(session, _conditions(product_id, created_by))


def list_open_actions(
    services: HasDatabase, *, product_id: int | None = None, created_by: int | None = None, limit: int = 30
) -> OpenActions:
    """Return the newest open actions, of a product and of whom inspected where these are given."""
    conditions = _conditions(product_id, created_by)
    shown_type = named_type_column()
    query = (
        select(Inspection, Product, DefectType, User.display_name)
        .join(Product, col(Product.id) == col(Inspection.product_id))
        .outerjoin(DefectType, col(DefectType.id) == shown_type)
        .outerjoin(User, col(User.id) == col(Inspection.created_by))
        .where(*conditions)
        .order_by(col(Inspection.created_at).desc(), col(Inspection.id).desc())
        .limit(limit)
    )
    with reading(services) as session:
        total = _count(session, conditions)
        rows = tuple(
            OpenAction(
                inspection_id=row.id,
                created_at=row.created_at,
                verdict=row.final_verdict,
                product=ProductName.from_row(product),
                defect_type=DefectTypeName.from_row(defect_type) if defect_type is not None else None,
                line=row.line,
                lot=row.lot,
                serial=row.serial,
                note=row.action_note,
                person_name=name or "",
                thumbnail_key=row.thumbnail_key,
            )
            for row, product, defect_type, name in session.exec(query).all()
        )
    return OpenActions(rows, total)


def _count(session: Session, conditions: list[Any]) -> int:
    # Of products that are not inspected any more, nothing is opened here.
    query = select(func.count()).select_from(Inspection).join(Product, col(Product.id) == col(Inspection.product_id))
    return session.exec(query.where(*conditions)).one()


def _conditions(product_id: int | None, created_by: int | None) -> list[Any]:
    conditions = [col(Inspection.action_status) == "open", col(Product.is_active).is_(True)]
    if product_id is not None:
        conditions.append(col(Inspection.product_id) == product_id)
    if created_by is not None:
        conditions.append(col(Inspection.created_by) == created_by)
    return conditions
