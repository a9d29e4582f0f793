"""What every object store does, and what can go wrong with one.

    ObjectStoreError(code, **params)
        object_missing             key
        object_key_invalid         key, reason: empty | too_long | part | character | encoding | link | occupied
        object_store_unavailable   reason: unreachable | timeout | tls | name | address | io | listing | damaged
                                   | <the store's own code>
        object_store_denied        reason: permission | credentials | no_bucket | clock
        object_store_full          reason: disk | quota | too_large

Neither the message nor the parameters hold a secret.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol, TypeVar

PARALLEL_TRANSFERS = 10
NO_TYPES: Mapping[str, str] = MappingProxyType({})
MAX_KEY_CHARACTERS = 255
MAX_PART_BYTES = 255  # of a file name, on the usual file systems

ObjectStoreErrorCode = Literal[
    "object_missing",
    "object_key_invalid",
    "object_store_unavailable",
    "object_store_denied",
    "object_store_full",
]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class ObjectStoreError(Exception):
    """An object store refused or could not be reached; `code` says which, `params` say about what and why."""

    def __init__(self, code: ObjectStoreErrorCode, **params: str) -> None:
        super().__init__(code, params)
        self.code: ObjectStoreErrorCode = code
        self.params: dict[str, str] = params

    def __str__(self) -> str:
        details = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{self.code} ({details})" if details else self.code

    def __reduce__(self) -> tuple[object, ...]:
        # The default would call ObjectStoreError(code, params): the error must cross process borders.
        return (_rebuild, (self.code, self.params))


def _rebuild(code: ObjectStoreErrorCode, params: dict[str, str]) -> ObjectStoreError:
    return ObjectStoreError(code, **params)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One listed object; `modified_at` is aware, in UTC."""

    key: str
    byte_size: int
    modified_at: datetime


class ObjectStore(Protocol):
    """Bytes under keys. An object appears whole or not at all, and a later put replaces it whole.

    Every method raises ObjectStoreError; methods that take a local path also raise OSError when the caller's own file
    cannot be read. Safe to share between threads.
    """

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None: ...

    def put_file(self, key: str, path: Path, *, content_type: str = "application/octet-stream") -> None: ...

    def get(self, key: str) -> bytes: ...

    def get_to_file(self, key: str, path: Path) -> None:
        """Write the object to `path`, whose folder exists: whole and on the disk, or not at all."""

    def exists(self, key: str) -> bool: ...

    def size(self, key: str) -> int:
        """Return the size of the object in bytes."""

    def sha256(self, key: str) -> str:
        """Return the SHA-256 of what the store holds, in hexadecimal; it is read unless the store vouches for it."""

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there counts as removed."""

    def move(self, key: str, new_key: str) -> None:
        """Give the object another key, in the place of what may be there; at every moment it is under one of them.

        One that is not there is reported as `object_missing`.
        """

    def copy(self, key: str, new_key: str) -> None:
        """Put the same object under another key too, in the place of what may be there.

        One that is not there is reported as `object_missing`.
        """

    def list(self, prefix: str = "", *, after: str | None = None) -> Iterator[ObjectInfo]:
        """Return the objects whose keys start with `prefix`, in the order of their keys, those after `after` only."""

    def delete_prefix(self, prefix: str) -> int:
        """Remove every object whose key starts with `prefix` (which may not be empty); return how many."""

    def get_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | ObjectStoreError]]:
        """Fetch ten at a time, in the order asked for; one that fails does not stop the others."""

    def put_many(
        self,
        items: Iterable[tuple[str, bytes]],
        *,
        content_type: str = "application/octet-stream",
        content_types: Mapping[str, str] = NO_TYPES,
    ) -> dict[str, ObjectStoreError]:
        """Store ten at a time; return the keys that failed and why. Empty: everything is stored.

        `content_types` are those of single keys that are not of `content_type`.
        """

    def check(self) -> None:
        """Raise within seconds unless the store can be reached and used."""

    def describe(self) -> str:
        """Return where the objects are, for people and logs: no secrets."""


def check_key(key: str) -> None:
    """Raise `object_key_invalid` unless `key` is a plain relative path: safe as a file name and in an address."""
    if not key:
        raise ObjectStoreError("object_key_invalid", key="", reason="empty")
    if len(key) > MAX_KEY_CHARACTERS:
        raise ObjectStoreError("object_key_invalid", key=key[:MAX_KEY_CHARACTERS], reason="too_long")
    _check_characters(key)
    for part in key.split("/"):
        # A leading dot is kept for the store's own files, and covers "." and "..".
        if not part or part.startswith("."):
            raise ObjectStoreError("object_key_invalid", key=key, reason="part")
        if len(part.encode()) > MAX_PART_BYTES:
            raise ObjectStoreError("object_key_invalid", key=key, reason="too_long")


def check_prefix(prefix: str) -> None:
    """Check the beginning of a key as `check_key` does: it may be empty or end anywhere, also in "/"."""
    if not prefix:
        return
    try:
        check_key(f"{prefix}_" if prefix.endswith("/") else prefix)
    except ObjectStoreError as error:
        raise ObjectStoreError(error.code, **(error.params | {"key": prefix[:MAX_KEY_CHARACTERS]})) from None


def _check_characters(key: str) -> None:
    try:
        key.encode()
    except UnicodeEncodeError:
        shown = key.encode("ascii", "backslashreplace").decode()
        raise ObjectStoreError("object_key_invalid", key=shown, reason="encoding") from None
    if "\\" in key or any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in key):
        raise ObjectStoreError("object_key_invalid", key=key, reason="character")


def transfer_in_parallel(
    work: Callable[[_Item], _Result], items: Iterable[_Item]
) -> Iterator[tuple[_Item, _Result | ObjectStoreError]]:
    """Run `work` on each item, ten at a time in the whole process, and yield the results in order.

    `work` must not call this function itself: it would wait for the threads that it occupies.
    At most ten results are held, however slowly they are taken; what has not begun when the caller stops never begins.
    """
    pending: deque[tuple[_Item, Future[_Result]]] = deque()

    def next_result() -> tuple[_Item, _Result | ObjectStoreError]:
        item, future = pending.popleft()
        try:
            return item, future.result()
        except ObjectStoreError as error:
            return item, error

    threads = _transfer_threads()
    try:
        for item in items:
            pending.append((item, threads.submit(work, item)))
            if len(pending) == PARALLEL_TRANSFERS:
                yield next_result()
        while pending:
            yield next_result()
    finally:
        wait([future for _, future in pending if not future.cancel()])


@cache
def _transfer_threads() -> ThreadPoolExecutor:
    """Return the threads of the process for transfers: to start ten for a few small objects takes as long as those."""
    return ThreadPoolExecutor(PARALLEL_TRANSFERS, thread_name_prefix="objects")
