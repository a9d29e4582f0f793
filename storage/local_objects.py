"""Objects in a folder of this machine."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from storage.atomic_files import rename_durably, sync_folder, write_atomically, write_unnamed
from storage.object_store import NO_TYPES, ObjectInfo, ObjectStoreError, check_key, check_prefix, transfer_in_parallel

CHUNK_BYTES = 1 << 20
ABANDONED_AFTER_S = 24 * 3600
_FEW_FOLDERS = 3  # are synced sooner than threads are started for them
_INCOMING = ".incoming"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP}


class LocalObjects:
    """An ObjectStore in the folder `root`, which is made when it is not there.

    Links inside the folder are never followed. Content types are not kept: whoever serves an object knows its kind.
    """

    def __init__(self, root: Path) -> None:
        with _translated(""):
            root.mkdir(parents=True, exist_ok=True)
            self._root = root.resolve()
            self._incoming = self._root / _INCOMING
            self._incoming.mkdir(exist_ok=True)

    def __repr__(self) -> str:
        return f"LocalObjects({self.describe()!r})"

    def describe(self) -> str:
        return str(self._root)

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        self._write(key, [data])

    def put_file(self, key: str, path: Path, *, content_type: str = "application/octet-stream") -> None:
        with path.open("rb") as source:
            self._write(key, _chunks(source))

    def get(self, key: str) -> bytes:
        with self._translated(key), self._open(key) as file:
            return file.read()

    def get_to_file(self, key: str, path: Path) -> None:
        with self._translated(key), self._open(key) as file:
            write_atomically(path, _chunks(file), temporary_folder=path.parent)

    def exists(self, key: str) -> bool:
        try:
            self.size(key)
        except ObjectStoreError as error:
            if error.code == "object_missing":
                return False
            raise
        return True

    def size(self, key: str) -> int:
        with self._translated(key):
            found = self._path(key).lstat()
            if not stat.S_ISREG(found.st_mode):
                raise ObjectStoreError("object_missing", key=key)
            return found.st_size

    def sha256(self, key: str) -> str:
        with self._translated(key), self._open(key) as file:
            found = hashlib.sha256()
            for chunk in _chunks(file):
                found.update(chunk)
            return found.hexdigest()

    def delete(self, key: str) -> None:
        path = self._path(key)
        with self._translated(key):
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                self._require_root()
                return
            except PermissionError:
                if path.is_dir():  # macOS says so instead of "is a folder"
                    return
                raise
            self._remove_empty_folders(path.parent)

    def move(self, key: str, new_key: str) -> None:
        source, target = self._path(key), self._path(new_key)
        with self._translated(key):
            if not stat.S_ISREG(source.lstat().st_mode):
                raise ObjectStoreError("object_missing", key=key)
        with self._translated(new_key, writing=True):
            self._make_folders(target.parent)
            if target.is_dir():
                raise ObjectStoreError("object_key_invalid", key=new_key, reason="occupied")
        with self._translated(key):
            rename_durably(source, target)
            self._remove_empty_folders(source.parent)

    def copy(self, key: str, new_key: str) -> None:
        with self._translated(key), self._open(key) as file:
            self._write(new_key, _chunks(file))

    def list(self, prefix: str = "", *, after: str | None = None) -> Iterator[ObjectInfo]:
        check_prefix(prefix)
        folder = prefix.rpartition("/")[0]
        with self._translated(prefix):
            self._require_root()
            start = self._path(folder) if folder else self._root
            for info in _walk(start, f"{folder}/" if folder else ""):
                if info.key.startswith(prefix) and (after is None or info.key > after):
                    yield info

    def delete_prefix(self, prefix: str) -> int:
        if not prefix:
            raise ObjectStoreError("object_key_invalid", key="", reason="empty")
        keys = [info.key for info in self.list(prefix)]
        for key in keys:
            self.delete(key)
        return len(keys)

    def get_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | ObjectStoreError]]:
        return transfer_in_parallel(self.get, keys)

    def put_many(
        self,
        items: Iterable[tuple[str, bytes]],
        *,
        content_type: str = "application/octet-stream",
        content_types: Mapping[str, str] = NO_TYPES,
    ) -> dict[str, ObjectStoreError]:
        # The names in a folder are synced once for all files that came into it, and only then are they stored.
        keys_in: dict[Path, list[str]] = {}
        failed: dict[str, ObjectStoreError] = {}
        for (key, _), outcome in transfer_in_parallel(lambda item: self._write_unnamed(*item), items):
            if isinstance(outcome, ObjectStoreError):
                failed[key] = outcome
            else:
                for folder in outcome:
                    keys_in.setdefault(folder, []).append(key)
        few = len(keys_in) <= _FEW_FOLDERS
        synced = map(self._sync, keys_in) if few else (found for _, found in transfer_in_parallel(self._sync, keys_in))
        for keys, problem in zip(keys_in.values(), synced, strict=True):
            if problem is not None:
                failed |= dict.fromkeys(keys, problem)
        return failed

    def check(self) -> None:
        """Write and remove a byte, and clear away what killed processes left half-written a day ago."""
        with self._translated(""):
            self._require_root()
            probe = self._incoming / f"check-{os.getpid()}"
            write_atomically(probe, [b"1"], temporary_folder=self._incoming)
            probe.unlink(missing_ok=True)
            for abandoned in self._incoming.iterdir():
                if abandoned.lstat().st_mtime < time.time() - ABANDONED_AFTER_S:
                    abandoned.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        """Return the file behind a key; no part of the way to it may be a link."""
        check_key(key)
        path = self._root
        for part in key.split("/"):
            path = path / part
            if path.is_symlink():
                raise ObjectStoreError("object_key_invalid", key=key, reason="link")
        return path

    def _open(self, key: str) -> BinaryIO:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        path = self._path(key)
        if path.is_dir():
            raise ObjectStoreError("object_missing", key=key)
        return os.fdopen(os.open(path, flags), "rb")

    def _write(self, key: str, chunks: Iterable[bytes]) -> None:
        path = self._path(key)
        with self._translated(key, writing=True):
            self._require_root()
            self._make_folders(path.parent)
            if path.is_dir():
                raise ObjectStoreError("object_key_invalid", key=key, reason="occupied")
            write_atomically(path, chunks, temporary_folder=self._incoming)

    def _write_unnamed(self, key: str, data: bytes) -> Sequence[Path]:
        """Write an object and return the folders whose names are still to be synced."""
        path = self._path(key)
        with self._translated(key, writing=True):
            self._require_root()
            parents = [path.parent]
            while not parents[-1].is_dir() and parents[-1] != self._root:
                parents.append(parents[-1].parent)
            self._make_folders(path.parent, sync=False)
            if path.is_dir():
                raise ObjectStoreError("object_key_invalid", key=key, reason="occupied")
            write_unnamed(path, [data], temporary_folder=self._incoming)
        return parents

    def _sync(self, folder: Path) -> ObjectStoreError | None:
        """Make the names in a folder survive a power cut; return why that failed."""
        try:
            # One that is gone was removed as empty: somebody deleted again what was in it.
            with self._translated("", writing=True), suppress(FileNotFoundError):
                sync_folder(folder)
        except ObjectStoreError as error:
            return error
        return None

    def _make_folders(self, folder: Path, *, sync: bool = True) -> None:
        while not folder.is_dir():
            if folder == self._root:
                raise ObjectStoreError("object_store_unavailable", reason="unreachable")
            self._make_folders(folder.parent, sync=sync)
            # A deletion beside us may remove the parent as empty: then once more.
            try:
                folder.mkdir()
                if sync:
                    sync_folder(folder.parent)
            except FileNotFoundError:
                continue
            except FileExistsError:
                if folder.is_file():
                    raise

    def _remove_empty_folders(self, folder: Path) -> None:
        while folder != self._root:
            try:
                folder.rmdir()
            except OSError:
                return  # not empty, or already gone: both are what was wanted
            folder = folder.parent

    def _require_root(self) -> None:
        # A drive that was taken out must not look like a store without objects.
        if not self._incoming.is_dir():
            raise ObjectStoreError("object_store_unavailable", reason="unreachable")

    @contextmanager
    def _translated(self, key: str, *, writing: bool = False) -> Iterator[None]:
        with _translated(key, writing=writing):
            try:
                yield
            except OSError as error:
                if error.errno in _MISSING:
                    self._require_root()
                raise


@contextmanager
def _translated(key: str, *, writing: bool = False) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ObjectStoreError("object_store_full", key=key, reason="disk") from error
        if error.errno in _DENIED:
            raise ObjectStoreError("object_store_denied", key=key, reason="permission") from error
        if error.errno in _MISSING and not writing:
            raise ObjectStoreError("object_missing", key=key) from error
        if error.errno in {errno.ENOTDIR, errno.EEXIST}:
            raise ObjectStoreError("object_key_invalid", key=key, reason="occupied") from error
        raise ObjectStoreError("object_store_unavailable", key=key, reason="io") from error


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _walk(folder: Path, prefix: str) -> Iterator[ObjectInfo]:
    """Yield every file below `folder` in the order of its key; a folder sorts as its name with the slash."""
    try:
        with os.scandir(folder) as found:
            entries = [entry for entry in found if not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return
    named = [(f"{e.name}/" if e.is_dir(follow_symlinks=False) else e.name, e) for e in entries]
    for name, entry in sorted(named, key=lambda pair: pair[0]):
        if name.endswith("/"):
            yield from _walk(folder / entry.name, f"{prefix}{name}")
        elif entry.is_file(follow_symlinks=False):
            try:
                found_stat = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # deleted while we walked
            modified_at = datetime.fromtimestamp(found_stat.st_mtime, UTC)
            yield ObjectInfo(f"{prefix}{name}", found_stat.st_size, modified_at)
