"""The app as `make run` starts it: a process of its own on a free port of this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class AppServer:
    """A running app."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def workers(self) -> list[int]:
        """Return the process ids of the workers that this app has started and that live."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if "worker" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                    found.append(child.pid)
            except psutil.NoSuchProcess:
                continue
        return found

    def memory_bytes(self) -> int:
        """Return the resident memory of the app's own process."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def run_app(
    data_dir: Path,
    log: Path,
    *,
    script: str = "Home.py",
    timeout_s: float = 120.0,
    port: int | None = None,
    **environment: str,
) -> Iterator[AppServer]:
    """Run the app on a data folder until the block ends; `environment` adds to and overrides what tests usually set.

    `port` is for an app that is told its own address.
    """
    port = free_port() if port is None else port
    variables = {
        **os.environ,
        "GEOMSA_DATA_DIR": str(data_dir),
        "GEOMSA_WORKER": "external",
        "GEOMSA_DEVICE": "cpu",
        **environment,
    }
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=out, stderr=out)
    server = AppServer(f"http://localhost:{port}", port, process, log)
    try:
        _wait_until_up(server, timeout_s)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def run_core(data_dir: Path, log: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m core ARGUMENTS` on a data folder until the block ends."""
    variables = {**os.environ, "GEOMSA_DATA_DIR": str(data_dir), "GEOMSA_DEVICE": "cpu", **environment}
    with log.open("wb") as out:
        command = [sys.executable, "-m", "core", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(server: AppServer, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2) as response:
                if response.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"the app did not start:\n{server.log.read_text(encoding='utf-8')[-2000:]}")
