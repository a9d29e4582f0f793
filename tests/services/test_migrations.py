"""The migrations make, on every database, exactly the tables that the code works with."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from storage import schema
from storage.database import Database, DatabaseError
from storage.tables import METADATA, Product

pytestmark = pytest.mark.services


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.unit_of_work() as session:
        yield session.connection()


def _differences(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA))


def test_migrated_tables_are_those_of_the_code(connection: Connection) -> None:
    assert _differences(connection) == []


def test_every_check_and_unique_constraint_exists_under_its_name(connection: Connection) -> None:
    inspector = inspect(connection)
    for table in METADATA.sorted_tables:
        unique = {c["name"] for c in inspector.get_unique_constraints(table.name)}
        checks = {c["name"] for c in inspector.get_check_constraints(table.name)}
        for constraint in table.constraints:
            kind = type(constraint).__name__
            if kind == "UniqueConstraint":
                assert constraint.name in unique
            elif kind == "CheckConstraint":
                assert constraint.name in checks


def test_a_downgrade_and_a_new_upgrade_leave_the_same_tables(database: Database, connection: Connection) -> None:
    command.downgrade(schema.alembic_config(connection), "base")
    connection.commit()
    assert inspect(connection).get_table_names() == ["alembic_version"]
    connection.commit()
    assert schema.upgrade(connection) == (None, schema.head_revision())
    assert _differences(connection) == []


def test_a_second_migration_finds_nothing_to_do(database: Database) -> None:
    head = schema.head_revision()
    assert database.migrate() == (head, head)
    database.check()


def _migrate(url: str, outcomes: Any) -> None:
    try:
        outcomes.put(Database(url).migrate())
    except DatabaseError as error:
        outcomes.put(error)


def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    outcomes = spawn.Queue()
    processes = [spawn.Process(target=_migrate, args=(database_url, outcomes)) for _ in range(3)]
    for process in processes:
        process.start()
    found = [outcomes.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(30)
    head = schema.head_revision()
    assert sorted(found, key=str) == sorted([(None, head), (head, head), (head, head)], key=str)


def test_an_empty_database_is_not_migrated(empty_database: Database) -> None:
    with pytest.raises(DatabaseError) as caught:
        empty_database.check()
    assert caught.value.code == "database_not_migrated"


def test_tables_that_are_not_there_are_told_as_not_migrated(empty_database: Database) -> None:
    with pytest.raises(DatabaseError) as caught, empty_database.reading() as session:
        session.get(Product, 1)
    assert (caught.value.code, caught.value.params["reason"]) == ("database_not_migrated", "schema")


def test_a_database_of_newer_code_is_refused_and_left_alone(database: Database) -> None:
    with database.unit_of_work() as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = '9999'"))
        session.commit()
    for action in (database.check, database.migrate):
        with pytest.raises(DatabaseError) as caught:
            action()
        assert caught.value.code == "database_newer"
        assert caught.value.params["found"] == "9999"


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_a_first_migration_broken_off_half_way_is_completed(database: Database) -> None:
    with database.unit_of_work() as session:
        connection = session.connection()
        command.downgrade(schema.alembic_config(connection), "0001")
        # As a power cut would leave it: the later tables and the revision were never written.
        for statement in ("DROP TABLE workers", "DROP TABLE search_history", "DELETE FROM alembic_version"):
            connection.execute(text(statement))
        connection.execute(text("DROP INDEX ix_inspections_lot ON inspections"))
        session.commit()
    assert database.migrate() == (None, schema.head_revision())
    with database.unit_of_work() as session:
        assert _differences(session.connection()) == []


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_a_later_migration_broken_off_before_its_revision_was_written_is_completed(database: Database) -> None:
    with database.unit_of_work() as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = '0001'"))
        session.commit()
    assert database.migrate() == ("0001", schema.head_revision())
    with database.unit_of_work() as session:
        assert _differences(session.connection()) == []
