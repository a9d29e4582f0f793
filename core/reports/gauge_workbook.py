"""A gauge study as an Excel workbook: summary, tables, and every look as raw data, numbers as numbers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.catalog.views import label_of
from core.gauge.advice import describe
from core.gauge.evaluation import evaluate
from core.gauge.terms import GRADE_NAMES, KIND_METHODS, REFERENCE_NAMES, STATE_NAMES
from core.gauge.variance import COMPONENT_NAMES, SOURCE_NAMES
from core.gauge.wording import name_appraiser, name_setup, phrase
from core.i18n import N_
from core.inspections.terms import VERDICT_NAMES
from core.reports.layout import Words

if TYPE_CHECKING:
    from core.gauge.agreement import Kappa, Share
    from core.gauge.results import AgreementResult, Evaluation, ScoreResult
    from core.transactions import HasDatabase

Cell = str | int | float | datetime | None
_WIDTH = 18


def make_gauge_workbook(services: HasDatabase, study_id: int, *, language: str, zone: tzinfo | None = None) -> bytes:
    """Return the workbook in `language`, moments as of `zone`. Raises NotFound."""
    import xlsxwriter

    found = evaluate(services, study_id)
    zone = zone or UTC
    words = Words(language, zone)
    with tempfile.TemporaryDirectory(prefix="geomsa-gauge-") as folder:
        target = Path(folder, "study.xlsx")
        # What is text stays text: a part's name that looks like a formula is none.
        book = xlsxwriter.Workbook(
            str(target), {"tmpdir": folder, "strings_to_formulas": False, "strings_to_urls": False}
        )
        sheets = _Sheets(book, zone)
        sheets.add(words._("Summary"), [words._("Item"), words._("Value")], _summary(found, words))
        if found.score is not None:
            _add_score(sheets, found.score, words)
        if found.agreement is not None:
            _add_agreement(sheets, found.agreement, found, words)
        sheets.add(*_pictures(found, words))
        if found.ratings:
            sheets.add(*_ratings(found, words))
        book.close()
        return target.read_bytes()


class _Sheets:
    """Writes one table a sheet, with a fixed head."""

    def __init__(self, book: Any, zone: tzinfo) -> None:
        self._book, self._zone = book, zone
        self._bold = book.add_format({"bold": True, "bottom": 1})
        self._moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})

    def add(self, name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """Add a sheet."""
        sheet = self._book.add_worksheet(name[:31])
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, max(0, len(head) - 1), _WIDTH)
        for column, text in enumerate(head):
            sheet.write_string(0, column, text, self._bold)
        for number, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                if isinstance(cell, datetime):
                    local = cell.astimezone(self._zone).replace(tzinfo=None)
                    sheet.write_datetime(number, column, local, self._moment)
                elif isinstance(cell, str):
                    sheet.write_string(number, column, cell)
                elif cell is not None:
                    sheet.write_number(number, column, cell)


def _summary(found: Evaluation, words: Words) -> list[Sequence[Cell]]:
    study = found.study
    rows: list[Sequence[Cell]] = [
        (words._("Name of the study"), study.name),
        (words._("Product"), f"{words.product(study.product)} ({label_of(study.product.code, study.view)})"),
        (words._("Method"), words._(KIND_METHODS[study.kind])),
        (words._("Purpose of the study"), study.purpose),
        (words._("State"), words._(STATE_NAMES[study.state])),
        (words._("Started"), study.started_at),
        (words._("Ended"), study.ended_at),
        (words._("Number of parts"), len(study.parts)),
        (words._("Repeats"), study.n_repeats),
        (words._("Setups"), ", ".join(name_setup(study, setup, words._) for setup in range(len(study.setups)))),
        (words._("Appraisers"), ", ".join(one.name for one in study.appraisers)),
        (words._("Model version"), study.version_number),
        (words._("Review from"), study.review_at),
        (words._("NG from"), study.reject_at),
        (words._("Random order from"), study.seed),
        (words._("Grade"), words._(GRADE_NAMES[found.grade]) if found.grade is not None else "–"),
    ]
    return rows + [(words._("Result"), phrase(one, study, words._)) for one in describe(found)]


def _add_score(sheets: _Sheets, result: ScoreResult, words: Words) -> None:
    head = (
        N_("Source of variation"),
        N_("Standard deviation"),
        "6 σ",
        N_("Share of total variation"),
        N_("Contribution"),
        N_("Share of the Review band"),
    )
    sheets.add(
        words._("Gauge R&R"),
        [words._(text) for text in head],
        [
            *(
                (
                    words._(COMPONENT_NAMES[one.name]),
                    one.sigma,
                    6 * one.sigma,
                    one.of_variation,
                    one.contribution,
                    one.of_tolerance,
                )
                for one in result.variance.components.values()
            ),
            (words._("Distinct categories (ndc)"), result.variance.categories),
        ],
    )
    sheets.add(
        words._("Analysis of variance"),
        [words._("Source of variation"), words._("DF"), words._("Sum of squares"), words._("Mean square"), "F", "p"],
        [(words._(SOURCE_NAMES[row.source]), row.df, row.ss, row.ms, row.f, row.p) for row in result.variance.rows],
    )


def _add_agreement(sheets: _Sheets, result: AgreementResult, found: Evaluation, words: Words) -> None:
    study = found.study
    head = (
        N_("Appraiser"),
        N_("Grade"),
        N_("Parts always right"),
        N_("Parts known"),
        N_("Lower bound"),
        N_("Upper bound"),
        N_("Missed defects"),
        N_("Looks at defective parts"),
        N_("False alarms"),
        N_("Looks at good parts"),
        N_("Parts always alike"),
        N_("Parts compared"),
        N_("Kappa with itself"),
        N_("Kappa with the truth"),
        N_("Lower bound of kappa"),
        N_("Upper bound of kappa"),
    )
    sheets.add(
        words._("Appraisers"),
        [words._(text) for text in head],
        [
            (
                name_appraiser(one, study, words._),
                words._(GRADE_NAMES[one.grade]) if one.grade is not None else "–",
                *_counts(one.right),
                *((one.right.low, one.right.high) if one.right is not None else (None, None)),
                *_counts(one.missed),
                *_counts(one.false_alarms),
                *_counts(one.same),
                one.within.value if one.within is not None else None,
                *_kappa(one.against_reference),
            )
            for one in result.appraisers
        ],
    )
    pairs: list[Sequence[Cell]] = [(words._("All looks together (Fleiss)"), "", *_kappa(result.between))]
    pairs += [
        (name_appraiser(one.first, study, words._), name_appraiser(one.second, study, words._), *_kappa(one.kappa))
        for one in result.pairs
    ]
    sheets.add(
        words._("Agreement"),
        [words._("First"), words._("Second"), words._("Kappa"), words._("Lower bound"), words._("Upper bound")],
        pairs,
    )


def _pictures(found: Evaluation, words: Words) -> tuple[str, list[str], list[Sequence[Cell]]]:
    study = found.study
    head = (
        N_("No."),
        N_("Part name"),
        N_("What it really is"),
        N_("Setup"),
        N_("Repeat"),
        N_("Score"),
        N_("Verdict"),
        N_("Taken"),
        N_("File"),
        "SHA-256",
    )
    rows: list[Sequence[Cell]] = [
        (
            trial.position,
            study.parts_by_id[trial.part_id].name,
            words._(REFERENCE_NAMES[study.parts_by_id[trial.part_id].reference]),
            name_setup(study, trial.setup, words._),
            trial.repeat_no,
            trial.score,
            words._(VERDICT_NAMES[trial.verdict]) if trial.verdict else "",
            trial.taken_at,
            trial.original_name,
            trial.image_sha256,
        )
        for trial in study.trials
    ]
    return words._("Pictures"), [words._(text) for text in head], rows


def _ratings(found: Evaluation, words: Words) -> tuple[str, list[str], list[Sequence[Cell]]]:
    study = found.study
    names = {one.id: one.name for one in study.appraisers}
    pictures = {trial.id: trial.position for trial in study.trials}
    head = (
        N_("Appraiser"),
        N_("No."),
        N_("Part name"),
        N_("What it really is"),
        N_("Repeat"),
        N_("Verdict"),
        N_("Picture no."),
    )
    rows: list[Sequence[Cell]] = [
        (
            names[one.appraiser_id],
            one.position,
            study.parts_by_id[one.part_id].name,
            words._(REFERENCE_NAMES[study.parts_by_id[one.part_id].reference]),
            one.repeat_no,
            words._(VERDICT_NAMES[one.verdict]) if one.verdict else "",
            pictures.get(one.trial_id) if one.trial_id is not None else None,
        )
        for one in found.ratings
    ]
    return words._("Ratings"), [words._(text) for text in head], rows


def _counts(share: Share | None) -> tuple[int | None, int | None]:
    return (share.hits, share.total) if share is not None else (None, None)


def _kappa(kappa: Kappa | None) -> tuple[float | None, float | None, float | None]:
    return (kappa.value, kappa.low, kappa.high) if kappa is not None else (None, None, None)
