"""Counts by one property are those that pandas makes of the same rows: from the roll-ups and from the inspections."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from sqlmodel import select

from core.access import Person
from core.analytics.groups import By, count_groups
from core.analytics.scope import Scope
from core.inspections.decisions import confirm_defect_type
from core.rollups.rebuilding import ensure_counts
from core.services import Services
from storage.tables import Inspection
from tests.counted_rows import LINES, LOTS, Plant, Reference, add_plant, are_close, make_moments, make_row, set_calendar
from tests.history_rows import add_product, add_rows, type_id

# Days on which clocks change, zones off the full hour, and shifts that end after midnight.
THREE = (("Early", "06:00"), ("Late", "14:00"), ("Night", "22:00"))
PLACES = {
    "seoul, three shifts": ("Asia/Seoul", THREE, (date(2025, 3, 30), date(2025, 12, 31))),
    "half an hour off": ("Asia/Kolkata", (("A", "06:20"), ("B", "18:20")), (date(2025, 3, 30), date(2025, 6, 1))),
    "clocks forward and back": ("America/New_York", THREE, (date(2025, 3, 9), date(2025, 11, 2))),
    "clocks change in the night shift": (
        "Europe/Berlin", (("Day", "05:00"), ("Night", "17:00")), (date(2025, 3, 30), date(2025, 10, 26))
    ),
    "no midnight on one day": ("America/Sao_Paulo", (), (date(2018, 11, 4), date(2018, 2, 17))),
    "two midnights on one day": ("Atlantic/Azores", (), (date(2025, 10, 26), date(2025, 3, 30))),
    "clocks back over midnight": ("America/St_Johns", (), (date(2010, 11, 7), date(2010, 3, 14))),
    "half an hour of summer time": (
        "Australia/Lord_Howe", (("A", "00:00"), ("B", "12:00")), (date(2025, 4, 6), date(2025, 10, 5))
    ),
    "utc": ("UTC", (), (date(2025, 1, 1), date(2025, 2, 1))),
}  # fmt: skip


def _scopes(plant: Plant, days: tuple[date, ...]) -> list[Scope]:
    first, last = min(days), max(days)
    every = Scope(None, last + timedelta(days=9))
    return [
        every,
        Scope(None, date(9999, 12, 31)),
        Scope(first, first),
        Scope(first - timedelta(days=1), last),
        replace(every, product_id=plant.products[0]),
        replace(every, line=LINES[1]),
        replace(every, line=""),
        replace(every, lot=LOTS[2]),
        replace(every, shift="Night"),
        replace(every, shift="Day"),
        replace(every, shift=""),
        replace(every, defect_type_id=plant.types[1][0]),
        replace(every, version_id=plant.versions[1]),
        replace(every, product_id=plant.products[1], line=LINES[2], lot=LOTS[1], shift="Day"),
        Scope(last + timedelta(days=400), last + timedelta(days=401)),
    ]


def _add(services: Services, rows: list[Inspection]) -> None:
    with services.database.unit_of_work() as session:
        session.add_all(rows)
        session.commit()


@pytest.mark.parametrize("place", PLACES)
def test_counts_are_those_of_pandas(services: Services, place: str) -> None:
    zone, shifts, days = PLACES[place]
    dice = random.Random(place)
    plant = add_plant(services.database)
    calendar = set_calendar(services.database, zone, *shifts)
    _add(services, [make_row(plant, dice, moment) for moment in make_moments(dice, days, 120)])
    with services.database.reading() as session:
        reference = Reference(session.exec(select(Inspection)).all(), calendar)
    # Every property with every third scope, and every scope with every third property.
    asked = [
        (scope, by)
        for number, scope in enumerate(_scopes(plant, days))
        for other, by in enumerate(get_args(By))
        if (number + other) % 3 == 0
    ]
    expected = {(scope, by): reference.count(scope, by) for scope, by in asked}
    assert sum(len(one) for one in expected.values()) > 100
    # At first nothing is counted yet, and the inspections themselves are asked.
    for from_rollups in (False, True):
        assert ensure_counts(services) if from_rollups else True
        for (scope, by), counts in expected.items():
            found = {group.key: group.counts for group in count_groups(services, scope, by)}
            assert found.keys() == counts.keys(), (from_rollups, scope, by)
            wrong = {key: (found[key], one) for key, one in counts.items() if not are_close(found[key], one)}
            assert wrong == {}, (from_rollups, scope, by)


def test_periods_without_inspections_are_there_when_they_are_asked_for(services: Services) -> None:
    plant = add_plant(services.database)
    set_calendar(services.database, "Asia/Seoul", *THREE)
    moment = datetime(2025, 3, 10, 22, tzinfo=UTC)
    _add(services, [make_row(plant, random.Random(1), moment)])
    ensure_counts(services)
    scope = Scope(date(2025, 3, 9), date(2025, 3, 12))

    def counted(by: By) -> list[tuple[object, int]]:
        return [(group.key, group.counts.n) for group in count_groups(services, scope, by, with_empty=True)]

    assert counted("day") == [(date(2025, 3, day), int(day == 11)) for day in (9, 10, 11, 12)]
    assert counted("week") == [(date(2025, 3, 3), 0), (date(2025, 3, 10), 1)]
    assert counted("month") == [(date(2025, 3, 1), 1)]
    hours = counted("hour")
    assert len(hours) == 4 * 24 + 1
    assert [key for key, n in hours if n] == [moment]


def test_who_refused_the_suggested_type_named_none(services: Services, engineer: Person) -> None:
    product = add_product(services, engineer)
    scratch = type_id(services, product, "scratch")
    reject = {"verdict": "reject", "final_verdict": "reject", "suggested_defect_type_id": scratch}
    ensure_counts(services)
    first, _second = add_rows(services, engineer, product, 2, **reject)
    confirm_defect_type(services, engineer, first, row_version=1, defect_type_id=None)
    every = Scope(None, date(9999, 12, 31))
    found = {group.key: group.counts.n for group in count_groups(services, every, "type")}
    assert found == {None: 1, scratch: 1}
    assert count_groups(services, replace(every, defect_type_id=scratch))[0].counts.n == 1
