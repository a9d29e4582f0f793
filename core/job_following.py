"""Waiting for a job in the terminal: its progress on standard error, and a worker of one's own while no other lives."""

from __future__ import annotations

import sys
import threading
import time

from core import accounts, catalog, jobs
from core.i18n import translate
from core.services import Services
from core.worker import ChildWorker

STATUS_WIDTH = 78
LOOK_EVERY_S = 2.0


class StatusLine:
    """One line that is written over on a terminal; in a log, a line whenever the words before the counts change."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = ""

    def show(self, words: str, counts: str = "") -> None:
        """Show what is happening."""
        if self._live:
            sys.stderr.write("\r" + f"{words} {counts}"[:STATUS_WIDTH].ljust(STATUS_WIDTH))
            sys.stderr.flush()
        elif words != self._last:
            sys.stderr.write(words + "\n")
            sys.stderr.flush()
        self._last = words

    def clear(self) -> None:
        """Leave a clean line for what comes next."""
        if self._live and self._last:
            sys.stderr.write("\r" + " " * STATUS_WIDTH + "\r")
        self._last = ""


def follow(services: Services, job_id: int, *, language: str) -> jobs.JobView:
    """Wait for a job's end and show its progress; Ctrl-C cancels it. Works the queue off while no worker is alive."""
    own = _OwnWorker(services)
    status = StatusLine()
    codes = {summary.product.id: summary.product.code for summary in catalog.list_products(services)}
    try:
        view = jobs.view(services, job_id)
        while view.state in {"queued", "running"}:
            own.step_in()
            stage = translate(language, jobs.STAGE_NAMES.get(view.stage, view.stage)) or view.state
            words = " ".join(word for word in (view.kind, codes.get(view.current_product_id or 0)) if word)
            status.show(f"{words}: {stage}", f"{view.done}/{view.total}" if view.total else "")
            time.sleep(0.25)
            view = jobs.view(services, job_id)
    except KeyboardInterrupt:
        jobs.cancel(services, accounts.command_line_person(services), job_id)
        raise
    finally:
        status.clear()
        own.stop()
    return view


class _OwnWorker:
    """A worker in this process, for as long as no other gives a sign of life."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._worker: ChildWorker | None = None
        self._thread: threading.Thread | None = None
        self._looked_at = -LOOK_EVERY_S

    def step_in(self) -> None:
        """Start working when nobody else does; also later, when the worker that was there has fallen silent."""
        if self._thread is not None and self._thread.is_alive():
            return
        if time.monotonic() - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = time.monotonic()
        if jobs.workers_alive(self._services) == 0:
            self._worker = ChildWorker(self._services)
            self._thread = threading.Thread(target=self._worker.run, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End it; what it works on goes back to the queue, or ends as cancelled."""
        if self._worker is not None and self._thread is not None:
            self._worker.stop()
            self._thread.join(timeout=10.0)
