"""A database server that is killed and comes back: told at once, nothing acknowledged lost, no process restarted."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlmodel import col, select

from core.accounts.people import open_person
from core.catalog.products import get_product, update_product
from core.errors import AppError, Unavailable
from core.images.gallery.change_jobs import start_change
from core.images.gallery.changes import RELABEL, ImageChange
from core.jobs import views
from core.services import Services, build_services
from core.settings import read_settings
from core.transactions import reading
from core.worker.supervisor import ChildWorker
from storage.tables import AuditLog, Image
from tests.curated_images import add_image
from tests.databases import roomy_folder
from tests.history_rows import add_product
from tests.services.servers import MariaDbServer, PostgreSqlServer, ServerMissing

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("worker")]

IMAGES = 150
BUSY_MACHINE_S = 120


@pytest.fixture(params=["mariadb", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[MariaDbServer | PostgreSqlServer]:
    """Yield a server of the test's own that keeps what it has acknowledged when it is killed."""
    with tempfile.TemporaryDirectory(prefix="geomsa-", dir=roomy_folder()) as folder:
        try:
            made = (MariaDbServer if request.param == "mariadb" else PostgreSqlServer)(Path(folder), durable=True)
        except ServerMissing as missing:
            pytest.skip(str(missing))
        made.start()
        yield made
        made.stop()


@pytest.fixture
def services(
    server: MariaDbServer | PostgreSqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    """Yield services on the server; child processes find it too."""
    driver, name = (
        ("mysql+pymysql", "geomsa") if isinstance(server, MariaDbServer) else ("postgresql+psycopg", "postgres")
    )
    variables = {
        "GEOMSA_DATA_DIR": str(tmp_path / "data"),
        "GEOMSA_DATABASE_URL": f"{driver}://geomsa:{quote(server.password, safe='')}@127.0.0.1:{server.port}/{name}",
        "GEOMSA_DEVICE": "cpu",
    }
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    built = build_services(read_settings(variables), migrate=True)
    yield built
    built.database.dispose()


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + BUSY_MACHINE_S
    while not condition():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.05)


class _Writer(threading.Thread):
    """Somebody who saves one thing after the other, and keeps what was acknowledged and what was told instead."""

    def __init__(self, services: Services, product_id: int) -> None:
        super().__init__()
        self._services, self._product_id = services, product_id
        self.stopping = threading.Event()
        self.kept: list[str] = []
        self.refused: list[str] = []
        self.other: list[BaseException] = []

    def run(self) -> None:
        person = open_person(self._services, "engineer")
        number = 0
        while not self.stopping.wait(0.02):
            number += 1
            try:
                product = get_product(self._services, self._product_id)
                update_product(
                    self._services, person, product.id, row_version=product.row_version, name=product.name,
                    description=f"text {number}",
                )  # fmt: skip
                self.kept.append(f"text {number}")
            except Unavailable as error:
                self.refused.append(error.code)
            except BaseException as error:  # noqa: BLE001 - named by the test
                self.other.append(error)


def test_work_goes_on_when_a_killed_server_is_back(
    services: Services, server: MariaDbServer | PostgreSqlServer
) -> None:
    engineer = open_person(services, "engineer")
    product = add_product(services, engineer)
    ids = [add_image(services, product.id, number) for number in range(IMAGES)]
    job_id = start_change(
        services, engineer, product.id, ImageChange(RELABEL, view="top", split="test"), dict.fromkeys(ids, 1)
    )
    writer, worker = _Writer(services, product.id), ChildWorker(services, lease_s=20.0)
    working = threading.Thread(target=worker.run)
    writer.start()
    working.start()
    try:
        _until(lambda: views.view(services, job_id).state == "running", "the job was not begun")
        # Every connection of the pool is used once, so that each is dead afterwards.
        _until(lambda: len(writer.kept) > 3, "nothing was saved")
        server.kill()
        began_s = time.monotonic()
        with pytest.raises(AppError) as caught, reading(services) as session:
            session.exec(select(Image.id)).all()
        told_s = time.monotonic() - began_s
        _until(lambda: len(writer.refused) > 2, "nobody was told")
        server.start()
        # The very first request after the start succeeds.
        with reading(services) as session:
            assert len(session.exec(select(Image.id)).all()) == IMAGES
        since = len(writer.kept)
        _until(lambda: len(writer.kept) > since + 3, "nothing was saved afterwards")
        _until(lambda: views.view(services, job_id).state not in {"queued", "running"}, "the job did not end")
    finally:
        writer.stopping.set()
        worker.stop()
        writer.join()
        working.join(60)
    assert (caught.value.code, caught.value.params["reason"]) == ("database_unavailable", "unreachable")
    assert "try again" in caught.value.sentence("en")
    assert told_s < 10
    assert set(writer.refused) == {"database_unavailable"}
    assert writer.other == []
    assert views.view(services, job_id).state == "succeeded"
    with reading(services) as session:
        rows = session.exec(select(Image)).all()
        saved = session.exec(
            select(AuditLog).where(AuditLog.action == "product.changed").order_by(col(AuditLog.id))
        ).all()
    assert {(row.view, row.split, row.row_version) for row in rows} == {("top", "test", 2)}
    texts = [row.details["changes"]["description"][1] for row in saved]
    # What was acknowledged is there, in order; what was cut off in its commit may be there beside it.
    assert set(writer.kept) <= set(texts)
    assert len(texts) - len(writer.kept) <= len(writer.refused)
