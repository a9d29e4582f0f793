"""What leaves an import: the outcome of each file as CSV, made piece by piece."""

from __future__ import annotations

from collections.abc import Iterator

from core.access import ENGINEER, Person, require_role
from core.i18n import N_, translate
from core.image_imports.results import ImportRow, iterate_rows
from core.images.notes import describe_note
from core.reports.tables import Column, stream_csv
from core.transactions import HasDatabase

OUTCOME_NAMES: dict[str, str] = {
    "added": N_("Taken in"),
    "duplicate": N_("Was here already"),
    "refused": N_("Refused"),
    "left_out": N_("Left out"),
    "": N_("Waiting"),
}
KIND_NAMES: dict[str, str] = {"image": N_("Image"), "mask": N_("Mask"), "other": N_("Other file")}
SPLIT_NAMES: dict[str, str] = {"train": N_("Training"), "val": N_("Validation"), "test": N_("Test")}


def stream_outcomes_csv(services: HasDatabase, person: Person, job_id: int, *, language: str) -> Iterator[bytes]:
    """Yield the outcome of each file of an import as a CSV file in pieces. Raises NotAllowed, NotFound."""
    require_role(services, person, ENGINEER)
    titles = (
        N_("File"), N_("Kind"), N_("Product"), N_("Shows"), N_("Split"), N_("Outcome"), N_("Stored as"), N_("Why"),
        N_("Notes"),
    )  # fmt: skip
    columns = [Column(translate(language, title)) for title in titles]
    rows = (_cells(row, language) for row in iterate_rows(services, person, job_id))
    return stream_csv(columns, rows)


def _cells(row: ImportRow, language: str) -> tuple[str, ...]:
    def words(msgid: str) -> str:
        return translate(language, msgid) if msgid else ""

    shows = "" if row.kind == "other" else row.becomes or words(N_("Good part"))
    return (
        row.path,
        words(KIND_NAMES.get(row.kind, "")),
        row.product,
        shows,
        words(SPLIT_NAMES.get(row.split, "")),
        words(OUTCOME_NAMES.get(row.outcome, "")),
        row.stored_name,
        "" if row.error is None else row.error.sentence(language),
        " ".join(describe_note(note, language) for note in row.notes),
    )
