"""What a vision-language model is asked about a picture of a part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# "pixels": of the picture as it was sent; "thousandths": of its width and height; "fractions": 0 to 1.
BoxConvention = Literal["pixels", "thousandths", "fractions"]
BOX_CONVENTIONS: tuple[BoxConvention, ...] = ("pixels", "thousandths", "fractions")
# What a name that stands in a model's id tells; the first that fits counts.
_CONVENTIONS: tuple[tuple[str, BoxConvention], ...] = (
    ("qwen2.5-vl", "pixels"),  # Qwen2.5-VL technical report, arXiv:2502.13923, section 2.1.1
    ("qwen2.5vl", "pixels"),
    ("qwen2_5-vl", "pixels"),
    ("claude", "pixels"),
)
# Code of a good part of no kind in particular, and of a defect that is none of the known types.
GOOD = "good"
OTHER = "other"


@dataclass(frozen=True)
class PartType:
    """A defect type, or a kind of good part: its code, and what people call and write of it."""

    code: str
    name: str = ""
    description: str = ""


@dataclass(frozen=True)
class VisualQuestion:
    """What is asked of every picture of one view of a product.

    `prompt` is the engineer's own text; every other text is data that people typed. `language` is that of the reason.
    """

    product: str
    prompt: str
    modality: str = "rgb"
    view: str = ""
    defect_types: tuple[PartType, ...] = ()
    good_kinds: tuple[PartType, ...] = ()
    language: Literal["ko", "en"] = "en"
    boxes: BoxConvention = "thousandths"

    @property
    def defect_codes(self) -> tuple[str, ...]:
        """Return the codes that a defect may have; the last one stands for none of the known types."""
        return (*(found.code for found in self.defect_types), OTHER)

    @property
    def good_codes(self) -> tuple[str, ...]:
        """Return the codes that a good part may have."""
        return (*(found.code for found in self.good_kinds), GOOD)


def convention_of(model: str) -> BoxConvention:
    """Return how a model of this id writes boxes, as far as its name tells: thousandths where it tells nothing."""
    name = model.casefold()
    return next((convention for part, convention in _CONVENTIONS if part in name), "thousandths")
