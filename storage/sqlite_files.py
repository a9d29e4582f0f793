"""The files of a SQLite database, watched.

SQLite goes on writing into a file that somebody has taken away or put another in place of: every commit succeeds, and
all of it is gone with the process.
So each connection keeps which files it has open, and every transaction asks whether they still lie under their names.

Why that refuses nobody wrongly: a connection in WAL mode holds a shared lock on the database file from its first read
until it closes.
Only a connection that closes as the last of all processes, which needs that lock for itself, deletes `-wal` and `-shm`;
checkpoints and VACUUM keep the files and their inodes.
An inode's number is not given to another file while the file is open, so a copy in the same place has another one.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import threading
import weakref
from pathlib import Path
from typing import Any, Literal

from storage.database_errors import DatabaseError

Mode = Literal["rw", "rwc", "ro"]
_Identity = tuple[int, int]
_Files = tuple[tuple[str, _Identity], ...]

# Where every process that has a database in WAL mode open holds a shared lock, in the file `-shm`.
_WAL_OPEN_BYTE = 128
_POSIX_LOCK = re.compile(r"POSIX .* (?P<device>[0-9a-f]+:[0-9a-f]+:\d+) (?P<first>\d+) (?P<last>\d+|EOF)$")


class WatchedConnection(sqlite3.Connection):
    """A connection that knows which files it has open."""

    main: _Identity | None = None
    files: _Files = ()
    is_closed = False

    def close(self) -> None:
        """Close, and say so before: from here on the files may be deleted in good order."""
        self.is_closed = True
        super().close()


class FileWatch:
    """The files of one database as the connections of this process have them open. Safe to share between threads."""

    def __init__(self, path: str, *, mode: Mode) -> None:
        self._path = os.path.abspath(path)  # noqa: PTH100 - SQLAlchemy's way: symbolic links stay as they are
        self._mode = mode
        self._lock = threading.Lock()
        self._reset()

    @property
    def writes(self) -> bool:
        """Whether its connections may write."""
        return self._mode != "ro"

    @property
    def has_seen_file(self) -> bool:
        """Whether this process has had the database open: a file that is missing now was there."""
        return self._main is not None

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._main: _Identity | None = None
        self._open: weakref.WeakSet[WatchedConnection] = weakref.WeakSet()

    def connect(self, **options: Any) -> WatchedConnection:
        """Open the file, and never make one where there was a database before.

        Raises DatabaseError `database_replaced`, or `database_not_migrated` where there never was one, and sqlite3's
        own errors.
        """
        with self._lock:
            if self._pid != os.getpid():  # the connections of a parent process are not ours
                self._reset()
            known = self._main
        address = f"{Path(self._path).as_uri()}?mode={self._mode}"
        for _ in range(3):
            before = _identify(self._path)
            if known is not None and before != known:
                raise _replaced()
            if before is None and self._mode != "rwc":
                raise DatabaseError("database_not_migrated", reason="schema")
            connection = sqlite3.connect(address, uri=True, factory=WatchedConnection, **options)
            after = _identify(self._path)
            if after is not None and (before == after or (before is None and self._mode == "rwc")):
                connection.main = after
                return connection
            # Replaced between the two looks; or an overlay file system has made its own copy of it at the opening.
            connection.close()
        raise _replaced()

    def remember(self, connection: WatchedConnection) -> None:
        """Keep which files a connection has open, once it has read something: from then on it holds all of them.

        Raises DatabaseError `database_replaced` where the others of this process have other files open.
        """
        real = os.path.realpath(self._path)
        companions = [(place, _identify(place)) for place in (f"{real}-wal", f"{real}-shm")]
        assert connection.main is not None
        connection.files = (
            (self._path, connection.main),
            *((place, found) for place, found in companions if found is not None),
        )
        with self._lock:
            for other in self._open:
                mine = dict(connection.files)
                if not other.is_closed and any(mine.get(place, known) != known for place, known in other.files):
                    raise _replaced()
            self._main = connection.main
            self._open.add(connection)

    def check(self, connection: WatchedConnection) -> None:
        """Raise DatabaseError `database_replaced` unless every file of the connection is where it was."""
        for place, known in connection.files:
            if _identify(place) != known:
                raise _replaced()

    def reset(self) -> None:
        """Accept whatever files are there next: the pool has released its connections."""
        with self._lock:
            if all(other.is_closed for other in self._open):
                self._reset()


def ended_uncleanly(path: str) -> bool:
    """Return whether the last process that had the database open was killed: its write-ahead log is still there.

    Only true before this process opens the database, and while no other has it open.
    """
    real = os.path.realpath(path)
    try:
        left_over = os.stat(f"{real}-wal").st_size > 0  # noqa: PTH116
    except OSError:
        return False
    return left_over and not _is_open(f"{real}-shm")


def _is_open(shared_memory: str) -> bool:
    # Linux tells who holds locks. Asking the lock itself would mean opening the file, and closing it again would drop
    # every lock that this process has on it. Where nothing can be read, the answer is no: then the database is
    # checked once too often.
    try:
        found = os.stat(shared_memory)  # noqa: PTH116
        held = Path("/proc/locks").read_text()
    except OSError:
        return False
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in held.splitlines():
        lock = _POSIX_LOCK.search(line)
        # Neighboring locks of one process are reported as one range.
        if lock and lock["device"] == device and int(lock["first"]) <= _WAL_OPEN_BYTE <= _last(lock["last"]):
            return True
    return False


def _last(told: str) -> int:
    return sys.maxsize if told == "EOF" else int(told)


def _identify(place: str) -> _Identity | None:
    """Return the file under a name; None when there is none."""
    try:
        found = os.stat(place)  # noqa: PTH116 - several times as fast as Path.stat, at every transaction
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # No proof that it was replaced: a file system that does not answer.
        raise DatabaseError("database_unavailable", reason="io") from error
    return found.st_dev, found.st_ino


def _replaced() -> DatabaseError:
    return DatabaseError("database_replaced", reason="replaced")
