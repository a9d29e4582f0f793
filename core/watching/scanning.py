"""Which files of a folder are there, and which of them are whole. By looking again and again: shares tell nobody."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

DONE, REJECTED = "done", "rejected"
TEMPORARY_ENDINGS = (".tmp", ".part", ".partial", ".crdownload", ".download", ".filepart")
_NEVER = frozenset({"thumbs.db", "desktop.ini"})
# Some cameras make an empty file first and fill it when the picture is there.
_EMPTY_SETTLES = 5


@dataclass(frozen=True)
class Candidate:
    """A file that is there: `name` is relative to the folder, with `/` between subfolders."""

    name: str
    size: int
    mtime_ns: int
    is_link: bool = False


@dataclass(frozen=True)
class Scan:
    """What a look at the folder found: files that are whole, the oldest first, and how many are still being written."""

    ready: tuple[Candidate, ...]
    settling: int


class Scanner:
    """Looks at one folder and remembers since when each file has been as it is."""

    def __init__(
        self,
        folder: Path,
        *,
        settle_s: float,
        subfolders: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._settle_s = settle_s
        self._subfolders = subfolders
        self._clock = clock
        self._since: dict[str, tuple[Candidate, float]] = {}
        self._temporary: set[tuple[int, int]] = set()

    def scan(self) -> Scan:
        """Return what is there now.

        Whole is a file whose size and time have not changed for the settle time, or one that was seen under a temporary
        name at the last look: whoever renames a file has finished it. Hidden files, those with a temporary ending, and
        what is in done/ and rejected/ are left alone. A link is never followed; it is a candidate so that it can be
        said. Raises OSError for a folder that cannot be read.
        """
        now = self._clock()
        since: dict[str, tuple[Candidate, float]] = {}
        temporary: set[tuple[int, int]] = set()
        ready: list[Candidate] = []
        for name, found in self._walk(self._folder, ""):
            identity = (found.st_dev, found.st_ino)
            if _is_temporary(name):
                temporary.add(identity)
                continue
            candidate = Candidate(name, found.st_size, found.st_mtime_ns, stat.S_ISLNK(found.st_mode))
            before = self._since.get(name)
            began = before[1] if before is not None and before[0] == candidate else now
            was_renamed = before is None and found.st_ino != 0 and identity in self._temporary
            if was_renamed:
                began = now - _EMPTY_SETTLES * self._settle_s
            since[name] = (candidate, began)
            needed_s = self._settle_s * (1 if candidate.size else _EMPTY_SETTLES)
            if candidate.is_link or now - began >= needed_s:
                ready.append(candidate)
        self._since, self._temporary = since, temporary
        ready.sort(key=lambda one: (one.mtime_ns, one.name))
        return Scan(tuple(ready), len(since) - len(ready))

    def forget(self, name: str) -> None:
        """Look at a file as if it had just arrived: it was changed while it was read."""
        self._since.pop(name, None)

    def _walk(self, folder: Path, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            if name.startswith((".", "~$")) or name.lower() in _NEVER:
                continue
            try:
                # Not the directory's own entry: on Windows it is as old as when the file was opened.
                found = os.lstat(folder / name)
            except OSError:
                continue  # gone, or renamed, since
            if stat.S_ISDIR(found.st_mode):
                if self._subfolders and (prefix or name not in {DONE, REJECTED}):
                    try:
                        yield from self._walk(folder / name, f"{prefix}{name}/")
                    except OSError:
                        continue  # of a subfolder that cannot be read the others go on
            elif stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
                yield prefix + name, found


def _is_temporary(name: str) -> bool:
    return name.lower().endswith(TEMPORARY_ENDINGS)


class ChangedError(Exception):
    """A file is another one than a moment ago."""


def is_unchanged(folder: Path, candidate: Candidate) -> bool:
    """Return whether the file is there as it was. Raises OSError where that cannot be told."""
    try:
        found = os.lstat(folder / candidate.name)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and (found.st_size, found.st_mtime_ns) == (candidate.size, candidate.mtime_ns)


def read_whole(folder: Path, candidate: Candidate) -> bytes:
    """Return the content of a file that stays as it is meanwhile. Raises ChangedError, OSError."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(folder / candidate.name, flags)
    except FileNotFoundError as error:
        raise ChangedError from error
    with os.fdopen(descriptor, "rb") as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode) or (before.st_size, before.st_mtime_ns) != (
            candidate.size,
            candidate.mtime_ns,
        ):
            raise ChangedError
        data = file.read(candidate.size + 1)
    if len(data) != candidate.size or not is_unchanged(folder, candidate):
        raise ChangedError
    return data
