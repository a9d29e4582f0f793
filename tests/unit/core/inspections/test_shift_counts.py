"""The counters of a shift: by product, line and shift, from an index alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, event
from sqlmodel import select

from core.access import Person
from core.inspections.decisions import override_verdict
from core.inspections.line.shift_counts import SHIFT_HOURS, ShiftCounts, count_shift
from core.inspections.part_details import PartDetails
from core.services import Services
from core.transactions import writing
from storage.tables import Inspection, Product, utc_now
from tests.databases import sqlite_only
from tests.unit.core.inspections.conftest import GOOD, SPOT, Inspect


def _counts(found: ShiftCounts) -> tuple[int, int, int]:
    return found.ok, found.review, found.reject


def _midnight() -> datetime:
    return utc_now() - timedelta(hours=20)


def _age(services: Services, inspection_id: int, hours: float) -> None:
    with writing(services) as session:
        row = session.exec(select(Inspection).where(Inspection.id == inspection_id)).one()
        row.created_at = utc_now() - timedelta(hours=hours)
        session.add(row)
        session.commit()


def test_parts_are_counted_by_line_and_shift_and_by_what_people_made_of_them(
    toy_services: Services, product: Product, person: Person, inspect_part: Inspect
) -> None:
    for _ in range(2):
        inspect_part(GOOD, line="L1", shift="A")
    bad = inspect_part(SPOT, line="L1", shift="A").record
    assert bad.verdict == "reject"
    inspect_part(SPOT, line="L2", shift="A")
    inspect_part(SPOT, line="L1", shift="B")
    details = PartDetails(line=" L1", shift="A ")
    counted = count_shift(toy_services, product.id, details, midnight=_midnight())
    assert _counts(counted) == (2, 0, 1)
    assert (counted.total, counted.by_shift) == (3, True)
    override_verdict(toy_services, person, bad.id, row_version=1, verdict="ok", reason="a shadow")
    assert _counts(count_shift(toy_services, product.id, details, midnight=_midnight())) == (3, 0, 0)


def test_a_named_shift_is_counted_over_its_own_hours_and_an_unnamed_one_since_midnight(
    toy_services: Services, product: Product, inspect_part: Inspect
) -> None:
    old = inspect_part(SPOT, line="L1", shift="A").record
    inspect_part(SPOT, line="L1", shift="A")
    _age(toy_services, old.id, SHIFT_HOURS + 1)
    named = count_shift(toy_services, product.id, PartDetails(line="L1", shift="A"), midnight=_midnight())
    assert _counts(named) == (0, 0, 1)
    unnamed = count_shift(toy_services, product.id, PartDetails(line="L1"), midnight=_midnight())
    assert (_counts(unnamed), unnamed.by_shift) == ((0, 0, 2), False)
    _age(toy_services, old.id, 21)
    assert _counts(count_shift(toy_services, product.id, PartDetails(line="L1"), midnight=_midnight())) == (0, 0, 1)


@pytest.mark.parametrize("shift", ["", "A"])
@sqlite_only
def test_the_counters_read_the_index_and_no_row(toy_services: Services, product: Product, shift: str) -> None:
    asked: list[tuple[str, object]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if "final_verdict" in statement:
            asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    count_shift(toy_services, product.id, PartDetails(line="L1", shift=shift), midnight=_midnight())
    event.remove(Engine, "before_cursor_execute", note)
    ((statement, parameters),) = asked
    with toy_services.database.reading() as session:
        explained = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
        plan = explained.all()
    assert "USING COVERING INDEX ix_inspections_line_shift" in str(plan)
