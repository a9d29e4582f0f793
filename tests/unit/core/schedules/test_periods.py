"""The periods of reports: shifts across midnight, weeks of production days, days when the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from core.errors import BadInput, NotReady
from core.rollups.calendar import PlantCalendar, Shift
from core.schedules.periods import (
    Period,
    day_period,
    last_ended,
    lot_period,
    period_at,
    period_before,
    shift_period,
    week_period,
)

SEOUL = PlantCalendar("Asia/Seoul", (Shift("Day", time(6)), Shift("Evening", time(14)), Shift("Night", time(22))))
BERLIN = PlantCalendar("Europe/Berlin", (Shift("Day", time(6)), Shift("Night", time(22))))
NO_SHIFTS = PlantCalendar("Asia/Kolkata")


def test_a_night_shift_belongs_to_the_day_on_which_it_began() -> None:
    night = period_at(SEOUL, "shift", datetime(2026, 11, 26, 18, 0, tzinfo=UTC))  # 03:00 on the 27th in Seoul
    assert (night.first, night.shift) == (date(2026, 11, 26), "Night")
    assert (night.start, night.end) == (datetime(2026, 11, 26, 13, tzinfo=UTC), datetime(2026, 11, 26, 21, tzinfo=UTC))


def test_the_shift_before_is_the_one_that_ran_before_it() -> None:
    first = shift_period(SEOUL, date(2026, 11, 26), "Day")
    before = period_before(SEOUL, first)
    assert (before.first, before.shift, before.end) == (date(2026, 11, 25), "Night", first.start)
    assert period_before(SEOUL, before).shift == "Evening"


def test_a_week_is_from_monday_to_sunday_in_production_days() -> None:
    week = week_period(SEOUL, date(2026, 11, 26))
    assert (week.first, week.last) == (date(2026, 11, 23), date(2026, 11, 29))
    assert week.end - week.start == timedelta(days=7)
    assert period_before(SEOUL, week).last == date(2026, 11, 22)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 28), 23), (date(2026, 10, 24), 25), (date(2026, 3, 30), 24)])
def test_days_are_as_long_as_the_clocks_make_them(day: date, hours: int) -> None:
    period = day_period(BERLIN, day)
    assert period.end - period.start == timedelta(hours=hours)
    night = shift_period(BERLIN, day, "Night")
    assert night.end == period.end


def test_the_last_that_is_over_ends_before_the_moment() -> None:
    moment = SEOUL.start_of(date(2026, 11, 26))
    assert last_ended(SEOUL, "shift", moment).end == moment
    assert last_ended(SEOUL, "day", moment).first == date(2026, 11, 25)
    assert last_ended(SEOUL, "week", moment).last == date(2026, 11, 22)


def test_unknown_shifts_and_a_plant_without_any_are_refused() -> None:
    with pytest.raises(BadInput, match="Day, Evening, Night"):
        shift_period(SEOUL, date(2026, 11, 26), "Morning")
    with pytest.raises(NotReady):
        shift_period(NO_SHIFTS, date(2026, 11, 26), "Day")
    with pytest.raises(NotReady):
        period_at(NO_SHIFTS, "shift", datetime(2026, 11, 26, tzinfo=UTC))


def test_a_lot_spans_the_production_days_of_its_parts() -> None:
    night = datetime(2026, 11, 26, 18, 0, tzinfo=UTC)
    period = lot_period(SEOUL, "L-1", night - timedelta(days=1), night)
    assert (period.first, period.last, period.lot) == (date(2026, 11, 25), date(2026, 11, 26), "L-1")


def test_periods_come_back_from_their_json() -> None:
    for period in (shift_period(SEOUL, date(2026, 11, 26), "Night"), week_period(NO_SHIFTS, date(2026, 11, 26))):
        assert Period.from_json(period.to_json()) == period


def test_keys_tell_periods_of_one_kind_apart() -> None:
    days = [day_period(BERLIN, date(2026, 10, 20) + timedelta(days=number)) for number in range(10)]
    shifts = [shift_period(BERLIN, day.first, name) for day in days for name in ("Day", "Night")]
    assert len({period.key for period in [*days, *shifts]}) == 30
