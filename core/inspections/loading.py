"""Reading and decoding files ahead of their inspection, in groups, within a limit of what is in memory at a time."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import AppError, from_lower
from core.inspections.examination import GROUP_IMAGES
from core.inspections.part_details import NO_DETAILS, PartDetails
from inference.errors import InferenceError

if TYPE_CHECKING:
    from core.inspections.examination import Judges
    from inference.vision.images.decode import DecodedImage

# Of files and decoded pixels on their way from the disk to their record; an image that exceeds it goes alone.
MEMORY_BYTES = 480_000_000
# So many groups are on their way at a time: one is decoded, two are examined, one is stored.
_STAGES = 4
_BYTES_PER_PIXEL = 3


@dataclass(frozen=True)
class PartFile:
    """A file to inspect, with what is told of its part. `read` gives its bytes, or raises AppError.

    It is called once, from another thread. Of files with the same `idempotency_key`, now or earlier, one is inspected.
    """

    name: str
    read: Callable[[], bytes]
    details: PartDetails = NO_DETAILS
    idempotency_key: str | None = None


@dataclass(frozen=True, eq=False)
class Loaded:
    """A file that was read: its bytes and its image, or what is wrong with it.

    `place` counts the files from 0 on. `is_read` tells a file that is no image from one that could not even be read.
    """

    place: int
    file: PartFile
    details: PartDetails
    data: bytes = field(default=b"", repr=False)
    image: DecodedImage | None = field(default=None, repr=False)
    error: AppError | None = None
    is_read: bool = True
    byte_size: int = 0


@dataclass(eq=False)
class Group:
    """Files that are inspected together, by the judges of when the first of them was read.

    `problem` says why there are none: then no file of the group is decoded.
    """

    files: list[Loaded]
    judges: Judges | None = None
    problem: AppError | None = None

    @property
    def byte_size(self) -> int:
        """Return how much memory its files take."""
        return sum(one.byte_size for one in self.files)


class MemoryLimit:
    """How much may be in memory at a time, counted in bytes; safe to share between threads."""

    def __init__(self, limit: int = MEMORY_BYTES) -> None:
        self.limit = limit
        self.used = 0
        self._changed = threading.Condition()
        self._is_closed = False

    def try_take(self, size: int) -> bool:
        """Take `size` bytes where they are left, or nothing else is taken; return whether they were."""
        with self._changed:
            return self._take(size)

    def take(self, size: int) -> None:
        """Take `size` bytes, waiting until they are left or nothing else is taken; at once when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._take(size))

    def release(self, size: int) -> None:
        """Give back what was taken."""
        with self._changed:
            self.used -= size
            self._changed.notify_all()

    def close(self) -> None:
        """Let go whoever waits: nothing more will be given back."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _take(self, size: int) -> bool:
        if self.used and self.used + size > self.limit:
            return False
        self.used += size
        return True


def load_groups(
    files: Iterable[PartFile], memory: MemoryLimit, *, find_judges: Callable[[], Judges]
) -> Iterator[Group]:
    """Yield the files in order, read and decoded, in groups that are inspected together.

    `find_judges` is asked for each group: of a long batch, the version in use may be another meanwhile; it raises
    AppError. What a group holds was taken from `memory`: whoever is done with it gives its `byte_size` back.
    """
    group: Group | None = None
    held = 0
    for place, file in enumerate(files):
        read = _read(place, file)
        size = read.byte_size
        if group is not None:
            is_full = len(group.files) == GROUP_IMAGES or held + size > memory.limit // _STAGES
            if is_full or not memory.try_take(size):
                # What the group holds is given back only when it has gone its way.
                yield group
                group, held = None, 0
        if group is None:
            memory.take(size)
            group = _open_group(find_judges)
        group.files.append(read if group.judges is None else _decode(read, group.judges))
        held += size
    if group is not None:
        yield group


def _open_group(find_judges: Callable[[], Judges]) -> Group:
    try:
        return Group([], judges=find_judges())
    except AppError as error:
        return Group([], problem=error)


def _read(place: int, file: PartFile) -> Loaded:
    """Return the file, not yet decoded, with the bytes that it will take."""
    try:
        details = file.details.checked()
        data = file.read()
    except AppError as error:
        return Loaded(place, file, file.details, error=error, is_read=False)
    size = len(data) + _BYTES_PER_PIXEL * _count_pixels(data)
    return Loaded(place, file, details, data, byte_size=size)


def _decode(read: Loaded, judges: Judges) -> Loaded:
    from inference.vision.images.decode import decode

    if read.error is not None:
        return read
    try:
        image = decode(read.data, file_name=read.file.name, bit_depth=judges.bit_depth)
    except InferenceError as error:
        return Loaded(
            read.place,
            read.file,
            read.details,
            error=from_lower(error, name=read.file.name),
            byte_size=read.byte_size,
        )
    return Loaded(read.place, read.file, read.details, read.data, image, byte_size=read.byte_size)


def _count_pixels(data: bytes) -> int:
    """Return how many pixels the header announces; 0 for what is no image: the decoder will say so."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as image:
                width_px, height_px = image.size
    except Exception:  # noqa: BLE001 - hostile bytes, of which the decoder says what is wrong
        return 0
    return width_px * height_px
