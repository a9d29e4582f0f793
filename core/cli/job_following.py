"""Waiting for a job in the terminal: its progress on standard error, and a worker of one's own while no other lives."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from core.accounts import people
from core.catalog import products
from core.cli.terminal import StatusLine
from core.i18n import translate
from core.jobs import heartbeats, queue, terms, views
from core.services import Services
from core.worker.supervisor import ChildWorker
from inference.parallel import CORES

LOOK_EVERY_S = 2.0
WAITED_FOR = frozenset({"queued", "running"})


def follow(services: Services, job_ids: Sequence[int], *, language: str, workers: int = 1) -> list[views.JobView]:
    """Wait for the end of jobs and show the progress of one at a time; Ctrl-C cancels what is not over.

    While no worker is alive, so many `workers` of its own work the queue off and share the cores.
    """
    own = _OwnWorkers(services, workers)
    status = StatusLine()
    codes = {summary.product.id: summary.product.code for summary in products.list_products(services)}
    try:
        while waiting := [view for job_id in job_ids if (view := views.view(services, job_id)).state in WAITED_FOR]:
            own.step_in()
            view = next((view for view in waiting if view.state == "running"), waiting[0])
            stage = translate(language, terms.STAGE_NAMES.get(view.stage, view.stage)) or view.state
            words = " ".join(word for word in (view.kind, codes.get(view.current_product_id or 0)) if word)
            status.show(f"{words}: {stage}", f"{view.done}/{view.total}" if view.total else "")
            time.sleep(0.25)
    except KeyboardInterrupt:
        person = people.command_line_person(services)
        for job_id in job_ids:
            if views.view(services, job_id).state in WAITED_FOR:
                queue.cancel(services, person, job_id)
        raise
    finally:
        status.clear()
        own.stop()
    return [views.view(services, job_id) for job_id in job_ids]


class _OwnWorkers:
    """Workers in this process, for as long as no other has a heartbeat."""

    def __init__(self, services: Services, count: int) -> None:
        self._services = services
        self._count = count
        self._running: list[tuple[ChildWorker, threading.Thread]] = []
        self._looked_at = -LOOK_EVERY_S

    def step_in(self) -> None:
        """Start working when nobody else does; also later, when the heartbeat of the worker that was there stops."""
        if any(thread.is_alive() for _, thread in self._running):
            return
        if time.monotonic() - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = time.monotonic()
        if heartbeats.workers_alive(self._services) == 0:
            self._running = []
            threads = None if self._count == 1 else max(1, CORES // self._count)
            for _ in range(self._count):
                worker = ChildWorker(self._services, threads=threads)
                thread = threading.Thread(target=worker.run, daemon=True)
                thread.start()
                self._running.append((worker, thread))

    def stop(self) -> None:
        """End them; what they work on goes back to the queue, or ends as cancelled."""
        for worker, _ in self._running:
            worker.stop()
        for _, thread in self._running:
            thread.join(timeout=10.0)
