"""What a row of the audit log tells: what was before and is after, and everything else that it kept, as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.access import ROLE_NAMES
from core.audit_fields import FIELD_NAMES
from core.errors import describe
from core.i18n import translate
from core.inspections.terms import ACTION_NAMES, REVIEW_STATE_NAMES, VERDICT_NAMES
from core.jobs.terms import JOB_KIND_NAMES
from core.messages import MESSAGES
from core.models.judgment_words import reason_name

# Told elsewhere, or of use to the program alone.
_NOT_TOLD = frozenset({"changes", "row_version"})
_LONGEST_TEXT = 300
_REASONS = frozenset({"held_back", "overridden"})
_VALUES: dict[str, dict[str, str]] = {
    **dict.fromkeys(("role", "needed"), ROLE_NAMES),
    **dict.fromkeys(("verdict", "final_verdict"), VERDICT_NAMES),
    **dict.fromkeys(("action_status", "status"), ACTION_NAMES),
    "review_state": REVIEW_STATE_NAMES,
    "kind": JOB_KIND_NAMES,
}


@dataclass(frozen=True)
class ChangeOf:
    """One field that was changed, as text; what was not there is "–"."""

    field: str
    before: str
    after: str


def read_changes(details: Mapping[str, Any], language: str) -> tuple[ChangeOf, ...]:
    """Return the fields that were changed, in words; also where a row keeps `x_before` beside `x`."""
    return tuple(
        ChangeOf(name_field(name, language), to_text(name, before, language), to_text(name, after, language))
        for name, (before, after) in _changed(details).items()
    )


def read_rest(details: Mapping[str, Any], language: str) -> dict[str, str]:
    """Return what the row keeps beside the changes, as text by its name."""
    changed = _changed(details)
    return {
        name_field(str(name), language): to_text(str(name), value, language)
        for name, value in details.items()
        if name not in _NOT_TOLD and name not in changed and name.removesuffix("_before") not in changed
    }


def summarize(details: Mapping[str, Any], language: str) -> str:
    """Return before → after of all changes on one line; what else is kept where nothing was changed."""
    changes = read_changes(details, language)
    if changes:
        return "; ".join(f"{one.field}: {one.before} → {one.after}" for one in changes)[:_LONGEST_TEXT]
    return ", ".join(f"{name}: {text}" for name, text in read_rest(details, language).items())[:_LONGEST_TEXT]


def name_field(name: str, language: str) -> str:
    """Return what a field is called; its own name where it has no other."""
    return translate(language, FIELD_NAMES[name]) if name in FIELD_NAMES else name


def to_text(name: str, value: Any, language: str) -> str:
    """Return the JSON value of a field as people read it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        if value in _VALUES.get(name, {}):
            return translate(language, _VALUES[name][value])
        if name in _REASONS:
            return reason_name(value, language)
        if name == "reason" and value in MESSAGES:
            return describe(value, {}, language)
        return " ".join(value.split())
    if isinstance(value, list | tuple) and all(isinstance(one, str | int | float) for one in value):
        return ", ".join(to_text(name, one, language) for one in value) or "–"
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)


def _changed(details: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    changes = details.get("changes")
    if isinstance(changes, Mapping):
        for name, pair in changes.items():
            if isinstance(pair, list | tuple) and len(pair) == 2:
                found[str(name)] = (pair[0], pair[1])
    for name, value in details.items():
        after = name.removesuffix("_before")
        if after != name and after in details and f"final_{after}" not in found:
            found.setdefault(after, (value, details[after]))
    return found
