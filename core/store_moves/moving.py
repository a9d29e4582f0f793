"""Moving an installation's objects to another store, while the application may run, and making that one its pair.

1. The target is marked as `moving`: whoever names it too early is refused.
2. Passes copy what the target does not hold as the source does, until one finds nothing to copy.
3. Once no worker is alive, the source is marked as `moved`, one last pass takes what came, and the target gets the
   identity, in this order: a process that is killed in between leaves two stores that are both refused, and the same
   command finishes.

Whatever was done stays done: a command that is given again compares and goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from core import identity
from core.access import ADMIN, require_role
from core.audit import record
from core.errors import Conflict, Unavailable
from core.identity import MOVED, MOVING, Installation, Mark
from core.jobs.heartbeats import workers_alive
from core.store_moves.copying import Copier, Difference, Pass, Progress, compare, telling
from core.transactions import writing
from storage.object_store import ObjectStore
from storage.tables import SystemConfig, utc_now

if TYPE_CHECKING:
    from sqlmodel import Session

    from core.access import Person
    from core.services import Services

# One that still finds something after so many is running after an application that writes all the time.
MOST_PASSES = 5
# What is left free on the disk that a folder is on.
_SPARE_BYTES = 1 << 30
Tell = Callable[[int, Progress], None]


@dataclass
class Move:
    """What was done. `switched` says that the target is the installation's store now, `workers` why it is not yet."""

    source: str
    target: str
    objects: int = 0
    byte_size: int = 0
    copied: int = 0
    copied_bytes: int = 0
    removed: int = 0
    passes: int = 0
    refused: list[str] = field(default_factory=list)
    switched: bool = False
    workers: int = 0


def compare_stores(services: Services, person: Person, target: ObjectStore, *, tell: Tell) -> Difference:
    """Return how the target differs from the store in force; nothing is changed.

    Needs an administrator. Raises as `move_objects`.
    """
    require_role(services, person, ADMIN)
    with telling(target, is_source=False):
        target.check()
    _check_pair(services, target)
    return compare(services.objects, target, lambda progress: tell(1, progress))


def move_objects(
    services: Services, person: Person, target: ObjectStore, *, tell: Tell, folder: Path | None = None
) -> Move:
    """Copy all objects into `target` and make it the pair of the database; `folder` is where it lies, if it is one.

    `tell` is given the number of the pass and how far it is. Needs an administrator; it is recorded when it began and
    when the store was changed. Raises Conflict move_running, move_same_store, move_target_foreign, move_target_in_use
    and move_target_not_empty; Unavailable move_source_failed, move_target_failed, move_no_room, move_disk_full, and as
    `core.identity.require_pair`.
    """
    require_role(services, person, ADMIN)
    with _moving_alone(services.settings.data_dir):
        return _move(services, person, target, tell=tell, folder=folder)


def _move(services: Services, person: Person, target: ObjectStore, *, tell: Tell, folder: Path | None) -> Move:
    with telling(target, is_source=False):
        target.check()
    found = _check_pair(services, target)
    source_mark, target_mark = _read_marks(services, target)
    is_done = source_mark is not None and source_mark.state == MOVED
    done = Move(services.objects.describe(), target.describe())
    is_live = target_mark is not None and not target_mark.state
    if not is_live:
        _write_mark(services, target, Mark(found.id, found.generation, MOVING, services.objects.describe()))
        _record(services, person, "store.move_began", done)
    scratch = services.settings.cache_dir / "moves"
    shutil.rmtree(scratch, ignore_errors=True)  # what a killed command left half-fetched
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        _copy_all(services, person, target, done, found, scratch, tell, folder=folder, is_done=is_done, is_live=is_live)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return done


@contextmanager
def _moving_alone(data_dir: Path) -> Iterator[None]:
    """Keep every other move on this data folder out; the lock ends with its process. Raises Conflict move_running."""
    lock = FileLock(data_dir / "move-objects.lock", thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise Conflict("move_running") from None
    try:
        yield
    finally:
        lock.release()


def _copy_all(
    services: Services,
    person: Person,
    target: ObjectStore,
    done: Move,
    found: Installation,
    scratch: Path,
    tell: Tell,
    *,
    folder: Path | None,
    is_done: bool,
    is_live: bool,
) -> None:
    copier = Copier(
        services.objects, target, scratch, only_missing=is_live, report=lambda progress: tell(done.passes, progress)
    )
    if folder is not None:
        _check_room(folder, copier.needed_bytes())
    if is_live:
        # The target is in force already: only what a process that did not know of it put here afterwards.
        _count(done, copier)
        done.switched = True
        return
    while _count(done, copier).copied and done.passes < MOST_PASSES:
        pass
    day = f"{utc_now():%Y%m%d}"
    done.removed += copier.remove_extra(day)
    done.workers = 0 if is_done else workers_alive(services)
    if done.workers:
        return
    _write_mark(services, services.objects, Mark(found.id, found.generation, MOVED, target.describe()))
    _count(done, copier)
    done.removed += copier.remove_extra(day)
    generation = _raise_generation(services, person, done)
    _write_mark(services, target, Mark(found.id, generation))
    done.switched = True


def _count(done: Move, copier: Copier) -> Pass:
    done.passes += 1
    made = copier.make_pass()
    done.objects, done.byte_size, done.refused = made.objects, made.byte_size, made.refused
    done.copied += made.copied
    done.copied_bytes += made.copied_bytes
    return made


def _check_pair(services: Services, target: ObjectStore) -> Installation:
    """Return the identity of what is moved, if it may be moved out of the one store and into the other."""
    if target.describe() == services.objects.describe():
        raise Conflict("move_same_store", where=target.describe())
    source_mark, target_mark = _read_marks(services, target)
    found = identity.read_row(services)
    if found is None or source_mark is None or source_mark.state != MOVED or source_mark.id != found.id:
        found = identity.require_pair(services)
        source_mark = Mark(found.id, found.generation)
    if source_mark.state == MOVED and source_mark.where != target.describe():
        raise Unavailable("store_moved", where=services.objects.describe(), target=source_mark.where)
    if target_mark is None:
        with telling(target, is_source=False):
            if next(iter(target.list()), None) is not None:
                raise Conflict("move_target_not_empty", where=target.describe())
        return found
    if target_mark.id != found.id:
        raise Conflict("move_target_foreign", where=target.describe())
    if not target_mark.state and source_mark.state != MOVED:
        raise Conflict("move_target_in_use", where=target.describe())
    return found


def _read_marks(services: Services, target: ObjectStore) -> tuple[Mark | None, Mark | None]:
    with telling(services.objects, is_source=True):
        source_mark = identity.read_mark_of(services.objects)
    with telling(target, is_source=False):
        return source_mark, identity.read_mark_of(target)


def _write_mark(services: Services, store: ObjectStore, mark: Mark) -> None:
    with telling(store, is_source=store is services.objects):
        identity.put_mark(store, mark)


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed + _SPARE_BYTES > free:
        gib = 1 << 30
        raise Unavailable(
            "move_no_room", folder=str(folder), needed_gib=f"{needed / gib:.1f}", free_gib=f"{free / gib:.1f}"
        )


def _raise_generation(services: Services, person: Person, done: Move) -> int:
    """Mark the database as one step further on than the store that was left, and record the move."""
    with writing(services) as session:
        row = session.get_one(SystemConfig, identity.KEY, with_for_update=True)
        generation = int(row.value.get("generation", 0)) + 1
        row.value = {**row.value, "generation": generation}
        if row.value.get("adopted_at"):
            # Every object is new in the target: those that nobody named when the store was adopted stay protected.
            row.value = {**row.value, "adopted_at": utc_now().isoformat()}
        row.updated_at = utc_now()
        row.updated_by = person.id
        _add_record(session, person, "store.moved", done)
        session.commit()
    return generation


def _record(services: Services, person: Person, action: str, done: Move) -> None:
    with writing(services) as session:
        _add_record(session, person, action, done)
        session.commit()


def _add_record(session: Session, person: Person, action: str, done: Move) -> None:
    record(
        session, person, action, "system", None, source=done.source, target=done.target, objects=done.objects,
        bytes=done.byte_size,
    )  # fmt: skip
