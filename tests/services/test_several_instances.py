"""Two instances of the app, two workers and the REST interface on one MariaDB and one S3 store, behind the proxy of
deploy/caddy with TLS: what is done on one is there on the other, and one that dies takes nothing with it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.accounts.api_keys import create_key
from core.accounts.people import command_line_person, create_user
from core.jobs import queue, views
from core.jobs.heartbeats import list_workers
from core.models.kinds import MEMORY_BANK
from core.services import Services, build_services
from core.settings import read_settings
from tests.app_server import AppServer, free_port, run_app, run_core
from tests.deployed_product import build_deployed_product
from tests.services.servers import S3Server
from tests.tls_server import make_certificate

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
CADDY = shutil.which("caddy")
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
    pytest.mark.skipif(CADDY is None, reason="caddy is not installed"),
]
# No name that this machine has: the app must take the one that people type.
HOST = "inspection.example.test"
PASSWORD = "correct horse battery"
# A machine that runs other tests takes its time; what never comes still fails.
WAIT_S = 180.0


@dataclass(frozen=True)
class Plant:
    """The running installation, and services of the test's own on the same database and store."""

    port: int
    apps: tuple[AppServer, AppServer]
    workers: tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]
    services: Services
    key: str

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"


@pytest.fixture
def plant(mariadb_url: str, empty_s3_server: S3Server, tmp_path: Path) -> Iterator[Plant]:
    """Yield the installation: each process has a data folder of its own, as on machines of their own."""
    shared: dict[str, Any] = {
        "GEOMSA_DATABASE_URL": mariadb_url,
        "GEOMSA_OBJECT_STORE": "s3",
        "GEOMSA_S3_ENDPOINT": empty_s3_server.endpoint,
        "GEOMSA_S3_BUCKET": empty_s3_server.bucket,
        "GEOMSA_S3_ACCESS_KEY": empty_s3_server.access_key,
        "GEOMSA_S3_SECRET_KEY": empty_s3_server.secret_key,
        "GEOMSA_AUTH": "accounts",
        "GEOMSA_WORKER": "external",
        "GEOMSA_LOG_FORMAT": "json",
        "GEOMSA_TRUSTED_PROXIES": "127.0.0.1/32",
    }
    build_deployed_product(tmp_path / "maker", **{**shared, "GEOMSA_AUTH": "open"})
    settings = read_settings({"GEOMSA_DATA_DIR": str(tmp_path / "test"), "GEOMSA_DEVICE": "cpu", **shared})
    services = build_services(settings)
    admin = command_line_person(services)
    create_user(services, admin, login="kim", display_name="Kim", role="engineer", password=PASSWORD)
    key = create_key(services, admin, name="line", role="engineer").text
    with ExitStack() as running:
        apps = tuple(
            running.enter_context(run_app(tmp_path / f"app{n}", tmp_path / f"app{n}.log", timeout_s=WAIT_S, **shared))
            for n in (1, 2)
        )
        workers = tuple(
            running.enter_context(run_core(tmp_path / f"worker{n}", tmp_path / f"worker{n}.log", "worker", **shared))
            for n in (1, 2)
        )
        api_port = free_port()
        running.enter_context(
            run_core(tmp_path / "api", tmp_path / "api.log", "api", "--port", str(api_port), **shared)
        )
        port = running.enter_context(_run_caddy(tmp_path, apps, api_port))
        made = Plant(port, apps, workers, services, key)  # type: ignore[arg-type]
        _wait(lambda: all(_is_ready(app) for app in apps), "both instances to be ready")
        _wait(lambda: _ask_api(made, "/health/ready")[0] == 200, "the REST interface to be ready")
        yield made
    services.database.dispose()


@contextmanager
def _run_caddy(folder: Path, apps: tuple[AppServer, ...], api_port: int) -> Iterator[int]:
    """Run the proxy with the file that is shipped, and a certificate for the name that people type."""
    certificate = make_certificate(folder / "tls.pem", days=30, name=HOST)
    port = free_port()
    variables = {
        **os.environ,
        "GEOMSA_HOST": HOST,
        "GEOMSA_HTTP_PORT": str(free_port()),
        "GEOMSA_HTTPS_PORT": str(port),
        "GEOMSA_TLS": f"{certificate} {certificate}",
        "GEOMSA_APPS": " ".join(f"127.0.0.1:{app.port}" for app in apps),
        "GEOMSA_APIS": f"127.0.0.1:{api_port}",
        "GEOMSA_STICKY": "a-secret-of-the-test",
        "XDG_DATA_HOME": str(folder / "caddy"),
        "XDG_CONFIG_HOME": str(folder / "caddy"),
    }
    config = ROOT / "deploy" / "caddy" / "Caddyfile"
    command = [str(CADDY), "run", "--config", str(config), "--adapter", "caddyfile"]
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
    try:
        _wait(lambda: _listens(port), "the proxy to listen")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _is_ready(app: AppServer) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{app.url}/ready", timeout=30) as answer:
        return bool(answer.status == 200)
    return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(is_so: Callable[[], Any], what: str, *, seconds: float = WAIT_S) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.5)


def _ask_api(plant: Plant, path: str) -> tuple[int, Any]:
    """Ask the REST interface through the proxy."""
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPConnection(HOST, plant.port)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        # By the name that people type: the proxy has no certificate for another.
        opened = socket.create_connection(("127.0.0.1", plant.port), timeout=60)
        connection.sock = trusting.wrap_socket(opened, server_hostname=HOST)
        connection.request("GET", f"/api/v1{path}", headers={"Authorization": f"Bearer {plant.key}"})
        answer = connection.getresponse()
        # What the proxy says of an interface that is not up yet is no JSON.
        return answer.status, json.loads(answer.read()) if answer.status == 200 else None
    return 0, None


def _open_page(browser: Browser) -> tuple[BrowserContext, Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", ignore_https_errors=True)
    page = context.new_page()
    page.set_default_timeout(WAIT_S * 1000)
    return context, page


def _sign_in(plant: Plant, page: Page) -> None:
    page.goto(plant.url)
    page.get_by_label("Sign-in name").fill("kim")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("Sign out").first.wait_for()


def _instance(context: BrowserContext) -> str:
    return next(str(cookie["value"]) for cookie in context.cookies() if cookie["name"] == "geomsa_instance")


def _inspect(plant: Plant, page: Page) -> None:
    from playwright.sync_api import expect

    page.goto(f"{plant.url}/")
    page.get_by_role("radio", name="Samples").click()
    page.get_by_role("button", name="Inspect cell_defect").first.click()
    verdict = page.locator('[class*="st-key-verdict_"]')
    expect(verdict).to_contain_text(re.compile("NG|Review"), timeout=WAIT_S * 1000)


def _seen(page: Page) -> Locator:
    """Return the first inspection in the history, by its picture: its words are drawn on a canvas."""
    return page.locator('img[src*="/pictures/inspection/1/thumbnail"]').first


def _served_by(app: AppServer, path: str) -> int:
    """Return how many requests for a path this instance has answered, by its log."""
    lines = [json.loads(line) for line in app.log.read_text().splitlines() if line.startswith("{")]
    return sum(line["logger"] == "geomsa.access" and line["path"] == path for line in lines)


def _state_of(services: Services, job_id: int) -> str:
    return next(job.state for job in views.list_jobs(services) if job.id == job_id)


def test_what_is_done_on_one_instance_is_there_on_the_other_and_one_that_dies_takes_nothing_with_it(
    plant: Plant,
) -> None:
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[
                "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
            ],
        )  # fmt: skip
        expect.set_options(timeout=WAIT_S * 1000)
        context, page = _open_page(browser)
        _sign_in(plant, page)
        _inspect(plant, page)
        first = next(app for app in plant.apps if _served_by(app, "/sign-in"))
        second = next(app for app in plant.apps if app is not first)
        assert not _served_by(second, "/sign-in")

        # Another browser, which the proxy sends to the other instance: the inspection is in its history.
        for _ in range(20):
            other_context, other_page = _open_page(browser)
            other_page.goto(plant.url)
            if _instance(other_context) != _instance(context):
                break
            other_context.close()
        assert _instance(other_context) != _instance(context)
        _sign_in(plant, other_page)
        other_page.goto(f"{plant.url}/inspection_history")
        expect(_seen(other_page)).to_be_visible()
        assert _served_by(second, "/inspection_history")
        assert _ask_api(plant, "/inspections?limit=5")[1]["total"] == 1

        # The first instance is killed: its person goes on with the other one, still signed in.
        os.kill(first.process.pid, signal.SIGKILL)
        page.goto(f"{plant.url}/inspection_history")
        expect(_seen(page)).to_be_visible()
        _inspect(plant, page)
        _wait(lambda: _ask_api(plant, "/inspections?limit=5")[1]["total"] == 2, "the second inspection")
        browser.close()

    # A worker that is killed in the midst of a job leaves it to the other one.
    services = plant.services
    _wait(lambda: sum(worker.is_alive for worker in list_workers(services)) >= 2, "both workers")
    job_id = queue.submit(services, command_line_person(services), kind=MEMORY_BANK, product_ids=[1])
    _wait(lambda: any(worker.job_id == job_id for worker in list_workers(services)), "a worker to begin")
    busy = next(worker for worker in list_workers(services) if worker.job_id == job_id)
    os.kill(busy.pid, signal.SIGKILL)
    _wait(lambda: _state_of(services, job_id) == "succeeded", "the other worker", seconds=300)
