"""The totals of the dashboard: what is read first, how it changed, and the way to what each of them counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.rate_change import is_beyond_chance
from pages.components.overview.address import history_query
from pages.components.overview.wording import age, period_before
from pages.components.shared.language import _, _n, number, percent
from pages.components.shared.screens import HISTORY, link_to

if TYPE_CHECKING:
    from core.analytics.dashboard import DashboardView

_TILE_PX = 136
_UP, _DOWN, _SAME = ":material/trending_up:", ":material/trending_down:", ":material/trending_flat:"


def show_totals(view: DashboardView) -> None:
    """Draw the totals, as many in a row as fit: two on a phone."""
    counts = view.counts
    with st.grid("auto", min_column_width=_TILE_PX, gap="small", key="dashboard_totals"):
        show_tile("inspections", _("Inspections"), number(counts.n), history_query(view), describe_inspections(view))
        rejected = history_query(view, verdict="reject")
        show_tile(
            "defects",
            _("Defects"),
            number(counts.reject),
            rejected,
            describe_change(view, counts.reject, view.before.reject if view.before else None, worse="more"),
        )
        rate = counts.defect_rate
        show_tile("rate", _("Defect rate"), percent(rate) if rate is not None else "–", rejected, describe_rate(view))
        show_tile(
            "review",
            _("Review"),
            number(counts.review),
            history_query(view, verdict="review"),
            describe_change(view, counts.review, view.before.review if view.before else None, worse="more"),
        )
        show_tile(
            "open",
            _("Actions open"),
            number(view.n_actions_open),
            history_query(view, action="open", since=None, until=None),
            describe_open(view),
        )
        show_tile(
            "done",
            _("Actions done"),
            number(view.n_actions_done),
            history_query(view, action="done"),
            _("of {count} in the period", count=number(view.n_actions_done + view.n_actions_left)),
        )


def show_tile(name: str, label: str, value: str, query: dict[str, str], note: str) -> None:
    """Draw one total: what it is, the figure as a link to what it counts, and a note on it."""
    with st.container(border=True, gap=None, height="stretch", key=f"tile_{name}"):
        st.markdown(label)
        # The label belongs to the link, for who hears it without seeing where it stands.
        link_to(HISTORY, f"**{value}**", icon="", query=query)
        st.caption(note or " ")


def describe_inspections(view: DashboardView) -> str:
    """Return how the number of inspections changed; for all time, since when there are some."""
    if view.scope.first is None:
        return "" if view.first_at is None else _("since {day}", day=view.calendar.day_of(view.first_at).isoformat())
    change = describe_change(view, view.counts.n, view.before.n if view.before else None)
    return change + "  \n" + _("{count} in all", count=number(view.all_time.n))


def describe_change(view: DashboardView, now: int, before: int | None, *, worse: str = "") -> str:
    """Return how a count changed against the period before, in words; `worse` is "more" where fewer are better."""
    if before is None or view.before is None:
        return ""
    period = period_before(view)
    if not view.before.n:
        return _("no inspection {period}", period=period)
    if now == before:
        return f"{_SAME} " + _("as many as {period}", period=period)
    if now > before:
        words = _n("{count} more than {period}", "{count} more than {period}", now - before, period=period)
    else:
        words = _n("{count} fewer than {period}", "{count} fewer than {period}", before - now, period=period)
    return _mark(words, is_up=now > before, is_bad=worse == "more" and now > before, colored=bool(worse))


def describe_rate(view: DashboardView) -> str:
    """Return how the defect rate changed against the period before, and whether that may be chance."""
    if view.before is None or view.counts.defect_rate is None:
        return ""
    period = period_before(view)
    before = view.before.defect_rate
    if before is None:
        return _("no inspection {period}", period=period)
    points = 100 * (view.counts.defect_rate - before)
    shown = number(abs(points), 1)
    if shown == number(0, 1):
        return f"{_SAME} " + _("the same as {period}", period=period)
    beyond = is_beyond_chance(view.counts, view.before)
    if points > 0:
        words = _("{points} points higher than {period}", points=shown, period=period)
    else:
        words = _("{points} points lower than {period}", points=shown, period=period)
    if beyond is False:
        return f"{_UP if points > 0 else _DOWN} {words}, " + _("may be chance")
    return _mark(words, is_up=points > 0, is_bad=points > 0, colored=True)


def describe_open(view: DashboardView) -> str:
    """Return how long the oldest open action waits."""
    if view.oldest_open_at is None:
        return _("none waits")
    return _("the oldest for {age}", age=age(view.oldest_open_at, view.as_of))


def _mark(words: str, *, is_up: bool, is_bad: bool, colored: bool) -> str:
    text = f"{_UP if is_up else _DOWN} {words}"
    return f":{'red' if is_bad else 'green'}[{text}]" if colored else text
