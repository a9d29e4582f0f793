"""The migrations make, on every database, exactly the tables that the code works with."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, NullPool, create_engine, event, inspect, make_url, text

from storage import schema
from storage.database import Database, DatabaseError
from storage.tables import METADATA, Product
from tests.services.migrated_rows import Rows, fill, find_lost, read

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


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """Yield a connection without the rules of the application's own: SQLite checks no foreign keys on the way."""
    address = make_url(url)
    options: dict[str, Any] = {}
    if address.get_backend_name() == "mysql":
        options = {"password": str(address.password).encode(), "charset": "utf8mb4"}
    engine = create_engine(address, poolclass=NullPool, connect_args=options)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _go_up(url: str, revision: str) -> Rows:
    """Migrate an empty database to a revision, fill every table, and return the rows."""
    with _connected(url) as connection:
        command.upgrade(schema.alembic_config(connection), revision)
        connection.commit()
        return fill(connection)


def _go_down(url: str, revision: str) -> Rows:
    with _connected(url) as connection:
        command.downgrade(schema.alembic_config(connection), revision)
        connection.commit()
        return read(connection)


def _rows(url: str) -> Rows:
    with _connected(url) as connection:
        return read(connection)


@pytest.mark.parametrize("revision", ["0001", "0012", "0025"])
def test_rows_outlive_the_way_to_the_newest_revision_and_back(
    database_url: str, empty_database: Database, revision: str
) -> None:
    before = _go_up(database_url, revision)
    assert empty_database.migrate() == (revision, schema.head_revision())
    assert find_lost(before, _rows(database_url)) == []
    back = _go_down(database_url, revision)
    assert find_lost(before, back) == []
    assert empty_database.migrate() == (revision, schema.head_revision())
    assert find_lost(before, _rows(database_url)) == []
    with _connected(database_url) as connection:
        assert _differences(connection) == []
        # With rows in every table of today: one revision back takes along what is new in it, and nothing else.
        newest = fill(connection)
        counts_ids = _of_autoincrement(connection)
    before_last = _go_down(database_url, "0025")
    assert find_lost(before_last, newest) == []
    assert empty_database.migrate() == ("0025", schema.head_revision())
    assert find_lost(before_last, _rows(database_url)) == []
    with _connected(database_url) as connection:
        assert _of_autoincrement(connection) == counts_ids


def _of_autoincrement(connection: Connection) -> set[str]:
    """Return the tables of SQLite that never give an id again."""
    if connection.dialect.name != "sqlite":
        return set()
    asked = text("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'")
    return set(connection.execute(asked).scalars())


class PowerCut(Exception):
    """The process ends here."""


def _break_off_after(url: str, changes: int) -> str | None:
    """Migrate, and end after so many changes of tables as a power cut would; return the last, None if all was done."""
    made: list[str] = []
    with _connected(url) as connection:

        def look(*arguments: Any) -> None:
            statement = str(arguments[2]).lstrip()
            if statement.split(maxsplit=1)[0].upper() in {"CREATE", "ALTER", "DROP"}:
                made.append(statement)
                if len(made) == changes:
                    raise PowerCut

        event.listen(connection, "after_cursor_execute", look)
        try:
            schema.upgrade(connection)
        except PowerCut:
            connection.invalidate()
            return made[-1]
    return None


@pytest.mark.parametrize(
    ("database_url", "revision"),
    [("mariadb", "0022"), pytest.param("mariadb", "0001", marks=pytest.mark.full)],
    indirect=["database_url"],
)
def test_a_migration_broken_off_after_each_of_its_steps_is_completed(
    database_url: str, empty_database: Database, revision: str
) -> None:
    before = _go_up(database_url, revision)
    seen: Counter[str] = Counter()
    allowed = 1
    while (last := _break_off_after(database_url, allowed)) is not None:
        seen[last] += 1
        # One that is done anew by each try, such as a constraint that is replaced, would never be passed.
        allowed = seen[last]
        assert allowed < 12, last
    assert len(seen) > 30
    empty_database.check()
    assert find_lost(before, _rows(database_url)) == []
    with _connected(database_url) as connection:
        assert _differences(connection) == []


def _migrate(url: str, outcomes: Any) -> None:
    try:
        outcomes.put(Database(url).migrate())
    except DatabaseError as error:
        outcomes.put(error)


def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    before = _go_up(database_url, "0012")
    spawn = multiprocessing.get_context("spawn")
    outcomes = spawn.Queue()
    processes = [spawn.Process(target=_migrate, args=(database_url, outcomes)) for _ in range(3)]
    for process in processes:
        process.start()
    found = [outcomes.get(timeout=300) for _ in processes]
    for process in processes:
        process.join(30)
    head = schema.head_revision()
    assert sorted(found, key=str) == sorted([("0012", head), (head, head), (head, head)], key=str)
    assert find_lost(before, _rows(database_url)) == []


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
