"""Days and shifts by the plant's clock, also where clocks change; and a calendar that people change."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from sqlmodel import select

from core.access import Person
from core.analytics.groups import count_groups
from core.analytics.scope import Scope
from core.errors import BadInput, Conflict, NotAllowed
from core.rollups.calendar import PlantCalendar, Shift, find_local_zone, read_calendar
from core.rollups.calendar_saving import MOST_SHIFTS, check_calendar, list_time_zones, save_calendar
from core.rollups.comparing import find_difference, is_counted
from core.rollups.counting import count_new
from core.rollups.rebuilding import ensure_counts
from core.services import Services
from core.transactions import reading
from storage.tables import AuditLog
from tests.counted_rows import add_plant, make_row

HOUR = timedelta(hours=1)
THREE = (Shift("Early", time(6)), Shift("Late", time(14)), Shift("Night", time(22)))


def _hours(calendar: PlantCalendar, day: date) -> list[float]:
    return [(end - start) / HOUR for _name, start, end in calendar.shifts_of(day)]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2025, 3, 30), 23),
        ("Europe/Berlin", date(2025, 10, 26), 25),
        ("Australia/Lord_Howe", date(2025, 4, 6), 24.5),
        ("Asia/Kolkata", date(2025, 3, 30), 24),
        # Clocks that are put forward at midnight: the day begins at one.
        ("America/Sao_Paulo", date(2017, 10, 15), 23),
        ("Africa/Cairo", date(2025, 4, 25), 23),
    ],
)
def test_a_day_is_as_long_as_its_clock_says(zone: str, day: date, hours: float) -> None:
    calendar = PlantCalendar(zone)
    start, end = calendar.start_of(day), calendar.end_of(day)
    assert (end - start) / HOUR == hours
    assert calendar.day_of(start) == calendar.day_of(end - timedelta(microseconds=1)) == day
    assert calendar.day_of(start - timedelta(microseconds=1)) == day - timedelta(days=1)
    assert calendar.day_of(end) == day + timedelta(days=1)


def test_the_night_shift_has_the_hour_that_is_gained_or_lost() -> None:
    calendar = PlantCalendar("Europe/Berlin", THREE)
    assert _hours(calendar, date(2025, 3, 29)) == [8, 8, 7]
    assert _hours(calendar, date(2025, 10, 25)) == [8, 8, 9]
    assert _hours(calendar, date(2025, 10, 26)) == [8, 8, 8]


def test_what_a_night_shift_does_after_midnight_belongs_to_the_day_before() -> None:
    calendar = PlantCalendar("Asia/Seoul", THREE)
    at_two = datetime(2025, 6, 10, 2, tzinfo=calendar.zone)
    assert calendar.day_of(at_two) == date(2025, 6, 9)
    assert calendar.shift_of(at_two) == "Night"
    assert calendar.shift_of(at_two + 4 * HOUR) == "Early"


def test_half_hours_of_a_zone_count() -> None:
    calendar = PlantCalendar("Asia/Kolkata", THREE)
    assert calendar.start_of(date(2025, 6, 10)) == datetime(2025, 6, 10, 0, 30, tzinfo=UTC)
    assert calendar.shift_of(datetime(2025, 6, 10, 0, 29, tzinfo=UTC)) == "Night"
    assert calendar.shift_of(datetime(2025, 6, 10, 0, 30, tzinfo=UTC)) == "Early"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Sao_Paulo", "Africa/Cairo", "Asia/Kolkata", "Asia/Beirut"])
@pytest.mark.parametrize("shifts", [(), THREE, (Shift("Night", time(0)), Shift("Day", time(12)))])
def test_each_moment_has_one_day_and_one_shift(zone: str, shifts: Sequence[Shift]) -> None:
    calendar = PlantCalendar(zone, tuple(shifts))
    for first in (date(2017, 10, 13), date(2025, 3, 28), date(2025, 4, 23), date(2025, 10, 24)):
        days = [first + timedelta(days=number) for number in range(5)]
        for day, following in pairwise(days):
            assert calendar.end_of(day) == calendar.start_of(following)
            for name, start, end in calendar.shifts_of(day):
                for moment in (start, start + (end - start) / 2, end - timedelta(microseconds=1)):
                    assert (calendar.day_of(moment), calendar.shift_of(moment)) == (day, name)


def test_a_calendar_is_kept_in_the_order_of_its_day_and_in_the_audit_log(services: Services, engineer: Person) -> None:
    wanted = PlantCalendar("Asia/Seoul", (THREE[1], THREE[0], Shift("  Ni\u200bght ", time(22, 0, 30))))
    saved = save_calendar(services, engineer, wanted)
    with reading(services) as session:
        assert read_calendar(session) == saved
        row = session.exec(select(AuditLog).where(AuditLog.action == "calendar.changed")).one()
    assert [one.name for one in saved.shifts] == ["Late", "Ni ght", "Early"]
    assert saved.shifts[1].starts_at == time(22)
    assert saved.row_version == 1
    assert row.user_id == engineer.id
    assert row.details["changes"]["shifts"] == ["-", "Late 14:00, Ni ght 22:00, Early 06:00"]


def test_a_save_on_an_older_state_is_refused(services: Services, engineer: Person, admin: Person) -> None:
    save_calendar(services, admin, PlantCalendar("Asia/Tokyo"))
    with pytest.raises(Conflict) as caught:
        save_calendar(services, engineer, PlantCalendar("Asia/Seoul"))
    assert caught.value.code == "stale_save"
    assert admin.display_name in str(caught.value)
    assert "Asia/Tokyo" in str(caught.value)


def test_saving_what_is_there_changes_nothing(services: Services, engineer: Person) -> None:
    saved = save_calendar(services, engineer, PlantCalendar("Asia/Seoul", THREE))
    assert save_calendar(services, engineer, saved) == saved


def test_a_worker_cannot_change_the_calendar(services: Services, worker_person: Person) -> None:
    with pytest.raises(NotAllowed):
        save_calendar(services, worker_person, PlantCalendar("Asia/Seoul"))


@pytest.mark.parametrize(
    ("zone", "shifts", "code"),
    [
        ("Mars/Olympus", (), "calendar_zone_unknown"),
        ("../etc/passwd", (), "calendar_zone_unknown"),
        ("", (), "calendar_zone_unknown"),
        ("UTC", tuple(Shift(str(hour), time(hour)) for hour in range(MOST_SHIFTS + 1)), "calendar_shifts_too_many"),
        ("UTC", (Shift(" \u200b", time(6)),), "calendar_shift_unnamed"),
        ("UTC", (Shift("x" * 33, time(6)),), "calendar_shift_name_long"),
        ("UTC", (Shift("Day", time(6)), Shift("day ", time(18))), "calendar_shift_known"),
        ("UTC", (Shift("Day", time(6)), Shift("Night", time(6, 0, 59))), "calendar_start_known"),
    ],
)
def test_what_is_no_calendar_is_refused(zone: str, shifts: tuple[Shift, ...], code: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_calendar(PlantCalendar(zone, shifts))
    assert caught.value.code == code


def test_the_zone_of_this_machine_can_be_kept() -> None:
    assert find_local_zone() in list_time_zones()


def test_figures_follow_a_new_calendar_at_once_and_are_counted_by_it(services: Services, engineer: Person) -> None:
    saved = save_calendar(services, engineer, PlantCalendar("UTC"))
    plant, moment = add_plant(services.database), datetime(2025, 6, 10, 2, tzinfo=UTC)
    row = make_row(plant, random.Random(1), moment)
    row.shift = ""
    with services.database.unit_of_work() as session:
        session.add(row)
        count_new(session, [row])
        session.commit()

    def keys() -> list[object]:
        return [group.key for group in count_groups(services, Scope(None, date(9999, 12, 31)), "shift")]

    assert is_counted(services)
    assert keys() == [(date(2025, 6, 10), "")]
    save_calendar(services, engineer, replace(saved, shifts=(THREE[0], THREE[2])))
    assert not is_counted(services)
    assert keys() == [(date(2025, 6, 9), "Night")]
    assert ensure_counts(services)
    assert is_counted(services)
    assert keys() == [(date(2025, 6, 9), "Night")]
    assert find_difference(services) is None
