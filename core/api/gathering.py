"""Inspecting for many who ask at once: what waits for the same product while the engine works is inspected together.

Who comes alone is inspected at once: nobody is waited for. The more come at the same time, the more share one pass of
the models and one transaction, as in a batch.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.access import WORKER, Person, require_role
from core.accounts.bindings import require_bound
from core.errors import AppError, Unavailable, from_lower
from core.inspections.batch import examine_loaded, store_examined
from core.inspections.examination import GROUP_IMAGES, find_judges
from core.inspections.loading import MEMORY_BYTES, MemoryLimit, PartFile, load_groups

if TYPE_CHECKING:
    from core.inspections.examination import Judges
    from core.inspections.loading import Group
    from core.inspections.records import InspectionRecord
    from core.services import Services

_log = logging.getLogger(__name__)

# One computes while the other decodes or stores, as in `inspect_many`.
THREADS = 2
LONGEST_QUEUE = 64
# While the engine works, whoever was answered together comes back one after the other within a few milliseconds: to
# begin with the first alone would leave the others to groups of one, too.
COMPANY_WAIT_S = 0.01


@dataclass(frozen=True, eq=False)
class _Wanted:
    person: Person
    product_id: int
    file: PartFile
    top_k: int
    result: Future[InspectionRecord] = field(default_factory=Future)

    @property
    def company(self) -> tuple[Person, int, int]:
        """Return what those have in common that can be inspected together."""
        return self.person, self.product_id, self.top_k


class Gatherer:
    """Inspects files as they come, in threads of its own; safe to share between threads. One of it a process will do.

    At most `longest_queue` wait: whoever comes then is told to come again, instead of waiting longer and longer.
    """

    def __init__(
        self,
        services: Services,
        *,
        threads: int = THREADS,
        longest_queue: int = LONGEST_QUEUE,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._services = services
        self._longest_queue = longest_queue
        self._memory = MemoryLimit(memory_bytes)
        self._waiting: deque[_Wanted] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._n_working = 0
        self._n_begun = 0
        self._n_threads = threads
        self._threads = [
            threading.Thread(target=self._work, name=f"gather-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def n_waiting(self) -> int:
        """Return how many have not been begun with."""
        return len(self._waiting)

    def submit(self, person: Person, *, product_id: int, file: PartFile, top_k: int = 6) -> Future[InspectionRecord]:
        """Ask for an inspection, as `inspection.inspect` makes it; the future has its committed record or AppError.

        `file.read` is called once, from another thread. A future that is canceled before its turn is left out. Raises
        Unavailable(`inspections_waiting`) while too many wait.
        """
        wanted = _Wanted(person, product_id, file, top_k)
        with self._changed:
            if self._is_closed or len(self._waiting) >= self._longest_queue:
                raise Unavailable("inspections_waiting")
            self._waiting.append(wanted)
            self._changed.notify()
        return wanted.result

    def close(self) -> None:
        """Inspect what waits, take nothing more, and end the threads."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while company := self._take():
            try:
                self._inspect(company)
            except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must hear of it
                _log.exception("inspecting together failed")
                shaped = from_lower(error)
                for wanted in company:
                    if not wanted.result.done():
                        wanted.result.set_exception(shaped)
            finally:
                with self._changed:
                    self._n_working -= 1
                    self._n_begun -= len(company)

    def _take(self) -> list[_Wanted]:
        """Return who comes first and who can be inspected with it, in the order in which they came; none at the end."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if self._n_working:
                    self._changed.wait_for(self._is_enough, COMPANY_WAIT_S)
                company = self._take_company()
                if company:
                    self._n_working += 1
                    self._n_begun += len(company)
                    return company
                # All of them were canceled, or the other thread was faster.
                if self._is_closed:
                    return []

    def _take_company(self) -> list[_Wanted]:
        company: list[_Wanted] = []
        others: deque[_Wanted] = deque()
        share = self._share()
        while self._waiting:
            wanted = self._waiting.popleft()
            joins = not company or (len(company) < share and wanted.company == company[0].company)
            if not joins:
                others.append(wanted)
            elif wanted.result.set_running_or_notify_cancel():
                company.append(wanted)
        self._waiting = others
        if others:
            self._changed.notify()
        return company

    def _is_enough(self) -> bool:
        return self._is_closed or len(self._waiting) >= self._share()

    def _share(self) -> int:
        """Return how many one thread takes of all that are here: who takes all of them leaves the others idle."""
        here = len(self._waiting) + self._n_begun
        return min(GROUP_IMAGES, max(1, -(-here // self._n_threads)))

    def _inspect(self, company: list[_Wanted]) -> None:
        first = company[0]

        def judges_now() -> Judges:
            require_role(self._services, first.person, WORKER)
            require_bound(self._services, first.person, product_id=first.product_id)
            return find_judges(self._services, first.product_id)

        for group in load_groups([wanted.file for wanted in company], self._memory, find_judges=judges_now):
            self._finish(group, company)

    def _finish(self, group: Group, company: list[_Wanted]) -> None:
        first, size = company[0], group.byte_size
        places = [loaded.place for loaded in group.files]
        try:
            examined = examine_loaded(self._services, group, top_k=first.top_k)
            kept = store_examined(self._services, first.person, examined, top_k=first.top_k)
        finally:
            group.files.clear()
            self._memory.release(size)
        for place in places:
            found = kept[place]
            if isinstance(found, AppError):
                company[place].result.set_exception(found)
            else:
                company[place].result.set_result(found)
