"""What the gallery is filtered by, and its way into an address and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from core.images.domains import DOMAINS
from core.images.labels import SPLITS
from core.images.outliers import KEPT, SUSPECTED
from core.images.parts import LONGEST_PART
from storage.tables import METADATA

_MOST_DIGITS = 18  # as many as every database's largest number has
_MOST_TYPES = 50
# What `view`, `domain` and `origin` ask for where an image names none.
NONE_NAMED = "none"
ORIGINS = ("upload", "import", "api", "inspection", "demo", NONE_NAMED)
# The codes that the quality of an image consists of; "fault" is any of them, "fine" none, "unmeasured" not known yet.
QUALITY_FAULTS = ("blurred", "under_exposed", "over_exposed", "unreadable")
QUALITIES = ("fine", "fault", *QUALITY_FAULTS, "unmeasured")
WITH_MASK, WITHOUT_MASK = "with", "without"
_CHOICES: dict[str, tuple[str, ...]] = {
    "split": SPLITS,
    "domain": (*DOMAINS, NONE_NAMED),
    "origin": ORIGINS,
    "quality": QUALITIES,
    "state": (SUSPECTED, KEPT),
    "mask": (WITH_MASK, WITHOUT_MASK),
}
_DAYS = ("first_day", "last_day")
_TEXTS = {"part": "part", "name": "original_name", "view": "view"}


@dataclass(frozen=True)
class GalleryFilter:
    """What the images of a product that are looked for have in common; None, "" or () asks for nothing.

    `type` are defect types, any of which will do. `part` is what the part's name begins with, `name` a piece of the
    stored or the original name. `first_day` and `last_day` are days where the person is, both included. `view`,
    `domain` and `origin` may be `NONE_NAMED`. `state` is what was found or decided of a normal image unlike the others.
    """

    type: tuple[int, ...] = ()
    split: str | None = None
    part: str = ""
    view: str = ""
    domain: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    origin: str | None = None
    name: str = ""
    quality: str | None = None
    state: str | None = None
    mask: str | None = None

    def to_query(self) -> dict[str, str]:
        """Return what an address says of it: only what is asked for, days as YYYY-MM-DD, types with commas."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: _write(value) for name, value in values.items() if value not in (None, "", ())}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[GalleryFilter, tuple[str, ...]]:
        """Return the filter in an address, and the names of what in it is not understood and was left out."""
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for one in fields(cls):
            text = query.get(one.name, "").strip()
            if not text:
                continue
            value = _read(one.name, text)
            if value is None:
                wrong.append(one.name)
            else:
                values[one.name] = value
        return cls(**values), tuple(wrong)


FILTER_WORDS = tuple(one.name for one in fields(GalleryFilter))


def longest_filter_text(name: str) -> int:
    """Return how many characters the text `name` of a filter may have."""
    if name == "part":
        return LONGEST_PART
    return int(getattr(METADATA.tables["images"].columns[_TEXTS[name]].type, "length", None) or 0)


def _write(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _read(name: str, text: str) -> tuple[int, ...] | str | date | None:
    if name == "type":
        pieces = text.split(",")
        if len(pieces) > _MOST_TYPES or not all(_is_number(piece) for piece in pieces):
            return None
        return tuple(dict.fromkeys(int(piece) for piece in pieces))
    if name in _CHOICES:
        return text if text in _CHOICES[name] else None
    if name in _DAYS:
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    return text if len(text) <= longest_filter_text(name) and text.isprintable() else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
