"""Whatever people and machines do with inspections, the roll-ups are what counting them again would give."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from core.access import Person
from core.errors import AppError
from core.history.review_queue import confirm_all, decide_review
from core.inspections.decisions import close_action, confirm_defect_type, override_verdict
from core.rollups.comparing import Difference, compare_totals, find_difference, is_counted
from core.rollups.counting import count_deleted, count_new, forget_products
from core.rollups.rebuilding import ensure_counts, rebuild_counts
from core.services import Services
from storage.tables import DayCount, DetailCount, Inspection
from tests.counted_rows import VERDICTS, Plant, add_plant, make_moments, make_row, set_calendar

DAYS = (date(2025, 3, 30), date(2025, 7, 1))


@pytest.fixture
def plant(services: Services) -> Plant:
    """Return a plant with two shifts, whose inspections are counted."""
    plant = add_plant(services.database)
    set_calendar(services.database, "Europe/Berlin", ("Day", "06:00"), ("Night", "18:00"))
    ensure_counts(services)
    return plant


def _add(services: Services, rows: list[Inspection], *, counted: bool = True) -> None:
    with services.database.unit_of_work() as session:
        session.add_all(rows)
        if counted:
            count_new(session, rows)
        session.commit()


def _make(plant: Plant, dice: random.Random, count: int) -> list[Inspection]:
    return [make_row(plant, dice, moment) for moment in make_moments(dice, DAYS, count)]


def _rows(session: Session) -> list[Inspection]:
    return list(session.exec(select(Inspection).order_by(col(Inspection.id))).all())


def _groups(services: Services) -> list[int]:
    with services.database.reading() as session:
        days = session.exec(select(DayCount.n)).all()
        return [*days, *session.exec(select(DetailCount.n)).all()]


def _decide(services: Services, engineer: Person, plant: Plant, dice: random.Random, row: Inspection) -> None:
    kinds = plant.types[plant.products.index(row.product_id)]
    version = {"row_version": row.row_version}
    match dice.randrange(6):
        case 0 | 1:
            override_verdict(services, engineer, row.id, **version, verdict=dice.choice(VERDICTS), reason="seen")
        case 2:
            confirm_defect_type(services, engineer, row.id, **version, defect_type_id=dice.choice((None, *kinds)))
        case 3:
            close_action(services, engineer, row.id, **version, status="done", note="")
        case 4:
            decide_review(
                services, engineer, row.id, **version, verdict=dice.choice((None, *VERDICTS)), reason="seen",
                defect_type_id=dice.choice((None, *kinds)),
            )  # fmt: skip
        case _:
            confirm_all(services, engineer, {row.id: row.row_version})


@pytest.mark.parametrize("seed", range(4))
def test_roll_ups_are_what_counting_again_gives(services: Services, engineer: Person, plant: Plant, seed: int) -> None:
    dice = random.Random(seed)
    _add(services, _make(plant, dice, 12))
    for _ in range(60):
        if dice.random() < 0.1:
            _add(services, _make(plant, dice, dice.choice((1, 5))))
        with services.database.unit_of_work() as session:
            row = dice.choice(_rows(session))
            if dice.random() < 0.1:
                count_deleted(session, [row])
                session.delete(row)
                session.commit()
                continue
        try:
            _decide(services, engineer, plant, dice, row)
        except AppError:
            continue  # refused: nothing may be counted of it
    assert find_difference(services) is None
    assert min(_groups(services)) > 0
    before = sorted(_groups(services))
    rebuild_counts(services)
    assert sorted(_groups(services)) == before


def test_nothing_is_left_of_inspections_that_are_deleted(services: Services, plant: Plant) -> None:
    _add(services, _make(plant, random.Random(7), 30))
    with services.database.unit_of_work() as session:
        rows = _rows(session)
        for row in rows:
            session.delete(row)
        count_deleted(session, rows)
        session.commit()
    assert _groups(services) == []


def test_nothing_is_left_of_products_that_are_forgotten(services: Services, plant: Plant) -> None:
    _add(services, _make(plant, random.Random(8), 30))
    with services.database.unit_of_work() as session:
        for row in _rows(session):
            if row.product_id == plant.products[0]:
                session.delete(row)
        forget_products(session, [plant.products[0]])
        session.commit()
    assert _groups(services) != []
    assert find_difference(services) is None


def test_what_is_not_committed_is_not_counted(services: Services, plant: Plant) -> None:
    with services.database.unit_of_work() as session:
        rows = _make(plant, random.Random(9), 3)
        session.add_all(rows)
        count_new(session, rows)
    assert _groups(services) == []


def test_nothing_is_counted_before_all_is(services: Services) -> None:
    plant = add_plant(services.database)
    assert not is_counted(services)
    _add(services, _make(plant, random.Random(10), 5))
    assert _groups(services) == []
    assert ensure_counts(services)
    assert is_counted(services)
    assert (compare_totals(services), find_difference(services)) == ((5, 5), None)
    assert not ensure_counts(services)


def test_an_inspection_that_nobody_counted_is_named_by_its_day(services: Services, plant: Plant) -> None:
    dice = random.Random(11)
    moment = datetime(2025, 7, 2, 3, tzinfo=UTC)  # in the night shift that began on the first
    _add(services, [make_row(plant, dice, moment)])
    _add(services, [make_row(plant, dice, moment)], counted=False)
    _add(services, [make_row(plant, dice, moment + timedelta(days=9))])
    assert find_difference(services) == Difference(date(2025, 7, 1), counted=1, there=2)
    assert compare_totals(services) == (2, 3)
    rebuild_counts(services)
    assert find_difference(services) is None


def test_a_verdict_that_was_changed_past_the_counting_is_a_difference(services: Services, plant: Plant) -> None:
    _add(services, _make(plant, random.Random(12), 5))
    with services.database.unit_of_work() as session:
        row = _rows(session)[0]
        row.final_verdict = "ok" if row.final_verdict != "ok" else "reject"
        session.add(row)
        session.commit()
    found = find_difference(services)
    assert found is not None
    assert found.counted == found.there


def test_counts_of_days_without_inspections_are_a_difference(services: Services, plant: Plant) -> None:
    with services.database.unit_of_work() as session:
        group = DayCount(
            day=date(2024, 1, 1), product_id=plant.products[0], verdict="ok", final_verdict="ok", defect_type_id=0, n=3
        )
        session.add(group)
        session.commit()
    assert find_difference(services) == Difference(date(2024, 1, 1), counted=3, there=0)
