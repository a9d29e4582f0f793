"""The code on a part (barcode, QR), in its picture or from a scanner, fills in its lot and serial number."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.catalog.code_rules import AUTOMATIC, CodeRule, read_code_rule
from core.inspections.part_details import PartDetails

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.vision.images.barcodes import Code

# Codes of the notes that an inspection keeps of it (`core.messages.image_notes`).
FILLED, DIFFERS, NOT_READ, SEVERAL = "code_filled", "code_differs", "code_not_read", "code_several"
CODE_NOTES = (FILLED, DIFFERS, NOT_READ, SEVERAL)
_SAME_ON_EVERY_PART = ("EAN",)


@dataclass(frozen=True)
class CodeFill:
    """Details after a code was read: what was `filled` in, and where the code said something else than was given.

    `differing` holds what the code says of fields that kept what was given. `notes` is what is to be said of it all.
    """

    details: PartDetails
    filled: dict[str, str] = field(default_factory=dict)
    differing: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def fill_from_code(details: PartDetails, pixels: NDArray[np.uint8], rule: str) -> CodeFill:
    """Return the details with lot and serial of the code in the picture (height, width, 3; RGB, uint8).

    `rule` is the product's (see `core.catalog.code_rules`); with "" no code is looked for. What was given is kept.
    Where codes name different lots or serial numbers, as on a picture of several parts, nothing is filled in.
    """
    read = read_code_rule(rule)
    if read is None:
        return CodeFill(details)
    from inference.vision.images.barcodes import read_codes

    return fill_from_codes(details, read_codes(pixels), read)


def fill_from_codes(details: PartDetails, codes: tuple[Code, ...], rule: CodeRule) -> CodeFill:
    """Return the details with what the codes of one picture say, as `fill_from_code` does."""
    if not codes:
        return CodeFill(details)
    said: dict[str, set[str]] = {}
    for code in codes:
        is_same = code.symbology.startswith(_SAME_ON_EVERY_PART)
        for name, text in rule.find(code.text, is_gs1=code.is_gs1, names_product=is_same).items():
            said.setdefault(name, set()).add(text)
    if not said:
        return CodeFill(details, notes=(NOT_READ,))
    if any(len(texts) > 1 for texts in said.values()):
        return CodeFill(details, notes=(SEVERAL,))
    return _fill(details, {name: texts.pop() for name, texts in said.items()})


def read_scan(text: str, rule: str) -> dict[str, str]:
    """Return what a scanner's text says: `lot`, `serial`, both or nothing.

    Who scans means it: a product whose pictures are not searched for codes has the automatic rule here.
    """
    return (read_code_rule(rule) or CodeRule(AUTOMATIC)).find(text)


def _fill(details: PartDetails, said: dict[str, str]) -> CodeFill:
    given = {name: str(getattr(details, name)).strip() for name in said}
    filled: dict[str, Any] = {name: text for name, text in said.items() if not given[name]}
    differing = {name: text for name, text in said.items() if given[name] and given[name] != text}
    notes = ((FILLED,) if filled else ()) + ((DIFFERS,) if differing else ())
    return CodeFill(replace(details, **filled), filled, differing, notes)
