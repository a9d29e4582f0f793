"""The worker's watcher: a child beside that of the job, there while folders are watched or results wait to be sent."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import AppError
from core.transactions import HasDatabase
from core.watching.watcher import is_wanted

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
TERMINATE_WAIT_S = 3.0
LONGEST_WAIT_S = 60.0
_STEADY_S = 60.0
ROOT = Path(__file__).resolve().parents[2]


class WatchKeeper:
    """Starts the watcher when there is something to do, and again when it dies; ends it with the worker."""

    def __init__(self, services: HasDatabase, *, spawn: Callable[[], subprocess.Popen[bytes]] | None = None) -> None:
        self._services = services
        self._spawn = spawn or spawn_watcher
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="watch-keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the watcher. What it was inspecting is done anew, or was stored: nothing is inspected twice."""
        self._stop.set()
        self._thread.join(timeout=TERMINATE_WAIT_S + LOOK_EVERY_S)

    def _keep(self) -> None:
        wait_s = LOOK_EVERY_S
        while not self._stop.is_set():
            if self._is_wanted():
                started = time.monotonic()
                status = self._attend(self._spawn())
                if status == 0 or time.monotonic() - started > _STEADY_S:
                    wait_s = LOOK_EVERY_S
                else:
                    # One that dies at once must not be started again and again without a pause.
                    wait_s = min(wait_s * 2, LONGEST_WAIT_S)
                if not self._stop.is_set() and status != 0:
                    logger.warning("the watcher of folders ended (%s); starting it again in %.0f s", status, wait_s)
            self._stop.wait(wait_s)

    def _is_wanted(self) -> bool:
        try:
            return is_wanted(self._services)
        except AppError as error:
            logger.warning("the watched folders cannot be read: %s", error.code)
            return False

    def _attend(self, child: subprocess.Popen[bytes]) -> int:
        while child.poll() is None and not self._stop.wait(0.2):
            pass
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(timeout=TERMINATE_WAIT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        return child.returncode


def spawn_watcher() -> subprocess.Popen[bytes]:
    """Start `python -m core run-watch`, which ends with this process."""
    command = [sys.executable, "-m", "core", "run-watch", "--parent-pid", str(os.getpid())]
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        command, cwd=ROOT, stdin=subprocess.DEVNULL, process_group=0
    )
