"""Inspections are counted again in slices, beside those who inspect and from where it was broken off."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import get_args

import pytest
from sqlmodel import select

from core.analytics.groups import By, Group, count_groups
from core.analytics.scope import Scope
from core.rollups import rebuilding
from core.rollups.calendar import read_calendar
from core.rollups.comparing import compare_totals, find_difference, is_counted
from core.rollups.counting import count_new
from core.rollups.rebuilding import ensure_counts, rebuild_counts
from core.services import Services, build_services
from storage.tables import DayCount, Inspection, utc_now
from tests.counted_rows import Plant, add_plant, are_close, make_moments, make_row, set_calendar

EVERYTHING = Scope(None, date(9999, 12, 31))
DAYS = tuple(date(2025, 6, day) for day in range(1, 11))


class BrokenOff(Exception):
    """What a process is ended by."""


@pytest.fixture
def plant(services: Services, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Return a plant with inspections of twelve days, which are counted some at a time, and not yet."""
    monkeypatch.setattr(rebuilding, "SLICE_ROWS", 10)
    plant, dice = add_plant(services.database), random.Random(5)
    set_calendar(services.database, "Asia/Seoul", ("Day", "06:00"), ("Night", "18:00"))
    _add(services, [make_row(plant, dice, moment) for moment in make_moments(dice, DAYS, 60)])
    return plant


def _add(services: Services, rows: list[Inspection]) -> None:
    with services.database.unit_of_work() as session:
        session.add_all(rows)
        count_new(session, rows)
        session.commit()


def _all(services: Services) -> dict[By, list[Group]]:
    return {by: count_groups(services, EVERYTHING, by) for by in get_args(By)}


def _are_same(mine: dict[By, list[Group]], theirs: dict[By, list[Group]]) -> bool:
    return all(
        [one.key for one in groups] == [one.key for one in theirs[by]]
        and all(are_close(one.counts, other.counts) for one, other in zip(groups, theirs[by], strict=True))
        for by, groups in mine.items()
    )


def _break_off_after(slices: int) -> rebuilding.Progress:
    told: list[int] = []

    def progress(done: int, _total: int) -> None:
        told.append(done)
        if len(told) == slices:
            raise BrokenOff

    return progress


def test_figures_are_the_same_before_while_and_after_all_is_counted(services: Services, plant: Plant) -> None:
    before = _all(services)
    with pytest.raises(BrokenOff):
        ensure_counts(services, progress=_break_off_after(2))
    assert not is_counted(services)
    assert _are_same(_all(services), before)
    ensure_counts(services)
    assert is_counted(services)
    assert _are_same(_all(services), before)
    assert find_difference(services) is None


def test_what_is_inspected_meanwhile_is_counted_once(services: Services, plant: Plant) -> None:
    dice = random.Random(6)
    with pytest.raises(BrokenOff):
        ensure_counts(services, progress=_break_off_after(2))
    # On days that are counted already, on days that are not, and now.
    _add(services, [make_row(plant, dice, moment) for moment in (*make_moments(dice, DAYS, 40), utc_now())])
    ensure_counts(services)
    assert compare_totals(services) == (101, 101)
    assert find_difference(services) is None


def test_what_is_inspected_before_the_first_slice_is_counted_once(services: Services, plant: Plant) -> None:
    def inspect(done: int, _total: int) -> None:
        _add(services, [make_row(plant, random.Random(done), utc_now())])

    ensure_counts(services, progress=inspect)
    assert compare_totals(services)[0] == compare_totals(services)[1] > 60
    assert find_difference(services) is None


def test_progress_ends_with_all_inspections(services: Services, plant: Plant) -> None:
    told: list[tuple[int, int]] = []
    rebuild_counts(services, progress=lambda done, total: told.append((done, total)))
    assert len(told) > 3
    assert told[-1] == (60, 60)
    assert told == sorted(told)


def test_another_calendar_is_noticed_and_counted_by(services: Services, plant: Plant) -> None:
    ensure_counts(services)
    set_calendar(services.database, "America/New_York")
    assert not is_counted(services)
    expected = _all(services)
    assert ensure_counts(services)
    assert is_counted(services)
    assert _are_same(_all(services), expected)
    assert find_difference(services) is None


def test_a_data_folder_of_the_version_before_is_counted_when_it_is_opened(services: Services, plant: Plant) -> None:
    before = _all(services)
    build_services(services.settings, migrate=True).database.dispose()
    assert is_counted(services)
    assert _are_same(_all(services), before)


def test_wrong_counts_are_put_right(services: Services, plant: Plant) -> None:
    ensure_counts(services)
    before = _all(services)
    with services.database.unit_of_work() as session:
        for row in session.exec(select(DayCount)).all():
            row.n += 1
            session.add(row)
        session.commit()
    assert not _are_same(_all(services), before)
    rebuild_counts(services)
    assert _are_same(_all(services), before)


def test_without_a_calendar_days_stay_those_in_which_was_counted_first(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_counts(services)
    with services.database.reading() as session:
        first = read_calendar(session)
    # Another machine opens the same database.
    monkeypatch.setattr("core.rollups.calendar.find_local_zone", lambda: "Pacific/Apia")
    with services.database.reading() as session:
        assert read_calendar(session) == first
    assert is_counted(services)


def test_an_inspection_of_the_future_is_counted(services: Services, plant: Plant) -> None:
    _add(services, [make_row(plant, random.Random(3), utc_now() + timedelta(days=40))])
    ensure_counts(services)
    assert compare_totals(services) == (61, 61)
    assert find_difference(services) is None
