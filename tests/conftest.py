"""What every test may ask for: settings in a folder of its own, services, people; and no way out to a network."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.access import Person
from core.accounts.people import open_person
from core.services import Services, build_services
from core.settings import Settings, read_settings
from storage.database import Database
from tests.databases import KIND, KINDS, ON_SERVER, data_settings, drop_databases, place_database

# Two cores are shared by all tests. Nothing above imports numpy, torch or OpenCV, which read these once.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


# These drive real browsers, servers and processes that die: what a busy machine held up is tried once more, and the
# summary names it ("RERUN"). Everything else has one try.
TRIED_TWICE = tuple(Path(__file__).parent / name for name in ("browser", "faults", "services"))


def pytest_configure() -> None:
    """Refuse a database that there is none of, before every test would run on SQLite after all."""
    if KIND not in KINDS:
        raise pytest.UsageError(f"GEOMSA_TEST_DATABASE is {KIND}, and may be one of: {', '.join(KINDS[1:])}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of real servers and browsers a second try, and keep each file's on one worker.

    What a file starts, builds or draws once for all its tests is then made once, and not once a worker.
    """
    for item in items:
        if "GEOMSA_ONE_TRY" not in os.environ and any(folder in item.path.parents for folder in TRIED_TWICE):
            item.add_marker(pytest.mark.flaky(reruns=1))
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(Path(__file__).parent).as_posix()))


class NetworkForbiddenError(Exception):
    """A test tried to leave this machine."""


def _stays_here(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0])
    if host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

        def guarded(self: socket.socket, address: Any) -> None:
            if not _stays_here(address):
                raise NetworkForbiddenError(str(address))
            connect(self, address)

        def guarded_ex(self: socket.socket, address: Any) -> int:
            if not _stays_here(address):
                raise NetworkForbiddenError(str(address))
            return connect_ex(self, address)

        patch.setattr(socket.socket, "connect", guarded)
        patch.setattr(socket.socket, "connect_ex", guarded_ex)
        yield


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("GEOMSA_", "NCP_", "ANTHROPIC_")):
            monkeypatch.delenv(name)
    # Whether this machine has an engine for scanned pages changes nothing.
    monkeypatch.setenv("GEOMSA_OCR", "off")


@pytest.fixture(autouse=ON_SERVER)
def _databases(request: pytest.FixtureRequest) -> Iterator[None]:
    """Drop at the end what the test has made on a server."""
    folder: Path = request.getfixturevalue("tmp_path")
    yield
    drop_databases(folder)


@pytest.fixture(scope="session")
def database_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated, empty SQLite file; copying it is many times faster than migrating."""
    path = tmp_path_factory.mktemp("template") / "geomsa.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.dispose()
    # What is still in the write-ahead log would not be copied.
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings of a fresh data folder: SQLite, local objects, CPU, no text recognition that may be installed."""
    return read_settings({**data_settings(tmp_path / "data"), "GEOMSA_DEVICE": "cpu", "GEOMSA_OCR": "off"})


@pytest.fixture
def services(settings: Settings, database_template: Path) -> Iterator[Services]:
    """Yield migrated services on `settings`."""
    place_database(database_template, settings.data_dir)
    built = build_services(settings)
    yield built
    built.database.dispose()


@pytest.fixture
def engineer(services: Services) -> Person:
    """Return the built-in quality engineer."""
    return open_person(services, "engineer")


@pytest.fixture
def admin(services: Services) -> Person:
    """Return the built-in administrator."""
    return open_person(services, "admin")


@pytest.fixture
def worker_person(services: Services) -> Person:
    """Return the built-in line worker."""
    return open_person(services, "worker")
