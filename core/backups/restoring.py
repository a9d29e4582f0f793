"""Restoring a backup into an empty system: proven first, then the objects, then all rows in one transaction.

What is on its way is marked in the object store: a restoration that was killed goes on when it is asked for again, and
nothing else starts in its place. Tables are made in the revision of the backup and brought up to date afterwards.
"""

from __future__ import annotations

import hashlib
import json
import logging
import mimetypes
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core import identity
from core.backups.archive import CHUNK_BYTES, OBJECTS, Archive
from core.backups.emptiness import Standing, find_standing, set_aside
from core.backups.making import SMALL_BYTES, SPARE_BYTES, Progress, say_nothing
from core.backups.manifest import Header, StoredObject, TableRows
from core.backups.row_changes import RESTORED, RowChanges
from core.backups.verifying import require_chain, verify_backup
from core.errors import AppError, BadInput, Conflict, NotReady, Unavailable, from_lower
from core.identity import Mark
from core.services import open_objects
from core.settings import Settings
from storage import row_copies
from storage.database import PATIENT_TIMEOUT_S, Database, DatabaseError
from storage.local_objects import LocalObjects
from storage.object_store import ObjectStore, ObjectStoreError
from storage.schema import compare_revision, upgrade

logger = logging.getLogger(__name__)

# What marks a store into which a backup is being restored.
MARKER = "restoring.json"
_PUT_AT_ONCE = 200
_PUT_BYTES = 64 << 20


@dataclass(frozen=True)
class Restored:
    """What was restored. `kept_aside` is where the objects lie that were in the way; `missing` the backup lacks."""

    header: Header
    rows: int
    objects: int
    object_bytes: int
    missing: int
    generation: int
    kept_aside: str
    went_on: bool


def restore_backup(
    settings: Settings,
    path: Path,
    passphrase: str | None,
    *,
    replace: bool = False,
    also: Iterable[Path] = (),
    progress: Progress = say_nothing,
) -> Restored:
    """Restore a backup into the database and the object store of `settings`; nothing else may use them meanwhile.

    Everything is verified before the first byte is written. With `replace` what is in the system goes: rows for good,
    objects are kept aside. Raises as `verify_backup`; Conflict restore_newer, restore_not_empty, restore_in_use and
    restore_other; Unavailable backup_no_space and what the stores raise. Afterwards the system is as it was, or holds
    a restoration that goes on when it is asked for again.
    """
    verified = verify_backup(path, passphrase, also=also, progress=progress)
    header = verified.manifest.header
    if compare_revision(header.schema) == "newer":
        raise Conflict("restore_newer", version=header.version)
    database = Database(settings.database_url, busy_timeout_s=PATIENT_TIMEOUT_S)
    try:
        objects = open_objects(settings)
        standing = find_standing(database, objects, MARKER, RESTORED)
        goes_on = standing.marker == header.id
        _require_may(standing, header, replace=replace, goes_on=goes_on)
        _require_space(settings, objects, verified.manifest.object_bytes if not goes_on else 0)
        kept_aside = ""
        if not goes_on:
            if standing.holds_objects and replace:
                kept_aside = set_aside(settings, objects)
                objects = open_objects(settings)
            _write_marker(objects, header)
        with ExitStack() as opened:
            chain = [opened.enter_context(Archive(one.path, passphrase)) for one in verified.files]
            require_chain(chain)
            with tempfile.TemporaryDirectory(prefix="geomsa-restore-", dir=_scratch_folder(settings)) as folder:
                _put_objects(objects, chain, Path(folder), goes_on=goes_on, progress=progress)
            last = chain[-1]
            shapes = [one.shape for one in last.manifest.tables]
            if goes_on and standing.restored == header.id:
                generation = standing.generation
            else:
                generation = max(_generation_of(last), standing.generation_of(header.installation)) + 1
                changes = RowChanges(
                    header, generation, str(path), path.stat().st_size, verified.manifest_sha256,
                    verified.manifest.objects,
                )  # fmt: skip
                _load(database, last, changes, progress)
            progress("finish", 0, 0)
            with database.rebuilding() as connection:
                for shape in shapes:
                    row_copies.give_on_ids(connection, shape)
                connection.commit()
        database.migrate()
        database.check()
    except (DatabaseError, ObjectStoreError) as error:
        raise from_lower(error) from error
    except OSError as error:
        raise from_lower(error) from error
    finally:
        database.dispose()
    manifest = verified.manifest
    done = Restored(
        header, manifest.rows, manifest.objects, manifest.object_bytes, len(manifest.missing), generation,
        kept_aside, goes_on,
    )  # fmt: skip
    _finish(settings, done)
    return done


def _require_may(standing: Standing, header: Header, *, replace: bool, goes_on: bool) -> None:
    if standing.is_in_use:
        raise Conflict("restore_in_use")
    if goes_on and (standing.is_database_empty or standing.restored == header.id):
        return
    if replace:
        return
    if standing.marker:
        raise Conflict("restore_other")
    if not standing.is_database_empty or standing.holds_objects:
        raise Conflict("restore_not_empty", database=standing.database, objects=standing.objects)


def _require_space(settings: Settings, objects: ObjectStore, byte_size: int) -> None:
    needed = (byte_size if isinstance(objects, LocalObjects) else 0) + SPARE_BYTES
    free = shutil.disk_usage(settings.data_dir).free
    if free < needed:
        raise Unavailable(
            "backup_no_space",
            folder=str(settings.data_dir),
            needed_gib=f"{needed / 2**30:.1f}",
            free_gib=f"{free / 2**30:.1f}",
        )


def _scratch_folder(settings: Settings) -> Path:
    settings.cache_dir.mkdir(parents=True, exist_ok=True)
    return settings.cache_dir


def _write_marker(objects: ObjectStore, header: Header) -> None:
    told = json.dumps({"backup": header.id, "made_at": header.created_at.isoformat()})
    objects.put(MARKER, told.encode(), content_type="application/json")


def _put_objects(
    objects: ObjectStore, chain: Sequence[Archive], folder: Path, *, goes_on: bool, progress: Progress
) -> None:
    """Put every object of the last backup into the store, from whichever file of the chain holds it."""
    wanted: dict[str, dict[str, StoredObject]] = {}
    total = 0
    # An attempt that was killed has put each of its objects whole or not at all.
    there = _sizes(objects) if goes_on else {}
    for one in chain[-1].objects():
        if there.get(one.key) != one.byte_size:
            wanted.setdefault(one.within, {})[one.key] = one
            total += 1
    done = 0
    progress("objects", 0, total)
    waiting: list[tuple[str, bytes]] = []
    for archive in chain:
        here = wanted.get(archive.header.id, {})
        for key, stream, one in _wanted_parts(archive, here):
            if one.byte_size > SMALL_BYTES:
                _put_large(objects, archive, key, stream, one, folder)
            else:
                with archive.checking():
                    data = stream.read()
                _require_same(archive, hashlib.sha256(data).hexdigest(), one)
                waiting.append((key, data))
                if len(waiting) >= _PUT_AT_ONCE or sum(len(data) for _key, data in waiting) >= _PUT_BYTES:
                    _put_waiting(objects, waiting)
            done += 1
            progress("objects", done, total)
    _put_waiting(objects, waiting)
    if done != total:
        raise BadInput("backup_changed", file=chain[-1].path.name)


def _wanted_parts(archive: Archive, wanted: dict[str, StoredObject]) -> Iterator[tuple[str, BinaryIO, StoredObject]]:
    if not wanted:
        return
    for name, _size, stream in archive.walk():
        one = wanted.get(name.removeprefix(OBJECTS)) if name.startswith(OBJECTS) else None
        if one is not None:
            yield one.key, stream, one


def _put_large(
    objects: ObjectStore, archive: Archive, key: str, stream: BinaryIO, one: StoredObject, folder: Path
) -> None:
    path, found = folder / "object", hashlib.sha256()
    with archive.checking(), path.open("wb") as file:
        while chunk := stream.read(CHUNK_BYTES):
            found.update(chunk)
            file.write(chunk)
    _require_same(archive, found.hexdigest(), one)
    objects.put_file(key, path, content_type=_type_of(key))
    path.unlink()


def _put_waiting(objects: ObjectStore, waiting: list[tuple[str, bytes]]) -> None:
    types = {key: _type_of(key) for key, _data in waiting}
    failed = objects.put_many(waiting, content_types=types)
    waiting.clear()
    for error in failed.values():
        raise error


def _require_same(archive: Archive, sha256: str, one: StoredObject) -> None:
    if sha256 != one.sha256:
        raise BadInput("backup_changed", file=archive.path.name)


def _sizes(objects: ObjectStore) -> dict[str, int]:
    return {info.key: info.byte_size for folder in identity.FOLDERS for info in objects.list(folder)}


def _type_of(key: str) -> str:
    return mimetypes.guess_type(key)[0] or "application/octet-stream"


def _generation_of(archive: Archive) -> int:
    """Return the generation that the installation had when its rows were read."""
    for table in archive.manifest.tables:
        if table.shape.name == "system_config":
            for row in archive.rows(table):
                if row["key"] == identity.KEY:
                    return int(row["value"].get("generation", 0))
    return 0


def _load(database: Database, archive: Archive, changes: RowChanges, progress: Progress) -> None:
    """Make the tables anew, in the revision of the backup, and put all rows into them in one transaction."""
    tables = archive.manifest.tables
    with database.rebuilding() as connection:
        row_copies.drop_tables(connection)
        connection.commit()
        upgrade(connection, revision=changes.header.schema)
        row_copies.empty_tables(connection)
        progress("tables", 0, len(tables))
        for number, table in enumerate(tables):
            row_copies.load_rows(connection, table.shape, _changed(archive, table, changes))
            progress("tables", number + 1, len(tables))
        for table in tables:
            if table.shape.late:
                row_copies.load_late(connection, table.shape, _changed(archive, table, changes))
        if row_copies.find_broken_references(connection):
            connection.rollback()
            raise BadInput("backup_changed", file=archive.path.name)
        connection.commit()


def _changed(archive: Archive, table: TableRows, changes: RowChanges) -> Iterator[dict[str, Any]]:
    name = table.shape.name
    for row in archive.rows(table):
        changed = changes.change(name, row)
        if changed is not None:
            yield changed
    if name == "system_config":
        yield changes.tell()


def _finish(settings: Settings, done: Restored) -> None:
    """Make the two stores a pair, say in the audit log what was done, and take the mark of the restoration away."""
    from core.accounts.people import command_line_person
    from core.audit import record
    from core.services import build_services
    from core.transactions import writing

    services = build_services(settings, verify_store=False)
    try:
        identity.write_mark(services, Mark(done.header.installation, done.generation))
        person = command_line_person(services)
        with writing(services) as session:
            record(
                session, person, "backup.restored", "system", None, backup=done.header.id,
                made_at=done.header.created_at.isoformat(), rows=done.rows, objects=done.objects,
                generation=done.generation,
            )  # fmt: skip
            session.commit()
        try:
            services.objects.delete(MARKER)
        except ObjectStoreError as error:
            raise from_lower(error) from error
        found = identity.require_pair(services)
        if found.id != done.header.installation:
            raise NotReady("restore_unfinished")
    except AppError:
        logger.warning("the restoration is not finished: ask for it again")
        raise
    finally:
        services.database.dispose()
