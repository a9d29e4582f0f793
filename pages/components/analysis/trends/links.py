"""The ways from a figure of the trends to the inspections that it counts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.analytics.trends import start_of_group
from core.history.filters import NO_TYPE, HistoryFilter

if TYPE_CHECKING:
    from core.analytics.groups import By, Key
    from core.analytics.scope import Scope
    from core.rollups.calendar import PlantCalendar


def history_query(
    scope: Scope,
    calendar: PlantCalendar,
    *,
    by: By = "all",
    key: Key = None,
    verdict: str | None = None,
    version_id: int | None = None,
) -> dict[str, str]:
    """Return the words of the history's address for the inspections of a scope, or of one of its groups."""
    first, until = (calendar.start_of(scope.first) if scope.first is not None else None), calendar.end_of(scope.last)
    values: dict[str, Any] = {
        "product": scope.product_id,
        "line": scope.line or "",
        "lot": scope.lot or "",
        "defect_type": scope.defect_type_id,
        "version": version_id if version_id is not None else scope.version_id,
        "verdict": verdict,
        "since": first,
        "until": until,
    }
    if by in {"hour", "day", "week", "month", "shift"} and key is not None:
        span = _span(key, by, calendar)
        # A week or month may reach beyond the period.
        values["since"] = max(span["since"], first) if first is not None else span["since"]
        values["until"] = min(span["until"], until)
    elif by in {"line", "lot"}:
        values[by] = key or ""
    elif by in {"product", "version"}:
        values[by] = key
    elif by == "type":
        values["defect_type"] = NO_TYPE if key is None else key
    return HistoryFilter(**values).to_query()


def _span(key: Key, by: By, calendar: PlantCalendar) -> dict[str, datetime]:
    start = start_of_group(key, calendar)
    if isinstance(key, tuple):
        day, name = key
        shifts = calendar.shifts_of(day) if calendar.shifts else ()
        end = next((end for found, _start, end in shifts if found == name), calendar.end_of(day))
        return {"since": start, "until": end}
    if isinstance(key, datetime):
        return {"since": start, "until": start + timedelta(hours=1)}
    assert isinstance(key, date)
    if by == "month":
        following = key.replace(year=key.year + key.month // 12, month=key.month % 12 + 1)
        return {"since": start, "until": calendar.start_of(following)}
    return {"since": start, "until": calendar.start_of(key + timedelta(days=7 if by == "week" else 1))}
