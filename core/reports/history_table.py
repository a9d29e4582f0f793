"""The filtered history as CSV or Excel, made line by line: a hundred thousand rows need no more memory than some."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from core.audit import Actor
from core.fusion.rules import FOUND_AS_WORDS
from core.history.filters import HistoryFilter
from core.history.lines import HistoryLine, ViewLine, stream_lines
from core.history.search import find_inspections
from core.i18n import translate
from core.inspections.terms import ACTION_NAMES, REVIEW_STATE_NAMES, SOURCE_NAMES, VERDICT_NAMES
from core.outgoing import counted, note_export
from core.reports.layout import Words
from core.reports.tables import Column, Link, Row, stream_csv, write_xlsx

if TYPE_CHECKING:
    from core.transactions import HasDatabase


def stream_history_csv(
    services: HasDatabase,
    wanted: HistoryFilter,
    *,
    language: str,
    zone: tzinfo = UTC,
    address: str = "",
    person: Actor | None = None,
) -> Iterator[bytes]:
    """Yield all inspections that fit as a CSV file in pieces, the newest first, moments and days as of `zone`.

    `address` is that of one inspection, with its number left out at the end; "" leaves the links out. Raises AppError
    when the database fails. The audit log keeps what was exported, how much, and by whom.
    """
    words = Words(language, zone)
    rows = _noted(services, wanted, "csv", person, _rows(services, wanted, words, zone, address))
    return stream_csv(_columns(words, with_link=bool(address)), rows, zone=zone)


def write_history_xlsx(
    services: HasDatabase,
    target: Path,
    wanted: HistoryFilter,
    *,
    language: str,
    zone: tzinfo = UTC,
    address: str = "",
    person: Actor | None = None,
) -> None:
    """Write all inspections that fit as an Excel workbook to `target`. Raises as `stream_history_csv`, and OSError."""
    words = Words(language, zone)
    write_xlsx(
        target,
        _columns(words, with_link=bool(address)),
        _noted(services, wanted, "xlsx", person, _rows(services, wanted, words, zone, address)),
        sheet=words._("Inspections"),
        zone=zone,
    )


def _noted(
    services: HasDatabase, wanted: HistoryFilter, form: str, person: Actor | None, rows: Iterator[Row]
) -> Iterator[Row]:
    def note(count: int, whole: bool) -> None:
        note_export(services, person, "history", form=form, filter=wanted.to_query(), count=count, whole=whole)

    return counted(rows, note)


def _columns(words: Words, *, with_link: bool) -> list[Column]:
    _ = words._
    return [
        Column(_("Inspection no."), "link" if with_link else "whole", 12),
        Column(_("Time"), "moment", 20),
        Column(_("Product code"), width=14),
        Column(_("Product"), width=24),
        Column(_("Verdict"), width=10),
        Column(_("Model's verdict"), width=12),
        Column(_("Score"), "number", 12),
        Column(_("Review from"), "number", 12),
        Column(_("NG from"), "number", 12),
        Column(_("Defect type"), width=20),
        Column(_("Type confirmed"), width=14),
        Column(_("Action"), width=14),
        Column(_("Action note"), width=36),
        Column(_("Review state"), width=16),
        Column(_("Reason of the change"), width=36),
        Column(_("Line"), width=10),
        Column(_("Lot"), width=14),
        Column(_("Serial number"), width=20),
        Column(_("Shift"), width=10),
        Column(_("Inspected by"), width=18),
        Column(_("Source"), width=14),
        Column(_("Batch no."), "whole", 10),
        Column(_("File"), width=36),
        Column(_("Model version"), "whole", 12),
        Column(_("Combined defect"), width=16),
        Column(_("Views"), width=36),
        Column(_("Missing views"), width=16),
    ]


def _rows(services: HasDatabase, wanted: HistoryFilter, words: Words, zone: tzinfo, address: str) -> Iterator[Row]:
    found = find_inspections(services, wanted, zone=zone, limit=None)
    for line in stream_lines(services, found.ids):
        yield _row(line, words, address)


def _row(line: HistoryLine, words: Words, address: str) -> Row:
    def name(names: dict[str, str], code: str) -> str:
        return translate(words.language, names[code]) if code in names else code

    kind = line.defect_type if line.final_verdict != "ok" else None
    return (
        Link(str(line.id), f"{address}{line.id}") if address else line.id,
        line.created_at,
        line.product.code,
        words.product(line.product),
        name(VERDICT_NAMES, line.final_verdict),
        name(VERDICT_NAMES, line.verdict),
        line.score,
        line.review_at,
        line.reject_at,
        words.defect(kind) if kind is not None else None,
        (words._("yes") if line.is_type_confirmed else words._("no")) if kind is not None else None,
        name(ACTION_NAMES, line.action_status),
        line.action_note,
        name(REVIEW_STATE_NAMES, line.review_state),
        line.override_reason,
        line.line,
        line.lot,
        line.serial,
        line.shift,
        words._(line.person_name) if line.person_name else None,
        name(SOURCE_NAMES, line.source),
        line.batch_job_id,
        line.original_name,
        line.model_number,
        name(FOUND_AS_WORDS, line.found_as) if line.found_as else None,
        "; ".join(_say_view(one, words) for one in line.views) or None,
        ", ".join(line.missing_views) or None,
    )


def _say_view(one: ViewLine, words: Words) -> str:
    probability = "–" if one.probability is None else f"{one.probability:.4f}"
    return f"{one.code} {words._(VERDICT_NAMES[one.verdict])} {probability}"
