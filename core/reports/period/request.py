"""Which report is wanted: its period, what it is narrowed to, its language; from a form, an address or a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, func, select

from core.analytics.scope import Scope
from core.catalog.names import ProductName
from core.errors import BadInput, NotFound
from core.i18n import LANGUAGES
from core.inspections.part_details import longest_text
from core.rollups.calendar import PlantCalendar, read_calendar
from core.schedules.periods import (
    PERIOD_NAMES,
    Period,
    PeriodKind,
    day_period,
    last_ended,
    lot_period,
    period_at,
    period_before,
    shift_period,
    week_period,
)
from core.transactions import HasDatabase, reading
from storage.tables import Inspection, Product, utc_now

_LAST_INSPECTIONS, _MOST_LOTS = 2000, 50
_MOST_DIGITS = 18  # as many as every database's largest number has


@dataclass(frozen=True)
class PeriodChoice:
    """What a person chooses: the kind, and the day, shift or lot; without a day, the last one that is over.

    `product` is an id, None for all; `line` "" is all lines.
    """

    kind: PeriodKind
    day: date | None = None
    shift: str = ""
    lot: str = ""
    product: int | None = None
    line: str = ""

    def to_query(self) -> dict[str, str]:
        """Return what an address says of it: only what is asked for, the day as YYYY-MM-DD."""
        values = {
            "period": self.kind,
            "day": self.day.isoformat() if self.day is not None else "",
            "shift": self.shift,
            "lot": self.lot,
            "product": "" if self.product is None else str(self.product),
            "line": self.line,
        }
        return {name: value for name, value in values.items() if value}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> PeriodChoice:
        """Return the choice in an address. Raises BadInput for what is not understood."""
        kind = query.get("period", "").strip() or "day"
        if kind not in PERIOD_NAMES:
            raise BadInput("report_period_unknown", kind=kind[:40], choices=", ".join(PERIOD_NAMES))
        day = query.get("day", "").strip()
        product = query.get("product", "").strip()
        if product and not (product.isascii() and product.isdecimal() and len(product) <= _MOST_DIGITS):
            raise BadInput("report_product_invalid", product=product[:40])
        return cls(
            kind,
            read_day(day) if day else None,
            _read_text("shift", query),
            _read_text("lot", query),
            int(product) if product else None,
            _read_text("line", query),
        )


@dataclass(frozen=True)
class ReportRequest:
    """One report: its period, the one that it is compared with, its product (None: all), line ("": all), language."""

    period: Period
    before: Period | None
    product: ProductName | None
    line: str
    language: str

    @property
    def scope(self) -> Scope:
        """Return what its figures are asked of."""
        return _scope(self.period, self)

    @property
    def scope_before(self) -> Scope | None:
        """Return what the figures that it is compared with are asked of."""
        return None if self.before is None else _scope(self.before, self)


def make_request(
    services: HasDatabase, choice: PeriodChoice, *, language: str, now: datetime | None = None
) -> ReportRequest:
    """Return the report that a choice means.

    Raises NotFound (product), report_lot_unknown; BadInput report_shift_unknown, report_lot_missing, report_day_ahead,
    report_language; NotReady report_without_shifts.
    """
    if language not in LANGUAGES:
        raise BadInput("report_language", choices=", ".join(LANGUAGES))
    now = utc_now() if now is None else now
    with reading(services) as session:
        calendar = read_calendar(session)
        product = None if choice.product is None else session.get(Product, choice.product)
        if choice.product is not None and product is None:
            raise NotFound("not_found")
        period = _choose(session, calendar, choice, now)
        if period.start > now:
            raise BadInput("report_day_ahead", day=period.first.isoformat())
        if period.kind == "lot":
            before = _lot_before(session, calendar, choice, period)
        else:
            before = period_before(calendar, period)
        named = None if product is None else ProductName.from_row(product)
    return ReportRequest(period, before, named, choice.line, language)


def request_for(
    services: HasDatabase, period: Period, *, product_id: int | None, line: str, language: str
) -> ReportRequest:
    """Return the report of a shift, a day or a week that a schedule has taken up. Raises NotFound (product)."""
    with reading(services) as session:
        before = period_before(read_calendar(session), period)
        product = None if product_id is None else session.get(Product, product_id)
        if product_id is not None and product is None:
            raise NotFound("not_found")
        named = None if product is None else ProductName.from_row(product)
    return ReportRequest(period, before, named, line, language)


def list_recent_lots(services: HasDatabase, *, product_id: int | None = None) -> list[str]:
    """Return the lots of the last inspections, the newest first: what a report is likely to be wanted of."""
    query = select(Inspection.lot).where(col(Inspection.lot) != "")
    if product_id is not None:
        query = query.where(Inspection.product_id == product_id)
    with reading(services) as session:
        found = session.exec(query.order_by(col(Inspection.created_at).desc()).limit(_LAST_INSPECTIONS)).all()
    return list(dict.fromkeys(found))[:_MOST_LOTS]


def read_day(text: str) -> date:
    """Return the day in a text such as 2026-11-26. Raises BadInput report_day_invalid."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput("report_day_invalid", day=text[:40]) from error


def _choose(session: Session, calendar: PlantCalendar, choice: PeriodChoice, now: datetime) -> Period:
    if choice.kind == "lot":
        if not choice.lot:
            raise BadInput("report_lot_missing")
        bounds = _bounds(session, choice, choice.lot)
        if bounds is None:
            raise NotFound("report_lot_unknown", lot=choice.lot)
        return lot_period(calendar, choice.lot, *bounds)
    if choice.kind == "shift":
        if choice.shift:
            day = choice.day if choice.day is not None else _last_day_of_shift(calendar, choice.shift, now)
            return shift_period(calendar, day, choice.shift)
        if choice.day is None:
            return last_ended(calendar, "shift", now)
        day = choice.day
        running = period_at(calendar, "shift", now)
        # Without a name: the last shift of that day that has begun.
        return running if running.first == day else shift_period(calendar, day, _last_name(calendar))
    if choice.day is None:
        return last_ended(calendar, choice.kind, now)
    return (week_period if choice.kind == "week" else day_period)(calendar, choice.day)


def _last_name(calendar: PlantCalendar) -> str:
    return calendar.shifts[-1].name if calendar.shifts else ""


def _last_day_of_shift(calendar: PlantCalendar, name: str, now: datetime) -> date:
    """Return the day of the last shift of this name that is over; of an unknown name, today."""
    if name not in {one.name for one in calendar.shifts}:
        return calendar.day_of(now)
    period = last_ended(calendar, "shift", now)
    for _number in range(2 * len(calendar.shifts) + 2):
        if period.shift == name:
            break
        period = period_before(calendar, period)
    return period.first


def _of_choice(choice: PeriodChoice) -> list[Any]:
    conditions: list[Any] = []
    if choice.product is not None:
        conditions.append(col(Inspection.product_id) == choice.product)
    if choice.line:
        conditions.append(col(Inspection.line) == choice.line)
    return conditions


def _bounds(session: Session, choice: PeriodChoice, lot: str) -> tuple[datetime, datetime] | None:
    """Return when the first and the last part of a lot were inspected; None where there is none."""
    query = select(func.min(Inspection.created_at), func.max(Inspection.created_at))
    first, last = session.exec(query.where(col(Inspection.lot) == lot, *_of_choice(choice))).one()
    return None if first is None or last is None else (first, last)


def _lot_before(session: Session, calendar: PlantCalendar, choice: PeriodChoice, period: Period) -> Period | None:
    """Return the lot of the last part that was inspected before the first one of this lot."""
    bounds = _bounds(session, choice, period.lot)
    if bounds is None:
        return None
    lot = session.exec(
        select(Inspection.lot)
        .where(
            col(Inspection.created_at) < bounds[0],
            col(Inspection.lot).not_in(("", period.lot)),
            *_of_choice(choice),
        )
        .order_by(col(Inspection.created_at).desc())
        .limit(1)
    ).first()
    earlier = None if lot is None else _bounds(session, choice, lot)
    return None if lot is None or earlier is None else lot_period(calendar, lot, *earlier)


def _scope(period: Period, request: ReportRequest) -> Scope:
    return Scope(
        period.first,
        period.last,
        None if request.product is None else request.product.id,
        request.line or None,
        period.lot or None,
        period.shift or None,
    )


def _read_text(name: str, query: Mapping[str, str]) -> str:
    text = query.get(name, "").strip()
    if len(text) > longest_text(name) or not text.isprintable():
        raise BadInput("inspection_detail_too_long", field=name, limit=longest_text(name))
    return text
