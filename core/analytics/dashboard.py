"""Figures for the dashboard: counted by the database, joined with names, ready to be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, func, select

from core.catalog.products import ProductSummary, list_products
from core.registry.model_status import model_states
from core.transactions import reading
from storage.tables import DefectType, Inspection, Product, utc_now

if TYPE_CHECKING:
    from core.services import Services

LISTED = 10


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
class InspectionLine:
    """An inspection with the names that its row refers to (the confirmed type, else the suggested one)."""

    inspection: Inspection
    product: Product
    defect_type: DefectType | None


@dataclass(frozen=True)
class DashboardView:
    """Everything the dashboard shows. Counts are of the period and product asked for; open actions of any time."""

    since: datetime
    n_products: int
    n_inspections: int
    n_defects: int
    n_review: int
    n_actions_done: int
    n_actions_open: int
    per_product: list[ProductFigures]
    defects_by_type: list[DefectCount]
    last_inspections: list[InspectionLine]
    open_actions: list[InspectionLine]


def dashboard(services: Services, *, days: int = 30, product_id: int | None = None) -> DashboardView:
    """Return the dashboard of the last `days` days, of all products or of one; the same few queries for any number."""
    since = utc_now() - timedelta(days=days)
    own = [] if product_id is None else [col(Inspection.product_id) == product_id]
    period = [*own, col(Inspection.created_at) >= since]
    summaries = [found for found in list_products(services) if product_id in {None, found.product.id}]
    states = model_states(services)
    with reading(services) as session:
        verdicts = _count_verdicts(session, period)
        by_type = _count_types(session, period)
        done = _count(session, [*period, col(Inspection.action_status) == "done"])
        still_open = [*own, col(Inspection.action_status) == "open"]
        n_open = _count(session, still_open)
        last = _lines(session, own)
        open_actions = _lines(session, still_open)
    return DashboardView(
        since=since,
        n_products=len(summaries),
        n_inspections=sum(verdicts.values()),
        n_defects=sum(count for (_product, verdict), count in verdicts.items() if verdict == "reject"),
        n_review=sum(count for (_product, verdict), count in verdicts.items() if verdict == "review"),
        n_actions_done=done,
        n_actions_open=n_open,
        per_product=[
            ProductFigures(
                summary,
                {kind: state.state for (kind, owner), state in states.items() if owner == summary.product.id},
                sum(count for (owner, _verdict), count in verdicts.items() if owner == summary.product.id),
                verdicts.get((summary.product.id, "reject"), 0),
            )
            for summary in summaries
        ],
        defects_by_type=by_type,
        last_inspections=last,
        open_actions=open_actions,
    )


def _count(session: Session, conditions: list[Any]) -> int:
    return session.exec(select(func.count()).select_from(Inspection).where(*conditions)).one()


def _count_verdicts(session: Session, conditions: list[Any]) -> dict[tuple[int, str], int]:
    rows = session.exec(
        select(Inspection.product_id, Inspection.final_verdict, func.count())
        .where(*conditions)
        .group_by(col(Inspection.product_id), col(Inspection.final_verdict))
    )
    return {(product_id, verdict): count for product_id, verdict, count in rows}


def _type_of_inspection() -> Any:
    return func.coalesce(col(Inspection.final_defect_type_id), col(Inspection.suggested_defect_type_id))


def _count_types(session: Session, conditions: list[Any]) -> list[DefectCount]:
    type_id = _type_of_inspection()
    counts = session.exec(
        select(Inspection.product_id, type_id, func.count())
        .where(*conditions, Inspection.final_verdict == "reject")
        .group_by(col(Inspection.product_id), type_id)
    ).all()
    products = {row.id: row for row in session.exec(select(Product)).all()}
    types = {row.id: row for row in session.exec(select(DefectType)).all()}
    found = [DefectCount(products[product], types.get(kind), count) for product, kind, count in counts]
    return sorted(
        found, key=lambda row: (-row.count, row.product.code, row.defect_type.code if row.defect_type else "")
    )


def _lines(session: Session, conditions: list[Any]) -> list[InspectionLine]:
    query = (
        select(Inspection, Product, DefectType)
        .join(Product, col(Product.id) == col(Inspection.product_id))
        .outerjoin(DefectType, col(DefectType.id) == _type_of_inspection())
        .where(*conditions)
        .order_by(col(Inspection.created_at).desc(), col(Inspection.id).desc())
        .limit(LISTED)
    )
    return [InspectionLine(*row) for row in session.exec(query).all()]
