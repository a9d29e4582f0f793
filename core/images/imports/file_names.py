"""What the names of image files say: masks by their ending, `product_type_nnn`, the view of a part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.images.imports.words import DEFECT, GOOD, KIND, Says, is_generic, read_words

# `x_mask.png` marks the defect of x, whatever lies beside it; the others only where there is an x, or two values.
_MASK_END = re.compile(r"(?i)[_\-. ](masks?|labels?|gt|seg)(?:_?\d{1,3})?$")
_SURE_END = re.compile(r"(?i)_mask(?:_?\d{1,3})?$")
# Real-IAD: audiojack_0025_NG_BX_C1_20231023164620
_VIEW_IN_NAME = re.compile(r"(?i)^.+_\d+_(?:ok|ng(?:_[a-z]{1,4})?)_(c\d{1,2})_\d{6,}$")
_CAMERAS = frozenset({"img", "dsc", "dscn", "dscf", "pic", "cam", "camera", "frame", "scan", "snap", "capture", "p"})
_MOST_WORDS = 12
_KNOWN = (GOOD, DEFECT, KIND)
_NUMBER_END = re.compile(r"[_\-. ]+\d+$")


@dataclass(frozen=True)
class FlatName:
    """A name `product_type_nnn` as it was read: `product` is empty where the name begins with the type."""

    product: str
    label: str
    says: Says


def mask_owner(stem: str) -> str | None:
    """Return the stem of the image that a mask's name belongs to; None where the name has no mask's ending."""
    found = _MASK_END.search(stem)
    return stem[: found.start()] if found and found.start() > 0 else None


def is_surely_mask(stem: str) -> bool:
    """Return whether a file of this name is a mask even without an image of that name."""
    return _SURE_END.search(stem) is not None


def view_in_name(stem: str) -> str:
    """Return the view that a file's name gives as Real-IAD does (C1 … C5); empty where it gives none."""
    found = _VIEW_IN_NAME.match(stem)
    return found[1].upper() if found else ""


def read_type_after(stem: str, products: Iterable[str]) -> tuple[str, str] | None:
    """Return (product, type) of `PRODUCT_<type>_<nnn>`, where the name begins with one of these products."""
    body = re.sub(r"_\d+$", "", stem)
    if body == stem:
        return None
    for product in products:
        if body.lower().startswith(product.lower() + "_") and len(body) > len(product) + 1:
            return product, body[len(product) + 1 :]
    return None


def read_flat_names(stems: Sequence[str]) -> list[FlatName] | None:
    """Return what the names of the files of one folder say as `product_type_nnn`; None where they are not all so.

    Where every name is a label alone (`crazing_1` beside `pitted_surface_1`), there is no product in it. Else the
    product is what all names begin with, or their first word; so `prod1_deep_hole_001` beside `prod1_hole_002` is of
    prod1. A folder of one product and many numbers (`IMG_0001`) says nothing.
    """
    bodies: list[list[str]] = []
    for stem in stems:
        found = _NUMBER_END.search(stem)
        if found is None:
            return None
        words = stem[: found.start()].split("_")
        # `cast_def_0_12`: further numbers at the end are numbers, too.
        while words and words[-1].isdecimal():
            words.pop()
        if not words or not all(words) or len(words) > _MOST_WORDS:
            return None
        bodies.append(words)
    if all(map(_is_label_alone, bodies)):
        whole = ["_".join(words) for words in bodies]
        return [FlatName("", label, read_words(label).says) for label in whole]
    if any(len(words) == 1 for words in bodies):
        return None
    first = _first_of_label(bodies)
    if first is None:
        return None
    named = []
    for words in bodies:
        label = "_".join(words[first:])
        product = "_".join(words[:first])
        named.append(FlatName("" if _is_camera(product) else product, label, read_words(label).says))
    # Where no type is known, the words may be anything: a camera, a shift, a date.
    return named if any(flat.says in _KNOWN for flat in named) else None


def _is_label_alone(words: Sequence[str]) -> bool:
    """Return whether the words say what an image shows and nothing else: no product stands before it."""
    reading = read_words("_".join(words))
    return reading.says == KIND or (reading.says in _KNOWN and (reading.is_plain or len(words) == 1))


def _is_camera(product: str) -> bool:
    return product.casefold() in _CAMERAS or is_generic(product)


def _first_of_label(bodies: Sequence[Sequence[str]]) -> int | None:
    """Return which word the label begins with; None where that is not certain."""
    shared, shortest = _shared(bodies), min(len(words) for words in bodies)
    for first in range(1, max(2, min(shared, shortest - 1) + 1)):
        if all(read_words("_".join(words[first:])).says in _KNOWN for words in bodies):
            return first
    if not shared or len({tuple(words) for words in bodies}) == 1:
        # Several products, or one label: then only names of two words leave no doubt.
        return 1 if {len(words) for words in bodies} == {2} else None
    return min(shared, shortest - 1)


def _shared(bodies: Sequence[Sequence[str]]) -> int:
    """Return how many words all begin with."""
    count = 0
    for words in zip(*bodies, strict=False):
        if len({word.casefold() for word in words}) > 1:
            break
        count += 1
    return count
