"""Periods as people say them, in production days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from core.errors import BadInput
from core.i18n import N_

ALL, CUSTOM = "all", "custom"
_MOVING = {"7d": 7, "30d": 30, "90d": 90, "365d": 365}
PERIOD_NAMES: dict[str, str] = {
    "today": N_("today"),
    "yesterday": N_("yesterday"),
    "this_week": N_("this week"),
    "last_week": N_("last week"),
    "this_month": N_("this month"),
    "last_month": N_("last month"),
    "this_year": N_("this year"),
    "7d": N_("the last 7 days"),
    "30d": N_("the last 30 days"),
    "90d": N_("the last 90 days"),
    "365d": N_("the last year"),
    ALL: N_("all time"),
}
USUAL = "30d"
FIRST_DAY = date(1970, 1, 1)


@dataclass(frozen=True)
class Span:
    """Production days from `first` (None: from the beginning) to `last`, both counted; `name` of PERIOD_NAMES or ""."""

    first: date | None
    last: date
    name: str = ""


def find_span(period: str, today: date, *, first_day: str = "", last_day: str = "") -> Span:
    """Return the days of a period: a name of PERIOD_NAMES, so many days as `14d`, or the two days in ISO form.

    Weeks begin on Monday. Raises BadInput(`assistant_period_unknown`).
    """
    if first_day or last_day or period == CUSTOM:
        try:
            first = date.fromisoformat(first_day) if first_day else None
            last = date.fromisoformat(last_day) if last_day else today
        except ValueError as error:
            raise BadInput("assistant_period_unknown", said=f"{first_day} – {last_day}") from error
        return Span(min(first, last) if first is not None else None, max(first or last, last))
    monday = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    spans = {
        "today": (today, today),
        "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "this_week": (monday, today),
        "last_week": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "this_month": (month, today),
        "last_month": ((month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)),
        "this_year": (today.replace(month=1, day=1), today),
    }
    period = period or USUAL
    if period == ALL:
        return Span(None, today, ALL)
    if period in spans:
        return Span(*spans[period], period)
    days = period.removesuffix("d")
    if period.endswith("d") and days.isascii() and days.isdecimal() and 1 <= int(days) <= 3660:
        return Span(today - timedelta(days=int(days) - 1), today, period if period in _MOVING else "")
    raise BadInput("assistant_period_unknown", said=period[:40])
