"""Taking in images: decode, look for the same content, store the object, commit the row.

Files are decoded by a few threads and committed in small groups. Each group goes objects first, rows second: if it
fails half-way there are at most objects without rows, which are deleted at once, or collected later.
"""

from __future__ import annotations

import contextlib
import threading
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.access import ENGINEER, require_role
from core.errors import AppError, BadInput, from_lower
from inference.errors import ImageError
from inference.parallel import CORES
from inference.vision.images.containers import read_container
from inference.vision.images.decode import content_hash, decode, decode_mask, pixel_hash
from inference.vision.images.encoding import encode_png, thumbnail
from inference.vision.images.prefetch import map_ahead

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from storage.tables import Product

GROUP_FILES = 32
GROUP_BYTES = 32_000_000
_LARGE_PIXELS = 16_000_000
# Several images of 100 megapixels at a time would not fit into 1 GiB.
_LARGE_IMAGES = threading.Lock()


@dataclass(frozen=True)
class IncomingFile:
    """A file that somebody hands over; `read` gives its bytes, and is called once, from another thread."""

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file: `outcome` is added, duplicate or refused (then `error` says why).

    `notes` are codes of what was made right while decoding; a mask's outcome has the note `mask`.
    """

    name: str
    outcome: str
    image_id: int | None = None
    stored_name: str | None = None
    error: AppError | None = None
    notes: tuple[str, ...] = ()
    duplicate_of: str | None = None


@dataclass(frozen=True)
class Label:
    """What an image shows. `defect_code` is None for normal images, like `defect_type_id`."""

    image_type: str
    split: str
    defect_type_id: int | None = None
    defect_code: str | None = None


@dataclass(frozen=True)
class IntakeItem:
    """One image to take in, with its mask where there is one."""

    file: IncomingFile
    label: Label
    mask: IncomingFile | None = None


@dataclass(frozen=True)
class PreparedImage:
    """A decoded and hashed image on its way into the store. `mask_png` is an 8-bit grey PNG of 0 and 255."""

    item: IntakeItem
    data: bytes
    format: str
    notes: tuple[str, ...]
    width_px: int
    height_px: int
    content_sha256: str
    pixel_sha256: str
    thumbnail: bytes
    mask_png: bytes | None = None
    mask_error: AppError | None = None
    token: str = ""


def take_in(
    services: Services,
    person: Person,
    product: Product,
    items: Iterable[IntakeItem],
    *,
    group_files: int = GROUP_FILES,
) -> Iterator[FileOutcome]:
    """Take in the images of a product, yielding the outcome of each in order, its mask's right after it.

    A file that cannot be taken in is an outcome; AppError is raised when the database or the object store fails, after
    which everything already yielded is stored and nothing else is.
    """
    from core.image_storing import store_group

    require_role(services, person, ENGINEER)
    group: list[PreparedImage | FileOutcome] = []
    n_bytes = 0
    for prepared in _prepare_ahead(items):
        group.append(prepared)
        n_bytes += len(prepared.data) if isinstance(prepared, PreparedImage) else 0
        if len(group) >= group_files or n_bytes >= GROUP_BYTES:
            yield from store_group(services, person, product, group)
            group, n_bytes = [], 0
    if group:
        yield from store_group(services, person, product, group)


def prepare(item: IntakeItem) -> PreparedImage | FileOutcome:
    """Decode and hash one image; a FileOutcome when it is refused."""
    name = item.file.name
    try:
        data = item.file.read()
        with _gate(data):
            decoded = decode(data, file_name=name)
            height_px, width_px = decoded.pixels.shape[:2]
            prepared = PreparedImage(
                item=item,
                data=data,
                format=decoded.format,
                notes=decoded.notes,
                width_px=width_px,
                height_px=height_px,
                content_sha256=content_hash(data),
                pixel_sha256=pixel_hash(decoded.pixels),
                thumbnail=thumbnail(decoded.pixels),
                token=uuid.uuid4().hex,
            )
    except (ImageError, AppError, OSError, MemoryError) as error:
        return FileOutcome(name, "refused", error=_explain(error, name))
    if item.mask is None:
        return prepared
    try:
        mask_png = read_mask(item.mask, label=item.label, width_px=width_px, height_px=height_px)
    except AppError as error:
        return replace(prepared, mask_error=error)
    return replace(prepared, mask_png=mask_png)


def read_mask(mask: IncomingFile, *, label: Label | None, width_px: int, height_px: int) -> bytes:
    """The mask as a grey PNG of 0 and 255. Raises AppError: that of the file, mask_of_normal_image, mask_wrong_size,
    mask_empty."""
    if label is not None and label.image_type != "defect":
        raise BadInput("mask_of_normal_image", name=mask.name)
    try:
        data = mask.read()
        with _gate(data):
            marked = decode_mask(data, file_name=mask.name)
    except (ImageError, OSError, MemoryError) as error:
        raise _explain(error, mask.name) from error
    if marked.shape != (height_px, width_px):
        raise BadInput(
            "mask_wrong_size",
            name=mask.name,
            width_px=marked.shape[1],
            height_px=marked.shape[0],
            image_width_px=width_px,
            image_height_px=height_px,
        )
    if not marked.any():
        raise BadInput("mask_empty", name=mask.name)
    return encode_png(np.where(marked, 255, 0).astype(np.uint8))


def original_name(name: str) -> str:
    """The name as it is kept beside the server's own: NFC, without control characters, its end kept if too long."""
    plain = "".join(c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c)[0] != "C")
    return plain[-255:] or "?"


def _prepare_ahead(items: Iterable[IntakeItem]) -> Iterator[PreparedImage | FileOutcome]:
    # Few at a time: each is held whole until its group is stored.
    threads = min(4, CORES)
    return map_ahead(prepare, items, depth=threads, threads=threads)


def _gate(data: bytes) -> contextlib.AbstractContextManager[object]:
    """The lock of large images for a large one (or one whose size its header does not tell early)."""
    container = read_container(data) if data else None
    if container is None:
        return contextlib.nullcontext()
    if container.width_px is None or container.height_px is None:
        return _LARGE_IMAGES
    large = container.width_px * container.height_px > _LARGE_PIXELS
    return _LARGE_IMAGES if large else contextlib.nullcontext()


def _explain(error: Exception, name: str) -> AppError:
    if isinstance(error, OSError):
        return BadInput("image_unreadable", name=name)
    return from_lower(error, name=name)
