"""A comparison as files: the whole result as JSON, its figures as CSV, and both in words as a PDF."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any

from core.catalog.views import list_views
from core.comparisons.overview import ComparisonView, read_result
from core.comparisons.results import ComparisonResult, EntryResult, Verdicts
from core.comparisons.wording import (
    FIGURE_NAMES,
    THRESHOLD_NAMES,
    name_entry,
    phrase_differences,
    phrase_price,
    rank_entries,
)
from core.i18n import N_
from core.reports.font import register_fonts
from core.reports.layout import TEXT_MM, Words, build_document, make_paragraph, make_styles, make_table
from core.reports.tables import Column, stream_csv

if TYPE_CHECKING:
    from core.services import Services

RESULT_NAME, TABLE_NAME, REPORT_NAME = "result.json", "summary.csv", "report.pdf"
FILE_NAMES = (RESULT_NAME, TABLE_NAME, REPORT_NAME)
CONTENT_TYPES: Mapping[str, str] = {
    RESULT_NAME: "application/json",
    TABLE_NAME: "text/csv; charset=utf-8",
    REPORT_NAME: "application/pdf",
}
_SHOWN = ("f1", "accuracy", "precision", "recall", "auroc", "macro_f1", "iou", "f1_at_50")
_TITLE = N_("Comparison of methods no. {number}")


def make_file(
    services: Services, comparison: ComparisonView, name: str, *, language: str, zone: tzinfo | None = None
) -> bytes:
    """Return one of `FILE_NAMES`. Raises NotReady comparison_not_finished, and AppError where the store fails."""
    result = read_result(services, comparison)
    if name == RESULT_NAME:
        return (json.dumps(result.to_json(), ensure_ascii=False, allow_nan=False, indent=1) + "\n").encode()
    if name == TABLE_NAME:
        return b"".join(stream_csv(_columns(), [_row(one) for one in result.entries]))
    return _make_report(services, comparison, result, Words(language, zone or UTC))


def _columns() -> list[Column]:
    # The names of the JSON: whoever reads the one reads the other.
    fixed = [Column(name) for name in ("key", "name", "method", "view")]
    counts = [Column(name, "whole") for name in ("n", "n_parts", "errors")]
    figures = [
        Column(name, "number") for figure in FIGURE_NAMES for name in (figure, f"{figure}_low", f"{figure}_high")
    ]
    cells = [Column(name, "whole") for name in vars(Verdicts())]
    rest = [Column("threshold", "number"), Column("threshold_method"), Column("ms_p50", "number")]
    return [
        *fixed,
        *counts,
        *figures,
        *cells,
        *rest,
        Column("ms_p95", "number"),
        Column("bytes", "whole"),
        Column("price_per_1000_usd", "number"),
        Column("input_tokens", "whole"),
        Column("output_tokens", "whole"),
        Column("error"),
    ]


def _row(one: EntryResult) -> list[Any]:
    figures: list[Any] = []
    for name in FIGURE_NAMES:
        found = one.figures.get(name)
        figures += [None, None, None] if found is None else [found.value, found.low, found.high]
    tokens = (None, None) if one.bill is None else (one.bill.input_tokens, one.bill.output_tokens)
    return [
        one.key, one.name, one.method, one.view, one.n, one.n_parts, one.errors, *figures,
        *vars(one.verdicts).values(), one.threshold, one.threshold_method, one.ms_p50, one.ms_p95, one.byte_size,
        one.price_per_1000_usd, *tokens,
        one.error.code if one.error is not None else "",
    ]  # fmt: skip


def _make_report(services: Services, comparison: ComparisonView, result: ComparisonResult, words: Words) -> bytes:
    from reportlab.platypus import Spacer

    register_fonts()
    style = make_styles()
    views = {
        one.code: one.name_en or one.name if words.language == "en" else one.name
        for one in list_views(services, comparison.product.id)
    }
    names = {one.key: name_entry(one, views, words._) for one in result.entries}
    title = words._(_TITLE, number=comparison.id)
    job = comparison.job
    about = words._(
        "{product} · dataset version {number} · {when}",
        product=f"{words.product(comparison.product)} ({comparison.product.code})",
        number=result.dataset_number,
        when=words.moment(job.finished_at if job is not None else None),
    )
    ranked = rank_entries(result.entries)
    parts: list[Any] = [
        make_paragraph(title, style.title),
        *([make_paragraph(comparison.name, style.heading)] if comparison.name else []),
        make_paragraph(about, style.body),
        make_paragraph(words._("Hash of the dataset version: {digits}", digits=result.dataset_hash[:16]), style.small),
        Spacer(1, 6),
        _figure_table(ranked, names, words, style),
        make_paragraph(words._("Differences"), style.heading),
        *_paragraphs(phrase_differences(result, names, words._) or ["–"], style),
        make_paragraph(words._("How each was judged"), style.heading),
        *_paragraphs([_describe(one, names[one.key], words) for one in ranked], style),
        make_paragraph(words._("Method"), style.heading),
        *_paragraphs(
            [
                words._("Intervals are 95% by bootstrap over parts; differences are paired on the same images."),
                words._("Thresholds come from validation images alone; an image without an answer counts as wrong."),
                words._("Methods are compared only where they judged the same views."),
            ],
            style,
        ),
    ]
    return build_document(parts, title=title, words=words)


def _paragraphs(texts: Sequence[str], style: Any) -> list[Any]:
    return [make_paragraph(f"• {text}", style.small) for text in texts]


def _figure_table(ranked: Sequence[EntryResult], names: Mapping[str, str], words: Words, style: Any) -> Any:
    from reportlab.lib.colors import HexColor

    figures = [name for name in _SHOWN if any(name in one.figures for one in ranked)]
    width = (TEXT_MM - 46 - 15) / max(1, len(figures))
    head = [make_paragraph(words._("Method"), style.small), make_paragraph(words._("Images"), style.small)]
    rows = [[*head, *(make_paragraph(words._(FIGURE_NAMES[name]), style.small) for name in figures)]]
    for one in ranked:
        count = f"{one.n}" + (f" (!{one.errors})" if one.errors else "")
        cells = [make_paragraph(names[one.key], style.small), make_paragraph(count, style.small)]
        rows.append([*cells, *(make_paragraph(_cell(one, name), style.small) for name in figures)])
    return make_table(
        rows,
        [46, 15, *(width for _ in figures)],
        ("BACKGROUND", (0, 0), (-1, 0), HexColor("#e9eef2")),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor("#c5ced6")),
    )


def _cell(one: EntryResult, name: str) -> str:
    found = one.figures.get(name)
    if found is None:
        return "–"
    if found.low is None or found.high is None:
        return f"{found.value:.3f}"
    return f"{found.value:.3f} ({found.low:.2f}–{found.high:.2f})"


def _describe(one: EntryResult, name: str, words: Words) -> str:
    verdicts = one.verdicts
    told = [
        words._(
            "good: {passed} passed, {stopped} stopped; defective: {found} stopped, {missed} passed; "
            "no answer: {silent}",
            passed=verdicts.good_passed,
            stopped=verdicts.good_stopped,
            found=verdicts.defect_stopped,
            missed=verdicts.defect_passed,
            silent=verdicts.good_silent + verdicts.defect_silent,
        )
    ]
    if one.threshold is not None and one.threshold_method in THRESHOLD_NAMES:
        how = words._(THRESHOLD_NAMES[one.threshold_method])
        told.append(words._("threshold {value} ({how})", value=f"{one.threshold:.4g}", how=how))
    if one.ms_p50 is not None and one.ms_p95 is not None:
        told.append(words._("{p50} ms, 95% within {p95} ms", p50=f"{one.ms_p50:.0f}", p95=f"{one.ms_p95:.0f}"))
    if one.byte_size:
        told.append(f"{one.byte_size / 1e6:.1f} MB")
    if one.bill is not None:
        told.append(phrase_price(one, words._))
    if one.error is not None:
        told.append(one.error.to_app_error().sentence(words.language))
    return f"{name}: {'; '.join(told)}"
