"""Periods: in addresses, as production days, in steps, and beside the period before."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from core.analytics.groups import Counts
from core.analytics.periods import Period, PeriodName, choose_step, days_of_step, elapsed_part
from core.analytics.rate_change import is_beyond_chance
from core.analytics.scope import Scope
from core.rollups.calendar import PlantCalendar, Shift

TODAY = date(2026, 3, 30)


@pytest.mark.parametrize("name", ["today", "7d", "30d", "90d", "all"])
def test_a_period_comes_back_from_its_address(name: PeriodName) -> None:
    assert Period.from_query(Period(name).to_query()) == (Period(name), ())


def test_days_come_back_from_their_address() -> None:
    period = Period("custom", date(2026, 1, 5), date(2026, 1, 9))
    assert Period.from_query(period.to_query()) == (period, ())
    assert period.to_scope(TODAY, product_id=3) == Scope(date(2026, 1, 5), date(2026, 1, 9), 3)


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"period": "century"}, ("period",)),
        ({"period": "custom"}, ("period",)),
        ({"first_day": "2026-01-05"}, ("last_day",)),
        ({"first_day": "yesterday", "last_day": "2026-01-05"}, ("first_day",)),
        ({"first_day": "2026-01-05", "last_day": "2026-01-04"}, ("last_day",)),
        ({"first_day": "0001-01-01", "last_day": "9999-12-31"}, ("first_day", "last_day")),
    ],
)
def test_what_an_address_says_wrongly_is_named_and_left_out(query: dict[str, str], wrong: tuple[str, ...]) -> None:
    assert Period.from_query(query) == (Period(), wrong)


def test_a_period_that_moves_ends_today() -> None:
    assert Period("today").to_scope(TODAY) == Scope(TODAY, TODAY)
    assert Period("7d").to_scope(TODAY) == Scope(date(2026, 3, 24), TODAY)
    assert Period("all").to_scope(TODAY) == Scope(None, TODAY)


@pytest.mark.parametrize(
    ("days", "step"), [(1, "hour"), (2, "hour"), (3, "day"), (92, "day"), (93, "week"), (550, "week"), (551, "month")]
)
def test_longer_periods_are_drawn_in_longer_steps(days: int, step: str) -> None:
    assert choose_step(days) == step


def test_a_step_ends_with_the_period() -> None:
    scope = Scope(date(2026, 3, 4), date(2026, 3, 25))
    assert days_of_step(date(2026, 3, 2), "week", scope) == (date(2026, 3, 4), date(2026, 3, 8))
    assert days_of_step(date(2026, 3, 1), "month", scope) == (date(2026, 3, 4), date(2026, 3, 25))
    assert days_of_step(date(2026, 3, 9), "day", scope) == (date(2026, 3, 9), date(2026, 3, 9))


def test_what_is_still_to_come_today_is_left_out_of_yesterday() -> None:
    calendar = PlantCalendar("Europe/Berlin", (Shift("early", time(6)), Shift("late", time(14))))
    now = datetime(2026, 3, 30, 8, 30, tzinfo=UTC)  # 10:30 in Berlin, four and a half hours into the day
    scope = Scope(TODAY, TODAY)
    # The night before had an hour less; the shift began at six all the same.
    assert elapsed_part(scope, calendar, now) == (
        datetime(2026, 3, 29, 8, 30, tzinfo=UTC),
        datetime(2026, 3, 30, 4, 0, tzinfo=UTC),
    )
    assert elapsed_part(Scope(date(2026, 3, 1), date(2026, 3, 20)), calendar, now) is None
    assert elapsed_part(Scope(None, TODAY), calendar, now) is None


@pytest.mark.parametrize(
    ("now", "before", "beyond"),
    [
        (Counts(n=1000, reject=80), Counts(n=1000, reject=50), True),
        (Counts(n=1000, reject=55), Counts(n=1000, reject=50), False),
        (Counts(n=10, reject=2), Counts(n=10, reject=1), None),
        (Counts(), Counts(n=10, reject=1), None),
        (Counts(n=10, reject=10), Counts(n=10, reject=10), None),
    ],
)
def test_a_change_of_the_rate_is_told_from_chance(now: Counts, before: Counts, beyond: bool | None) -> None:
    assert is_beyond_chance(now, before) is beyond
