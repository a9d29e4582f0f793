"""What a demo product is made of: its description, its defect types and its images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "val", "test"]
Severity = Literal["minor", "major", "critical"]


@dataclass(frozen=True)
class DemoImage:
    """One encoded image with its label.

    `content` is a PNG or JPEG file (the ending of `name` says which). `mask_png` is an 8-bit gray PNG of the
    same size, 255 where the defect is and 0 elsewhere; None for normal images and where no mask is known. `part` names
    the piece and `view` the product's view that it shows, `kind` the kind of good part that it is or was to be, empty
    where there is one; `domain` says where it was taken (`studio`, `line`, `field`), empty where that says nothing.
    """

    name: str
    split: Split
    defect_code: str | None
    content: bytes
    mask_png: bytes | None
    part: str = ""
    view: str = ""
    kind: str = ""
    domain: str = ""


@dataclass(frozen=True)
class DemoDefect:
    """A defect type as a quality engineer would register it. `code` is the English mapping name.

    `phrase` is how a model that finds things by words is asked for it, in English; empty where nobody wrote one.
    """

    code: str
    name_ko: str
    name_en: str
    description_ko: str
    description_en: str
    severity: Severity
    phrase: str = ""


@dataclass(frozen=True)
class DemoKind:
    """A kind of good part: a product that comes in several."""

    code: str
    name_ko: str
    name_en: str
    description_ko: str
    description_en: str


@dataclass(frozen=True)
class DemoView:
    """A way of picturing the product; `found_as` says what a defect is called that this view alone shows.

    `input_size_px` is the side of the input that its memory bank looks at, None: that of all products.
    """

    code: str
    name_ko: str
    name_en: str
    modality: str
    found_as: Literal["internal", "external"]
    input_size_px: int | None = None


@dataclass(frozen=True)
class DemoProduct:
    """A product with its defect types, in views and kinds of good part where there are several.

    `license` and `source` are None for images that our own code drew.
    """

    code: str
    name_ko: str
    name_en: str
    description_ko: str
    description_en: str
    defects: tuple[DemoDefect, ...]
    license: str | None
    source: str | None
    make_images: Callable[[], Iterator[DemoImage]]
    kinds: tuple[DemoKind, ...] = ()
    views: tuple[DemoView, ...] = ()

    def images(self) -> Iterator[DemoImage]:
        """Yield every image of the product, the same bytes in the same order at each call."""
        return self.make_images()
