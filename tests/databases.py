"""The database that tests of the use cases run on: SQLite, or the server that GEOMSA_TEST_DATABASE names.

    GEOMSA_TEST_DATABASE=mariadb|postgresql .venv/bin/python -m pytest tests/unit/core tests/unit/storage

Each data folder then has a database of its own on one server of this process, copied from a migrated one. Child
processes find it in the environment, as they find a data folder there.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from storage.database import Database
from tests.services.servers import MariaDbServer, PostgreSqlServer, Server, ServerMissing

# Read here: the environment of each test is cleaned of the settings.
KIND = os.environ.get("GEOMSA_TEST_DATABASE", "").strip().lower()
KINDS = ("", "sqlite", "mariadb", "postgresql")
ON_SERVER = KIND in {"mariadb", "postgresql"}
sqlite_only = pytest.mark.skipif(ON_SERVER, reason="of SQLite's file alone")

URL_VARIABLE = "GEOMSA_DATABASE_URL"
_TEMPLATE = "geomsa_template"
_ROOM_BYTES = 2 * 2**30


def roomy_folder() -> str:
    """Return the folder for servers' data: in memory where there is room, for a table of MariaDB is a file of its own.

    Not pytest's own folder: its path is too long for a socket, and closed to other users.
    """
    memory = Path("/dev/shm")
    try:
        roomy = shutil.disk_usage(memory).free > _ROOM_BYTES and os.access(memory, os.W_OK)
    except OSError:
        roomy = False
    return str(memory) if roomy else "/tmp"


class _Copies(ABC):
    """The databases of one server, one for each data folder."""

    def __init__(self) -> None:
        self._made: dict[Path, str] = {}

    @abstractmethod
    def url(self, name: str) -> str:
        """Return the address of one database."""

    @abstractmethod
    def create(self, name: str, source: str | None) -> None:
        """Create a database: empty, or a copy of another."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Drop a database, whoever still uses it."""

    def prepare(self) -> None:
        """Make the migrated database that others are copied from."""
        self.create(_TEMPLATE, None)
        database = Database(self.url(_TEMPLATE))
        database.migrate()
        database.dispose()

    def address_of(self, data_dir: Path, *, source: Path | None = None) -> str:
        """Return the address of the database of a data folder; it is made at the first call."""
        folder = data_dir.absolute()
        if folder not in self._made:
            name = "g" + hashlib.sha256(str(folder).encode()).hexdigest()[:20]
            self.create(name, _TEMPLATE if source is None else self._made[source.absolute()])
            self._made[folder] = name
        return self.url(self._made[folder])

    def drop_under(self, folder: Path) -> None:
        """Drop the databases of all data folders in `folder`."""
        for one in [one for one in self._made if one.is_relative_to(folder)]:
            self.drop(self._made.pop(one))


class _MariaDbCopies(_Copies):
    def __init__(self, server: MariaDbServer) -> None:
        super().__init__()
        self._server = server

    def url(self, name: str) -> str:
        password = quote(self._server.password, safe="")
        return f"mysql+pymysql://geomsa:{password}@127.0.0.1:{self._server.port}/{name}"

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        import pymysql

        with (
            pymysql.connect(
                host="127.0.0.1", port=self._server.port, user="geomsa", password=self._server.password.encode(),
                charset="utf8mb4", autocommit=True,
            ) as connection,
            connection.cursor() as cursor,
        ):  # fmt: skip
            yield cursor

    def create(self, name: str, source: str | None) -> None:
        with self._cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            if source is None:
                return
            cursor.execute(f"SHOW TABLES IN {source}")
            tables = [row[0] for row in cursor.fetchall()]
            cursor.execute(f"USE {name}")
            cursor.execute("SET foreign_key_checks = 0")
            for table in tables:
                cursor.execute(f"SHOW CREATE TABLE {source}.`{table}`")
                cursor.execute(cursor.fetchone()[1])
                cursor.execute(f"INSERT INTO `{table}` SELECT * FROM {source}.`{table}`")
            # Last, for they keep rows from being changed.
            cursor.execute(f"SHOW TRIGGERS IN {source}")
            for trigger, event, table, statement, timing, *_rest in cursor.fetchall():
                cursor.execute(f"CREATE TRIGGER {trigger} {timing} {event} ON `{table}` FOR EACH ROW {statement}")

    def drop(self, name: str) -> None:
        with self._cursor() as cursor:
            # A transaction that a test left open would be waited for.
            cursor.execute("SELECT id FROM information_schema.processlist WHERE db = %s", (name,))
            for (number,) in cursor.fetchall():
                cursor.execute(f"KILL {number}")
            cursor.execute(f"DROP DATABASE {name}")


class _PostgreSqlCopies(_Copies):
    def __init__(self, server: PostgreSqlServer) -> None:
        super().__init__()
        self._server = server

    def url(self, name: str) -> str:
        password = quote(self._server.password, safe="")
        return f"postgresql+psycopg://geomsa:{password}@127.0.0.1:{self._server.port}/{name}"

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(
            host="127.0.0.1", port=self._server.port, user="geomsa", password=self._server.password,
            dbname="postgres", autocommit=True,
        ) as connection:  # fmt: skip
            connection.execute(statement)

    def create(self, name: str, source: str | None) -> None:
        if source is None:
            self._execute(f"CREATE DATABASE {name}")
            return
        # Nobody may be connected to the one that is copied.
        self._execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{source}'")
        self._execute(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy")

    def drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def data_settings(data_dir: Path, *, source: Path | None = None) -> dict[str, str]:
    """Return the variables that name a data folder and, on a server, the database that belongs to it.

    The database is made at the first call, migrated and empty, or as a copy of that of the folder `source`. On SQLite
    nothing is made: the folder holds the file.
    """
    variables = {"GEOMSA_DATA_DIR": str(data_dir)}
    if ON_SERVER:
        variables[URL_VARIABLE] = _copies().address_of(data_dir, source=source)
        # For the commands and processes that a test starts; `tests.conftest` cleans the environment.
        os.environ[URL_VARIABLE] = variables[URL_VARIABLE]
    return variables


def place_database(template: Path, data_dir: Path) -> None:
    """Give a data folder its migrated, empty database: a copy of the SQLite file `template`.

    On a server there is nothing to do: `data_settings` has made it.
    """
    if not ON_SERVER:
        shutil.copyfile(template, data_dir / "geomsa.db")


def drop_databases(folder: Path) -> None:
    """Drop what `data_settings` made on a server for the data folders in `folder`."""
    if ON_SERVER and _copies.cache_info().currsize:
        _copies().drop_under(folder)


@cache
def _copies() -> _Copies:
    folder = Path(tempfile.mkdtemp(prefix="geomsa-", dir=roomy_folder()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    server: Server
    copies: _Copies
    try:
        if KIND == "mariadb":
            server = mariadb = MariaDbServer(folder)
            copies = _MariaDbCopies(mariadb)
        else:
            server = postgresql = PostgreSqlServer(folder)
            copies = _PostgreSqlCopies(postgresql)
    except ServerMissing as missing:
        pytest.skip(str(missing))
    server.start()
    atexit.register(server.stop)
    copies.prepare()
    return copies
