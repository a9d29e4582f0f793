"""A whole installation of processes that can be killed: app, REST interface, worker, database, object store.

Each is started as an operator's service manager starts it, and started again when it dies; nothing else is done for it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import psutil

from core.settings import Settings, read_settings
from tests.services.servers import MariaDbServer, PostgreSqlServer, S3Server, Server, free_port

ROOT = Path(__file__).resolve().parents[2]
BUSY_MACHINE_S = 180.0
APP, API, WORKER, DATABASE, STORE = "app", "api", "worker", "database", "store"


class Part(Protocol):
    """One process (with its children) of the installation."""

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def stop(self) -> None: ...


class DurableMariaDb(MariaDbServer):
    """A MariaDB that writes what it has acknowledged before the process can be killed."""

    def command(self) -> Sequence[str | Path]:
        return [word for word in super().command() if "flush-log-at-trx-commit" not in str(word)] + [
            "--innodb-flush-log-at-trx-commit=2"
        ]

    def url(self) -> str:
        return f"mysql+pymysql://geomsa:{quote(self.password, safe='')}@127.0.0.1:{self.port}/geomsa"


class DurablePostgreSql(PostgreSqlServer):
    """A PostgreSQL that writes what it has acknowledged before the process can be killed."""

    def command(self) -> Sequence[str | Path]:
        return [("synchronous_commit=on" if word == "synchronous_commit=off" else word) for word in super().command()]

    def url(self) -> str:
        return f"postgresql+psycopg://geomsa:{quote(self.password, safe='')}@127.0.0.1:{self.port}/postgres"


class KilledServer:
    """A database or an object store as a part."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def start(self) -> None:
        self.server.start()

    def kill(self) -> None:
        self.server.kill()

    def stop(self) -> None:
        self.server.stop()


class Program:
    """A Python process of the product as a part."""

    def __init__(self, name: str, command: Sequence[str], env: dict[str, str], log: Path, health: str = "") -> None:
        self.name = name
        self._command = list(command)
        self._env = env
        self._log = log
        self._health = health
        self._process: subprocess.Popen[bytes] | None = None

    def add_environment(self, **variables: str) -> None:
        """Give the process more variables, from its next start on."""
        self._env |= variables

    def start(self) -> None:
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._env, stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )

    def responds(self) -> bool:
        """Return whether it is up; one without an address is as soon as it runs."""
        if self._process is None or self._process.poll() is not None:
            return False
        return not self._health or answers(self._health)

    def restart_if_over(self) -> bool:
        """Start it again where it has ended by itself, as a service manager does; return whether it had."""
        if self._process is not None and self._process.poll() is not None:
            self.start()
            return True
        return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        if self._process is None:
            return
        family = []
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()


def answers(url: str) -> bool:
    """Return whether an address answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def until(condition: object, what: str, timeout_s: float = BUSY_MACHINE_S) -> None:
    """Wait until a callable returns something true; fail with `what` when it takes too long."""
    assert callable(condition)
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


class Plant:
    """The parts by name, and how to reach them."""

    def __init__(self, folder: Path, settings: dict[str, str], servers: dict[str, Server]) -> None:
        self.folder = folder
        self.env = settings
        self.app_port, self.api_port = free_port(), free_port()
        env = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}
        streamlit = ["-m", "streamlit", "run", "Home.py", "--server.port", str(self.app_port)]
        rest = ["-m", "core", "api", "--port", str(self.api_port)]
        self.programs = {
            APP: self._program(APP, streamlit, env, f"http://localhost:{self.app_port}/_stcore/health"),
            API: self._program(API, rest, env, f"http://127.0.0.1:{self.api_port}/api/v1/health/live"),
            WORKER: self._program(WORKER, ["-m", "core", "worker"], env, ""),
        }
        self.parts: dict[str, Part] = {
            **self.programs,
            **{name: KilledServer(server) for name, server in servers.items()},
        }

    def _program(self, name: str, words: list[str], env: dict[str, str], health: str) -> Program:
        return Program(name, [sys.executable, *words], dict(env), self.folder / f"{name}.log", health)

    def settings(self) -> Settings:
        """Return the settings of this installation."""
        return read_settings(self.env)

    def start(self) -> None:
        """Start the programs; the servers run already."""
        for program in self.programs.values():
            program.start()
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Wait until every program answers; one that has ended by itself is started again."""
        for program in self.programs.values():
            until(lambda program=program: program.restart_if_over() or program.responds(), f"{program.name} is not up")
            until(program.responds, f"{program.name} is not up")

    def kill_and_restart(self, name: str, pause_s: float) -> None:
        """Kill a part, and start it again a moment later."""
        self.parts[name].kill()
        time.sleep(pause_s)
        self.parts[name].start()
        for program in self.programs.values():
            program.restart_if_over()

    def log_tails(self) -> str:
        """Return the end of each log, for whoever reads why a test failed."""
        tails = [(log.name, log.read_text(errors="replace")[-1500:]) for log in self.folder.glob("*.log")]
        return "\n".join(f"--- {name}\n{tail}" for name, tail in tails)


@contextmanager
def run_plant(folder: Path, *, database: str) -> Iterator[Plant]:
    """Run an installation on "sqlite" with a local store, or on "mariadb" or "postgresql" with an S3 store.

    The programs are not started: the caller fills the installation first, and calls `start`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    servers: dict[str, Server] = {}
    env = {
        "GEOMSA_DATA_DIR": str(folder / "data"),
        "GEOMSA_DEVICE": "cpu",
        "GEOMSA_WORKER": "external",
        "GEOMSA_OCR": "off",
        "GEOMSA_MLFLOW": "off",
        "GEOMSA_API_REQUESTS_PER_MINUTE": "1000000",
    }
    if database != "sqlite":
        made = {name: folder / name for name in (DATABASE, STORE)}
        for path in made.values():
            path.mkdir()
        kind = DurableMariaDb if database == "mariadb" else DurablePostgreSql
        found = kind(made[DATABASE])
        store = S3Server(made[STORE])
        servers = {DATABASE: found, STORE: store}
        env |= {
            "GEOMSA_DATABASE_URL": found.url(),
            "GEOMSA_OBJECT_STORE": "s3",
            "GEOMSA_S3_ENDPOINT": store.endpoint,
            "GEOMSA_S3_BUCKET": store.bucket,
            "GEOMSA_S3_ACCESS_KEY": store.access_key,
            "GEOMSA_S3_SECRET_KEY": store.secret_key,
        }
    plant: Plant | None = None
    try:
        for server in servers.values():
            server.start()
        plant = Plant(folder, env, servers)
        yield plant
    finally:
        for part in reversed(list(plant.parts.values())) if plant else ():
            with suppress(RuntimeError, AssertionError):
                part.stop()
