"""Watching every active folder, each in a thread of its own, as long as no other process does; and sending results on.

A thread a folder, because a share that does not answer may hold up its reader for minutes. They take turns inspecting.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sqlmodel import col, select

from core import leases
from core.accounts.people import watch_person
from core.deliveries.sending import Postman
from core.errors import AppError, Conflict
from core.services import Services
from core.transactions import HasDatabase, reading
from core.watching.arrived_files import FileResult
from core.watching.folders import Folder, get_folder, list_active
from core.watching.inspecting import FolderWatch
from storage.tables import Delivery, DeliveryTarget, WatchFolder

logger = logging.getLogger(__name__)

POLL_S = 1.0
LOOK_EVERY_S = 2.0


def is_wanted(services: HasDatabase) -> bool:
    """Return whether there is anything to watch, or to send. Raises AppError."""
    if list_active(services):
        return True
    with reading(services) as session:
        waiting = (
            select(Delivery.id)
            .join(DeliveryTarget, col(DeliveryTarget.id) == col(Delivery.target_id))
            .where(Delivery.state == "waiting", col(DeliveryTarget.is_active).is_(True))
            .limit(1)
        )
        return session.exec(waiting).first() is not None


class _Leases(threading.Thread):
    """Renews the leases of the folders that this process watches, however long one look takes."""

    def __init__(self, services: HasDatabase, holder: str, stop: threading.Event) -> None:
        super().__init__(name="watch-leases", daemon=True)
        self._services = services
        self._holder = holder
        self._ended = stop
        self.held: set[int] = set()

    def run(self) -> None:
        while not self._ended.wait(leases.LEASE_S / 4):
            try:
                leases.renew(self._services, WatchFolder, list(self.held), self._holder)
            except AppError as error:
                logger.warning("could not renew the leases of watched folders: %s", error.code)


class Watcher:
    """Watches all folders that workers are to watch, until stopped or until nothing is left to do."""

    def __init__(self, services: Services, *, poll_s: float = POLL_S, postman: Postman | None = None) -> None:
        self._services = services
        self._poll_s = poll_s
        self._postman = postman or Postman(services)
        self._holder = leases.new_holder()
        self._stop = threading.Event()
        self._turn = threading.Lock()
        self._leases = _Leases(services, self._holder, self._stop)
        self._threads: dict[int, threading.Thread] = {}
        self._folders: dict[int, Folder] = {}

    def stop(self) -> None:
        """End soon: what is being inspected is finished, and the rest waits for the next start."""
        self._stop.set()

    def run(self, *, until_idle_s: float | None = None) -> None:
        """Work until stopped; with `until_idle_s`, also until nothing was to be watched or sent for so long."""
        self._leases.start()
        self._postman.start()
        idle_s = 0.0
        while not self._stop.is_set():
            try:
                self._look_after()
                idle_s = 0.0 if is_wanted(self._services) else idle_s + LOOK_EVERY_S
            except AppError as error:
                logger.warning("the watched folders cannot be read: %s", error.code)
            if until_idle_s is not None and idle_s > until_idle_s:
                break
            self._stop.wait(LOOK_EVERY_S)
        self._stop.set()
        for thread in self._threads.values():
            thread.join(timeout=30.0)
        self._postman.stop()

    def _look_after(self) -> None:
        self._folders = {folder.id: folder for folder in list_active(self._services)}
        for folder_id in self._folders:
            running = self._threads.get(folder_id)
            if running is None or not running.is_alive():
                thread = threading.Thread(target=self._serve, args=(folder_id,), name=f"watch-{folder_id}", daemon=True)
                self._threads[folder_id] = thread
                thread.start()

    def _serve(self, folder_id: int) -> None:
        try:
            folder = self._folders.get(folder_id)
            while folder is not None and not self._stop.is_set():
                if not leases.take(self._services, WatchFolder, folder_id, self._holder):
                    self._stop.wait(LOOK_EVERY_S)  # another process watches it
                else:
                    self._leases.held.add(folder_id)
                    self._watch(folder)
                folder = self._folders.get(folder_id)
        except AppError as error:
            # Begun anew at the next look.
            logger.warning("watching folder %d pauses: %s", folder_id, error.code)
        finally:
            self._leases.held.discard(folder_id)
            _release(self._services, folder_id, self._holder)

    def _watch(self, folder: Folder) -> None:
        """Look at the folder until it is to be watched no more, or otherwise."""
        person = watch_person(self._services)

        def is_over() -> bool:
            return self._stop.is_set() or self._folders.get(folder.id) != folder

        watch = FolderWatch(self._services, person, folder, turn=self._turn, is_over=is_over)
        while not is_over():
            look = watch.look()
            if look.moved and look.problem is None and look.waiting:
                continue
            self._stop.wait(max(self._poll_s, watch.wait_s))


def _release(services: HasDatabase, folder_id: int, holder: str) -> None:
    try:
        leases.release(services, WatchFolder, folder_id, holder)
    except AppError as error:
        logger.warning("could not give a lease back: %s", error.code)


def watch_here(
    services: Services,
    folder: Folder,
    *,
    once: bool,
    stop: threading.Event,
    on_result: Callable[[FileResult], None],
    on_problem: Callable[[AppError | None], None],
    poll_s: float = POLL_S,
) -> bool:
    """Watch one folder in this process until stopped, or with `once` until no file waits; return whether all went well.

    `on_problem` is told what stands in the way when it changes, None when it is over. With `once` the first problem
    ends it. Results are sent on as `Watcher` does. Raises Conflict watch_folder_taken where another process watches
    the folder.
    """
    holder = leases.new_holder()
    if not leases.take(services, WatchFolder, folder.id, holder):
        raise Conflict("watch_folder_taken", path=str(folder.path), who=_holder_of(services, folder.id))
    renewing, postman = _Leases(services, holder, stop), Postman(services)
    renewing.held.add(folder.id)
    renewing.start()
    if not once:
        postman.start()
    watch = FolderWatch(
        services, watch_person(services), folder, on_result=on_result, on_problem=on_problem, is_over=stop.is_set
    )
    is_well = True
    try:
        while not stop.is_set() and get_folder(services, folder.id) is not None:
            look = watch.look()
            is_well = is_well and look.problem is None and not look.rejected
            if once and (look.problem is not None or not look.waiting):
                break
            if not (look.moved and look.waiting and look.problem is None):
                pause_s = min(poll_s, max(0.05, folder.settings.settle_s / 4)) if once else poll_s
                stop.wait(max(pause_s, watch.wait_s))
        if once:
            postman.send_once()
    finally:
        stop.set()
        if not once:
            postman.stop()
        _release(services, folder.id, holder)
    return is_well


def _holder_of(services: HasDatabase, folder_id: int) -> str:
    with reading(services) as session:
        row = session.get(WatchFolder, folder_id)
    return "?" if row is None else row.holder
