"""One look at a watched folder: what is whole is inspected, moved, and noted, in an order that bears kill -9 anywhere.

The inspection and its line in the ledger are one transaction, the file is moved after it, and the line is finished
last. Whoever comes after a kill knows a file by the hash of its name and content: one that has its inspection is only
moved. A file that cannot be inspected has its reason written first; what is no fault of the file leaves it where it is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound, NotReady, Unavailable
from core.inspections.batch import inspect_many
from core.inspections.by_view.examining import check_bank, views_to_inspect
from core.inspections.examination import find_judges
from core.inspections.loading import PartFile
from core.jobs.stored_error import plain
from core.transactions import writing
from core.watching import ledger, moving
from core.watching.arrived_files import Batch, FileMover, FileResult, Look
from core.watching.ledger import Arrival
from core.watching.parts import PartGatherer, PartInspector, ReadFile
from core.watching.scanning import Candidate, ChangedError, Scanner, read_whole
from storage.tables import WatchFolder, utc_now

if TYPE_CHECKING:
    from sqlmodel import Session

    from core.access import Person
    from core.services import Services
    from core.watching.folders import Folder
    from storage.tables import Inspection

logger = logging.getLogger(__name__)

BATCH_FILES = 512
# Parts with several views are inspected one after the other: a look that takes long tells nobody how far it is.
BATCH_PARTS = 64
# Looking at ten thousand files that wait takes a second or two: what was seen is worked off before the next look.
SEEN_S = 20.0
FINISH_EVERY = 32
NOTE_EVERY_S = 5.0
UNREADABLE_WAIT_S = 10.0
MOST_TRIES = 3
LONGEST_WAIT_S = 30.0
_UNREADABLE = "watch_files_unreadable"
# No fault of the file: it waits until the product has a model, the disk has room, the database is back.
_WAITS = (NotReady, Unavailable, NotFound, NotAllowed, Conflict)


class FolderWatch:
    """Watches one folder: call `look` again and again while this process holds its lease."""

    def __init__(
        self,
        services: Services,
        person: Person,
        folder: Folder,
        *,
        on_result: Callable[[FileResult], None] | None = None,
        on_problem: Callable[[AppError | None], None] | None = None,
        turn: threading.Lock | None = None,
        is_over: Callable[[], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch `folder` as `person`; `turn` is held while files are inspected, a true `is_over` ends a look early.

        `on_problem` is told what stands in the way when that changes, and None when it is over; without it, the log is.
        """
        self.folder = folder
        self._services = services
        self._person = person
        self._on_problem = on_problem or self._log
        self._turn = turn or threading.Lock()
        self._is_over = is_over or (lambda: False)
        self._clock = clock
        self._scanner = Scanner(
            folder.path, settle_s=folder.settings.settle_s, subfolders=folder.settings.subfolders, clock=clock
        )
        self._mover = FileMover(services, folder, self._scanner, on_result=on_result or (lambda _result: None))
        self._gatherer = PartGatherer(wait_s=folder.settings.part_wait_s, clock=clock)
        self._parts = PartInspector(
            services, person, folder, self._mover, read=self._read_of_part, take_failure=self._take_failure
        )
        self._tries: dict[str, int] = {}
        self._unreadable_until: dict[str, float] = {}
        self._seen: list[Candidate] = []
        self._seen_at = 0.0
        self._settling = 0
        self._is_swept = False
        self._said = ""
        self._wait_s = 0.0
        self._look_after = 0.0
        self._noted_at = -NOTE_EVERY_S

    @property
    def wait_s(self) -> float:
        """Return how long the folder is left alone after a problem, 0 without one."""
        return max(0.0, self._look_after - self._clock())

    def look(self) -> Look:
        """Inspect what is whole, at most 512 files, and note how the folder fares. Raises AppError for the database."""
        look = Look()
        try:
            self._look_into(look)
        except OSError as error:
            look.problem = moving.from_os_error(error, self.folder.path)
            self._is_swept = False
        except AppError as error:
            look.problem = error
        if look.problem is not None:
            self._seen.clear()
        self._pause_after(look.problem)
        self._note(look)
        return look

    def _look_into(self, look: Look) -> None:
        if not self._seen or self._clock() - self._seen_at > SEEN_S:
            scan = self._scanner.scan()
            self._seen, self._seen_at, self._settling = list(scan.ready), self._clock(), scan.settling
        if not self._is_swept:
            ledger.sweep(self._services, self.folder.id, self.folder.path)
            ledger.forget_old(self._services, self.folder.id)
            self._is_swept = True
        now = self._clock()
        self._unreadable_until = {name: until for name, until in self._unreadable_until.items() if until > now}
        look.found = len(self._seen) + self._settling
        ready = [one for one in self._seen if one.name not in self._unreadable_until]
        if not ready:
            self._seen.clear()
            look.problem = self._unreadable_problem()
            return
        moving.prepare(self.folder.path)
        # Before any file is read: without a model none can be inspected, and all of them wait.
        views = [view.code for view in views_to_inspect(self._services, self.folder.product_id)]
        if views:
            self._look_at_parts(ready, views, look)
            return
        find_judges(self._services, self.folder.product_id)
        chosen = self._choose(ready)
        taken = {one.name for one in chosen}
        self._seen = [one for one in ready if one.name not in taken]
        with self._turn:
            self._inspect(chosen, look)
        if look.moved < len(chosen):
            self._seen.clear()  # some of them are still there: look anew
        look.problem = look.problem or self._unreadable_problem()

    def _look_at_parts(self, ready: Sequence[Candidate], views: Sequence[str], look: Look) -> None:
        """Inspect the parts that are whole, or have been waited for long enough; the files of the others stay."""
        check_bank(self._services, self.folder.product_id)
        due, untold = self._gatherer.choose(ready, views)
        # Which files make up a part hangs on all that are there: the next look is at all of them anew.
        self._seen.clear()
        batch = Batch()
        with self._turn:
            try:
                for candidate in untold[:BATCH_FILES]:
                    self._parts.refuse(candidate, views, batch, look)
                for part in due[:BATCH_PARTS]:
                    if self._is_over() or look.problem is not None:
                        break
                    self._parts.inspect(part, batch, look)
                    if len(batch.moved) >= FINISH_EVERY:
                        self._mover.flush(batch)
                        self._note(look)
            finally:
                self._mover.flush(batch)
                until = self._clock() + UNREADABLE_WAIT_S
                self._unreadable_until |= dict.fromkeys(batch.unreadable, until)
        look.problem = look.problem or self._unreadable_problem()

    def _read_of_part(self, candidate: Candidate, batch: Batch, look: Look) -> ReadFile | None:
        """Return a file of a part, None where it was moved. Raises ChangedError for one that is to be read later."""
        try:
            return self._read_file(candidate, batch, look)
        except ChangedError:
            self._scanner.forget(candidate.name)
            raise
        except OSError as error:
            logger.info("%s cannot be read: %s", candidate.name, error)
            batch.unreadable.append(candidate.name)
            raise ChangedError from error

    def _choose(self, ready: Sequence[Candidate]) -> Sequence[Candidate]:
        # One that failed for no known reason goes alone: files that are examined together fail together.
        doubtful = [one for one in ready if one.name in self._tries]
        return doubtful[:1] or ready[:BATCH_FILES]

    def _inspect(self, chosen: Sequence[Candidate], look: Look) -> None:
        batch = Batch()

        def store_along(session: Session, rows: Mapping[int, Inspection]) -> None:
            found = [(batch.candidates[place][1], row) for place, row in rows.items()]
            ledger.add_inspected(session, self.folder.id, found)

        outcomes = inspect_many(
            self._services,
            self._person,
            product_id=self.folder.product_id,
            files=self._read_files(chosen, batch, look),
            along=store_along,
        )
        try:
            for outcome in outcomes:
                candidate, arrival = batch.candidates[outcome.place]
                if outcome.record is not None:
                    look.inspected += 1
                    self._tries.pop(candidate.name, None)
                    self._mover.finish_inspected(candidate, arrival, outcome.record, batch, look)
                elif outcome.error is not None:
                    self._take_failure(candidate, arrival, outcome.error, batch, look)
                if len(batch.moved) >= FINISH_EVERY:
                    self._mover.flush(batch)
                    self._note(look)
        finally:
            self._mover.flush(batch)
            until = self._clock() + UNREADABLE_WAIT_S
            self._unreadable_until |= dict.fromkeys(batch.unreadable, until)

    def _read_files(self, chosen: Sequence[Candidate], batch: Batch, look: Look) -> Iterator[PartFile]:
        """Yield the files that have no inspection yet, in the thread that reads ahead; move those that have one."""
        for candidate in chosen:
            if self._is_over():
                return
            try:
                file = self._read_file(candidate, batch, look)
            except ChangedError:
                self._scanner.forget(candidate.name)
            except OSError as error:
                logger.info("%s cannot be read: %s", candidate.name, error)
                batch.unreadable.append(candidate.name)
            except AppError as error:
                look.problem = error
                return
            else:
                if file is not None:
                    batch.candidates.append((candidate, file.arrival))
                    key = f"watch:{self.folder.id}:{file.arrival.file_key}"
                    yield PartFile(candidate.name.rpartition("/")[2], partial(_give, file.data), file.details, key)

    def _read_file(self, candidate: Candidate, batch: Batch, look: Look) -> ReadFile | None:
        """Return a file that has no inspection yet; move one that has, and one that is refused for what it is."""
        from inference.vision.images.decode import MAX_BYTES

        name = candidate.name
        refusal: AppError | None = None
        if candidate.is_link:
            refusal = BadInput("watch_file_link", name=name)
        elif candidate.size > MAX_BYTES:
            refusal = BadInput("image_too_many_bytes", name=name, limit=MAX_BYTES)
        data = b"" if refusal is not None else read_whole(self.folder.path, candidate)
        content = data if refusal is None else f"{candidate.size} {candidate.mtime_ns}".encode()
        details, is_traced = self.folder.settings.read_details(name, line=self.folder.line)
        arrival = Arrival(name, ledger.make_key(name, content), is_traced)
        if refusal is not None:
            self._reject(candidate, arrival, refusal, batch, look)
            return None
        known = ledger.find(self._services, self.folder.id, arrival.file_key)
        if known is not None and known.outcome == "inspected":
            self._mover.finish_inspected(candidate, arrival, None, batch, look)
            return None
        return ReadFile(candidate, arrival, details, data)

    def _take_failure(self, candidate: Candidate, arrival: Arrival, error: AppError, batch: Batch, look: Look) -> None:
        name = candidate.name
        if isinstance(error, BadInput):
            self._reject(candidate, arrival, error, batch, look)
            return
        if isinstance(error, _WAITS):
            look.problem = error
            return
        self._tries[name] = self._tries.get(name, 0) + 1
        if self._tries[name] >= MOST_TRIES:
            self._reject(candidate, arrival, error, batch, look)

    def _reject(self, candidate: Candidate, arrival: Arrival, error: AppError, batch: Batch, look: Look) -> None:
        if self._mover.reject(candidate, arrival, error, batch, look):
            self._tries.pop(candidate.name, None)

    def _unreadable_problem(self) -> AppError | None:
        if not self._unreadable_until:
            return None
        return Unavailable(_UNREADABLE, count=len(self._unreadable_until), name=next(iter(self._unreadable_until)))

    def _pause_after(self, problem: AppError | None) -> None:
        """Look less often at a folder that cannot be worked on, and say it once."""
        said = "" if problem is None else problem.code
        if said != self._said:
            self._on_problem(problem)
            self._noted_at = -NOTE_EVERY_S
        self._said = said
        # Files that cannot be read hold up none of the others.
        self._wait_s = 0.0 if said in {"", _UNREADABLE} else min(LONGEST_WAIT_S, max(1.0, self._wait_s * 2))
        self._look_after = self._clock() + self._wait_s

    def _log(self, problem: AppError | None) -> None:
        if problem is None:
            logger.info("%s: works again", self.folder.path)
        else:
            logger.warning("%s: %s", self.folder.path, problem)

    def _note(self, look: Look) -> None:
        """Write how the folder fares into its row: at once when something happened, else every five seconds."""
        inspected, rejected = look.inspected - look.noted[0], look.rejected - look.noted[1]
        is_news = bool(inspected or rejected)
        if not is_news and self._clock() - self._noted_at < NOTE_EVERY_S:
            return
        self._noted_at = self._clock()
        now = utc_now()
        with writing(self._services) as session:
            row = session.get(WatchFolder, self.folder.id)
            if row is None:
                return
            if look.problem is None or look.problem.code != "watch_folder_gone":
                row.last_seen_at = now
            row.waiting = look.waiting
            row.last_error = "" if look.problem is None else look.problem.code
            row.last_error_params = {} if look.problem is None else plain(look.problem.params)
            if is_news:
                row.last_file_at = now
                row.inspected_total += inspected
                row.rejected_total += rejected
            session.commit()
        look.noted = (look.inspected, look.rejected)


def _give(data: bytes) -> bytes:
    return data
