"""When reports fall due: once a period, over days on which the clocks change and over times when nothing ran."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from core.errors import BadInput
from core.rollups.calendar import PlantCalendar, Shift
from core.schedules.timing import LONGEST_DELAY_MIN, Timing, list_due, next_due

SHIFTS = (Shift("Day", time(6)), Shift("Night", time(18)))
BERLIN = PlantCalendar("Europe/Berlin", SHIFTS)
SEOUL = PlantCalendar("Asia/Seoul", SHIFTS)
SPRING, AUTUMN = datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC)


def test_a_shift_report_falls_due_so_long_after_each_shift() -> None:
    start = SEOUL.start_of(date(2026, 11, 26))
    due = list_due(Timing("shift", delay_min=15), SEOUL, after=start, until=start + timedelta(days=1))
    assert [(one.at - start, one.period.shift, one.period.first.day) for one in due] == [
        (timedelta(minutes=15), "Night", 25),
        (timedelta(hours=12, minutes=15), "Day", 26),
    ]


def test_only_the_named_shifts_count() -> None:
    start = SEOUL.start_of(date(2026, 11, 26))
    due = list_due(Timing("shift", shifts=("Day",)), SEOUL, after=start, until=start + timedelta(days=5))
    assert [one.period.shift for one in due] == ["Day"] * 5


@pytest.mark.parametrize("at", [time(0), time(2, 30), time(3), time(5, 59), time(6), time(23, 59)])
@pytest.mark.parametrize("start", [SPRING, AUTUMN])
def test_each_day_has_one_report_when_the_clocks_change(at: time, start: datetime) -> None:
    due = list_due(Timing("day", at=at), BERLIN, after=start, until=start + timedelta(days=6))
    days = [one.period.first for one in due]
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert len(days) in {5, 6, 7}
    assert all(one.at >= one.period.end for one in due)


def test_a_day_that_begins_in_the_hour_that_is_left_out_has_its_report() -> None:
    calendar = PlantCalendar("Europe/Berlin", (Shift("Early", time(2, 30)), Shift("Late", time(14))))
    due = list_due(Timing("day", at=time(3)), calendar, after=SPRING, until=SPRING + timedelta(days=5))
    days = [one.period.first for one in due]
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert all(one.at >= one.period.end for one in due)


def test_before_the_day_begins_the_report_is_of_the_day_before_the_last() -> None:
    after = datetime(2026, 11, 25, 20, tzinfo=UTC)  # 05:00 on the 26th in Seoul
    early, late = (next_due(Timing("day", at=at), SEOUL, after) for at in (time(5, 30), time(6, 30)))
    assert early is not None
    assert late is not None
    assert (early.period.first, late.period.first) == (date(2026, 11, 24), date(2026, 11, 25))


@pytest.mark.parametrize(
    ("at", "week"), [(time(7), date(2026, 11, 16)), (time(5), date(2026, 11, 9)), (time(6), date(2026, 11, 16))]
)
def test_a_week_report_is_of_the_last_whole_week(at: time, week: date) -> None:
    due = next_due(Timing("week", at=at, weekday=0), SEOUL, datetime(2026, 11, 22, 12, tzinfo=UTC))
    assert due is not None
    assert due.period.first == week
    assert due.at.astimezone(SEOUL.zone).strftime("%a %H:%M") == at.strftime("Mon %H:%M")


def test_what_was_missed_is_listed_once_and_in_order() -> None:
    start = SEOUL.start_of(date(2026, 11, 1))
    due = list_due(Timing("shift"), SEOUL, after=start, until=start + timedelta(days=10))
    assert len(due) == len({one.period.key for one in due}) == 20
    assert [one.at for one in due] == sorted(one.at for one in due)


def test_looking_again_finds_nothing_new() -> None:
    timing, until = Timing("day", at=time(7)), datetime(2026, 11, 26, 12, tzinfo=UTC)
    first = list_due(timing, SEOUL, after=until - timedelta(days=3), until=until)
    assert list_due(timing, SEOUL, after=first[-1].at, until=until) == []


def test_a_shift_that_is_no_more_never_falls_due() -> None:
    assert next_due(Timing("shift", shifts=("Old",)), SEOUL, datetime(2026, 11, 26, tzinfo=UTC)) is None
    assert next_due(Timing("shift"), PlantCalendar("UTC"), datetime(2026, 11, 26, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("timing", "calendar", "code"),
    [
        (Timing("lot"), SEOUL, "report_schedule_kind"),
        (Timing("shift", delay_min=LONGEST_DELAY_MIN + 1), SEOUL, "report_delay"),
        (Timing("shift", delay_min=-1), SEOUL, "report_delay"),
        (Timing("week", weekday=7), SEOUL, "report_weekday"),
        (Timing("shift", shifts=("Old",)), SEOUL, "report_shift_unknown"),
        (Timing("shift"), PlantCalendar("UTC"), "report_without_shifts"),
    ],
)
def test_what_can_never_fall_due_is_refused(timing: Timing, calendar: PlantCalendar, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        timing.check(calendar)
    assert caught.value.code == code
