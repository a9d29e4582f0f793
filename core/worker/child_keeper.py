"""The children of a worker beside that of the job, each there while there is something for it to do.

One watches folders and sends results, another writes runs into the tracking store: whatever library it loads, and
however long a server lets it wait, the worker's heartbeat and its jobs do not wait with it.
"""

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
from core.services import Services
from core.tracking import status as tracking
from core.watching import watcher

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
TERMINATE_WAIT_S = 3.0
LONGEST_WAIT_S = 60.0
_STEADY_S = 60.0
ROOT = Path(__file__).resolve().parents[2]
Spawn = Callable[[], subprocess.Popen[bytes]]


def keep_watcher(services: Services) -> ChildKeeper:
    """Return the keeper of the process that watches folders and sends results."""
    return ChildKeeper("run-watch", lambda: watcher.is_wanted(services))


def keep_tracking(services: Services) -> ChildKeeper:
    """Return the keeper of the process that writes runs into the tracking store."""
    return ChildKeeper("run-tracking", lambda: tracking.is_wanted(services, services.settings))


class ChildKeeper:
    """Starts a child when there is something to do, and again when it dies; ends it with the worker."""

    def __init__(self, command: str, is_wanted: Callable[[], bool], *, spawn: Spawn | None = None) -> None:
        """Make one. `command` is that of `python -m core`; `spawn` starts the child, None: as that command."""
        self._command = command
        self._asks = is_wanted
        self._spawn = spawn or (lambda: _spawn(command))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"keeper of {command}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def begin_stop(self) -> None:
        """Let the child be ended, without waiting for it: of several keepers none waits for another's."""
        self._stop.set()

    def stop(self) -> None:
        """End the child. What it was at is done anew, or was stored: nothing is done twice."""
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
                    logger.warning("%s ended (%s); starting it again in %.0f s", self._command, status, wait_s)
            self._stop.wait(wait_s)

    def _is_wanted(self) -> bool:
        try:
            return self._asks()
        except AppError as error:
            logger.warning("whether %s is wanted cannot be read: %s", self._command, error.code)
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


def _spawn(command: str) -> subprocess.Popen[bytes]:
    """Start `python -m core COMMAND`, which ends with this process."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "core", command, "--parent-pid", str(os.getpid())],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        process_group=0,
    )
