"""The address of the dashboard, and the addresses of what its figures count."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.analytics.periods import Period, days_of_step
from core.history.filters import HistoryFilter

if TYPE_CHECKING:
    from core.analytics.dashboard import DashboardView

_PRODUCT, _PERIOD_NAMES = "product", ("period", "first_day", "last_day")
_MOST_DIGITS = 18  # as many as every database's largest number has


@dataclass(frozen=True)
class Asked:
    """What the address asks for; `wrong` are the names in it that are not understood and were left out."""

    product_id: int | None
    period: Period
    wrong: tuple[str, ...]


def asked_for(product_ids: Collection[int]) -> Asked:
    """Return what the address asks for, of the products that there are."""
    text = st.query_params.get(_PRODUCT, "").strip()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
    product_id = number if number in product_ids else None
    period, wrong = Period.from_query(st.query_params)
    return Asked(product_id, period, (*((_PRODUCT,) if text and product_id is None else ()), *wrong))


def ask_for(product_id: int | None, period: Period) -> None:
    """Put a product and a period into the address: who gets it sees the same."""
    for name in (_PRODUCT, *_PERIOD_NAMES):
        st.query_params.pop(name, None)
    st.query_params.update(dashboard_query(product_id, period))


def dashboard_query(product_id: int | None, period: Period) -> dict[str, str]:
    """Return the words of the dashboard's address."""
    return {**({} if product_id is None else {_PRODUCT: str(product_id)}), **period.to_query()}


def history_query(view: DashboardView, **filters: Any) -> dict[str, str]:
    """Return the words of the history's address for inspections of the dashboard's period and product."""
    since = view.since
    before = view.calendar.end_of(view.scope.last)
    times = {"since": since, "until": before if since is not None or before <= view.as_of else None}
    return HistoryFilter(**{"product": view.scope.product_id, **times, **filters}).to_query()


def step_query(view: DashboardView, start: object) -> dict[str, str]:
    """Return the words of the history's address for one step of the period: an hour, a day, a week or a month."""
    calendar = view.calendar
    if isinstance(start, datetime):
        return history_query(view, since=start, until=start + timedelta(hours=1))
    assert isinstance(start, date)
    first, last = days_of_step(start, view.step, view.scope)
    return history_query(view, since=calendar.start_of(first), until=calendar.end_of(last))
