"""`audit`: the audit log on the terminal."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC
from typing import Any

from core.accounts import people
from core.audit_log.exporting import begin_export, stream_lines, to_line
from core.audit_log.filters import AuditFilter
from core.audit_log.findings import say_fault
from core.audit_log.listing import list_page
from core.audit_log.telling import summarize
from core.audit_log.verification import verify_chain
from core.audit_log.words import GROUP_NAMES, OUTCOME_NAMES
from core.cli.terminal import language, to_json, write_note, write_out
from core.reports.audit_table import stream_audit_csv
from core.services import build_services


def add_audit(commands: Any) -> None:
    """Add the command `audit`."""
    audit_command = commands.add_parser("audit", help="who did what: list, export, verify the audit log")
    actions = audit_command.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the newest rows")
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="how many (default: 50)")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    exporting = actions.add_parser("export", help="all rows that fit, to standard output; the export is recorded")
    exporting.add_argument("--json", action="store_true", help="JSON lines instead of CSV")
    for parser in (listing, exporting):
        parser.add_argument("--group", choices=tuple(GROUP_NAMES), default="", help="one group of actions")
        parser.add_argument("--code", default="", metavar="ACTION", help="one action, such as thresholds.changed")
        parser.add_argument("--outcome", choices=tuple(OUTCOME_NAMES), default="")
        parser.add_argument("--since", default="", metavar="DAY", help="from this day on (UTC), as 2027-01-31")
        parser.add_argument("--until", default="", metavar="DAY", help="up to this day (UTC)")
        parser.add_argument("--text", default="", help="part of a name, of an address, or of what was changed")
    verifying = actions.add_parser(
        "verify",
        help="compute every seal again; what does not fit is named by its position",
        epilog="exit status: 0 all fits, 1 something does not",
    )
    verifying.add_argument("--json", action="store_true", help="one JSON object")


def audit(wanted: argparse.Namespace) -> int:
    """List, export or verify the audit log."""
    services = build_services(migrate=True)
    if wanted.action == "verify":
        return _verify(services, as_json=wanted.json)
    person = people.command_line_person(services)
    from core.reports.period.request import read_day

    for day in (wanted.since, wanted.until):
        if day:
            read_day(day)  # one that cannot be read must not show everything
    words = {
        "group": wanted.group,
        "action": wanted.code,
        "outcome": wanted.outcome,
        "first_day": wanted.since,
        "last_day": wanted.until,
        "text": wanted.text,
    }
    chosen = AuditFilter.from_query(words)
    if wanted.action == "export":
        rows = begin_export(services, person, chosen, "jsonl" if wanted.json else "csv")
        pieces = stream_lines(rows) if wanted.json else stream_audit_csv(rows, language=language())
        for piece in pieces:
            sys.stdout.write(piece.decode("utf-8", "replace"))
        sys.stdout.flush()
        return 0
    left, before = max(1, wanted.limit), None
    while left > 0:
        page = list_page(services, person, chosen, before=before, limit=min(left, 200))
        for row in page.rows:
            write_out(to_line(row) if wanted.json else _line(row))
        left, before = left - len(page.rows), page.before
        if before is None:
            break
    return 0


def _verify(services: Any, *, as_json: bool) -> int:
    found = verify_chain(services)
    lang = language()
    if as_json:
        told = {
            "ok": found.ok,
            "position": found.position,
            "rows": found.count,
            "anchored_to": found.anchored,
            "anchors_read": found.anchors_error is None,
            "faults": [
                {"kind": one.kind, "first": one.first, "last": one.last, "message": say_fault(one, lang)}
                for one in found.faults
            ],
        }
        write_out(to_json(told))
    else:
        for fault in found.faults:
            write_out(say_fault(fault, lang))
        if found.ok:
            write_out(f"ok: verified to position {found.position}, anchored to {found.anchored}")
        if found.anchors_error is not None:
            write_note(found.anchors_error.sentence(lang))
    return 0 if found.ok else 1


def _line(row: Any) -> str:
    subject = row.subject_type if row.subject_id is None else f"{row.subject_type} {row.subject_id}"
    at = row.created_at.astimezone(UTC)
    who = row.user_name or "–"
    return (
        f"{row.position or '–'}  {at:%Y-%m-%d %H:%M:%S}Z  {who}  {row.action}  {subject}  {row.outcome}  "
        f"{row.channel} {row.address}".rstrip()
        + (f"  {told}" if (told := summarize(row.details, language())) else "")
    )
