"""What mistakes cost a product, and how many defective parts its line makes: what the cheapest thresholds stand on."""

from __future__ import annotations

import math
import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, select

from core.access import ENGINEER, require_role
from core.analytics.groups import Counts, count_groups
from core.analytics.scope import Scope
from core.audit import find_changes, record, stale_save
from core.errors import BadInput, NotFound
from core.model_report.records import Costs, LineRate
from core.rollups.calendar import read_calendar
from core.transactions import HasDatabase, reading, writing
from storage.tables import InspectionCost, Product, utc_now

if TYPE_CHECKING:
    from core.access import Person

# Until somebody says otherwise: only how they compare matters, and a missed defect is the dear one.
DEFAULT_COSTS = Costs(escape=100.0, overkill=5.0, review=1.0)
HIGHEST_COST = 1e12
LONGEST_CURRENCY = 8
RECENT_DAYS = 90
_SUBJECT = "inspection_cost"
_NAMES = ("cost_escape", "cost_overkill", "cost_review", "currency", "defect_rate")


def read_costs(services: HasDatabase, product_id: int) -> Costs:
    """Return what mistakes cost the product; `DEFAULT_COSTS` while nobody has said so. Raises NotFound."""
    with reading(services) as session:
        if session.get(Product, product_id) is None:
            raise NotFound("not_found")
        row = _find(session, product_id)
    return DEFAULT_COSTS if row is None else _as_costs(row)


def save_costs(services: HasDatabase, person: Person, product_id: int, costs: Costs) -> Costs:
    """Store what mistakes cost the product, as edited on the state `costs.row_version` (0: nothing was stored).

    Raises NotAllowed, NotFound, BadInput(`costs_invalid`, `currency_too_long`, `defect_rate_invalid`) and
    Conflict(`stale_save`).
    """
    require_role(services, person, ENGINEER)
    check_costs(costs)
    if costs.defect_rate is not None:
        check_rate(costs.defect_rate)
    values: dict[str, Any] = {
        "cost_escape": float(costs.escape),
        "cost_overkill": float(costs.overkill),
        "cost_review": float(costs.review),
        "currency": _clean_currency(costs.currency),
        "defect_rate": None if costs.defect_rate is None else float(costs.defect_rate),
    }
    with writing(services) as session:
        if session.get(Product, product_id) is None:
            raise NotFound("not_found")
        row = _find(session, product_id)
        if (0 if row is None else row.row_version) != costs.row_version:
            raise stale_save(session, subject_type=_SUBJECT, subject_id=product_id, row_version=costs.row_version)
        if row is None:
            row, before, version = InspectionCost(product_id=product_id, **values), dict.fromkeys(_NAMES), 1
        else:
            before, version = {name: getattr(row, name) for name in _NAMES}, row.row_version + 1
        changes = find_changes(before, values)
        if not changes:
            return _as_costs(row)
        for name, value in values.items():
            setattr(row, name, value)
        row.row_version, row.updated_at, row.updated_by = version, utc_now(), person.id
        session.add(row)
        record(session, person, "costs.changed", _SUBJECT, product_id, row_version=version, changes=changes)
        session.commit()
        session.refresh(row)
        return _as_costs(row)


def read_line_rate(services: HasDatabase, product_id: int, *, days: int = RECENT_DAYS) -> LineRate:
    """Return the share of parts that were NG in the end, among those decided in the last `days` production days.

    Parts that still wait for a person count on neither side.
    """
    from inference.vision.detection.calibration import proportion_bounds

    with reading(services) as session:
        today = read_calendar(session).day_of(utc_now())
    scope = Scope(today - timedelta(days=days - 1), today, product_id=product_id)
    counts = sum((group.counts for group in count_groups(services, scope)), Counts())
    decided = counts.ok + counts.reject
    bounds = proportion_bounds(counts.reject, decided)
    low, high = bounds if bounds is not None else (None, None)
    return LineRate(decided, counts.reject, days, counts.reject / decided if decided else None, low, high)


def check_costs(costs: Costs) -> None:
    """Raise BadInput(`costs_invalid`) for what is no amount, and where nothing costs anything."""
    amounts = (costs.escape, costs.overkill, costs.review)
    if not all(math.isfinite(one) and 0 <= one <= HIGHEST_COST for one in amounts) or not any(amounts):
        raise BadInput("costs_invalid")


def check_rate(defect_rate: float) -> None:
    """Raise BadInput(`defect_rate_invalid`) for what is no share between 0 and 1, both left out."""
    if not (math.isfinite(defect_rate) and 0 < defect_rate < 1):
        raise BadInput("defect_rate_invalid")


def _find(session: Session, product_id: int) -> InspectionCost | None:
    return session.exec(select(InspectionCost).where(InspectionCost.product_id == product_id)).first()


def _as_costs(row: InspectionCost) -> Costs:
    return Costs(row.cost_escape, row.cost_overkill, row.cost_review, row.currency, row.defect_rate, row.row_version)


def _clean_currency(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    text = " ".join("".join(" " if unicodedata.category(one) == "Cc" else one for one in text).split())
    if len(text) > LONGEST_CURRENCY:
        raise BadInput("currency_too_long", highest=LONGEST_CURRENCY)
    return text
