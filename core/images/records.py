"""Images on their way in, as records: the file, its label, what it was decoded to and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import AppError
from core.images.regions.records import Region

# By which way an image came.
BY_UPLOAD, BY_IMPORT, BY_API, BY_INSPECTION, BY_DEMO = "upload", "import", "api", "inspection", "demo"


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
    """What an image shows. `defect_code` is None for normal images; theirs `defect_type_id` is a kind of good part."""

    image_type: str
    split: str
    defect_type_id: int | None = None
    defect_code: str | None = None


@dataclass(frozen=True)
class IngestItem:
    """One image to ingest, with its mask where there is one.

    `part` names the piece that it shows, and `part_source` says where the name comes from (see `core.images.parts`);
    empty where nobody said so. `inspection_id` is the inspection whose picture it is, where it comes from one. The mask
    is the union of `mask` and `more_masks`; where there is none, that of the `regions`, whose defect types are stored.
    `view` is the product's view that it shows, `domain` where it was taken (see `core.images.domains`). `origin` is the
    way by which it came, one of BY_UPLOAD, BY_IMPORT, BY_API, BY_INSPECTION and BY_DEMO. `original_name` is kept
    instead of the file's name where it is given.
    """

    file: IncomingFile
    label: Label
    mask: IncomingFile | None = None
    part: str = ""
    part_source: str = ""
    inspection_id: int | None = None
    more_masks: tuple[IncomingFile, ...] = ()
    regions: tuple[Region, ...] = ()
    view: str = ""
    origin: str = BY_UPLOAD
    original_name: str = ""
    domain: str = ""


@dataclass(frozen=True)
class PreparedImage:
    """A decoded and hashed image on its way into the store. `mask_png` is an 8-bit gray PNG of 0 and 255.

    `quality` are the codes of how it was badly taken, comma-separated; for the other measures see
    `inference.vision.images.measures`.
    """

    item: IngestItem
    data: bytes
    format: str
    notes: tuple[str, ...]
    width_px: int
    height_px: int
    content_sha256: str
    pixel_sha256: str
    thumbnail: bytes
    quality: str
    blur_score: float
    difference_hash: int
    mask_png: bytes | None = None
    mask_error: AppError | None = None
    mask_share: float | None = None
    token: str = ""
