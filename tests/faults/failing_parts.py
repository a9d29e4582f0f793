"""Parts that fail once, at their n-th operation: the object store, the database, the files."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from core.services import Services
from storage.local_objects import LocalObjects
from storage.objects import ObjectStoreError

OBJECT_METHODS = ("put", "put_file", "get", "get_to_file", "exists", "size", "delete", "move", "delete_prefix", "list")


class Countdown:
    """Counts operations down to the one that fails; `reached` says whether it came to that."""

    def __init__(self, number: int) -> None:
        self._left = number
        self.count = 0
        self.name = ""

    @property
    def reached(self) -> bool:
        """Whether the operation was asked for."""
        return self._left <= 0

    def step(self, name: str) -> bool:
        """Count one operation; return whether it is the one to fail."""
        self.count += 1
        self._left -= 1
        if self._left == 0:
            self.name = name
        return self._left == 0


@contextmanager
def failing_objects(services: Services, countdown: Countdown) -> Iterator[None]:
    """Let the object store refuse."""
    with _objects(countdown, response_lost=False):
        yield


@contextmanager
def lost_responses(services: Services, countdown: Countdown) -> Iterator[None]:
    """Let the object store do what was asked, and its response get lost on the way."""
    with _objects(countdown, response_lost=True):
        yield


@contextmanager
def _objects(countdown: Countdown, *, response_lost: bool) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in OBJECT_METHODS:
            method = getattr(LocalObjects, name)

            def call(self: LocalObjects, *given: Any, name: str = name, method: Any = method, **more: Any) -> Any:
                fails = countdown.step(name)
                result = method(self, *given, **more) if response_lost or not fails else None
                if fails:
                    raise ObjectStoreError("object_store_unavailable", reason="timeout")
                return result

            patch.setattr(LocalObjects, name, call)
        put_many = LocalObjects.put_many

        def call_many(
            self: LocalObjects, items: Iterable[tuple[str, bytes]], **more: Any
        ) -> dict[str, ObjectStoreError]:
            kept, failed = [], {}
            for key, data in items:
                fails = countdown.step("put")
                if response_lost or not fails:
                    kept.append((key, data))
                if fails:
                    failed[key] = ObjectStoreError("object_store_unavailable", reason="timeout")
            return put_many(self, kept, **more) | failed

        patch.setattr(LocalObjects, "put_many", call_many)
        yield


def _broken(statement: str) -> OperationalError:
    return OperationalError(statement, {}, sqlite3.OperationalError("disk I/O error"))


@contextmanager
def failing_database(services: Services, countdown: Countdown) -> Iterator[None]:
    """Let a statement, or the end of a transaction, fail; nothing of it is kept."""

    def before_statement(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if countdown.step(statement.split(None, 1)[0]):
            raise _broken(statement)

    def before_commit(_connection: Any) -> None:
        if countdown.step("COMMIT"):
            raise _broken("COMMIT")

    event.listen(Engine, "before_cursor_execute", before_statement)
    event.listen(Engine, "commit", before_commit)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", before_statement)
        event.remove(Engine, "commit", before_commit)


@contextmanager
def lost_commits(services: Services, countdown: Countdown) -> Iterator[None]:
    """Let the transaction be kept, and the connection break before the database has said so."""
    commit = Session.commit

    def commit_and_break(self: Session) -> None:
        writes = bool(self.new or self.dirty or self.in_transaction())
        commit(self)
        if writes and countdown.step("COMMIT"):
            raise _broken("COMMIT")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "commit", commit_and_break)
        yield


@contextmanager
def failing_files(services: Services, countdown: Countdown) -> Iterator[None]:
    """Let a write below the data folder fail: making a file or folder, syncing, renaming it. SQLite's are its own."""
    below = str(services.settings.data_dir)
    real_open, real_fsync = os.open, os.fsync

    def fail(name: str, path: object) -> None:
        if str(path).startswith(below) and countdown.step(name):
            raise OSError(errno.EIO, "input/output error", str(path))

    def open_file(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if flags & os.O_CREAT:
            fail("open", path)
        return real_open(path, flags, *rest, **more)

    def fsync(descriptor: int) -> None:
        fail("fsync", Path(f"/proc/self/fd/{descriptor}").readlink())
        real_fsync(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_file)
        patch.setattr(os, "fsync", fsync)
        for name in ("mkdir", "rename", "replace"):
            method = getattr(Path, name)

            def call(self: Path, *given: Any, name: str = name, method: Any = method, **more: Any) -> Any:
                fail(name, self)
                return method(self, *given, **more)

            patch.setattr(Path, name, call)
        opened = Path.open

        def open_path(self: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
            if set(mode) & set("wxa+"):
                fail("open", self)
            return opened(self, mode, *rest, **more)

        patch.setattr(Path, "open", open_path)
        yield


FAULTS = {
    "objects": failing_objects,
    "object responses": lost_responses,
    "database": failing_database,
    "commits": lost_commits,
    "files": failing_files,
}
