"""What a row of the audit log tells: what was before and is after, and everything else that it kept, as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Told elsewhere, or of use to the program alone.
_NOT_TOLD = frozenset({"changes", "row_version"})
_LONGEST_TEXT = 300


@dataclass(frozen=True)
class ChangeOf:
    """One field that was changed, as text; what was not there is "–"."""

    field: str
    before: str
    after: str


def read_changes(details: Mapping[str, Any]) -> tuple[ChangeOf, ...]:
    """Return the fields that were changed; also where a row keeps `x_before` beside `x`."""
    changes = details.get("changes")
    found = []
    if isinstance(changes, Mapping):
        for name, pair in changes.items():
            if isinstance(pair, list | tuple) and len(pair) == 2:
                found.append(ChangeOf(str(name), to_text(pair[0]), to_text(pair[1])))
    told = {one.field for one in found}
    for name, value in details.items():
        after = name.removesuffix("_before")
        if after != name and after in details and not {after, f"final_{after}"} & told:
            found.append(ChangeOf(after, to_text(value), to_text(details[after])))
    return tuple(found)


def read_rest(details: Mapping[str, Any]) -> dict[str, str]:
    """Return what the row keeps beside the changes, as text by its name."""
    changed = {one.field for one in read_changes(details)}
    return {
        str(name): to_text(value)
        for name, value in details.items()
        if name not in _NOT_TOLD and name not in changed and name.removesuffix("_before") not in changed
    }


def summarize(details: Mapping[str, Any]) -> str:
    """Return before → after of all changes on one line; what else is kept where nothing was changed."""
    changes = read_changes(details)
    if changes:
        return "; ".join(f"{one.field}: {one.before} → {one.after}" for one in changes)[:_LONGEST_TEXT]
    return ", ".join(f"{name}: {text}" for name, text in read_rest(details).items())[:_LONGEST_TEXT]


def to_text(value: Any) -> str:
    """Return a JSON value as people read it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str | int):
        return " ".join(str(value).split())
    if isinstance(value, list | tuple) and all(isinstance(one, str | int | float) for one in value):
        return ", ".join(to_text(one) for one in value) or "–"
    return json.dumps(value, ensure_ascii=False)
