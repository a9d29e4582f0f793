"""The database: one engine, units of work, migrations. SQLite, MariaDB/MySQL and PostgreSQL behave alike behind it."""

from __future__ import annotations

import copy
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError
from sqlmodel import Session

from storage import schema
from storage.audit_chain import AuditedSession
from storage.database_errors import DatabaseError, DatabaseErrorCode, translate
from storage.integrity import describe_damage, find_damage
from storage.row_limits import NO_LIMITS, RowLimits, open_limited
from storage.sqlite_files import FileWatch, Mode, ended_uncleanly
from storage.sqlite_setup import prepare_sqlite

__all__ = ["Database", "DatabaseError", "DatabaseErrorCode", "translate"]

CONNECT_TIMEOUT_S = 5
RESPONSE_TIMEOUT_S = 60
# How long a lock that another holds on SQLite is waited for: a person in front of the screen is told soon, and work
# that nobody watches can wait.
BUSY_TIMEOUT_S = 2.0
PATIENT_TIMEOUT_S = 15.0
# How long for a free connection: longer than those wait who have one.
POOL_EXTRA_S = 3.0
SERVER_POOL_TIMEOUT_S = 15.0
# How long for a row that another transaction has locked: PostgreSQL would wait for ever, MariaDB for 50 s. Nothing of
# ours holds one for longer than a few seconds; what is given up then is told as busy, and may be tried again.
LOCK_TIMEOUT_S = 15
RECYCLE_S = 1800  # below the idle limits that clouds and firewalls put on a connection
_DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}
_PRODUCTS = {"sqlite": "SQLite", "mysql": "MySQL", "mariadb": "MariaDB", "postgresql": "PostgreSQL"}
# Faults of our own code (a wrong argument, a missing row asked for by `one()`) are let through untouched.
_TRANSLATED = (DBAPIError, StaleDataError, PoolTimeoutError)
# What an engine is for: the application's work, migrating alone, or looking for damage without changing anything.
_Purpose = Literal["work", "migrating", "checking"]
_SQLITE_MODES: dict[_Purpose, Mode] = {"work": "rw", "migrating": "rwc", "checking": "ro"}


class Database:
    """One database, safe to share between threads, and again usable in a forked child.

    Raises DatabaseError (see `storage.database_errors`) from every method; the address's password is in no message.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S, echo: bool = False) -> None:
        """Prepare the engine; `busy_timeout_s` is how long SQLite waits for a lock that another program holds."""
        self._url = _parse(url)
        self._busy_timeout_s = busy_timeout_s
        self._dialect = self._url.get_backend_name()
        self._watch: FileWatch | None = None
        self._engine = self._create_engine(echo=echo)
        self._reader = self._engine.execution_options(geomsa_read_only=True)
        self._limits = NO_LIMITS
        if self._dialect != "sqlite":
            # A server is told that its client leaves, also by a command that just ends.
            weakref.finalize(self, _leave, self._engine, os.getpid())

    def __repr__(self) -> str:
        return f"Database({self.describe()!r})"

    def describe(self) -> str:
        """Return the address without password and options, for people and logs."""
        url = self._url
        shown = URL.create(url.drivername, username=url.username, host=url.host, port=url.port, database=url.database)
        return shown.render_as_string()

    def limited(self, limits: RowLimits) -> Database:
        """Return the same database, whose reading sessions see the rows within `limits` alone.

        What is written is not limited: whoever writes checks the row that is changed.
        """
        limited = copy.copy(self)
        limited._limits = limits
        return limited

    def product(self) -> str:
        """Return which database it is and in which version, such as "MariaDB 10.11.6"."""
        try:
            with self._reader.connect() as connection:
                numbers = connection.dialect.server_version_info or ()
                is_mariadb = bool(getattr(connection.dialect, "is_mariadb", False))
        except _TRANSLATED as error:
            raise translate(error) from error
        name = "MariaDB" if is_mariadb else _PRODUCTS.get(self._dialect, self._dialect)
        return f"{name} {'.'.join(str(number) for number in numbers[:3])}"

    @contextmanager
    def unit_of_work(self) -> Iterator[Session]:
        """Yield a write transaction. Nothing is kept unless the caller commits; rows stay readable after the commit.

        On SQLite it takes the write lock at its first statement (waiting for other writers), so that a decision made
        on what was read inside it still holds when it writes.
        """
        try:
            with AuditedSession(self._engine, expire_on_commit=False) as session:
                yield session
        except _TRANSLATED as error:
            raise translate(error) from error

    @contextmanager
    def reading(self, *, every_line: bool = False) -> Iterator[Session]:
        """Yield a session that never waits for writers on SQLite; rows are detached and loaded afterwards.

        Of limits (`limited`), `every_line` keeps those of products alone: for what is a product's and not a line's.

        A write inside it fails with `database_unavailable` (read_only).
        """
        try:
            # Closing detaches the rows before it rolls back: a rollback first would empty them.
            options: dict[str, Any] = {"autoflush": False, "expire_on_commit": False}
            limits = RowLimits(self._limits.products) if every_line else self._limits
            with (
                open_limited(self._reader, limits, **options) if limits.is_limit else Session(self._reader, **options)
            ) as session:
                yield session
        except _TRANSLATED as error:
            raise translate(error) from error

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Yield a session that sees the rows of one moment in all it reads, whatever others commit meanwhile.

        Nobody waits for it. A write inside it fails as in `reading`.
        """
        options: dict[str, Any] = {"geomsa_snapshot": True}
        if self._dialect == "postgresql":
            options["isolation_level"] = "REPEATABLE READ"
        try:
            with (
                self._reader.execution_options(**options).connect() as connection,
                Session(connection, autoflush=False, expire_on_commit=False) as session,
            ):
                yield session
        except _TRANSLATED as error:
            raise translate(error) from error

    @contextmanager
    def rebuilding(self) -> Iterator[Connection]:
        """Yield a connection on which tables can be dropped, made and filled again; the caller commits.

        A SQLite database that is not there is made, and foreign keys are not checked on it.
        """
        if self._dialect == "sqlite":
            self._make_folder()
        engine = self._create_engine("migrating")
        try:
            with engine.connect() as connection:
                yield connection
        except _TRANSLATED as error:
            raise translate(error) from error
        finally:
            engine.dispose()

    def migrate(self) -> tuple[str | None, str]:
        """Create or bring up to date all tables; return the revisions before (None: empty database) and after.

        Where nothing is to be done, nothing is locked, and nobody who holds a lock is waited for.
        """
        if self._dialect == "sqlite":
            self._make_folder()
        if not self._is_missing() and schema.compare_revision(self._find_revision()) == "current":
            return schema.head_revision(), schema.head_revision()
        # A connection of its own: it waits longer, and SQLite checks foreign keys at the end instead of at each step.
        engine = self._create_engine("migrating")
        try:
            with engine.connect() as connection:
                return schema.upgrade(connection)
        except _TRANSLATED as error:
            raise translate(error) from error
        finally:
            engine.dispose()

    def check(self) -> None:
        """Raise DatabaseError unless the database can be reached and has exactly the revision of this code."""
        self._refuse_missing_file()
        found = self._find_revision()
        standing = schema.compare_revision(found)
        if standing != "current":
            code: DatabaseErrorCode = "database_newer" if standing == "newer" else "database_not_migrated"
            raise DatabaseError(code, reason="revision", found=found or "", expected=schema.head_revision())

    def check_integrity(self, *, full: bool) -> list[str]:
        """Return what is damaged, in the database's own words; `storage.integrity` says what each database can notice.

        Changes nothing, not even what is left of a process that was killed: damage can be examined as it is. SQLite
        reads its whole file (300 MB: half a second from memory, 6 s from a slow disk; with `full` four times as long).
        """
        self._refuse_missing_file()
        # A connection of its own: what an open one has in memory, it would not read again.
        engine = self._create_engine("checking")
        try:
            with engine.connect() as connection:
                return find_damage(connection, full=full)
        except _TRANSLATED as error:
            shaped = translate(error)
            if shaped.code == "database_damaged" and isinstance(error, DBAPIError):
                return [describe_damage(error)]
            raise shaped from error
        finally:
            engine.dispose()

    def ended_uncleanly(self) -> bool:
        """Return whether the last process was killed, or the power failed, while it had a SQLite database open.

        To be asked before anything else is; servers look after themselves.
        """
        return self._dialect == "sqlite" and ended_uncleanly(str(self._url.database))

    def dispose(self) -> None:
        """Close the pooled connections. The object can be used again afterwards."""
        self._engine.dispose()

    def _is_missing(self) -> bool:
        """Return whether a SQLite database was never made. Raises `database_replaced` where it was and is gone."""
        if self._watch is None or Path(str(self._url.database)).exists():
            return False
        if self._watch.has_seen_file:
            raise DatabaseError("database_replaced", reason="replaced")
        return True

    def _refuse_missing_file(self) -> None:
        if self._is_missing():
            raise DatabaseError("database_not_migrated", reason="revision", found="", expected=schema.head_revision())

    def _find_revision(self) -> str | None:
        try:
            with self._reader.connect() as connection:
                connection.execute(text("SELECT 1"))
                return schema.current_revision(connection)
        except _TRANSLATED as error:
            raise translate(error) from error

    def _make_folder(self) -> None:
        try:
            Path(str(self._url.database)).absolute().parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseError("database_unavailable", reason="unreachable") from error

    def _create_engine(self, purpose: _Purpose = "work", *, echo: bool = False) -> Engine:
        sqlite, migrating = self._dialect == "sqlite", purpose == "migrating"
        options: dict[str, Any] = {"echo": echo, "hide_parameters": True}
        if purpose == "work":
            wait_s = self._busy_timeout_s + POOL_EXTRA_S if sqlite else SERVER_POOL_TIMEOUT_S
            options |= {"pool_size": 10, "max_overflow": 20, "pool_timeout": wait_s}
        else:
            options["poolclass"] = NullPool
        if self._dialect in {"mysql", "mariadb"}:
            options |= _mysql_options(self._url, response_timeout_s=RESPONSE_TIMEOUT_S if purpose == "work" else 3600)
        elif self._dialect == "postgresql":
            options |= _postgresql_options()
        engine = create_engine(self._url, **options)
        if sqlite:
            watch = FileWatch(str(self._url.database), mode=_SQLITE_MODES[purpose])
            self._watch = watch if purpose == "work" else self._watch
            prepare_sqlite(engine, watch, busy_timeout_s=self._busy_timeout_s, migrating=migrating)
        else:
            event.listen(engine, "begin", _begin_on_server)
            if purpose == "work":
                event.listen(engine, "connect", _limit_waiting)
        if purpose == "work":
            _survive_fork(engine)
        return engine


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        # Without a cause: the driver's message may repeat the address, password and all.
        raise DatabaseError("database_unavailable", reason="address") from None
    known = backend in {"sqlite", "mysql", "mariadb", "postgresql"}
    in_memory = backend == "sqlite" and parsed.database in {None, "", ":memory:"}
    if not known or in_memory:
        # A database in memory cannot be shared with the worker process.
        raise DatabaseError("database_unavailable", reason="address")
    return parsed


def _mysql_options(url: URL, *, response_timeout_s: int) -> dict[str, Any]:
    # The driver itself would write a password in Latin-1, and fail on a Korean one.
    password = {} if url.password is None else {"password": str(url.password).encode()}
    return {
        "isolation_level": "READ COMMITTED",
        "pool_pre_ping": True,
        "pool_recycle": RECYCLE_S,
        "connect_args": password
        | {
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_TIMEOUT_S,
            "read_timeout": response_timeout_s,
            "write_timeout": response_timeout_s,
            # A server set up leniently would cut long text and out-of-range numbers without a word.
            "init_command": "SET SESSION sql_mode = CONCAT_WS(',', @@sql_mode, 'STRICT_ALL_TABLES')",
        },
    }


def _postgresql_options() -> dict[str, Any]:
    return {
        "isolation_level": "READ COMMITTED",
        "pool_pre_ping": True,
        "pool_recycle": RECYCLE_S,
        "connect_args": {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "client_encoding": "utf8",
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": RESPONSE_TIMEOUT_S * 1000,
        },
    }


def _leave(engine: Engine, pid: int) -> None:
    # A forked child would end the connections of its parent.
    if os.getpid() == pid:
        engine.dispose()


def _limit_waiting(connection: Any, _record: Any) -> None:
    """Bound how long this session waits for the locks of others, and how long the server keeps one of a lost host."""
    if hasattr(connection, "pgconn"):
        # By statements, and not by `options` of the connection: what stands between pools may refuse those.
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'")
            cursor.execute("SET tcp_keepalives_idle = 30")
            cursor.execute("SET tcp_keepalives_interval = 10")
            cursor.execute("SET tcp_keepalives_count = 3")
        connection.commit()
    else:
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT_S}")


def _begin_on_server(connection: Connection) -> None:
    if not connection.get_execution_options().get("geomsa_read_only"):
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    elif connection.get_execution_options().get("geomsa_snapshot"):
        # For the next transaction alone: those of the connection are not ours to change.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    else:
        connection.exec_driver_sql("START TRANSACTION READ ONLY")


def _survive_fork(engine: Engine) -> None:
    """Make a forked child open connections of its own: two processes must never share one."""

    @event.listens_for(engine, "connect")
    def remember_process(_connection: Any, record: Any) -> None:
        record.info["pid"] = os.getpid()

    @event.listens_for(engine, "checkout")
    def refuse_inherited(_connection: Any, record: Any, proxy: Any) -> None:
        if record.info["pid"] != os.getpid():
            record.dbapi_connection = proxy.dbapi_connection = None
            raise DisconnectionError("the connection belongs to the parent process")
