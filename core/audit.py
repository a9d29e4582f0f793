"""The audit log: who changed what, when; and what it tells somebody whose save came too late."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlmodel import Session, col, select

from core.audit_fields import FIELD_NAMES
from core.errors import Conflict
from core.i18n import LANGUAGES, translate
from core.masking import mask_all
from storage.tables import AuditLog

DONE, REFUSED = "done", "refused"
# Through what somebody acts.
PAGE, API, CLI, SYSTEM = "page", "api", "cli", "system"
_SHOWN_CHARACTERS = 60
_LOOKED_AT = 50


class Actor(Protocol):
    """Who acts, and from where: `core.access.Person`."""

    @property
    def id(self) -> int | None: ...

    @property
    def display_name(self) -> str: ...

    @property
    def channel(self) -> str: ...

    @property
    def address(self) -> str: ...


@dataclass(frozen=True)
class Stranger:
    """Whoever acts without having signed in: who is not let in, or anybody at a machine that has no sign-in."""

    channel: str
    address: str = ""
    display_name: str = ""
    id: None = None


def record(
    session: Session,
    person: Actor | None,
    action: str,
    subject_type: str,
    subject_id: int | None,
    **details: Any,
) -> AuditLog:
    """Add one row to the caller's transaction, so that the change and its record are kept or lost together.

    It is numbered and sealed when the transaction commits (`storage.audit_chain`), and not in the database before.
    Without a person it is the system that acts, by itself.

    `details` must be JSON values. An edit under a row version gives `row_version` (the new one) and `changes`
    ({field: [old, new]}): `stale_save` tells the next person from them what happened.
    """
    row = AuditLog(
        user_id=person.id if person else None,
        user_name=person.display_name if person else "",
        action=action,
        subject_type=subject_type,
        subject_id=subject_id,
        details=mask_all(details),
        channel=person.channel if person else SYSTEM,
        address=person.address[:64] if person else "",
    )
    session.add(row)
    return row


def record_refusal(
    session: Session, person: Actor | None, action: str, subject_type: str, subject_id: int | None, **details: Any
) -> AuditLog:
    """Add a row that says that somebody was refused; otherwise as `record`."""
    row = record(session, person, action, subject_type, subject_id, **details)
    row.outcome = REFUSED
    return row


def stale_save(session: Session, *, subject_type: str, subject_id: int, row_version: int) -> Conflict:
    """Return the Conflict for a save made on the state `row_version`: who changed the row since, from what to what."""
    who, first, last = read_changes_since(
        session, subject_type=subject_type, subject_id=subject_id, row_version=row_version
    )
    changes = {language: _say_changes(first, last, language) for language in LANGUAGES}
    return Conflict("stale_save", who=who, changes=changes)


def read_changes_since(
    session: Session,
    *,
    subject_type: str,
    subject_id: int,
    row_version: int,
    changes_of: Callable[[AuditLog], Mapping[str, Sequence[Any]]] = lambda row: row.details.get("changes", {}),
) -> tuple[str | dict[str, str], dict[str, Any], dict[str, Any]]:
    """Return who changed a row since it was `row_version`, and its fields as they were then and are now.

    The last 50 entries of the audit log are looked at; `changes_of` reads {field: (old, new)} of one.
    """
    rows = session.exec(
        select(AuditLog)
        .where(AuditLog.subject_type == subject_type, AuditLog.subject_id == subject_id)
        .order_by(col(AuditLog.id).desc())
        .limit(_LOOKED_AT)
    ).all()
    since = [row for row in reversed(rows) if int(row.details.get("row_version", 0)) > row_version]
    first: dict[str, Any] = {}
    last: dict[str, Any] = {}
    for row in since:
        for name, (old, new) in changes_of(row).items():
            first.setdefault(name, old)
            last[name] = new
    return say_who([row.user_name for row in since]), first, last


def _say_changes(before: dict[str, Any], after: dict[str, Any], language: str) -> str:
    """Return each changed field by its name; one without a name by its values alone: a column's would say nothing."""
    said = []
    for name, value in after.items():
        title = f"{translate(language, FIELD_NAMES[name])} " if name in FIELD_NAMES else ""
        said.append(f"{title}{_shorten(before[name])} → {_shorten(value)}")
    return ", ".join(said) or "?"


def say_who(names: Sequence[str]) -> str | dict[str, str]:
    """Return each of these names once, for a sentence whose language is chosen later (`core.errors.describe`).

    Who tries a role without signing in is called by it, in the language of the sentence.
    """
    once = [name for name in dict.fromkeys(names) if name]
    said = {language: ", ".join(translate(language, name) for name in once) or "?" for language in LANGUAGES}
    return said if len(set(said.values())) > 1 else said["en"]


def find_changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """Return {field: [old, new]} of the fields of `after` that differ from `before`."""
    return {name: [before[name], value] for name, value in after.items() if before[name] != value}


def _shorten(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "–", True: "✓", False: "✗"}[value]
    text = " ".join(str(value).split())
    return f"“{text[: _SHOWN_CHARACTERS - 1]}…”" if len(text) > _SHOWN_CHARACTERS else f"“{text}”"
