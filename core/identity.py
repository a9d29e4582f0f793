"""Which installation this is, kept in the database and in the object store, so that neither is used without the other.

A database that was removed, or a disk that is not mounted, would otherwise be followed by an empty one without a word,
and every object would look like one that nothing refers to.

The row `installation` of `system_config` holds {id, generation, began_at, adopted_at}, the object `installation.json`
{id, generation}. The worker raises the generation every hour, in the database first: a database whose generation is
the lower one is an older copy than its store.

A store that objects are being moved into is marked as `moving` until all are there, and the one that they were moved
out of as `moved`, with where to: neither is used by mistake (`core.store_moves`).
"""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from core.errors import AppError, BadInput, Conflict, NotReady, Unavailable, from_lower
from core.transactions import HasStores, reading, writing
from storage.object_store import ObjectStore, ObjectStoreError
from storage.tables import AuditLog, Image, Inspection, Manual, ModelVersion, Product, SystemConfig, User, utc_now

logger = logging.getLogger(__name__)

KEY = "installation"
OBJECT_KEY = "installation.json"
TRASH = "trash/"
# What rows name lies in these, and nothing else does; in the first, what a batch has still to inspect.
BATCHES = "batches/"
# What an import has still to take in, and its plan.
IMPORTS = "imports/"
GAUGE, REPORTS = "gauge/", "reports/"
# The maps and the result of each comparison of methods.
COMPARISONS = "comparisons/"
# The last state, the maps and the results of each training run.
TRAINING_FOLDER = "training/"
# What the chain of the audit log has been, day by day.
AUDIT = "audit/"
FOLDERS = (
    AUDIT, BATCHES, COMPARISONS, GAUGE, "images/", IMPORTS, "inspections/", "manuals/", "models/", REPORTS,
    "thumbnails/", TRAINING_FOLDER,
)  # fmt: skip
FOREIGN, EMPTY, NEWER = "store_foreign", "store_empty", "store_newer"
MOVING, MOVED = "moving", "moved"
_SAMPLE = 20


def check_foreign_folder(folder: str) -> str:
    """Return the prefix, with its slash, of a folder of the object store that a person names: theirs, none of ours.

    Raises BadInput batch_folder_unnamed and batch_folder_own.
    """
    prefix = folder.strip().replace("\\", "/").strip("/")
    if not prefix:
        raise BadInput("batch_folder_unnamed")
    prefix += "/"
    if prefix.startswith((*FOLDERS, TRASH, OBJECT_KEY)):
        raise BadInput("batch_folder_own", folder=prefix)
    return prefix


@dataclass(frozen=True)
class Mark:
    """The identity as the object store has it. `state` is MOVING, MOVED or "", `where` the other store of a move."""

    id: str
    generation: int
    state: str = ""
    where: str = ""


@dataclass(frozen=True)
class Installation:
    """The identity as the database has it, and the generation of the store beside it (None: it has no mark)."""

    id: str
    generation: int
    began_at: datetime
    adopted_at: datetime | None = None
    store_generation: int | None = None

    @property
    def is_behind(self) -> bool:
        """Whether the database is an older copy than the object store."""
        return self.store_generation is not None and self.generation < self.store_generation


def verify_at_start(services: HasStores) -> None:
    """Raise Unavailable store_foreign or store_empty when the two stores do not belong together.

    An object store that does not answer stops no start: pages that need no files stay open, and nothing is collected
    before the identity was read.
    """
    try:
        found = establish(services)
    except AppError as error:
        if not error.code.startswith("object_"):
            raise
        logger.warning("whether the object store belongs to the database could not be checked: %s", error.code)
        return
    if found.is_behind:
        logger.warning(
            "the database (generation %d) is older than the object store (generation %d): no orphan is collected "
            'until "python -m core migrate --adopt"',
            found.generation,
            found.store_generation,
        )


def require_pair(services: HasStores) -> Installation:
    """Return the identity when the two stores agree on it now: the condition of every collection.

    Raises Unavailable store_foreign, store_empty, store_moving, store_moved or for a store that does not answer;
    NotReady store_newer.
    """
    found = establish(services)
    if found.is_behind:
        raise NotReady(NEWER)
    return found


def is_pair(services: HasStores) -> bool:
    """Return whether the two stores agree now; False also when either does not answer."""
    try:
        require_pair(services)
    except AppError as error:
        logger.warning("the object store is not known to belong to the database: %s", error.code)
        return False
    return True


def establish(services: HasStores) -> Installation:
    """Return the identity of the pair, written first where it is missing and nothing speaks against it.

    Raises Unavailable store_foreign, store_empty or for a store that does not answer.
    """
    try:
        # The mark before the row: whoever raises a generation does it in the other order.
        mark = read_mark(services)
        try:
            return _compare_marks(services, mark)
        except Unavailable:
            # Another process may have written the first identity and an object between our two looks.
            again = read_mark(services)
            if again == mark:
                raise
            return _compare_marks(services, again)
    except ObjectStoreError as error:
        raise from_lower(error) from error


def raise_generation(services: HasStores) -> None:
    """Mark both stores as one step further on. Raises as `require_pair`."""
    require_pair(services)
    with writing(services) as session:
        row = session.get(SystemConfig, KEY, with_for_update=True)
        if row is None:
            return
        generation = int(row.value.get("generation", 0)) + 1
        row.value = {**row.value, "generation": generation}
        row.updated_at = utc_now()
        identity = str(row.value.get("id", ""))
        session.commit()
    write_mark(services, Mark(identity, generation))


def read_mark(services: HasStores) -> Mark | None:
    """Return the store's identity, None when it has none. Raises ObjectStoreError."""
    return read_mark_of(services.objects)


def read_mark_of(objects: ObjectStore) -> Mark | None:
    """Return the identity of a store, None when it has none. Raises ObjectStoreError."""
    try:
        content = objects.get(OBJECT_KEY)
    except ObjectStoreError as error:
        if error.code == "object_missing":
            return None
        raise
    try:
        found = json.loads(content)
        return Mark(
            str(found["id"]), int(found["generation"]), str(found.get("state", "")), str(found.get("where", ""))
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return Mark("", 0)  # not ours: nothing has this id


def read_row(services: HasStores) -> Installation | None:
    """Return the database's identity, None when it has none. Raises AppError."""
    with reading(services) as session:
        row = session.get(SystemConfig, KEY)
    return None if row is None else _from_row(row)


def write_mark(services: HasStores, mark: Mark) -> None:
    """Write the store's identity. Raises Unavailable."""
    try:
        put_mark(services.objects, mark)
    except ObjectStoreError as error:
        raise from_lower(error) from error


def put_mark(objects: ObjectStore, mark: Mark) -> None:
    """Write the identity of a store. Raises ObjectStoreError."""
    moved = {"state": mark.state, "where": mark.where} if mark.state else {}
    content = json.dumps({"id": mark.id, "generation": mark.generation, **moved}).encode()
    objects.put(OBJECT_KEY, content, content_type="application/json")


def to_value(found: Installation) -> dict[str, Any]:
    """Return what the row keeps."""
    adopted_at = None if found.adopted_at is None else found.adopted_at.isoformat()
    return {
        "id": found.id,
        "generation": found.generation,
        "began_at": found.began_at.isoformat(),
        "adopted_at": adopted_at,
    }


def holds_objects(services: HasStores) -> bool:
    """Return whether the store holds any object of ours, also one in the trash. Raises ObjectStoreError."""
    return any(next(iter(services.objects.list(folder)), None) is not None for folder in (*FOLDERS, TRASH))


def names_objects(services: HasStores) -> bool:
    """Return whether any row names an object. Raises AppError."""
    return bool(_named_sample(services))


def earliest_moment(session: Session) -> datetime:
    """Return when the oldest row was made that every installation has; now for a database without rows."""
    moments = (session.exec(select(func.min(table.created_at))).one() for table in (User, AuditLog, Product))
    return min((moment for moment in moments if moment is not None), default=utc_now())


def _compare_marks(services: HasStores, mark: Mark | None) -> Installation:
    row = read_row(services)
    if row is not None and mark is not None:
        if row.id != mark.id:
            raise Unavailable(FOREIGN, where=services.objects.describe())
        _refuse_moved(services, mark)
        return _with_mark(row, mark)
    if mark is not None:
        _refuse_moved(services, mark)
    sample = _named_sample(services)
    if any(services.objects.exists(key) for key in sample):
        if mark is not None:
            # A copy of the database from before there were identities: older than its store, whatever the number.
            return _with_mark(_write_row(services, mark.id, generation=0), mark)
        if row is None:
            logger.warning("this installation gets an identity: %s", services.objects.describe())
        else:
            logger.warning("the object store had lost its identity: written again")
    elif mark is not None or holds_objects(services):
        raise Unavailable(FOREIGN, where=services.objects.describe())
    elif sample:
        raise Unavailable(EMPTY, where=services.objects.describe())
    row = _write_row(services, uuid.uuid4().hex, generation=1) if row is None else row
    mark = Mark(row.id, row.generation)
    write_mark(services, mark)
    return _with_mark(row, mark)


def _refuse_moved(services: HasStores, mark: Mark) -> None:
    where = services.objects.describe()
    if mark.state == MOVING:
        raise Unavailable("store_moving", where=where, source=mark.where)
    if mark.state == MOVED:
        raise Unavailable("store_moved", where=where, target=mark.where)


def _write_row(services: HasStores, identity: str, *, generation: int) -> Installation:
    """Keep a first identity; when another process was faster, its row is the one."""
    try:
        with writing(services) as session:
            row = session.get(SystemConfig, KEY)
            if row is None:
                began = Installation(identity, generation, earliest_moment(session))
                row = SystemConfig(key=KEY, value=to_value(began))
                session.add(row)
                session.commit()
            return _from_row(row)
    except Conflict:
        with reading(services) as session:
            return _from_row(session.exec(select(SystemConfig).where(SystemConfig.key == KEY)).one())


def _named_sample(services: HasStores) -> list[str]:
    """Return the newest objects that rows name, some of each kind."""
    columns: tuple[tuple[Any, Any, str], ...] = (
        (Image.id, Image.object_key, ""),
        (Inspection.id, Inspection.image_key, ""),
        (Manual.id, Manual.object_key, ""),
        (ModelVersion.id, ModelVersion.object_prefix, "manifest.json"),
    )
    with reading(services) as session:
        return [
            key + ending
            for number, key_column, ending in columns
            for key in session.exec(
                select(col(key_column)).where(col(key_column) != "").order_by(col(number).desc()).limit(_SAMPLE)
            )
        ]


def _with_mark(row: Installation, mark: Mark) -> Installation:
    return Installation(row.id, row.generation, row.began_at, row.adopted_at, mark.generation)


def _from_row(row: SystemConfig) -> Installation:
    value = row.value
    adopted_at = value.get("adopted_at")
    return Installation(
        id=str(value.get("id", "")),
        generation=int(value.get("generation", 0)),
        began_at=datetime.fromisoformat(str(value["began_at"])) if "began_at" in value else row.updated_at,
        adopted_at=datetime.fromisoformat(str(adopted_at)) if adopted_at else None,
    )
