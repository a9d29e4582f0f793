"""What an export is asked for, what it is made of, and what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol

from core.i18n import N_
from core.images.regions.records import Region

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

ExportFormat = Literal["folders", "coco", "yolo", "voc", "csv"]
FORMAT_NAMES: Final[dict[ExportFormat, str]] = {
    "folders": N_("Folders (as in MVTec AD)"),
    "coco": "COCO",
    "yolo": "YOLO",
    "voc": "Pascal VOC",
    "csv": N_("CSV list"),
}
# The formats that cannot hold every outline; the manifest and the masks beside them can.
INEXACT: Final[frozenset[ExportFormat]] = frozenset({"folders", "yolo", "voc"})
HEADER_NAME: Final = "geomsa-export.json"
IMAGES_NAME: Final = "geomsa-images-{number}.jsonl"


@dataclass(frozen=True)
class ExportChoice:
    """Which images of a product leave, and how.

    `image_ids` are the images (of a gallery's filter, or of a dataset version); None: all that fit the rest.
    `split_by_id` are their splits where these are not those that the images have now.
    """

    format: ExportFormat = "folders"
    splits: tuple[str, ...] = ()
    image_type: str = ""
    image_ids: tuple[int, ...] | None = None
    split_by_id: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ExportType:
    """A defect type, or a kind of good part."""

    id: int
    code: str
    name_ko: str
    name_en: str
    severity: str
    description: str
    outcome: str
    is_active: bool


@dataclass(frozen=True)
class ExportImage:
    """One image on its way out; `name` is its file name, safe on every system, `type` what it shows."""

    id: int
    name: str
    image_type: str
    type: ExportType | None
    split: str
    part: str
    part_source: str
    view: str
    original_name: str
    sha256: str
    byte_size: int
    width_px: int
    height_px: int
    object_key: str
    mask_key: str | None
    regions: tuple[tuple[Region, ExportType | None], ...] = ()
    domain: str = ""

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return self.name.rsplit(".", 1)[0]

    @property
    def is_defect(self) -> bool:
        """Whether it shows a defect."""
        return self.image_type == "defect"


@dataclass(frozen=True)
class Entry:
    """One file of an export: its path, and its bytes in pieces that may be read once."""

    path: str
    pieces: Iterable[bytes]
    byte_size: int
    sha256: str
    is_image: bool = False

    @classmethod
    def of(cls, path: str, data: bytes, *, is_image: bool = False) -> Entry:
        """Return a file of these bytes."""
        return cls(path, (data,), len(data), hashlib.sha256(data).hexdigest(), is_image)


# Reads the mask of the image that is written just now: height × width, True where the defect is; None without one.
ReadMask = Callable[[], "npt.NDArray[np.bool_] | None"]
Marked = tuple[tuple[Region, ExportType], ...]


class Layout(Protocol):
    """Where one format keeps its files; one object an export."""

    def image_path(self, image: ExportImage) -> str:
        """Return where the image goes."""
        ...

    def mask_path(self, image: ExportImage) -> str:
        """Return where its mask goes."""
        ...

    def annotate(self, image: ExportImage, marked: Callable[[], Marked]) -> Iterator[Entry]:
        """Yield the files that tell of this image alone; `marked` gives its regions with their types."""
        ...

    def finish(self) -> Iterator[Entry]:
        """Yield the files that tell of all images."""
        ...

    def close(self) -> None:
        """Give back what is held on disk, also of an export that was broken off."""
        ...


@dataclass
class ExportSummary:
    """What has been written, and what could not be: (name of the image, code of why).

    `beside_format` are the facts (`limits.Fact`) that only the manifest keeps, with how many images have them (0: the
    product has them).
    """

    n_images: int = 0
    n_masks: int = 0
    n_regions: int = 0
    n_bytes: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    beside_format: dict[str, int] = field(default_factory=dict)


def classes_of(types: Sequence[ExportType]) -> dict[str, int]:
    """Return the number of each class by the code of its defect type, from 0 on; kinds of good parts are none."""
    codes = sorted((found.code for found in types if found.outcome == "defect"), key=str.lower)
    return {code: number for number, code in enumerate(codes)}
