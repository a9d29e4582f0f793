"""Whether a system is empty enough for a backup to be restored into it, and clearing its objects out of the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta

from core import identity
from core.backups.row_changes import moment_of
from core.errors import Conflict
from core.jobs.heartbeats import WORKER_SILENT_AFTER_S
from core.settings import Settings
from storage.atomic_files import sync_folder
from storage.database import Database
from storage.local_objects import LocalObjects
from storage.object_store import ObjectStore, ObjectStoreError, transfer_in_parallel
from storage.row_copies import count_rows, read_values
from storage.tables import utc_now

# What the first start of an installation writes by itself.
_OF_A_FIRST_START = frozenset(
    ("audit_chain", "audit_log", "sessions", "sign_in_codes", "sign_in_failures", "system_config", "users", "workers")
)


@dataclass(frozen=True)
class Standing:
    """What is in a database and in an object store.

    `marker` is the backup that is on its way into the store, `restored` the one that the rows come from; `generation`
    and `installation` are the database's, `marks` what the store is marked with.
    """

    database: str
    objects: str
    is_database_empty: bool
    holds_objects: bool
    is_in_use: bool
    marker: str
    restored: str
    installation: str
    generation: int
    mark: identity.Mark | None

    def generation_of(self, installation: str) -> int:
        """Return the highest generation that the two stores know of an installation; 0 where it is another's."""
        own = self.generation if self.installation == installation else 0
        marked = self.mark.generation if self.mark is not None and self.mark.id == installation else 0
        return max(own, marked)


@dataclass(frozen=True)
class _Pair:
    database: Database
    objects: ObjectStore


def find_standing(database: Database, objects: ObjectStore, marker_key: str, restored_key: str) -> Standing:
    """Return what is there. Raises DatabaseError and ObjectStoreError; a database without tables is no error."""
    with database.rebuilding() as connection:
        counts = count_rows(connection)
        named = any(password for (password,) in read_values(connection, "users", "password_hash"))
        beats = [found for (found,) in read_values(connection, "workers", "heartbeat_at")]
        config = dict[str, object](
            (str(key), value) for key, value in read_values(connection, "system_config", "key", "value")
        )
        connection.rollback()
    since = utc_now().astimezone(UTC).replace(tzinfo=None) - timedelta(seconds=WORKER_SILENT_AFTER_S)
    row = _object(config.get(identity.KEY))
    pair = _Pair(database, objects)
    return Standing(
        database=database.describe(),
        objects=objects.describe(),
        is_database_empty=not named and not any(n for name, n in counts.items() if name not in _OF_A_FIRST_START),
        holds_objects=identity.holds_objects(pair),
        is_in_use=any(found is not None and found >= since for found in map(moment_of, beats)),
        marker=_read_marker(objects, marker_key),
        restored=str(_object(config.get(restored_key)).get("backup", "")),
        installation=str(row.get("id", "")),
        generation=int(str(row.get("generation", 0))),
        mark=identity.read_mark(pair),
    )


def set_aside(settings: Settings, objects: ObjectStore) -> str:
    """Clear a store of its objects without losing any; return where they are now.

    A folder is renamed; in a bucket they are moved into the trash, where they lie for GEOMSA_TRASH_DAYS. Raises
    Conflict new_store_kept for a folder that cannot be renamed, and ObjectStoreError.
    """
    if isinstance(objects, LocalObjects):
        folder = settings.data_dir / "objects"
        target = folder.with_name(f"{folder.name}-set-aside-{utc_now():%Y%m%d-%H%M%S}")
        try:
            folder.rename(target)
            sync_folder(folder.parent)
        except OSError as error:
            raise Conflict("new_store_kept", folder=str(folder), reason=error.strerror or "") from error
        return str(target)
    trash = f"{identity.TRASH}{utc_now():%Y%m%d}/"
    keys = [info.key for folder in identity.FOLDERS for info in objects.list(folder)]
    for _key, outcome in transfer_in_parallel(lambda key: objects.move(key, trash + key), keys):
        if isinstance(outcome, ObjectStoreError) and outcome.code not in ("object_missing", "object_key_invalid"):
            raise outcome
    return f"{objects.describe()}/{trash}"


def _read_marker(objects: ObjectStore, key: str) -> str:
    try:
        return str(_object(objects.get(key)).get("backup", ""))
    except ObjectStoreError as error:
        if error.code == "object_missing":
            return ""
        raise


def _object(value: object) -> Mapping[str, object]:
    """Return a JSON object as drivers give it: as text, or read already."""
    if isinstance(value, str | bytes):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, Mapping) else {}
