"""What annotation files say, as values; and how much of one is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from core.images.regions.records import Region

AnnotationFormat = Literal["coco", "yolo", "voc", "labelme", "cvat", "label_studio", "deeppcb"]
FORMATS: Final[dict[AnnotationFormat, str]] = {
    "coco": "COCO",
    "yolo": "YOLO",
    "voc": "Pascal VOC",
    "labelme": "LabelMe",
    "cvat": "CVAT",
    "label_studio": "Label Studio",
    "deeppcb": "DeepPCB",
}

# A parsed file takes about ten times its size; of one image more regions than these are no drawing of a person.
MOST_FILE_BYTES: Final = 50_000_000
MOST_REGIONS: Final = 2_000
MOST_CORNERS: Final = 20_000
MOST_RUNS: Final = 5_000_000
MOST_MASK_PIXELS: Final = 100_000_000
MOST_PROBLEMS_OF_A_FILE: Final = 200


class AnnotationError(Exception):
    """An annotation file, or a part of it, that cannot be used: `code` has a sentence, with `params`."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True)
class AnnotationFile:
    """A file that annotates images. `companions` are files read along with it, such as the YOLO names."""

    path: str
    format: AnnotationFormat
    companions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A region as a file gives it, in the pixels that the file is about; `type_name` as it is written there."""

    region: Region
    type_name: str


@dataclass(frozen=True)
class FileEntry:
    """What one file says of one image, before it is known which image of the upload that is.

    `width_px` and `height_px` are the size that the file gives, 0 where it gives none. `is_complete`: the file says
    for certain that what it does not mark is not there. `label` is a word for the whole image. `notes` are codes of
    what was left out or made right, `lost` says that a region could not be used: such an image is never a good one.
    """

    name: str
    marks: tuple[Mark, ...] = ()
    width_px: int = 0
    height_px: int = 0
    label: str = ""
    split: str = ""
    is_complete: bool = False
    lost: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnnotatedImage:
    """What the annotations say of one image.

    `is_good`: True where a file says so for certain, False where it marks a defect; None where it says nothing, or
    nothing that can be relied on: then a person is asked. `label` is the type of the image: the one that covers most
    of it. `files` are the annotation files that say so. `split` is that which the annotations name, empty for none.
    """

    regions: tuple[Region, ...] = ()
    is_good: bool | None = None
    label: str = ""
    split: str = ""
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnnotationProblem:
    """What could not be used of a file: `code` has a sentence, with `params`."""

    path: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Annotations:
    """What all annotation files say: images by path, problems, and the files that are no images to take in.

    `companions` are files that belong to annotations, such as VOC's class masks and lists.
    """

    images: dict[str, AnnotatedImage]
    problems: tuple[AnnotationProblem, ...] = ()
    companions: frozenset[str] = frozenset()
