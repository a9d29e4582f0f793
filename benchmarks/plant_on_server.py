"""The rows of a SQLite database in a fresh MariaDB or PostgreSQL, to measure the same figures there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, delete, insert, select, text

from core.services import Services
from storage.database import Database
from storage.tables import METADATA
from tests.services.servers import MariaDbServer, PostgreSqlServer, Server

_AT_ONCE = 2_000
# What a server of this size is given in practice; the tests' own is as small as can be.
_POOL = "2G"


class _LargeMariaDbServer(MariaDbServer):
    def command(self) -> Sequence[str | Path]:
        given = [str(word) for word in super().command()]
        return [f"--innodb-buffer-pool-size={_POOL}" if "buffer-pool-size" in word else word for word in given]


class _LargePostgreSqlServer(PostgreSqlServer):
    def command(self) -> Sequence[str | Path]:
        return [*super().command(), "-c", f"shared_buffers={_POOL}B"]


SERVERS: dict[str, type[Server]] = {"mariadb": _LargeMariaDbServer, "postgresql": _LargePostgreSqlServer}


@contextmanager
def serve_copy(name: str, source: Services, folder: Path) -> Iterator[str]:
    """Start the server in `folder` (empty) with all rows of `source`, and give the address of its database."""
    server = SERVERS[name](folder)
    server.start()
    try:
        url = _make_database(server)
        target = Database(url)
        target.migrate()
        with source.database.reading() as reading, target.unit_of_work() as writing:
            _copy(reading.connection(), writing.connection())
            writing.commit()
        with target.unit_of_work() as session:
            for table in ("inspections", "day_counts", "detail_counts"):
                session.connection().execute(text(f"ANALYZE {'TABLE ' if name == 'mariadb' else ''}{table}"))
            session.commit()
        target.dispose()
        yield url
    finally:
        server.stop()


def _make_database(server: Server) -> str:
    if isinstance(server, MariaDbServer):
        # The server made it when it started, in the character set of a careless one: the tables choose their own.
        return f"mysql+pymysql://geomsa:{quote(server.password, safe='')}@127.0.0.1:{server.port}/geomsa"
    assert isinstance(server, PostgreSqlServer)
    import psycopg

    told = {"host": "127.0.0.1", "port": server.port, "user": "geomsa", "password": server.password}
    with psycopg.connect(**told, dbname="postgres", autocommit=True) as connection:  # type: ignore[arg-type]
        connection.execute("CREATE DATABASE geomsa")
    return f"postgresql+psycopg://geomsa:{quote(server.password, safe='')}@127.0.0.1:{server.port}/geomsa"


def _copy(source: Connection, target: Connection) -> None:
    for table in reversed(METADATA.sorted_tables):
        target.execute(delete(table))
    for table in METADATA.sorted_tables:
        found = source.execution_options(yield_per=_AT_ONCE).execute(select(table))
        for rows in found.mappings().partitions(_AT_ONCE):
            target.execute(insert(table), [dict(row) for row in rows])
