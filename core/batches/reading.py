"""Reading the files of a batch ahead of their inspection: one after another, or part by part where a part has views."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from core.errors import AppError, from_lower
from core.inspections.by_view.naming import read_name
from storage.object_store import ObjectStore, ObjectStoreError

# Files on their way from the object store: so many at a time, and so many bytes, before they are decoded.
_READ_AHEAD, _READ_AHEAD_BYTES = 8, 64_000_000


@dataclass(frozen=True)
class PendingFile:
    """A file that is still to be inspected."""

    item_id: int
    place: int
    name: str
    object_key: str
    byte_size: int


@dataclass(frozen=True)
class ViewFile:
    """A file of a part: the code of the view that its name tells, and the part."""

    file: PendingFile
    view: str
    part: str


def group_by_part(
    pending: Sequence[PendingFile], views: Sequence[str]
) -> tuple[list[list[ViewFile]], list[PendingFile]]:
    """Return the files by part, those of a part in the order of the views, and the files that tell no view or part.

    Parts come in the order of their first files.
    """
    parts: dict[str, list[ViewFile]] = {}
    untold: list[PendingFile] = []
    for one in sorted(pending, key=lambda found: found.place):
        told = read_name(one.name, views)
        if told.view and told.part:
            parts.setdefault(told.part, []).append(ViewFile(one, told.view, told.part))
        else:
            untold.append(one)
    place = {view: number for number, view in enumerate(views)}
    return [sorted(files, key=lambda found: place[found.view]) for files in parts.values()], untold


class PartReader:
    """The parts of a batch with the bytes of their files, while those of the next are on their way already.

    Iterating yields the name of each part and its files, each with its bytes, or the AppError for which it has none.
    """

    def __init__(self, objects: ObjectStore, parts: Sequence[Sequence[ViewFile]]) -> None:
        self._objects = objects
        self._files = {found.file.item_id: found for files in parts for found in files}
        self._read = read_ahead(objects, [found.file for files in parts for found in files])

    def __iter__(self) -> Iterator[tuple[str, list[tuple[ViewFile, bytes | AppError]]]]:
        """Yield the parts in order."""
        named = ((self._files[one.item_id], read) for one, read in self._read)
        for part, files in groupby(named, key=lambda found: found[0].part):
            yield part, [(one, _try(read)) for one, read in files]

    def close(self) -> None:
        """Stop reading ahead."""
        self._read.close()


def _try(read: Callable[[], bytes]) -> bytes | AppError:
    try:
        return read()
    except AppError as error:
        return error


def read_ahead(
    objects: ObjectStore, pending: Sequence[PendingFile]
) -> Generator[tuple[PendingFile, Callable[[], bytes]], None, None]:
    """Yield the files in order, each with what gives its bytes, while the next ones are on their way already."""
    on_the_way: deque[tuple[PendingFile, Future[bytes]]] = deque()
    held = 0
    with ThreadPoolExecutor(_READ_AHEAD, thread_name_prefix="read") as threads:
        try:
            for one in pending:
                while on_the_way and (len(on_the_way) == _READ_AHEAD or held + one.byte_size > _READ_AHEAD_BYTES):
                    first, future = on_the_way.popleft()
                    held -= first.byte_size
                    yield first, partial(_take, future, first)
                    del future
                on_the_way.append((one, threads.submit(objects.get, one.object_key)))
                held += one.byte_size
            while on_the_way:
                first, future = on_the_way.popleft()
                yield first, partial(_take, future, first)
                del future
        finally:
            for _, future in on_the_way:
                future.cancel()


def _take(future: Future[bytes], one: PendingFile) -> bytes:
    try:
        return future.result()
    except ObjectStoreError as error:
        raise from_lower(error, name=one.name) from error
