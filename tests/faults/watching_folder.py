"""A folder watched by processes that are killed: at a named point, or whenever.

    python -m tests.faults.watching_folder

Each line on standard input, `DATA_DIR FOLDER POINT MARKER`, forks a process that watches the folder until no file
waits, and its process id is printed. At `POINT` ("move", "reason", "finish", "store"; "-" is none) it writes MARKER and
waits to be killed. Everything is imported before the forks, and nothing is computed before them.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import update

from core.services import build_services
from core.watching.folders import find_folder
from core.watching.watcher import watch_here
from storage.tables import WatchFolder
from tests.faults.acknowledging import IMPORTED_EARLY

POINTS = {
    "store": "core.inspections.storing.enqueue",  # in the midst of the group's transaction
    "move": "core.watching.moving.move",  # the inspection is stored, the file is where it arrived
    "reason": "core.watching.moving.write_reason",  # the rejection is noted, nothing is moved
    "finish": "core.watching.ledger.finish",  # the file is moved, and that is not noted yet
}
# The how-manieth call it is: in the midst of the files.
CALLS = {"store": 1, "move": 3, "reason": 3, "finish": 2}


def _wait_at(point: str, marker: str, *, after: int) -> None:
    """Have the process write its marker and wait, the `after`-th time that it comes to the point."""
    module_name, _, name = POINTS[point].rpartition(".")
    module = importlib.import_module(module_name)
    real: Callable[..., Any] = getattr(module, name)
    calls = 0

    def wait(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == after:
            Path(marker).write_text(str(os.getpid()))
            time.sleep(600)
        return real(*arguments, **options)

    setattr(module, name, wait)


def _watch(data_dir: str, folder: str, point: str, marker: str) -> None:
    os.environ["GEOMSA_DATA_DIR"] = data_dir
    if point != "-":
        _wait_at(point, marker, after=CALLS[point])
    services = build_services()
    found = find_folder(services, Path(folder))
    assert found is not None
    # The one before was killed, and its lease has not run out.
    with services.database.unit_of_work() as session:
        session.execute(update(WatchFolder).values(holder="", lease_expires_at=None))
        session.commit()
    watch_here(
        services,
        found,
        once=True,
        stop=threading.Event(),
        on_result=lambda _result: None,
        on_problem=lambda _problem: None,
    )
    Path(marker).write_text("done")


def serve() -> None:
    """Start processes until standard input ends."""
    for name in IMPORTED_EARLY:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in iter(sys.stdin.readline, ""):
        arguments = line.split()
        pid = os.fork()
        if pid == 0:
            try:
                _watch(*arguments)
            finally:
                os._exit(1)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
