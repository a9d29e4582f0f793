"""What a demo product is made of: its description, its defect types and its images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "test"]
Severity = Literal["minor", "major", "critical"]


@dataclass(frozen=True)
class DemoImage:
    """One encoded image with its label.

    `content` is a PNG or JPEG file (the ending of `name` says which). `mask_png` is an 8-bit gray PNG of the
    same size, 255 where the defect is and 0 elsewhere; None for normal images and where no mask is known.
    """

    name: str
    split: Split
    defect_code: str | None
    content: bytes
    mask_png: bytes | None


@dataclass(frozen=True)
class DemoDefect:
    """A defect type as a quality engineer would register it. `code` is the English mapping name."""

    code: str
    name_ko: str
    name_en: str
    description_ko: str
    description_en: str
    severity: Severity


@dataclass(frozen=True)
class DemoProduct:
    """A product with its defect types. `license` and `source` are None for images that our own code drew."""

    code: str
    name_ko: str
    name_en: str
    description_ko: str
    description_en: str
    defects: tuple[DemoDefect, ...]
    license: str | None
    source: str | None
    make_images: Callable[[], Iterator[DemoImage]]

    def images(self) -> Iterator[DemoImage]:
        """Yield every image of the product, the same bytes in the same order at each call."""
        return self.make_images()
