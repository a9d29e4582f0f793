"""What the history is filtered by, and its way into an address and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

from core.inspections.part_details import longest_text
from core.inspections.terms import ACTION_NAMES, REVIEW_STATE_NAMES, VERDICT_NAMES

_MOST_DIGITS = 18  # as many as every database's largest number has
_CHOICES = {
    "verdict": tuple(VERDICT_NAMES),
    "model_verdict": tuple(VERDICT_NAMES),
    "action": tuple(ACTION_NAMES),
    "review": tuple(REVIEW_STATE_NAMES),
    "source": ("upload", "camera", "sample", "batch", "cli", "api", "watch"),
}
_NUMBERS = ("product", "defect_type", "person", "batch", "version")
_DAYS = ("first_day", "last_day")
_MOMENTS = ("since", "until")
# What `defect_type` asks for where nobody has named a type.
NO_TYPE = 0
_TEXTS = {"line": "line", "lot": "lot", "serial": "serial", "name": "original_name"}


@dataclass(frozen=True)
class HistoryFilter:
    """What the inspections that are looked for have in common; None or "" asks for nothing.

    `verdict` is the one in force, `model_verdict` the model's own. `defect_type` is the confirmed type, else the
    suggested one, or `NO_TYPE`. `line` and `lot` are whole, `serial` is what the serial number begins with, `name` a
    part of the file's name. `first_day` and `last_day` are days where the person is, both included; `since` and
    `until` (not included) are moments. `version` is the memory bank that judged.
    """

    product: int | None = None
    verdict: str | None = None
    model_verdict: str | None = None
    defect_type: int | None = None
    action: str | None = None
    review: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    line: str = ""
    lot: str = ""
    serial: str = ""
    person: int | None = None
    source: str | None = None
    batch: int | None = None
    name: str = ""
    since: datetime | None = None
    until: datetime | None = None
    version: int | None = None

    def to_query(self) -> dict[str, str]:
        """Return what an address says of it: only what is asked for, days as YYYY-MM-DD, moments as ISO 8601 in UTC."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: _write(value) for name, value in values.items() if value not in (None, "")}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[HistoryFilter, tuple[str, ...]]:
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


def is_name_of_filter(name: str) -> bool:
    """Return whether a word of an address belongs to the filter."""
    return name in HistoryFilter.__dataclass_fields__


def longest_filter_text(name: str) -> int:
    """Return how many characters the text `name` of a filter may have."""
    return longest_text(_TEXTS[name])


def _write(value: object) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)


def _read(name: str, text: str) -> int | str | date | None:
    if name in _NUMBERS:
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
    if name in _CHOICES:
        return text if text in _CHOICES[name] else None
    if name in _MOMENTS:
        try:
            found = datetime.fromisoformat(text)
            return found.astimezone(UTC) if found.tzinfo is not None else None
        except (ValueError, OverflowError):
            return None
    if name in _DAYS:
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    return text if len(text) <= longest_filter_text(name) and text.isprintable() else None
