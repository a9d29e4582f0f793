"""Why parts of a period were rejected, and by which models and thresholds its inspections were judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from core.catalog.names import ProductName
from storage.tables import ChecklistTick, Inspection, ModelVersion, Product, ThresholdSetting, User

_MOST_CAUSE_CHARACTERS = 200


@dataclass(frozen=True)
class ModelInForce:
    """A memory bank with the thresholds that inspections of the period were judged by, from the first to the last."""

    product: ProductName
    version_id: int
    number: int
    model_name: str
    review_at: float
    reject_at: float
    method: str
    set_by: str
    reason: str
    n: int
    first_at: datetime
    last_at: datetime
    is_change: bool


@dataclass(frozen=True)
class Cause:
    """A likely cause that was ticked at rejected parts, and at how many."""

    text: str
    count: int


def list_causes(session: Session, conditions: list[Any]) -> list[Cause]:
    """Return the causes that were ticked at the rejected parts, the most frequent first."""
    rows = session.exec(
        select(ChecklistTick.step_key, func.count(), func.max(ChecklistTick.id))
        .join(Inspection, col(Inspection.id) == col(ChecklistTick.inspection_id))
        .where(*conditions, col(Inspection.final_verdict) == "reject", ChecklistTick.section == "cause")
        .group_by(col(ChecklistTick.step_key))
    ).all()
    texts = dict(
        session.exec(
            select(ChecklistTick.id, ChecklistTick.step_text).where(
                col(ChecklistTick.id).in_([tick_id for _key, _count, tick_id in rows])
            )
        ).all()
    )
    found = [
        Cause(" ".join(texts[tick_id].split())[:_MOST_CAUSE_CHARACTERS], int(count)) for _key, count, tick_id in rows
    ]
    return sorted(found, key=lambda cause: (-cause.count, cause.text))


def list_models_in_force(session: Session, conditions: list[Any]) -> list[ModelInForce]:
    """Return which versions and thresholds judged these inspections, by product and in order of their first one."""
    columns: Any = (
        Inspection.product_id,
        Inspection.memory_bank_version_id,
        Inspection.threshold_setting_id,
        func.count(),
        func.min(Inspection.created_at),
        func.max(Inspection.created_at),
    )
    grouped: Any = session.execute(
        select(*columns)
        .where(*conditions)
        .group_by(
            col(Inspection.product_id), col(Inspection.memory_bank_version_id), col(Inspection.threshold_setting_id)
        )
    ).all()
    products = _by_id(session, Product, {row[0] for row in grouped})
    versions = _by_id(session, ModelVersion, {row[1] for row in grouped})
    settings = _by_id(session, ThresholdSetting, {row[2] for row in grouped})
    people = _by_id(session, User, {row.created_by for row in settings.values() if row.created_by is not None})
    ordered = sorted(grouped, key=lambda row: (products[row[0]].name, row[0], row[4]))
    found: list[ModelInForce] = []
    for product_id, version_id, setting_id, n, first_at, last_at in ordered:
        version, setting = versions[version_id], settings[setting_id]
        author = people.get(setting.created_by) if setting.created_by is not None else None
        found.append(
            ModelInForce(
                product=ProductName.from_row(products[product_id]),
                version_id=version_id,
                number=version.number,
                model_name=version.model_name,
                review_at=setting.review_at,
                reject_at=setting.reject_at,
                method=setting.method,
                set_by=author.display_name if author is not None else "",
                reason=setting.reason,
                n=int(n),
                first_at=first_at,
                last_at=last_at,
                is_change=bool(found) and found[-1].product.id == product_id,
            )
        )
    return found


def _by_id(session: Session, table: Any, ids: set[int]) -> dict[int, Any]:
    return {row.id: row for row in session.exec(select(table).where(col(table.id).in_(ids))).all()} if ids else {}
