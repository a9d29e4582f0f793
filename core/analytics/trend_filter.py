"""What trends are asked for, and its way into an address and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

from core.analytics.groups import By
from core.analytics.scope import Scope
from core.i18n import N_

CUSTOM, ALL_TIME = "custom", "all"
PERIODS: dict[str, str] = {
    "1": N_("Today"),
    "7": N_("7 days"),
    "30": N_("30 days"),
    "90": N_("90 days"),
    "365": N_("1 year"),
    ALL_TIME: N_("All time"),
    CUSTOM: N_("From – to"),
}
GROUPINGS: dict[By, str] = {
    "hour": N_("Hour"),
    "day": N_("Day"),
    "week": N_("Week"),
    "month": N_("Month"),
    "shift": N_("Shift"),
    "line": N_("Line"),
    "lot": N_("Lot"),
    "product": N_("Product"),
    "type": N_("Defect type"),
    "version": N_("Model version"),
}
# Groups that follow each other in time: runs of points mean something.
ORDERED: frozenset[By] = frozenset({"hour", "day", "week", "month", "shift"})
WHOLE, PHASES, BASELINE = "whole", "phases", "baseline"
LIMITS: dict[str, str] = {
    PHASES: N_("Anew after each new model or threshold"),
    WHOLE: N_("From the whole period"),
    BASELINE: N_("From a chosen period"),
}
GROUP_MEANS, SINGLE_PARTS = "means", "parts"
SCORES: dict[str, str] = {
    GROUP_MEANS: N_("Mean of each group"),
    SINGLE_PARTS: N_("Each part"),
}
LEAST_WEIGHT, MOST_WEIGHT, LEAST_WIDTH, MOST_WIDTH = 0.05, 1.0, 1.0, 4.0
_LONGEST = {"line": 64, "lot": 64, "shift": 32, "view": 32}
_MOST_DIGITS = 18  # as many as every database's largest number has
_CHOICES: dict[str, tuple[str, ...]] = {
    "period": tuple(PERIODS),
    "by": tuple(GROUPINGS),
    "limits": tuple(LIMITS),
    "scores": tuple(SCORES),
}
_DAYS = frozenset({"first_day", "last_day", "baseline_first", "baseline_last"})
_NUMBERS = frozenset({"product", "defect_type", "version"})
_SIZES = {"weight": (LEAST_WEIGHT, MOST_WEIGHT), "width": (LEAST_WIDTH, MOST_WIDTH)}


@dataclass(frozen=True)
class TrendFilter:
    """The period in production days, what the inspections have in common, how they are grouped, and the charts' limits.

    `period` is so many days up to today, "all", or "custom": from `first_day` to `last_day`, both counted. `version` is
    a memory bank, `view` the code of the view whose scores are charted, `weight` (λ) and `width` (L) are of the EWMA
    chart. None or "" asks for nothing.
    """

    period: str = "30"
    first_day: date | None = None
    last_day: date | None = None
    product: int | None = None
    line: str = ""
    lot: str = ""
    shift: str = ""
    defect_type: int | None = None
    version: int | None = None
    by: By = "day"
    limits: str = PHASES
    baseline_first: date | None = None
    baseline_last: date | None = None
    is_plain: bool = False
    scores: str = GROUP_MEANS
    view: str = ""
    weight: float = 0.2
    width: float = 3.0

    def to_query(self) -> dict[str, str]:
        """Return what an address says of it: only what differs from what is usual, days as YYYY-MM-DD."""
        usual = TrendFilter()
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: "1" if value is True else f"{value:g}" if isinstance(value, float) else str(value)
            for name, value in values.items()
            if value != getattr(usual, name) and value not in (None, "")
        }

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[TrendFilter, tuple[str, ...]]:
        """Return the filter in an address, and the names of what in it is not understood and was left out."""
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for one in fields(cls):
            text = query.get(one.name, "").strip()
            if not text:
                continue
            value = _read(one.name, text)
            if value is None:
                wrong.append(one.name)
            else:
                values[one.name] = value
        for first, last in (("first_day", "last_day"), ("baseline_first", "baseline_last")):
            if values.get(first) and values.get(last) and values[first] > values[last]:
                wrong += [first, last]
                del values[first], values[last]
        return cls(**values), tuple(wrong)

    def to_scope(self, today: date) -> Scope:
        """Return the scope; a custom period without an end goes to today, without a beginning from the first day."""
        first, last = self._days(today)
        return Scope(
            first,
            last,
            product_id=self.product,
            line=self.line or None,
            lot=self.lot or None,
            shift=self.shift or None,
            defect_type_id=self.defect_type,
            version_id=self.version,
        )

    def _days(self, today: date) -> tuple[date | None, date]:
        if self.period == ALL_TIME:
            return None, today
        if self.period == CUSTOM:
            last = self.last_day or today
            return (min(self.first_day, last) if self.first_day is not None else None), last
        return today - timedelta(days=int(self.period) - 1), today


def is_name_of_trend_filter(name: str) -> bool:
    """Return whether a word of an address belongs to the filter."""
    return name in TrendFilter.__dataclass_fields__


def longest_trend_text(name: str) -> int:
    """Return how many characters the text `name` of a filter may have."""
    return _LONGEST[name]


def _read(name: str, text: str) -> object | None:
    if name in _NUMBERS:
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
    if name in _CHOICES:
        return text if text in _CHOICES[name] else None
    if name in _DAYS:
        return _read_day(text)
    if name in _SIZES:
        return _read_size(text, *_SIZES[name])
    if name == "is_plain":
        return True if text == "1" else None
    return text if len(text) <= _LONGEST[name] and text.isprintable() else None


def _read_day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    # Days at the ends of the calendar have no beginning in every time zone.
    return found if 1971 <= found.year <= 9000 else None


def _read_size(text: str, least: float, most: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and least <= value <= most else None
