"""Copying one store's objects into another: what is there already is compared by its hash, what came is read back."""

from __future__ import annotations

import hashlib
import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.errors import AppError, Unavailable, from_lower
from core.identity import FOLDERS, OBJECT_KEY, TRASH
from core.store_moves.content_types import content_type_of
from storage.object_store import ObjectInfo, ObjectStore, ObjectStoreError, check_key, transfer_in_parallel

logger = logging.getLogger(__name__)

# Larger ones go through a file: ten are on their way at once.
_IN_MEMORY_BYTES = 16 << 20
# A store that is away for a moment ends no move of hours; the pauses in seconds between the tries for an object.
_PAUSES_S = (1.0, 4.0)
# A store tells times in seconds: what was written so shortly before it was listed may be another content by now.
_CLOCK = timedelta(seconds=3)


@dataclass(frozen=True)
class Progress:
    """How far a pass is; `rate` in bytes/s, `remaining_s` in seconds (None: not known yet)."""

    objects: int
    of_objects: int
    byte_size: int
    of_bytes: int
    rate: float
    remaining_s: float | None


Report = Callable[[Progress], None]


@dataclass
class Pass:
    """What a pass found and did. `gone` were deleted while it went on, `refused` are keys that no store of ours has."""

    objects: int = 0
    byte_size: int = 0
    copied: int = 0
    copied_bytes: int = 0
    same: int = 0
    gone: int = 0
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Difference:
    """What the target lacks, holds otherwise, and holds beyond the source: keys."""

    objects: int
    byte_size: int
    missing: list[str]
    missing_bytes: int
    different: list[str]
    extra: list[str]


@contextmanager
def telling(store: ObjectStore, *, is_source: bool) -> Iterator[None]:
    """Raise Unavailable move_source_failed or move_target_failed, which names the store and why, for its errors."""
    try:
        yield
    except ObjectStoreError as error:
        shaped = from_lower(error)
        reason = {language: shaped.sentence(language) for language in ("ko", "en")}
        if is_source:
            raise Unavailable("move_source_failed", where=store.describe(), reason=reason) from error
        raise Unavailable("move_target_failed", where=store.describe(), reason=reason) from error


def list_all(store: ObjectStore, *, is_source: bool) -> dict[str, ObjectInfo]:
    """Return every object by its key, without the identity. Raises as `telling`."""
    with telling(store, is_source=is_source):
        return {info.key: info for info in store.list() if info.key != OBJECT_KEY}


class Copier:
    """Copies from `source` to `target`, in passes; each takes what came or changed since the one before.

    `scratch` is a folder for large objects on their way. With `only_missing` nothing that the target holds is touched.
    """

    def __init__(
        self, source: ObjectStore, target: ObjectStore, scratch: Path, *, only_missing: bool, report: Report
    ) -> None:
        self._source = source
        self._target = target
        self._scratch = scratch
        self._only_missing = only_missing
        self._report = report
        self._proven: dict[str, ObjectInfo] = {}

    def needed_bytes(self) -> int:
        """Return how many bytes the target lacks. Raises as `telling`."""
        there = list_all(self._target, is_source=False)
        found = list_all(self._source, is_source=True)
        return sum(info.byte_size for key, info in found.items() if key not in there)

    def make_pass(self) -> Pass:
        """Copy what the target does not hold as the source does. Raises as `telling`; what was copied stays."""
        there = list_all(self._target, is_source=False)
        found = list_all(self._source, is_source=True)
        done = Pass(objects=len(found), byte_size=sum(info.byte_size for info in found.values()))
        began = datetime.now(UTC)
        work = []
        for key, info in found.items():
            if (self._proven.get(key) == info and key in there) or (self._only_missing and key in there):
                done.same += 1
            elif not _is_ours(key):
                done.refused.append(key)
            else:
                work.append(info)
        self._bring_all(work, there, done, began)
        return done

    def _bring_all(self, work: Sequence[ObjectInfo], there: dict[str, ObjectInfo], done: Pass, began: datetime) -> None:
        started_s = time.monotonic()
        of_bytes, byte_size = sum(info.byte_size for info in work), 0
        pairs = ((info, there.get(info.key)) for info in work)
        for number, ((info, _there), outcome) in enumerate(transfer_in_parallel(self._bring, pairs), 1):
            assert isinstance(outcome, str)  # `_bring` raises nothing that is collected
            byte_size += info.byte_size
            if outcome == "gone":
                done.gone += 1
            elif outcome == "refused":
                done.refused.append(info.key)
            else:
                if outcome == "copied":
                    done.copied += 1
                    done.copied_bytes += info.byte_size
                else:
                    done.same += 1
                if info.modified_at < began - _CLOCK:
                    self._proven[info.key] = info
            rate = byte_size / max(time.monotonic() - started_s, 1e-6)
            remaining_s = (of_bytes - byte_size) / rate if rate else None
            self._report(Progress(number, len(work), byte_size, of_bytes, rate, remaining_s))

    def _bring(self, pair: tuple[ObjectInfo, ObjectInfo | None]) -> str:
        """Return "copied", "same", "gone" for an object that was deleted meanwhile, or "refused" for its key."""
        info, there = pair
        for pause_s in (*_PAUSES_S, None):
            try:
                return self._bring_once(info, there)
            except AppError as error:
                if _code_behind(error) == "object_key_invalid":
                    return "refused"  # a bucket may hold both a and a/b, and a folder cannot
                if pause_s is None or not _may_pass(error):
                    raise
                logger.info("%s: once more: %s", info.key, error)
                time.sleep(pause_s)
                there = None
        raise AssertionError("unreachable: the last try returns or raises")

    def _bring_once(self, info: ObjectInfo, there: ObjectInfo | None) -> str:
        try:
            if there is not None and there.byte_size == info.byte_size and self._is_same(info.key):
                return "same"
            sha256 = self._copy(info)
        except _GoneError:
            return "gone"
        with telling(self._target, is_source=False):
            if self._target.sha256(info.key) != sha256:
                raise ObjectStoreError("object_store_unavailable", key=info.key, reason="damaged")
        return "copied"

    def _is_same(self, key: str) -> bool:
        with _gone_as_such(), telling(self._source, is_source=True):
            wanted = self._source.sha256(key)
        with telling(self._target, is_source=False):
            return self._target.sha256(key) == wanted

    def _copy(self, info: ObjectInfo) -> str:
        """Copy an object; return the SHA-256 of what was read."""
        key, content_type = info.key, content_type_of(info.key)
        if info.byte_size <= _IN_MEMORY_BYTES:
            with _gone_as_such(), telling(self._source, is_source=True):
                data = self._source.get(key)
            with telling(self._target, is_source=False):
                self._target.put(key, data, content_type=content_type)
            return hashlib.sha256(data).hexdigest()
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            path = Path(folder) / "object"
            with _gone_as_such(), telling(self._source, is_source=True):
                self._fetch(key, path)
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            with telling(self._target, is_source=False):
                self._target.put_file(key, path, content_type=content_type)
            return sha256

    def _fetch(self, key: str, path: Path) -> None:
        try:
            self._source.get_to_file(key, path)
        except ObjectStoreError as error:
            if error.code == "object_store_full":  # reading fills no store, but this machine's disk
                raise Unavailable("move_disk_full", folder=str(self._scratch)) from error
            raise

    def remove_extra(self, day: str) -> int:
        """Put what the source no longer holds into the target's trash of `day` (yyyymmdd); return how many.

        What lies there in no folder of ours is left, and what is in the trash goes when its days are over. Raises as
        `telling`.
        """
        there = list_all(self._target, is_source=False)
        found = list_all(self._source, is_source=True)
        count = 0
        for key in there:
            if key in found or not key.startswith(FOLDERS) or not _is_ours(key):
                continue
            with telling(self._source, is_source=True):
                if self._source.exists(key):
                    continue  # it came while we looked
            with telling(self._target, is_source=False):
                self._target.move(key, f"{TRASH}{day}/{key}")
            count += 1
        return count


def compare(source: ObjectStore, target: ObjectStore, report: Report) -> Difference:
    """Return how the two stores differ, by the hash of every object that both hold. Raises as `telling`."""
    there = list_all(target, is_source=False)
    found = list_all(source, is_source=True)
    missing = [info for key, info in found.items() if key not in there]
    both = [info for key, info in found.items() if key in there and _is_ours(key)]
    started_s = time.monotonic()
    different, of_bytes, byte_size = [], sum(info.byte_size for info in both), 0

    def differs(info: ObjectInfo) -> bool:
        if info.byte_size != there[info.key].byte_size:
            return True
        with telling(source, is_source=True):
            wanted = source.sha256(info.key)
        with telling(target, is_source=False):
            return target.sha256(info.key) != wanted

    for number, (info, outcome) in enumerate(transfer_in_parallel(differs, both), 1):
        if outcome is True:
            different.append(info.key)
        byte_size += info.byte_size
        rate = byte_size / max(time.monotonic() - started_s, 1e-6)
        remaining_s = (of_bytes - byte_size) / rate if rate else None
        report(Progress(number, len(both), byte_size, of_bytes, rate, remaining_s))
    return Difference(
        objects=len(found),
        byte_size=sum(info.byte_size for info in found.values()),
        missing=[info.key for info in missing],
        missing_bytes=sum(info.byte_size for info in missing),
        different=different,
        extra=[key for key in there if key not in found],
    )


class _GoneError(Exception):
    """The object was deleted between the listing and its turn."""


@contextmanager
def _gone_as_such() -> Iterator[None]:
    try:
        yield
    except Unavailable as error:
        if _code_behind(error) == "object_missing":
            raise _GoneError from error
        raise


def _may_pass(error: AppError) -> bool:
    return _code_behind(error) == "object_store_unavailable"


def _code_behind(error: AppError) -> str:
    cause = error.__cause__
    return cause.code if isinstance(cause, ObjectStoreError) else ""


def _is_ours(key: str) -> bool:
    try:
        check_key(key)
    except ObjectStoreError:
        return False
    return True
