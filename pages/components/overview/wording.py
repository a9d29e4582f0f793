"""Words that several parts of the dashboard say."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pages.components.shared.language import _, _n

if TYPE_CHECKING:
    from core.analytics.dashboard import DashboardView


def period_before(view: DashboardView) -> str:
    """Return what the period is compared with, as the end of "3 more than …"."""
    days = view.scope.days or 1
    if days > 1:
        return _("in the {days} days before", days=days)
    is_today = view.calendar.day_of(view.as_of) == view.scope.last
    return _("yesterday by this time") if is_today else _("the day before")


def age(since: datetime, now: datetime) -> str:
    """Return how long ago something was, in the largest whole unit: "3 days", "5 h", "12 min"."""
    passed = max(timedelta(0), now - since)
    if passed >= timedelta(days=1):
        return _n("{count} day", "{count} days", passed.days)
    if passed >= timedelta(hours=1):
        return _("{count} h", count=int(passed / timedelta(hours=1)))
    return _("{count} min", count=int(passed / timedelta(minutes=1)))
