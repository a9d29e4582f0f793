"""What becomes of the files of one look at a watched folder: moved after their inspection, or with their reason."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import AppError
from core.jobs.stored_error import plain
from core.watching import ledger, moving
from core.watching.ledger import Arrival
from core.watching.scanning import Candidate, Scanner, is_unchanged
from storage.tables import utc_now

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord
    from core.services import Services
    from core.watching.folders import Folder


@dataclass(frozen=True)
class FileResult:
    """What became of a file: its inspection's `record`, or the `error` for which it was rejected.

    `target` is where it was moved, relative to the folder; `is_again` says that it had been inspected before.
    """

    name: str
    record: InspectionRecord | None = None
    error: AppError | None = None
    target: str = ""
    is_traced: bool = True
    is_again: bool = False


@dataclass
class Look:
    """What a look at the folder came to, and what stands in the way. `found` counts the files, whole ones or not."""

    found: int = 0
    inspected: int = 0
    rejected: int = 0
    moved: int = 0
    noted: tuple[int, int] = (0, 0)
    problem: AppError | None = None

    @property
    def waiting(self) -> int:
        """Return how many files wait."""
        return max(0, self.found - self.moved)


@dataclass
class Batch:
    """What is known of the files of one look while they are inspected; `turn` is held while one is moved."""

    candidates: list[tuple[Candidate, Arrival]] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)


class FileMover:
    """Moves the files of a folder to done/ or rejected/, and finishes their lines in the ledger."""

    def __init__(
        self, services: Services, folder: Folder, scanner: Scanner, *, on_result: Callable[[FileResult], None]
    ) -> None:
        self._services = services
        self._folder = folder
        self._scanner = scanner
        self._on_result = on_result

    def finish_inspected(
        self, candidate: Candidate, arrival: Arrival, record: InspectionRecord | None, batch: Batch, look: Look
    ) -> None:
        """Move a file that was inspected, now or before (without `record`), unless another has its name by now."""
        folder = self._folder.path
        target = ""
        with batch.turn:
            try:
                if is_unchanged(folder, candidate):
                    today = utc_now().astimezone()  # of the people there
                    target = moving.find_free(folder, moving.done_name(candidate.name, today))
                    is_moved = moving.move(folder, candidate.name, target)
                    look.moved += is_moved
                    target = target if is_moved else ""
                else:
                    # Another file has its name by now: that one is inspected in its turn.
                    self._scanner.forget(candidate.name)
            except OSError as error:
                look.problem = moving.from_os_error(error, folder)
                return
            except AppError as error:
                look.problem = error
                return
            batch.moved[arrival.file_key] = target
        self._on_result(
            FileResult(
                candidate.name, record=record, target=target, is_traced=arrival.is_traced, is_again=record is None
            )
        )

    def reject(self, candidate: Candidate, arrival: Arrival, error: AppError, batch: Batch, look: Look) -> bool:
        """Move a file with the reason why it cannot be inspected; return whether it was."""
        with batch.turn:
            target = self._move_rejected(candidate, arrival, error, look)
            if target is None:
                return False
            look.rejected += 1
            batch.moved[arrival.file_key] = target
        self._on_result(FileResult(candidate.name, error=error, target=target))
        return True

    def _move_rejected(self, candidate: Candidate, arrival: Arrival, error: AppError, look: Look) -> str | None:
        """Move a file with its reason; return where it is now, or None where it is left as it was."""
        folder, settings = self._folder, self._folder.settings
        try:
            if not candidate.is_link and not is_unchanged(folder.path, candidate):
                # Whoever was still writing it is given the time.
                self._scanner.forget(candidate.name)
                return None
            known = ledger.find(self._services, folder.id, arrival.file_key)
            is_open = known is not None and known.outcome == "rejected" and known.finished_at is None
            target = known.target if known is not None and is_open else ""
            target = target or moving.find_free(folder.path, moving.rejected_name(candidate.name))
            ledger.add_rejected(self._services, folder.id, arrival, target=target, error=error.code)
            sentence = error.sentence(settings.language)
            moving.write_reason(
                folder.path,
                target,
                sentence,
                {
                    "file": candidate.name,
                    "folder": str(folder.path),
                    "at": utc_now().isoformat(timespec="seconds"),
                    "size": candidate.size,
                    "error": {"code": error.code, "message": sentence, "params": plain(error.params)},
                },
            )
            look.moved += moving.move(folder.path, candidate.name, target)
        except OSError as problem:
            look.problem = moving.from_os_error(problem, folder.path)
            return None
        except AppError as problem:
            look.problem = problem
            return None
        return target

    def flush(self, batch: Batch) -> None:
        """Finish the lines of what was moved."""
        # The thread that reads ahead may add to it meanwhile.
        done = dict(batch.moved)
        ledger.finish(self._services, self._folder.id, done)
        for key in done:
            batch.moved.pop(key, None)
