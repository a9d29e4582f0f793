"""Images on their way in, as records: the file, its label, what it was decoded to and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import AppError


@dataclass(frozen=True)
class IncomingFile:
    """An uploaded file; `read` gives its bytes, and is called once, from another thread."""

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file: `outcome` is added, duplicate or refused (then `error` says why).

    `notes` are codes of what was made right while decoding; a mask's outcome has the note `mask`, and `mask_inverted`
    where it covers so much that it may mark what is good. `mask_share` is the share of the image that a mask covers.
    """

    name: str
    outcome: str
    image_id: int | None = None
    stored_name: str | None = None
    error: AppError | None = None
    notes: tuple[str, ...] = ()
    duplicate_of: str | None = None
    mask_share: float | None = None


@dataclass(frozen=True)
class Label:
    """What an image shows. `defect_code` is None for normal images, like `defect_type_id`."""

    image_type: str
    split: str
    defect_type_id: int | None = None
    defect_code: str | None = None


@dataclass(frozen=True)
class IngestItem:
    """One image to ingest, with its mask where there is one.

    `part` names the piece that it shows, and `part_source` says where the name comes from (see `core.images.parts`);
    empty where nobody said so.
    """

    file: IncomingFile
    label: Label
    mask: IncomingFile | None = None
    part: str = ""
    part_source: str = ""


@dataclass(frozen=True)
class PreparedImage:
    """A decoded and hashed image on its way into the store. `mask_png` is an 8-bit gray PNG of 0 and 255."""

    item: IngestItem
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
    mask_share: float | None = None
    token: str = ""
