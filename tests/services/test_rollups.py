"""Counts are the same on SQLite, MariaDB and PostgreSQL, also while several write and all is counted again."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, replace
from datetime import date
from typing import get_args

import pytest
from sqlmodel import select

from core.analytics.groups import By, count_groups
from core.analytics.scope import Scope
from core.rollups import rebuilding
from core.rollups.calendar import read_calendar
from core.rollups.comparing import compare_totals, find_difference
from core.rollups.counting import Counted, count_change, count_deleted, count_new
from core.rollups.rebuilding import ensure_counts, rebuild_counts
from storage.database import Database, DatabaseError
from storage.tables import DayCount, DetailCount, Inspection
from tests.counted_rows import LINES, Plant, Reference, add_plant, are_close, make_moments, make_row, set_calendar

pytestmark = pytest.mark.services

DAYS = (date(2025, 3, 30), date(2025, 10, 26))
EVERYTHING = Scope(None, date(9999, 12, 31))


@dataclass(frozen=True)
class Opened:
    """Services that have a database alone."""

    database: Database


@pytest.fixture
def opened(database: Database) -> Opened:
    """Return a database of one of the three kinds with a calendar of two shifts; nothing is counted yet."""
    set_calendar(database, "Europe/Berlin", ("Day", "06:00"), ("Night", "18:30"))
    return Opened(database)


def _add(opened: Opened, rows: list[Inspection]) -> None:
    with opened.database.unit_of_work() as session:
        session.add_all(rows)
        count_new(session, rows)
        session.commit()


def _make(plant: Plant, dice: random.Random, count: int) -> list[Inspection]:
    return [make_row(plant, dice, moment) for moment in make_moments(dice, DAYS, count)]


def _check(opened: Opened, scope: Scope) -> None:
    with opened.database.reading() as session:
        calendar = read_calendar(session)
        reference = Reference(session.exec(select(Inspection)).all(), calendar)
    for by in get_args(By):
        expected = reference.count(scope, by)
        found = {group.key: group.counts for group in count_groups(opened, scope, by)}
        assert found.keys() == expected.keys(), (scope, by)
        assert all(are_close(found[key], counts) for key, counts in expected.items()), (scope, by)


def test_counts_are_those_of_pandas(opened: Opened) -> None:
    plant, dice = add_plant(opened.database), random.Random(1)
    _add(opened, _make(plant, dice, 60))
    scopes = (EVERYTHING, replace(EVERYTHING, shift="Night"), Scope(DAYS[0], DAYS[0], line=LINES[2]))
    for scope in scopes:
        _check(opened, scope)  # of the inspections themselves
    ensure_counts(opened)
    _add(opened, _make(plant, dice, 30))
    with opened.database.unit_of_work() as session:
        first, second, *_others = session.exec(select(Inspection)).all()
        before = Counted.from_row(first)
        first.final_verdict = "ok" if first.final_verdict != "ok" else "reject"
        session.add(first)
        count_change(session, before, Counted.from_row(first))
        session.delete(second)
        count_deleted(session, [second])
        session.commit()
    for scope in scopes:
        _check(opened, scope)
    assert find_difference(opened) is None
    with opened.database.reading() as session:
        assert min([*session.exec(select(DayCount.n)).all(), *session.exec(select(DetailCount.n)).all()]) > 0


def test_several_who_inspect_while_all_is_counted_again_are_counted_once(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "SLICE_ROWS", 20)
    plant = add_plant(opened.database)
    _add(opened, _make(plant, random.Random(2), 60))
    problems: list[DatabaseError] = []

    def inspect(seed: int) -> None:
        dice = random.Random(seed)
        try:
            for _ in range(8):
                # In no order, and of the same groups as the others.
                _add(opened, _make(plant, dice, 5))
        except DatabaseError as error:
            problems.append(error)

    threads = [threading.Thread(target=inspect, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    ensure_counts(opened)
    rebuild_counts(opened)
    for thread in threads:
        thread.join()
    assert problems == []
    assert compare_totals(opened) == (180, 180)
    assert find_difference(opened) is None
