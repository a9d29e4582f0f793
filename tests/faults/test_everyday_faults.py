"""What goes wrong in a factory: page and interface say it in a sentence, and work resumes when it is mended."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import streamlit as st
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from core.accounts.people import command_line_person, open_person
from core.catalog.products import find_product
from core.errors import describe
from core.images.imports.folder_import import import_path
from core.jobs.heartbeats import workers_alive
from core.jobs.queue import submit
from core.jobs.views import view
from core.models.kinds import MEMORY_BANK
from core.services import Services, build_services, close_kept_services
from core.settings import read_settings
from pages.components.shared.screens import INSPECT_PART
from storage.tables import Inspection, utc_now
from tests.api_server import ApiClient, make_client, serve_api
from tests.faults.conftest import TINY_PARTS
from tests.faults.plant import ROOT, DurableMariaDb, run_plant, until
from tests.pages.screen_reading import texts
from tests.plates import copy_data, deploy, encode, plate, write_plates
from tests.services.servers import S3Server

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("plant")]

HOME = Path(__file__).resolve().parents[2] / "Home.py"
DEFECTIVE = encode(plate(7, "spot"))
Fault = Callable[["Place"], AbstractContextManager[None]]


@dataclass(frozen=True)
class Place:
    """A deployed installation, and what it stands on."""

    services: Services
    folder: Path
    env: dict[str, str]
    store: S3Server | None = None
    database: DurableMariaDb | None = None


def _fill(services: Services, folder: Path) -> None:
    write_plates(folder / "plate", parts=TINY_PARTS)
    import_path(services, open_person(services, "engineer"), folder / "plate")
    deploy(services, find_product(services, "plate").id, kinds=(MEMORY_BANK,))


def _certificate(folder: Path, *, days: int) -> tuple[Path, Path]:
    """Return a certificate of this machine's address and its key; one of negative days has expired."""
    key, certificate = folder / "key.pem", folder / f"certificate{days}.pem"
    last = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86_400))
    first = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() - 90 * 86_400))
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    if not key.exists():
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    made = folder / "request.pem"
    subprocess.run(
        ["openssl", "req", "-new", "-key", str(key), *subject, "-out", str(made)], check=True, capture_output=True
    )
    (folder / "serial").write_text("01\n")
    (folder / "index").write_text("")
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=own\n[own]\ndir={folder}\ndatabase={folder}/index\nserial={folder}/serial\nnew_certs_dir={folder}\n"
        "default_md=sha256\npolicy=any\ncopy_extensions=copy\nunique_subject=no\n[any]\ncommonName=supplied\n"
    )
    subprocess.run(
        ["openssl", "ca", "-batch", "-selfsign", "-config", str(folder / "ca.cnf"), "-keyfile", str(key), "-in",
         str(made), "-out", str(certificate), "-startdate", first, "-enddate", last, "-notext"],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


class TlsStore(S3Server):
    """The object store behind a certificate."""

    certificate: Path
    key: Path

    @property
    def endpoint(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def command(self) -> list[str | Path]:
        return [*super().command()[:-1], "--cert", self.certificate, "--key", self.key, super().command()[-1]]


@contextmanager
def wrong_key(place: Place) -> Iterator[None]:
    """Let the store know another key."""
    assert place.store is not None
    place.store.stop()
    place.store.secret_key = "another"
    place.store.start()
    yield
    place.store.stop()
    del place.store.secret_key
    place.store.start()


@contextmanager
def expired_certificate(place: Place) -> Iterator[None]:
    """Let the store's certificate have expired yesterday."""
    store = place.store
    assert isinstance(store, TlsStore)
    valid = store.certificate
    store.stop()
    store.certificate = _certificate(place.folder / "tls", days=-1)[0]
    store.start()
    # Whoever trusts the one trusts the other: only the date is wrong.
    trusted = Path(os.environ["AWS_CA_BUNDLE"])
    trusted.write_text(valid.read_text() + store.certificate.read_text())
    yield
    store.stop()
    store.certificate = valid
    store.start()


@contextmanager
def no_names(place: Place) -> Iterator[None]:
    """Let no name of another machine be found."""
    found = socket.getaddrinfo
    assert place.store is not None
    assert urlsplit(place.env["GEOMSA_S3_ENDPOINT"]).hostname == "localhost"

    def find_none(host: Any, *given: Any, **more: Any) -> Any:
        if host in ("localhost", b"localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found(host, *given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", find_none)
        # Whoever is connected must look for its name again.
        place.store.stop()
        place.store.start()
        yield


@contextmanager
def wrong_password(place: Place) -> Iterator[None]:
    """Let the database know another password."""
    import pymysql

    assert place.database is not None
    port = place.database.port

    def change(old: str, new: str) -> None:
        with (
            pymysql.connect(
                host="127.0.0.1",
                port=port,
                user="geomsa",
                password=old.encode(),
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = 'geomsa'"
            )
            others = [row[0] for row in cursor.fetchall()]
            cursor.execute(f"ALTER USER 'geomsa'@'127.0.0.1' IDENTIFIED BY '{new}'")
            for one in others:
                with suppress(pymysql.MySQLError):
                    cursor.execute(f"KILL {one}")

    change(place.database.password, "another")
    yield
    change("another", place.database.password)


@contextmanager
def full_disk(place: Place) -> Iterator[None]:
    """Fill the disk to its last block."""
    filler = place.folder / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(1 << 16))
            file.flush()
    yield
    filler.unlink()


@contextmanager
def _on_small_disk(tmp_path: Path, template: Path) -> Iterator[Place]:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        env = {"GEOMSA_DATA_DIR": str(disk / "data"), "GEOMSA_DEVICE": "cpu", "GEOMSA_WORKER": "external"}
        copy_data(template, disk / "data")
        services = build_services(read_settings(env))
        yield Place(services, disk, env)
        services.database.dispose()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


@contextmanager
def _on_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, tls: bool = False) -> Iterator[Place]:
    folder = tmp_path / "store"
    folder.mkdir()
    store: S3Server = TlsStore(folder) if tls else S3Server(folder)
    if isinstance(store, TlsStore):
        (tmp_path / "tls").mkdir()
        store.certificate, store.key = _certificate(tmp_path / "tls", days=30)
        trusted = tmp_path / "trusted.pem"
        trusted.write_text(store.certificate.read_text())
        monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
    store.start()
    try:
        env = {
            "GEOMSA_DATA_DIR": str(tmp_path / "data"),
            "GEOMSA_DEVICE": "cpu",
            "GEOMSA_WORKER": "external",
            "GEOMSA_OBJECT_STORE": "s3",
            "GEOMSA_S3_ENDPOINT": store.endpoint if tls else f"http://localhost:{store.port}",
            "GEOMSA_S3_BUCKET": store.bucket,
            "GEOMSA_S3_ACCESS_KEY": store.access_key,
            "GEOMSA_S3_SECRET_KEY": store.secret_key,
        }
        services = build_services(read_settings(env), migrate=True)
        _fill(services, tmp_path)
        yield Place(services, tmp_path, env, store=store)
        services.database.dispose()
    finally:
        store.stop()


@contextmanager
def _on_database() -> Iterator[Place]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="geomsa-", dir="/tmp") as name:
        folder = Path(name)
        (folder / "database").mkdir()
        database = DurableMariaDb(folder / "database")
        database.start()
        try:
            env = {
                "GEOMSA_DATA_DIR": str(folder / "data"),
                "GEOMSA_DEVICE": "cpu",
                "GEOMSA_WORKER": "external",
                "GEOMSA_DATABASE_URL": database.url(),
            }
            services = build_services(read_settings(env), migrate=True)
            _fill(services, folder)
            yield Place(services, folder, env, database=database)
            services.database.dispose()
        finally:
            database.stop()


def _open_page(place: Place, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    for name, value in place.env.items():
        monkeypatch.setenv(name, value)
    connection: dict[str, Any] = {"ip_address": None, "headers": {}, "cookies": {}}
    for name, value in connection.items():
        monkeypatch.setattr(f"streamlit.runtime.context.ContextProxy.{name}", value)
    app = AppTest.from_file(str(HOME), default_timeout=90)
    app.session_state["role"], app.session_state["language_choice"] = "worker", "ko"
    app.run()
    app.switch_page(INSPECT_PART).run()
    assert not app.exception
    app.segmented_control(key="inspect_source").set_value("sample").run()
    return app


def _inspect_on_page(app: AppTest) -> str:
    """Press a sample and return all that is written then; never a traceback."""
    found = [button for button in app.button if str(button.key).startswith("sample_")]
    if found:
        found[0].click().run()
    else:
        app.run()
    assert not app.exception
    return texts(app)


def _check_api(client: ApiClient, code: str, sentence: str) -> None:
    answer = client.send_form(
        "/v1/inspections", {"product": "plate"}, [("image", "part.png", DEFECTIVE)], {"Accept-Language": "ko"}
    )
    told = answer.json()
    assert answer.status in {503, 507}, told
    assert (told["code"], told["detail"]) == (code, sentence)


CASES: dict[str, tuple[Fault, str, dict[str, str]]] = {
    "a full disk": (full_disk, "object_store_full", {"reason": "disk"}),
    "a wrong key of the store": (wrong_key, "object_store_denied", {"reason": "credentials"}),
    "an expired certificate": (expired_certificate, "object_store_unavailable", {"reason": "tls"}),
    "no names on the network": (no_names, "object_store_unavailable", {"reason": "name"}),
    "a wrong password of the database": (wrong_password, "database_unavailable", {"reason": "denied"}),
}

# The others are looked at in `make test-full`.
OFTEN = ("a full disk", "a wrong key of the store")


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case in OFTEN else pytest.mark.full) for case in CASES]
)
def test_a_fault_is_said_on_the_page_and_in_the_interface_and_work_resumes(
    tmp_path: Path, tiny_template: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    fault, code, params = CASES[case]
    places: dict[Fault, Callable[[], AbstractContextManager[Place]]] = {
        full_disk: lambda: _on_small_disk(tmp_path, tiny_template),
        expired_certificate: lambda: _on_store(tmp_path, monkeypatch, tls=True),
        wrong_password: _on_database,
    }
    with places.get(fault, lambda: _on_store(tmp_path, monkeypatch))() as place:
        try:
            with serve_api(place.services) as port:
                client = make_client(place.services, port)
                assert client.inspect("plate", "part.png", DEFECTIVE).status == 201
                app = _open_page(place, monkeypatch)
                sentence = describe(code, params, "ko")
                with fault(place):
                    _check_api(client, code, sentence)
                    assert sentence in _inspect_on_page(app)
                # The same processes, the same sessions.
                until(
                    lambda: client.inspect("plate", "part.png", DEFECTIVE).status == 201,
                    "the interface stays broken",
                    60,
                )
                app.run()
                assert "불량" in _inspect_on_page(app)
        finally:
            st.cache_resource.clear()
            close_kept_services()


@pytest.mark.full
def test_a_clock_that_is_set_back_stops_no_work(tmp_path: Path) -> None:
    with run_plant(Path(os.path.realpath(tmp_path)) / "p", database="sqlite") as plant:
        services = build_services(plant.settings(), migrate=True)
        _fill(services, plant.folder)
        clock = tmp_path / "clock"
        clock.write_text("0")
        folder = Path(__file__).parent / "skewed_clock"
        for program in plant.programs.values():
            program.add_environment(GEOMSA_TEST_CLOCK=str(clock), PYTHONPATH=f"{folder}{os.pathsep}{ROOT}")
        try:
            plant.start()
            until(lambda: workers_alive(services) > 0, "no worker")
            client = make_client(services, plant.api_port)
            assert client.inspect("plate", "part.png", DEFECTIVE).status == 201
            clock.write_text("-7200")
            answer = client.inspect("plate", "part.png", DEFECTIVE)
            assert answer.status == 201, answer.body
            assert _last_moment(services) < utc_now() - timedelta(hours=1)  # the clock is really another one
            # Queued on a machine whose clock is right, and worked off where it is not.
            product_id = find_product(services, "plate").id
            job_id = submit(services, command_line_person(services), kind=MEMORY_BANK, product_ids=[product_id])
            until(lambda: view(services, job_id).state == "succeeded", "the job is never worked off")
            clock.write_text("0")
            assert client.inspect("plate", "part.png", DEFECTIVE).status == 201
        finally:
            services.database.dispose()


def _last_moment(services: Services) -> datetime:
    with services.database.reading() as session:
        return session.exec(select(Inspection.created_at).order_by(col(Inspection.id).desc())).first() or utc_now()
