"""Making a backup while everything goes on: the rows of one moment, and every object that they name.

No deletion is held up. The rows are read in one snapshot and the objects that they name are copied after it; where one
of those was deleted or moved meanwhile, the rows are read once more, and what is still missing then is copied: few
objects, in a moment. Objects do not change once a row names them, so whatever was copied before still holds.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.backups.archive import OBJECTS, Archive, ArchiveWriter, LineWriter
from core.backups.manifest import Header, Manifest, StoredObject, TableRows
from core.errors import AppError, Unavailable, from_lower
from core.identity import FOLDERS
from core.named_objects import MANIFEST, Named, read_named
from storage.database import DatabaseError
from storage.object_store import ObjectInfo, ObjectStoreError
from storage.row_copies import list_shapes, read_rows

if TYPE_CHECKING:
    from core.services import Services

logger = logging.getLogger(__name__)

# Stage, how much is done, and of how much. Whoever passes it may raise to stop the work.
Progress = Callable[[str, int, int], None]
# Larger ones go through a file; ten of the others are in memory at a time.
SMALL_BYTES = 8 << 20
# What must stay free on the disk of the backup.
SPARE_BYTES = 256 << 20
_MOST_SNAPSHOTS = 12
_KEPT_MISSING = 1000


def say_nothing(_stage: str, _done: int, _total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True)
class Made:
    """A backup that was made."""

    path: Path
    manifest: Manifest
    manifest_sha256: str
    byte_size: int


def write_backup(
    services: Services,
    path: Path,
    header: Header,
    passphrase: str | None,
    *,
    base: Path | None = None,
    progress: Progress = say_nothing,
) -> Made:
    """Write the backup `header` to `path`: whole, or not at all. `base` is the file that an incremental one stands on.

    Raises BadInput for a base that cannot be used, Unavailable backup_no_space, backup_unsettled (rows and objects
    changed faster than they could be copied), disk_full and what the stores raise.
    """
    known: dict[str, StoredObject] = {}
    if base is not None:
        with Archive(base, passphrase) as earlier:
            known = {one.key: one for one in earlier.objects()}
    try:
        writer = ArchiveWriter(path, header, passphrase)
    except OSError as error:
        raise _from_os(error, path) from error
    try:
        with _scratch(services) as scratch:
            copying = _Copying(services, writer, known, scratch, progress)
            return copying.run()
    except OSError as error:
        raise _from_os(error, path) from error
    except (DatabaseError, ObjectStoreError) as error:
        raise from_lower(error) from error
    finally:
        writer.abandon()


@dataclass
class _Copying:
    """One backup while it is made."""

    services: Services
    writer: ArchiveWriter
    known: dict[str, StoredObject]
    scratch: Path
    progress: Progress
    copied: dict[str, StoredObject] = field(default_factory=dict)
    done: int = 0

    def run(self) -> Made:
        """Read rows and copy objects until every object that the rows name is there."""
        missing_before: frozenset[str] | None = None
        for attempt in range(_MOST_SNAPSHOTS):
            tables, named = self._write_rows(attempt)
            needed, missing = self._copy_named(named, check_space=attempt == 0)
            # What a later snapshot still names, and the store still does not hold, is missing in the system itself.
            if not missing or missing == missing_before:
                return self._finish(tables, needed, sorted(missing))
            missing_before = missing
        raise Unavailable("backup_unsettled")

    def _write_rows(self, attempt: int) -> tuple[list[TableRows], Named]:
        self.progress("rows", 0, 0)
        tables = []
        with self.services.database.snapshot() as session:
            connection = session.connection()
            for number, shape in enumerate(list_shapes(connection)):
                lines = LineWriter(self.writer, f"rows/{attempt}/{number:02d}-{shape.name}")
                for values in read_rows(connection, shape):
                    lines.write(values)
                lines.close()
                tables.append(TableRows(shape, lines.count, tuple(lines.names)))
            return tables, read_named(session)

    def _copy_named(self, named: Named, *, check_space: bool) -> tuple[list[str], frozenset[str]]:
        """Copy what is not there yet; return the keys that the rows need, and those that could not be had."""
        # After the rows: whatever they name is in the list, or has gone since.
        stock = {info.key: info for folder in FOLDERS for info in self.services.objects.list(folder)}
        singles = {one.key for one in named.objects}
        bundles = {one.key for one in named.bundles}
        needed = [key for key in stock if key in singles or _lies_in(key, bundles, named.held_folders)]
        missing = {key for key in singles if key not in stock} | {key for key in bundles if key + MANIFEST not in stock}
        new, kept = list[ObjectInfo](), list[ObjectInfo]()
        for key in needed:
            if key not in self.copied:
                (kept if self._is_known(stock[key]) else new).append(stock[key])
        if check_space:
            _require_space(self.writer.path.parent, sum(info.byte_size for info in new))
        for info in kept:
            self.copied[info.key] = self.known[info.key]
        missing |= self._copy(new)
        return [key for key in needed if key in self.copied], frozenset(missing)

    def _is_known(self, info: ObjectInfo) -> bool:
        """Return whether the chain holds the object as it is: nobody has written it since."""
        one = self.known.get(info.key)
        return one is not None and one.byte_size == info.byte_size and one.modified_at == info.modified_at.isoformat()

    def _copy(self, infos: Sequence[ObjectInfo]) -> set[str]:
        missing = set[str]()
        total = self.done + len(infos)
        by_key = {info.key: info for info in infos}
        small = [info.key for info in infos if info.byte_size <= SMALL_BYTES]
        self.progress("copy", self.done, total)
        for key, found in self.services.objects.get_many(small):
            if isinstance(found, ObjectStoreError):
                if found.code != "object_missing":
                    raise found
                missing.add(key)
            else:
                self._keep_bytes(by_key[key], found)
            self.done += 1
            self.progress("copy", self.done, total)
        for info in infos:
            if info.byte_size <= SMALL_BYTES:
                continue
            path = self.scratch / "object"
            try:
                self.services.objects.get_to_file(info.key, path)
            except ObjectStoreError as error:
                if error.code != "object_missing":
                    raise
                missing.add(info.key)
            else:
                self._keep_file(info, path)
                path.unlink()
            self.done += 1
            self.progress("copy", self.done, total)
        return missing

    def _keep_bytes(self, info: ObjectInfo, data: bytes) -> None:
        sha256 = hashlib.sha256(data).hexdigest()
        if not self._keep_known(info, len(data), sha256):
            self.writer.add(OBJECTS + info.key, data)
            self._note(info, len(data), sha256, self.writer.header.id)

    def _keep_file(self, info: ObjectInfo, path: Path) -> None:
        byte_size = path.stat().st_size
        with path.open("rb") as stream:
            one = self.known.get(info.key)
            if one is not None and one.byte_size == byte_size:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
                if self._keep_known(info, byte_size, sha256):
                    return
                stream.seek(0)
            sha256 = self.writer.add_stream(OBJECTS + info.key, stream, byte_size)
        self._note(info, byte_size, sha256, self.writer.header.id)

    def _keep_known(self, info: ObjectInfo, byte_size: int, sha256: str) -> bool:
        """Take the object from the chain where its bytes are the same, though it was written anew."""
        one = self.known.get(info.key)
        if one is None or (one.byte_size, one.sha256) != (byte_size, sha256):
            return False
        self._note(info, byte_size, sha256, one.within)
        return True

    def _note(self, info: ObjectInfo, byte_size: int, sha256: str, within: str) -> None:
        self.copied[info.key] = StoredObject(info.key, byte_size, sha256, info.modified_at.isoformat(), within)

    def _finish(self, tables: list[TableRows], needed: Iterable[str], missing: list[str]) -> Made:
        # The last moment at which somebody may stop it.
        self.progress("finish", 0, 0)
        own = self.writer.header.id
        lists = LineWriter(self.writer, "lists")
        extra = {key: one.sha256 for key, one in self.copied.items() if one.within == own}
        count = total = new = new_bytes = 0
        for key in sorted(needed):
            one = self.copied[key]
            lists.write(one.to_json())
            extra.pop(key, None)
            count, total = count + 1, total + one.byte_size
            if one.within == own:
                new, new_bytes = new + 1, new_bytes + one.byte_size
        lists.close()
        if missing:
            logger.warning("%d objects that rows name are not in the store: %s", len(missing), missing[:3])
        manifest = Manifest(
            header=self.writer.header,
            tables=tuple(tables),
            members=self.writer.members,
            object_lists=tuple(lists.names),
            objects=count,
            object_bytes=total,
            new_objects=new,
            new_bytes=new_bytes,
            extra_objects=extra,
            missing=tuple(missing[:_KEPT_MISSING]),
        )
        byte_size, sha256 = self.writer.finish(manifest)
        return Made(self.writer.path, manifest, sha256, byte_size)


def _lies_in(key: str, bundles: set[str], folders: frozenset[str]) -> bool:
    parts = key.split("/")
    if "/".join(parts[:2]) in folders:
        return True
    return any("/".join(parts[:count]) + "/" in bundles for count in range(1, len(parts)))


def _require_space(folder: Path, byte_size: int) -> None:
    needed, free = byte_size + SPARE_BYTES, shutil.disk_usage(folder).free
    if free < needed:
        raise Unavailable(
            "backup_no_space", folder=str(folder), needed_gib=f"{needed / 2**30:.1f}", free_gib=f"{free / 2**30:.1f}"
        )


def _from_os(error: OSError, path: Path) -> AppError:
    if error.errno == 28:
        return from_lower(error)
    return Unavailable("backup_folder_refused", folder=str(path.parent), reason=error.strerror or "")


@contextmanager
def _scratch(services: Services) -> Iterator[Path]:
    """Give a folder of the data folder for one large object at a time; it is gone afterwards."""
    services.settings.cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="backup-", dir=services.settings.cache_dir) as folder:
        yield Path(folder)
