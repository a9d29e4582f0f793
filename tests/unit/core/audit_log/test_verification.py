"""Whatever is done to the rows of the audit log behind the program's back is found, and named by position."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from sqlmodel import col, select

from core.access import Person
from core.audit import record
from core.audit_log.anchors import write_anchor
from core.audit_log.findings import say_fault
from core.audit_log.verification import read_last, verify_chain
from core.operations.health import check
from core.operations.orphans import collect_orphans
from core.services import Services
from storage.audit_chain import seal_row, values_of
from storage.tables import AuditLog, utc_now
from tests.databases import sqlite_only

# What somebody with the file can do; of the servers tests/services/test_audit_chain.py.
pytestmark = sqlite_only
ROWS = 12


@pytest.fixture
def logged(services: Services, admin: Person) -> Services:
    for number in range(1, ROWS + 1):
        with services.database.unit_of_work() as session:
            record(session, admin, "test.kept", "product", number, changes={"name": ["가", f"나 {number}"]}, ratio=0.1)
            session.commit()
    return services


def _tamper(services: Services, *statements: str) -> None:
    """Do what somebody with the database's file can do: without the triggers that keep others from it."""
    with sqlite3.connect(services.settings.data_dir / "geomsa.db") as connection:
        for trigger in ("audit_log_no_update", "audit_log_no_delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def _found(services: Services, **how: bool) -> list[tuple[str, int, int]]:
    return [(one.kind, one.first, one.last) for one in verify_chain(services, **how).faults]


def test_what_was_only_written_is_verified(logged: Services) -> None:
    found = verify_chain(logged)
    assert (found.ok, found.position, found.count, found.since) == (True, ROWS, ROWS, 0)
    again = verify_chain(logged, only_new=True)
    assert (again.ok, again.position, again.count, again.since) == (True, ROWS, 0, ROWS)
    assert read_last(logged) is not None
    health = next(one for one in check(logged, thorough=False) if one.name == "audit")
    assert health.ok, health


@pytest.mark.parametrize(
    ("statements", "faults"),
    [
        (["UPDATE audit_log SET user_name = 'x' WHERE position = 5"], [("changed", 5, 5)]),
        (["UPDATE audit_log SET details = '{}' WHERE position IN (5, 6)"], [("changed", 5, 6)]),
        (["UPDATE audit_log SET created_at = '2020-01-01 00:00:00.000000' WHERE position = 12"], [("changed", 12, 12)]),
        (["DELETE FROM audit_log WHERE position IN (4, 5)"], [("missing", 4, 5)]),
        (["DELETE FROM audit_log WHERE position > 10"], [("cut", 11, 12)]),
        (
            [
                "UPDATE audit_log SET position = -1 WHERE position = 3",
                "UPDATE audit_log SET position = 3 WHERE position = 8",
                "UPDATE audit_log SET position = 8 WHERE position = -1",
            ],
            [("reordered", 3, 3), ("reordered", 8, 8)],
        ),
        (
            [
                "UPDATE audit_log SET position = -position - 1 WHERE position >= 7",
                "UPDATE audit_log SET position = -position WHERE position < 0",
                "INSERT INTO audit_log (created_at, user_name, action, subject_type, details, position, seal) "
                "VALUES ('2026-11-02 00:00:00.000000', 'x', 'test.kept', 'product', '{}', 7, 'abc')",
            ],
            [("added", 7, 7)],
        ),
        (
            [
                "INSERT INTO audit_log (created_at, user_name, action, subject_type, details) "
                "VALUES ('2026-11-02 00:00:00.000000', 'x', 'test.kept', 'product', '{}')"
            ],
            [("unsealed", 1, 1)],
        ),
        (["DELETE FROM audit_chain"], [("chain", 12, 12)]),
    ],
    ids=["changed", "two changed", "last changed", "deleted", "cut", "swapped", "pushed in", "unsealed", "no chain"],
)
def test_what_was_done_to_the_rows_is_named(
    logged: Services, statements: list[str], faults: list[tuple[str, int, int]]
) -> None:
    _tamper(logged, *statements)
    found = verify_chain(logged)
    assert [(one.kind, one.first, one.last) for one in found.faults] == faults
    for one in found.faults:
        for language in ("ko", "en"):
            assert "{" not in say_fault(one, language)
            assert " " in say_fault(one, language)
    health = next(one for one in check(logged, thorough=True) if one.name == "audit")
    assert not health.ok


def test_a_tail_that_is_cut_off_with_the_end_of_the_chain_is_known_by_its_anchor(logged: Services) -> None:
    assert write_anchor(logged)
    assert not write_anchor(logged)  # one a day
    assert verify_chain(logged).anchored == ROWS
    _tamper(
        logged,
        "DELETE FROM audit_log WHERE position > 10",
        "UPDATE audit_chain SET position = 10, seal = (SELECT seal FROM audit_log WHERE position = 10)",
    )
    assert _found(logged) == [("anchor_cut", 11, 12)]


def test_a_chain_that_is_sealed_anew_is_known_by_its_anchor(logged: Services) -> None:
    write_anchor(logged)
    _rewrite(logged, change_at=4)
    assert _found(logged) == [("anchor", 12, 12)]


def test_anchors_are_no_orphans(logged: Services) -> None:
    write_anchor(logged)
    collect_orphans(logged, min_age=timedelta(0), now=utc_now() + timedelta(days=3))
    assert verify_chain(logged).anchored == ROWS


def test_what_was_verified_and_then_lost_is_looked_for_from_the_beginning(logged: Services) -> None:
    verify_chain(logged)
    _tamper(logged, f"DELETE FROM audit_log WHERE position = {ROWS}")
    assert _found(logged, only_new=True) == [("cut", ROWS, ROWS)]


def _rewrite(services: Services, *, change_at: int) -> None:
    """Change one row and seal everything after it as the program would."""
    with services.database.reading() as session:
        rows = session.exec(select(AuditLog).order_by(col(AuditLog.position))).all()
    seal = ""
    statements = []
    for row in rows:
        if row.position == change_at:
            row.user_name = "somebody else"
            statements.append(f"UPDATE audit_log SET user_name = 'somebody else' WHERE position = {change_at}")
        seal = seal_row(seal, values_of(row))
        statements.append(f"UPDATE audit_log SET seal = '{seal}' WHERE position = {row.position}")
    _tamper(services, *statements, f"UPDATE audit_chain SET seal = '{seal}'")
