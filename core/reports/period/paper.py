"""The report of a period on paper: A4 pages with vector charts, the first rejected parts, and boxes to sign in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.inspections.terms import ACTION_NAMES
from core.reports.font import register_fonts
from core.reports.layout import (
    TEXT_MM,
    Style,
    Words,
    build_document,
    make_paragraph,
    make_picture,
    make_styles,
    make_table,
)
from core.reports.period import wording
from core.reports.period.contents import PeriodContents
from core.reports.period.drawings import Sample, draw_p_chart, draw_pareto
from core.reports.period.paper_tables import (
    MARKED,
    align_right,
    cut_note,
    make_action_tables,
    make_bold,
    make_group_tables,
    make_model_table,
    ruled,
)
from core.reports.period.pictures import draw_parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.reports.period.rows import RejectedPart
    from core.transactions import HasStores

_SIGNATURE_MM, _PARTS_A_ROW, _PICTURE_MM = 21, 4, 32
_MOST_BARS = 9
# Rows that are read as a list stand close.
_TIGHT = (("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5))
_HEAD, _NOTES_EDGE = "#eef2f5", "#E69F00"


def make_period_pdf(services: HasStores, contents: PeriodContents) -> bytes:
    """Return the report as a PDF (A4). Raises Unavailable when a store fails, NotReady without the font."""
    register_fonts()
    words, style = wording.words_of(contents), _make_styles()
    pictures = draw_parts(services.objects, contents.parts)
    title = wording.title_of(contents, words)
    period = wording.name_period(contents.request.period, words)
    parts = [
        *_head(contents, words, style, title),
        *_notes(contents, words, style),
        *_figures(contents, words, style),
        *_chart(contents, words, style),
        *_paretos(contents, words, style),
        *make_group_tables(contents, words, style),
        *_rejected(contents, pictures, words, style),
        *make_action_tables(contents, words, style),
        *make_model_table(contents, words, style),
    ]
    return build_document(parts, title=f"{title} · {period}", words=words)


def _make_styles() -> Style:
    """Return the styles of reports with less between the lines: a page is to show all that is read first."""
    from reportlab.lib.styles import ParagraphStyle

    style = make_styles()
    return replace(style, body=ParagraphStyle("figures", parent=style.body, fontSize=9, leading=12))


def _head(contents: PeriodContents, words: Words, style: Style, title: str) -> list[Any]:
    from reportlab.platypus import Spacer

    facts = wording.list_facts(contents, words)
    width = TEXT_MM - len(wording.SIGNATURES) * _SIGNATURE_MM - 6
    rows = [[make_paragraph(name, style.small), make_paragraph(value, style.body)] for name, value in facts]
    told = [make_paragraph(title, style.title), Spacer(1, 2), make_table(rows, [25, width - 27], *_TIGHT)]
    return [make_table([[told, _signatures(words, style)]], [width + 4, TEXT_MM - width - 4]), Spacer(1, 5)]


def _signatures(words: Words, style: Style) -> Any:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm

    middle = ParagraphStyle("signature", parent=style.small, alignment=1)
    table = make_table(
        [
            [make_paragraph(words._(name), middle) for name in wording.SIGNATURES],
            [""] * len(wording.SIGNATURES),
            [make_paragraph(words._("Date"), style.small)] * len(wording.SIGNATURES),
        ],
        [_SIGNATURE_MM] * len(wording.SIGNATURES),
        ("BOX", (0, 0), (-1, -1), 0.6, HexColor("#777777")),
        ("INNERGRID", (0, 0), (-1, -1), 0.3, HexColor("#aaaaaa")),
        ("BACKGROUND", (0, 0), (-1, 0), HexColor(_HEAD)),
        ("TOPPADDING", (0, 1), (-1, 1), 13 * mm),
    )
    table.hAlign = "RIGHT"
    return table


def _notes(contents: PeriodContents, words: Words, style: Style) -> list[Any]:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Spacer

    notes = wording.list_notes(contents, words)
    if not notes:
        return []
    cells = [[make_paragraph(f"• {note}", style.small)] for note in notes]
    edge = HexColor(_NOTES_EDGE)
    rules = (("BACKGROUND", (0, 0), (-1, -1), HexColor(MARKED)), ("LINEBEFORE", (0, 0), (0, -1), 2, edge))
    return [make_table(cells, [TEXT_MM], *rules), Spacer(1, 3)]


def _figures(contents: PeriodContents, words: Words, style: Style) -> list[Any]:
    heading = make_paragraph(words._("Figures"), style.heading)
    before = contents.request.before
    names = [
        words._("Figure"),
        words._("This period"),
        words._("Period before"),
        words._("Difference"),
    ]
    right, small_right = align_right(style.body), align_right(style.small)
    bold = make_bold(right)
    head = [make_paragraph(names[0], style.small), *(make_paragraph(name, small_right) for name in names[1:])]
    rows = [
        [
            make_paragraph(row.name, style.body),
            make_paragraph(wording.write_value(row.value, row.kind, words), bold),
            make_paragraph(wording.write_value(row.before, row.kind, words), right),
            make_paragraph(wording.write_change(row, words), right),
        ]
        for row in wording.list_figures(contents, words)
    ]
    told = words._("There is no earlier period to compare with.")
    if before is not None:
        told = words._("Period before: {period}", period=wording.name_period(before, words))
    table = make_table([head, *rows], [TEXT_MM - 108, 34, 34, 40], *ruled(), *_TIGHT)
    return [heading, table, make_paragraph(told, style.small)]


def _chart(contents: PeriodContents, words: Words, style: Style) -> list[Any]:
    from reportlab.lib.units import mm
    from reportlab.platypus import KeepTogether

    chart = contents.chart
    if contents.is_empty or not chart.points:
        return []
    by_hour = words._("Defect rate by hour")
    by_day = words._("Defect rate by day") if chart.by == "day" else words._("Defect rate by week")
    samples = [
        Sample(
            wording.name_sample(point.start, contents), point.n, point.share, point.lower, point.upper, point.is_outside
        )
        for point in chart.points
    ]
    texts = (words._("Defect rate (%)"), words._("parts"), words._("limits (3 sigma)"))
    drawing = draw_p_chart(samples, chart.center, width=TEXT_MM * mm, height=50 * mm, texts=texts)
    heading = make_paragraph(by_hour if chart.by == "hour" else by_day, style.heading)
    said = wording.describe_limits(contents, words)
    return [KeepTogether([heading, drawing, *([make_paragraph(said, style.small)] if said else [])])]


def _paretos(contents: PeriodContents, words: Words, style: Style) -> list[Any]:
    from reportlab.lib.units import mm
    from reportlab.platypus import KeepTogether

    types = list(zip(wording.name_types(contents, words), [one.count for one in contents.types], strict=True))
    causes = [(cause.text, cause.count) for cause in contents.causes]
    shown = [
        (heading, pairs)
        for heading, pairs in ((words._("Defects by type"), types), (words._("Defects by cause"), causes))
        if pairs
    ]
    if not shown:
        return []
    width = TEXT_MM / len(shown)
    axes = (words._("Count"), words._("Cumulative share"))
    cells = []
    for heading, pairs in shown:
        labels, counts = _with_rest(pairs, words, most=_MOST_BARS if len(shown) == 1 else 5)
        drawing = draw_pareto(labels, counts, width=(width - 3) * mm, height=54 * mm, texts=axes)
        cells.append([make_paragraph(heading, style.heading), drawing])
    return [KeepTogether([make_table([cells], [width] * len(shown), ("LEFTPADDING", (0, 0), (0, -1), 0))])]


def _with_rest(pairs: Sequence[tuple[str, int]], words: Words, *, most: int) -> tuple[list[str], list[int]]:
    """Return names and counts; what is more than fits is one last bar."""
    if len(pairs) <= most:
        return [name for name, _count in pairs], [count for _name, count in pairs]
    kept, rest = pairs[: most - 1], pairs[most - 1 :]
    names = [*(name for name, _count in kept), words._("Others ({count})", count=len(rest))]
    return names, [*(count for _name, count in kept), sum(count for _name, count in rest)]


def _rejected(
    contents: PeriodContents, pictures: dict[int, NDArray[np.uint8]], words: Words, style: Style
) -> list[Any]:
    from reportlab.platypus import KeepTogether

    if not contents.parts:
        return []
    width = TEXT_MM / _PARTS_A_ROW
    found: list[Any] = []
    for start in range(0, len(contents.parts), _PARTS_A_ROW):
        some = contents.parts[start : start + _PARTS_A_ROW]
        blank = [""] * (_PARTS_A_ROW - len(some))
        row = [
            [_picture(pictures.get(part.id), width, words, style), *_describe(part, contents, words, style)]
            for part in some
        ]
        table = make_table([[*row, *blank]], [width] * _PARTS_A_ROW, ("LEFTPADDING", (0, 0), (-1, -1), 0))
        heading = [] if start else [make_paragraph(words._("First rejected parts"), style.heading)]
        found.append(KeepTogether([*heading, table]))
    return found


def _picture(pixels: NDArray[np.uint8] | None, width: float, words: Words, style: Style) -> Any:
    if pixels is None:
        return make_paragraph(words._("The picture cannot be read."), style.small)
    picture = make_picture(pixels, width - 4, _PICTURE_MM)
    picture.hAlign = "LEFT"
    return picture


def _describe(part: RejectedPart, contents: PeriodContents, words: Words, style: Style) -> list[Any]:
    kind = words.defect(part.defect_type) if part.defect_type is not None else words._("not named")
    if part.defect_type is not None and not part.is_type_confirmed:
        kind = words._("{defect} (suggested)", defect=kind)
    trace = " · ".join(text for text in (part.line, part.lot, part.serial) if text)
    action = words._(ACTION_NAMES[part.action_status])
    lines = [words._("No. {number} · {time}", number=part.id, time=words.moment(part.created_at)), kind]
    if contents.request.product is None:
        lines.append(words.product(part.product))
    if trace:
        lines.append(trace)
    if part.is_overridden:
        lines.append(words._("decided by a person"))
    lines.append(
        words._("Action: {state}", state=action) + (f" – {cut_note(part.action_note)}" if part.action_note else "")
    )
    return [
        make_paragraph(line, make_bold(style.small) if number == 1 else style.small)
        for number, line in enumerate(lines)
    ]
