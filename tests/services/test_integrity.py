"""Looking for damage on the real databases: a healthy one is called healthy, and a broken file is found."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text
from sqlmodel import select

from storage.database import Database, DatabaseError
from storage.tables import Product
from tests.services.servers import MariaDbServer, PostgreSqlServer, Server, ServerMissing

pytestmark = pytest.mark.services


def test_a_healthy_database_has_no_findings(database: Database) -> None:
    with database.unit_of_work() as session:
        session.add(Product(code="casting", name="주조A형", description="글" * 10_000))
        session.commit()
    assert database.check_integrity(full=False) == []
    assert database.check_integrity(full=True) == []
    assert not database.ended_uncleanly() or "sqlite" in repr(database)


@pytest.mark.parametrize("kind", [MariaDbServer, PostgreSqlServer])
def test_a_table_whose_file_is_broken_is_named(kind: type[MariaDbServer | PostgreSqlServer]) -> None:
    # A server of its own: what is done to it here nobody mends.
    with tempfile.TemporaryDirectory(prefix="geomsa-", dir="/tmp") as folder:
        try:
            server = kind(Path(folder))
        except ServerMissing as missing:
            pytest.skip(str(missing))
        server.start()
        try:
            _break_products(server)
        finally:
            server.stop()


def _break_products(server: MariaDbServer | PostgreSqlServer) -> None:
    driver, name = ("mysql", "geomsa") if isinstance(server, MariaDbServer) else ("postgresql", "postgres")
    database = Database(f"{driver}://geomsa:{quote(server.password, safe='')}@127.0.0.1:{server.port}/{name}")
    database.migrate()
    with database.unit_of_work() as session:
        session.add_all([Product(code=f"p{number}", name="n", description="d" * 300) for number in range(2000)])
        session.commit()
    file = _file_of_products(server, database)
    database.dispose()
    server.stop()
    size = file.stat().st_size
    assert size > 400_000
    with file.open("r+b") as stream:
        stream.seek(13 * 16_384)  # where a page begins, of both servers
        stream.write(b"\xa5" * 200_000)
    server.start()
    findings = database.check_integrity(full=True)
    assert [finding for finding in findings if finding.startswith("products")], findings
    with pytest.raises(DatabaseError) as caught, database.reading() as session:
        session.exec(select(Product)).all()
    assert caught.value.code == "database_damaged"
    database.dispose()


def _file_of_products(server: Server, database: Database) -> Path:
    if isinstance(server, MariaDbServer):
        return server.folder / "data" / "geomsa" / "products.ibd"
    with database.reading() as session:
        inside = session.connection().execute(text("SELECT pg_relation_filepath('products')")).scalar_one()
    return server.folder / "data" / str(inside)
