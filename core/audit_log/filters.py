"""What the audit log is filtered by, and its way into an address and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from core.audit_log.words import GROUP_NAMES, OUTCOME_NAMES

_MOST_DIGITS = 18  # as many as every database's largest number has
_MOST_CHARACTERS = 100
_CHOICES = {"group": tuple(GROUP_NAMES), "outcome": tuple(OUTCOME_NAMES)}


@dataclass(frozen=True)
class AuditFilter:
    """What the rows that are looked for have in common; None or "" asks for nothing.

    `person` is the number of an account; `group` one of GROUP_NAMES, `action` one code; `subject_type` and `subject_id`
    say what was changed; `first_day` and `last_day` are days where the person is, both included; `text` is part of the
    name of who acted, of the address, or of what the row tells.
    """

    person: int | None = None
    group: str = ""
    action: str = ""
    subject_type: str = ""
    subject_id: int | None = None
    outcome: str = ""
    first_day: date | None = None
    last_day: date | None = None
    text: str = ""

    def to_query(self) -> dict[str, str]:
        """Return what an address says of it: only what is asked for, days as YYYY-MM-DD."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: str(value) for name, value in values.items() if value not in (None, "")}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> AuditFilter:
        """Return the filter in an address; what in it is not understood is left out."""
        values: dict[str, Any] = {}
        for one in fields(cls):
            text = query.get(one.name, "").strip()[:_MOST_CHARACTERS]
            value = _read(one.name, text) if text else None
            if value is not None:
                values[one.name] = value
        return cls(**values)

    def moments(self, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
        """Return the first moment, and the one that is no longer meant, of the days in `zone`."""
        first = None if self.first_day is None else datetime.combine(self.first_day, time.min, zone)
        last = None if self.last_day is None else datetime.combine(self.last_day + timedelta(days=1), time.min, zone)
        return first, last


def _read(name: str, text: str) -> object:
    if name in _CHOICES:
        return text if text in _CHOICES[name] else None
    if name in {"person", "subject_id"}:
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
    if name in {"first_day", "last_day"}:
        try:
            found = date.fromisoformat(text)
        except ValueError:
            return None
        return found if date(1970, 1, 2) <= found <= date(9000, 1, 1) else None
    return text
