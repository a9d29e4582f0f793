"""SQLite made fit for several processes: WAL, real transactions, and writers that queue instead of failing."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, event

BUSY_TIMEOUT_S = 15
MIGRATION_BUSY_TIMEOUT_S = 120


def prepare_sqlite(engine: Engine, *, migrating: bool = False) -> None:
    """Set up every connection of `engine`, and begin every transaction by ourselves.

    Transactions begin with BEGIN IMMEDIATE (the write lock is waited for at the start, where waiting is possible; a
    reader that turns writer half-way is refused at once) unless the connection carries the execution option
    `geomsa_read_only`.

    synchronous=FULL: in WAL mode NORMAL may forget the last commits at a power cut. A forgotten deletion would bring
    back a row whose object is already gone, and a forgotten inspection was already shown as stored.
    """
    busy_timeout_s = MIGRATION_BUSY_TIMEOUT_S if migrating else BUSY_TIMEOUT_S

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own transaction handling begins too late, and ends a transaction before DDL.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {busy_timeout_s * 1000}")
        _enter_wal(connection, busy_timeout_s)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA foreign_keys = {'OFF' if migrating else 'ON'}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("geomsa_read_only"):
            connection.exec_driver_sql("PRAGMA query_only = ON")
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("PRAGMA query_only = OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def _enter_wal(connection: sqlite3.Connection, timeout_s: float) -> None:
    """Wait for WAL: changing the journal mode does not queue by itself, and two processes that start together meet."""
    deadline_s = time.monotonic() + timeout_s
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline_s:
                raise
            time.sleep(0.02)
