"""The servers as fixtures. A test whose server is not installed is skipped and says which one is missing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import pytest

from storage.database import Database
from storage.objects import LocalObjects, ObjectStore, S3Objects
from tests.databases import roomy_folder
from tests.services.faulty_proxy import FaultyProxy, refuse_as_naver
from tests.services.moto_server import MotoServer
from tests.services.servers import MariaDbServer, PostgreSqlServer, S3Server, Server, ServerMissing

_Server = TypeVar("_Server", bound=Server)

DATABASES = ("sqlite", "mariadb", "postgresql")
OBJECT_STORES = ("local", "s3", "moto", pytest.param("naver", marks=pytest.mark.full))


@contextmanager
def _running(kind: type[_Server]) -> Iterator[_Server]:
    with tempfile.TemporaryDirectory(prefix="geomsa-", dir=roomy_folder()) as folder:
        try:
            server = kind(Path(folder))
        except ServerMissing as missing:
            pytest.skip(str(missing))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDbServer]:
    with _running(MariaDbServer) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSqlServer]:
    with _running(PostgreSqlServer) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with _running(S3Server) as server:
        yield server


@pytest.fixture(scope="session")
def moto_server() -> Iterator[MotoServer]:
    with _running(MotoServer) as server:
        yield server


@pytest.fixture
def mariadb_url(mariadb_server: MariaDbServer) -> str:
    """Return an address of an empty database in the worst character set a server may have as its default."""
    import pymysql

    server = {"host": "127.0.0.1", "port": mariadb_server.port, "user": "geomsa"}
    with (
        pymysql.connect(**server, password=mariadb_server.password.encode()) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("DROP DATABASE IF EXISTS geomsa")
        cursor.execute("CREATE DATABASE geomsa CHARACTER SET latin1")
    password = quote(mariadb_server.password, safe="")
    return f"mysql+pymysql://geomsa:{password}@127.0.0.1:{mariadb_server.port}/geomsa"


@pytest.fixture
def postgresql_url(postgresql_server: PostgreSqlServer) -> str:
    import psycopg

    port, password = postgresql_server.port, postgresql_server.password
    with psycopg.connect(
        host="127.0.0.1", port=port, user="geomsa", password=password, dbname="postgres", autocommit=True
    ) as connection:
        connection.execute("DROP DATABASE IF EXISTS geomsa WITH (FORCE)")
        connection.execute("CREATE DATABASE geomsa")
    return f"postgresql+psycopg://geomsa:{quote(password, safe='')}@127.0.0.1:{port}/geomsa"


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'geomsa.sqlite3'}"
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def empty_database(database_url: str) -> Iterator[Database]:
    """Yield a database without tables."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def database(empty_database: Database) -> Database:
    """Return a migrated database without rows: one test run for each of the three kinds."""
    empty_database.migrate()
    return empty_database


@pytest.fixture(params=OBJECT_STORES)
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    """Yield an empty object store: one test run for the folder, and for each of two servers that speak S3.

    The full tests run once more through a proxy that refuses what Naver Cloud refuses.
    """
    if request.param == "local":
        yield LocalObjects(tmp_path / "objects")
        return
    server = request.getfixturevalue("moto_server" if request.param == "moto" else "s3_server")
    _empty(server)
    if request.param != "naver":
        yield open_s3(server)
        return
    with FaultyProxy(server.port, refuse_as_naver) as proxy:
        yield open_s3(server, endpoint=proxy.endpoint)
        assert set(proxy.done) <= {"passed"}


@pytest.fixture
def empty_s3_server(s3_server: S3Server) -> S3Server:
    """Return the server with nothing in its bucket, also no identity of another test's installation."""
    _empty(s3_server)
    return s3_server


@pytest.fixture(params=["s3", "moto"])
def each_s3_server(request: pytest.FixtureRequest) -> S3Server | MotoServer:
    """Return a server with nothing in its bucket: one test run for each of the two that speak S3."""
    server: S3Server | MotoServer = request.getfixturevalue(f"{request.param}_server")
    _empty(server)
    return server


def _empty(server: S3Server | MotoServer) -> None:
    store = open_s3(server)
    # Before and not after: whatever used the server last, this test begins with nothing.
    for info in list(store.list()):
        store.delete(info.key)


def open_s3(
    server: S3Server | MotoServer,
    *,
    endpoint: str | None = None,
    secret_key: str | None = None,
    access_key: str | None = None,
    bucket: str | None = None,
    read_timeout_s: float = 30.0,
) -> S3Objects:
    """Return a store in the server's bucket, with its keys, each of which may be another."""
    return S3Objects(
        endpoint=endpoint or server.endpoint,
        bucket=bucket or server.bucket,
        region="kr-standard",
        access_key=access_key or server.access_key,
        secret_key=secret_key or server.secret_key,
        read_timeout_s=read_timeout_s,
        page_objects=7,
    )
