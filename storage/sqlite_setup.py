"""SQLite made fit for several processes: WAL, real transactions, and writers that queue instead of failing."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import OperationalError

from storage.sqlite_files import FileWatch, WatchedConnection

MIGRATION_BUSY_TIMEOUT_S = 120
# How long a writer queues while others do write: a queue is no reason to refuse, a lock that is never released is.
QUEUE_S = 60


class _HintingCompiler(SQLiteCompiler):
    """Writes the hints of `Select.with_hint` after their table: INDEXED BY, which SQLAlchemy leaves out by itself."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        return text


def prepare_sqlite(engine: Engine, watch: FileWatch, *, busy_timeout_s: float, migrating: bool = False) -> None:
    """Set up every connection of `engine`, and begin every transaction by ourselves.

    Transactions begin with BEGIN IMMEDIATE (the write lock is waited for at the start, where waiting is possible; a
    reader that turns writer half-way is refused at once) unless the connection carries the execution option
    `geomsa_read_only`.

    A lock that one other holds for `busy_timeout_s` refuses; many writers that take turns do not.

    synchronous=FULL: in WAL mode NORMAL may lose the last commits at a power cut. A lost deletion would bring
    back a row whose object is already gone, and a lost inspection was already shown as stored.

    `watch` is asked at both ends of a transaction whether the files are still there: nothing is read from a file that
    was taken away, and nothing written into one is reported as kept.
    """
    if migrating:
        busy_timeout_s = MIGRATION_BUSY_TIMEOUT_S
    engine.dialect.statement_compiler = _HintingCompiler

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> WatchedConnection:
        return watch.connect(**{**options, "timeout": busy_timeout_s})

    @event.listens_for(engine, "connect")
    def set_up(connection: WatchedConnection, _record: Any) -> None:
        # The driver's own transaction handling begins too late, and ends a transaction before DDL.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {round(busy_timeout_s * 1000)}")
        if watch.writes:
            _enter_wal(connection, busy_timeout_s)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA foreign_keys = {'OFF' if migrating else 'ON'}")
        # The first read opens the write-ahead log and takes the lock that keeps it.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        watch.remember(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        driver = _driver_connection(connection)
        watch.check(driver)
        if driver.in_transaction:
            # A commit that failed leaves its transaction open, and SQLAlchemy takes the connection for reset.
            driver.rollback()
        if connection.get_execution_options().get("geomsa_read_only"):
            connection.exec_driver_sql("PRAGMA query_only = ON")
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("PRAGMA query_only = OFF")
            _begin_to_write(connection)

    @event.listens_for(engine, "commit")
    def look_again(connection: Connection) -> None:
        watch.check(_driver_connection(connection))

    @event.listens_for(engine, "engine_disposed")
    def reset(_engine: Engine) -> None:
        watch.reset()


def _driver_connection(connection: Connection) -> WatchedConnection:
    found = connection.connection.driver_connection
    assert isinstance(found, WatchedConnection)
    return found


def _begin_to_write(connection: Connection) -> None:
    # SQLite's own waiting is unfair: who has waited long looks ten times a second, a newcomer a thousand times. As long
    # as others commit, this one has only been unlucky.
    deadline_s = time.monotonic() + QUEUE_S
    while True:
        commits = connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if not _is_busy(error.orig) or time.monotonic() > deadline_s:
                raise
            if connection.exec_driver_sql("PRAGMA data_version").scalar_one() == commits:
                raise
        else:
            return


def _is_busy(error: BaseException | None) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _enter_wal(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Wait for WAL: changing the journal mode does not queue by itself, and two processes that start together meet."""
    deadline_s = time.monotonic() + timeout_s
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > deadline_s:
                raise
            time.sleep(0.02)
