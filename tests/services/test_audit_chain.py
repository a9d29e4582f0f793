"""The chain of the audit log on every database: no gap, no double, no deadlock, and nothing changed afterwards."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from core.access import ADMIN, Person
from core.audit import record
from storage import schema
from storage.append_only import refuses_changes
from storage.audit_chain import seal_row, values_of
from storage.database import Database
from storage.tables import AuditChain, AuditLog, User

pytestmark = pytest.mark.services

WRITERS, EACH = 6, 15


def _add_user(database: Database, login: str) -> Person:
    with database.unit_of_work() as session:
        user = User(login=login, display_name="김 검사", role=ADMIN)
        session.add(user)
        session.commit()
        return Person(id=user.id, login=login, display_name=user.display_name, role=ADMIN)


def _check_chain(database: Database) -> int:
    """Return the number of rows, after making sure that they are the chain."""
    with database.reading() as session:
        rows = session.exec(select(AuditLog).order_by(col(AuditLog.position))).all()
        chain = session.exec(select(AuditChain)).one()
    seal = ""
    for number, row in enumerate(rows, 1):
        assert row.position == number
        assert row.seal == seal_row(seal, values_of(row)), number
        seal = row.seal
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    assert (chain.position, chain.seal) == (len(rows), seal)
    return len(rows)


def test_writers_side_by_side_leave_one_chain(database: Database) -> None:
    people = [_add_user(database, f"person{number}") for number in range(3)]
    errors: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for turn in range(EACH):
                with database.unit_of_work() as session:
                    # Locks the account before the chain, as a change of a role does: what the foreign key of the log
                    # wants later must not be waited for by whoever holds the chain.
                    mine = people[(number + turn) % 3]
                    user = session.exec(select(User).where(User.id == mine.id).with_for_update()).one()
                    user.row_version += 1
                    record(session, people[turn % 3], "test.one", "user", mine.id, ratio=0.1 + turn, 한국어="값 😀")
                    if turn % 3 == 0:
                        record(session, None, "test.two", "system", None, numbers=(1, 2), keys={1: None})
                    if turn % 5 == 4:
                        session.flush()
                        session.rollback()
                    else:
                        session.commit()
        except BaseException as error:  # noqa: BLE001 - the test that started the thread reports it
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    kept = sum(1 + (turn % 3 == 0) for turn in range(EACH) if turn % 5 != 4)
    assert _check_chain(database) == WRITERS * kept


def test_what_is_undone_leaves_no_row_and_what_is_set_late_is_sealed(database: Database) -> None:
    with database.unit_of_work() as session:
        record(session, None, "test.first", "system", None)
        savepoint = session.begin_nested()
        record(session, None, "test.undone", "system", None)
        session.flush()
        savepoint.rollback()
        with session.begin_nested():
            inner = record(session, None, "test.kept", "system", None)
        late = record(session, None, "test.late", "system", None)
        session.flush()
        late.user_name = inner.user_name = "set after it was added"
        session.commit()
        assert inner.position == 2
        record(session, None, "test.next", "system", None)
        session.commit()
    with database.unit_of_work() as session:
        record(session, None, "test.never", "system", None)
    assert _check_chain(database) == 4
    with database.reading() as session:
        rows = session.exec(select(AuditLog).order_by(col(AuditLog.position))).all()
    assert [row.action for row in rows] == ["test.first", "test.kept", "test.late", "test.next"]
    assert [row.user_name for row in rows] == ["", late.user_name, late.user_name, ""]


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET user_name = 'x'", "DELETE FROM audit_log"])
def test_the_database_refuses_to_change_or_delete(database: Database, statement: str) -> None:
    with database.unit_of_work() as session:
        record(session, None, "test.kept", "system", None)
        session.commit()
        assert refuses_changes(session)
        session.rollback()
    with database.unit_of_work() as session, pytest.raises(DBAPIError):
        session.execute(text(statement))
    assert _check_chain(database) == 1


def test_rows_of_before_are_sealed_by_the_migration(database: Database) -> None:
    with database.unit_of_work() as session:
        connection = session.connection()
        command.downgrade(schema.alembic_config(connection), "0025")
        insert = text(
            "INSERT INTO audit_log (created_at, user_name, action, subject_type, details) "
            "VALUES (:at, :name, 'product.created', 'product', :details)"
        )
        rows: list[dict[str, Any]] = [
            {"at": f"2026-11-02 03:04:05.{number:06}", "name": f"사람 {number}", "details": '{"b": 1.5, "a": "é"}'}
            for number in range(2500)
        ]
        connection.execute(insert, rows)
        session.commit()
    database.migrate()
    assert _check_chain(database) == 2500
    with database.unit_of_work() as session:
        record(session, None, "test.after", "system", None)
        session.commit()
    assert _check_chain(database) == 2501
