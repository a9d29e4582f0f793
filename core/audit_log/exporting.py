"""The filtered audit log as CSV or JSON lines, made row by row; each export is itself a row of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any

from core.access import ADMIN, Person, require_role
from core.audit_log.filters import AuditFilter
from core.audit_log.listing import stream_rows
from core.audit_log.telling import summarize
from core.audit_log.words import ACTION_NAMES, CHANNEL_NAMES, OUTCOME_NAMES, SUBJECT_NAMES
from core.i18n import N_, translate
from core.outgoing import counted, note_export
from core.transactions import HasDatabase

if TYPE_CHECKING:
    from storage.tables import AuditLog

JSON_LINES_TYPE = "application/x-ndjson"
_LINES_AT_ONCE = 200


def begin_export(
    services: HasDatabase, person: Person, wanted: AuditFilter, form: str, *, zone: tzinfo = UTC
) -> Iterator[AuditLog]:
    """Return the rows that fit, the newest first; the export is noted when they end. Needs an administrator.

    `form` is what they become ("csv" or "jsonl"), for the note.
    """
    require_role(services, person, ADMIN)

    def note(count: int, whole: bool) -> None:
        note_export(
            services,
            person,
            "audit",
            subject_type="audit_log",
            form=form,
            filter=wanted.to_query(),
            count=count,
            whole=whole,
        )

    return counted(stream_rows(services, wanted, zone=zone), note)


def to_line(row: AuditLog) -> str:
    """Return a row as one line of JSON, without the line's end; its seal can be computed again from it."""
    told: dict[str, Any] = {
        "position": row.position,
        "created_at": row.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "user_id": row.user_id,
        "user_name": row.user_name,
        "action": row.action,
        "subject_type": row.subject_type,
        "subject_id": row.subject_id,
        "outcome": row.outcome,
        "channel": row.channel,
        "address": row.address,
        "details": row.details,
        "seal": row.seal,
    }
    return json.dumps(told, ensure_ascii=False)


def stream_lines(rows: Iterator[AuditLog]) -> Iterator[bytes]:
    """Yield the rows as JSON lines in pieces (UTF-8, each line ended)."""
    lines: list[str] = []
    for row in rows:
        lines.append(to_line(row))
        if len(lines) >= _LINES_AT_ONCE:
            yield ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
            lines = []
    if lines:
        yield ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def column_titles(language: str) -> list[str]:
    """Return the titles of the CSV file's columns."""
    titles = (
        N_("Position"), N_("Time"), N_("Who"), N_("Account no."), N_("What"), N_("Code"), N_("Subject"),
        N_("Subject no."), N_("Before → after"), N_("Result"), N_("Through"), N_("Address"), N_("Details"), N_("Seal"),
    )  # fmt: skip
    return [translate(language, title) for title in titles]


def to_cells(row: AuditLog, language: str) -> list[Any]:
    """Return a row's cells in the order of `column_titles`."""

    def name(names: dict[str, str], code: str) -> str:
        return translate(language, names[code]) if code in names else code

    return [
        row.position,
        row.created_at,
        row.user_name,
        row.user_id,
        name(ACTION_NAMES, row.action),
        row.action,
        name(SUBJECT_NAMES, row.subject_type),
        row.subject_id,
        summarize(row.details, language),
        name(OUTCOME_NAMES, row.outcome),
        name(CHANNEL_NAMES, row.channel),
        row.address,
        json.dumps(row.details, ensure_ascii=False),
        row.seal,
    ]
