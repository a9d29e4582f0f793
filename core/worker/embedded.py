"""The app's own worker: at most one a data folder, started with the app, ended with it, started again when it dies."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from core.settings import Settings

logger = logging.getLogger(__name__)

STAND_BY_S = 1.0
MAX_LOG_FILE_BYTES = 10_000_000
ROOT = Path(__file__).resolve().parents[2]


class EmbeddedWorker:
    """The app's own worker: started with it, ended with it, started again when it dies."""

    def __init__(self, settings: Settings) -> None:
        self.started_at = time.monotonic()
        self._data_dir = settings.data_dir
        self._log_file = settings.data_dir / "logs" / "worker.log"
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="embedded-worker", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Return the worker's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def stop(self) -> None:
        """End the worker; its job goes back to the queue."""
        self._stop.set()
        self._thread.join(timeout=5.0)

    def _keep(self) -> None:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        wait_s = 1.0
        while not self._stop.is_set():
            if _is_occupied(self._data_dir):
                # Another app on this data folder has a worker: stand by, should it go.
                self._stop.wait(STAND_BY_S)
                continue
            started = time.monotonic()
            self._process = self._start()
            while self._process.poll() is None and not self._stop.is_set():
                self._stop.wait(0.5)
            if self._stop.is_set():
                self._process.terminate()
                try:
                    self._process.wait(timeout=4.0)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
                return
            # A worker that dies at once must not be started a hundred times a second.
            wait_s = 1.0 if time.monotonic() - started > 60 else min(wait_s * 2, 60.0)
            logger.warning("the worker ended (%s); starting it again in %.0f s", self._process.returncode, wait_s)
            self._stop.wait(wait_s)

    def _start(self) -> subprocess.Popen[bytes]:
        if self._log_file.exists() and self._log_file.stat().st_size > MAX_LOG_FILE_BYTES:
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
        with self._log_file.open("ab") as log:
            command = [sys.executable, "-m", "core", "worker", "--embedded", "--parent-pid", str(os.getpid())]
            return subprocess.Popen(  # noqa: S603 - our own interpreter
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )


_embedded: dict[Path, EmbeddedWorker] = {}
_embedded_lock = threading.Lock()


def start_embedded(settings: Settings) -> EmbeddedWorker | None:
    """Return the app's own worker, started at the first call, where the settings ask for one.

    One a data folder, however often this is called: held by the process and not by a cache that can be emptied, and
    by `work_alone` between processes.
    """
    if settings.worker != "embedded":
        return None
    with _embedded_lock:
        if settings.data_dir not in _embedded:
            _embedded[settings.data_dir] = EmbeddedWorker(settings)
        return _embedded[settings.data_dir]


@contextmanager
def work_alone(data_dir: Path) -> Iterator[bool]:
    """Hold the lock of the data folder's embedded worker; yield False where another process holds it.

    The operating system releases the lock when its process ends, however it ends.
    """
    lock = FileLock(data_dir / "worker.lock", thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _is_occupied(data_dir: Path) -> bool:
    with work_alone(data_dir) as is_alone:
        return not is_alone
