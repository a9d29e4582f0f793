"""The tables of a period report on paper: groups with their rates, open actions, models and thresholds in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.inspections.terms import THRESHOLD_METHODS
from core.reports.font import BOLD
from core.reports.layout import TEXT_MM, Style, Words, make_paragraph, make_table
from core.reports.period import wording
from core.reports.period.contents import MOST_GROUPS, PeriodContents
from core.reports.period.drawings import draw_bar

if TYPE_CHECKING:
    from core.reports.period.contents import NamedCounts
    from core.reports.period.rows import OpenAction

MARKED = "#fff6e0"
_LINES, _HEAD = "#cccccc", "#eef2f5"
_MOST_NOTE_CHARACTERS = 120


def make_group_tables(contents: PeriodContents, words: Words, style: Style) -> list[Any]:
    """Return the counts by product, line and shift, with a bar for each defect rate."""
    found: list[Any] = []
    for heading, name, groups in (
        (words._("By product"), words._("Product"), contents.products),
        (words._("By line"), words._("Line"), contents.lines),
        (words._("By shift"), words._("Shift"), contents.shifts),
    ):
        if groups:
            found += _group_table(heading, name, groups, words, style)
    return found


def make_action_tables(contents: PeriodContents, words: Words, style: Style) -> list[Any]:
    """Return the open actions by age, and the oldest of them."""
    from reportlab.lib.units import mm
    from reportlab.platypus import CondPageBreak, Spacer

    found = contents.open_actions
    heading = make_paragraph(words._("Open actions"), style.heading)
    if not found.n:
        return [heading, make_paragraph(words._("No action is open."), style.body)]
    right = align_right(style.body)
    names = wording.name_ages(words)
    ages = make_table(
        [
            [make_paragraph(name, align_right(style.small)) for name in (*names, words._("All"))],
            [make_paragraph(f"{count:,}", right) for count in (*found.by_age, found.n)],
        ],
        [TEXT_MM / (len(names) + 1)] * (len(names) + 1),
        *ruled(),
    )
    titles = [
        words._("No."),
        words._("Age"),
        words._("Product"),
        words._("Defect type"),
        words._("Part"),
        words._("Note"),
    ]
    rows = [[make_paragraph(title, style.small) for title in titles]]
    rows += [_action_row(action, words, style) for action in found.oldest]
    table = make_table(rows, [14, 20, 34, 32, 38, TEXT_MM - 138], *ruled())
    table.repeatRows = 1
    more = []
    if found.n > len(found.oldest):
        said = words._("The {count} oldest of {total} are listed.", count=len(found.oldest), total=f"{found.n:,}")
        more = [make_paragraph(said, style.small)]
    told = words._(
        "All that nobody has closed until {time}, of this period and before.", time=words.moment(contents.made_at)
    )
    return [CondPageBreak(45 * mm), heading, make_paragraph(told, style.small), ages, Spacer(1, 4), table, *more]


def make_model_table(contents: PeriodContents, words: Words, style: Style) -> list[Any]:
    """Return which models and thresholds judged, changes marked."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.units import mm
    from reportlab.platypus import CondPageBreak

    if not contents.models:
        return []
    titles = [
        words._("Product"),
        words._("Model"),
        words._("Review from"),
        words._("NG from"),
        words._("In force"),
        words._("Inspections"),
    ]
    rows = [[make_paragraph(title, style.small) for title in titles]]
    marks = []
    for number, model in enumerate(contents.models[:MOST_GROUPS], start=1):
        named = words._("version {number}", number=model.number) + f" · {wording.name_model(model.model_name, words)}"
        method = words._(THRESHOLD_METHODS[model.method]) if model.method in THRESHOLD_METHODS else model.method
        about = [make_paragraph(named, style.small), make_paragraph(method, style.small)]
        if model.is_change:
            about.insert(0, make_paragraph(words._("Changed"), make_bold(style.small)))
            if model.reason:
                about.append(make_paragraph(cut_note(model.reason), style.small))
            marks.append(("BACKGROUND", (0, number), (-1, number), HexColor(MARKED)))
        rows.append(
            [
                make_paragraph(words.product(model.product), style.small),
                about,
                make_paragraph(f"{model.review_at:.4g}", style.small),
                make_paragraph(f"{model.reject_at:.4g}", style.small),
                make_paragraph(f"{words.moment(model.first_at)} – {words.moment(model.last_at)}", style.small),
                make_paragraph(f"{model.n:,}", style.small),
            ]
        )
    table = make_table(rows, [34, TEXT_MM - 126, 20, 18, 34, 20], *ruled(), *marks)
    table.repeatRows = 1
    heading = make_paragraph(words._("Models and thresholds in force"), style.heading)
    said = words._(
        "From the first to the last inspection that they judged. Scores and thresholds are distances without a unit."
    )
    return [CondPageBreak(30 * mm), heading, table, make_paragraph(said, style.small)]


def ruled() -> list[Any]:
    """Return the style commands of a table with a head and a line below each row."""
    from reportlab.lib.colors import HexColor

    return [
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor(_LINES)),
        ("BACKGROUND", (0, 0), (-1, 0), HexColor(_HEAD)),
    ]


def align_right(style: Any) -> Any:
    """Return the paragraph style, aligned at the right."""
    from reportlab.lib.styles import ParagraphStyle

    return ParagraphStyle(f"{style.name}_right", parent=style, alignment=2)


def make_bold(style: Any) -> Any:
    """Return the paragraph style in bold."""
    from reportlab.lib.styles import ParagraphStyle

    return ParagraphStyle(f"{style.name}_bold", parent=style, fontName=BOLD)


def cut_note(text: str) -> str:
    """Return a note on one line, shortened where it is long: a cell that is taller than a page cannot be printed."""
    line = " ".join(text.split())
    return line if len(line) <= _MOST_NOTE_CHARACTERS else f"{line[: _MOST_NOTE_CHARACTERS - 1].rstrip()}…"


def _group_table(heading: str, name: str, groups: Sequence[NamedCounts], words: Words, style: Style) -> list[Any]:
    from reportlab.lib.units import mm
    from reportlab.platypus import CondPageBreak

    right, small_right = align_right(style.body), align_right(style.small)
    names = [words._("Inspections"), words._("Review"), words._("NG"), words._("Defect rate")]
    rows: list[list[Any]] = [
        [make_paragraph(name, style.small), *(make_paragraph(one, small_right) for one in names), ""]
    ]
    highest = max((group.counts.defect_rate or 0.0) for group in groups)
    for group in groups[:MOST_GROUPS]:
        counts = group.counts
        rate = counts.defect_rate or 0.0
        figures = [f"{counts.n:,}", f"{counts.review:,}", f"{counts.reject:,}", f"{rate:.2%}"]
        rows.append(
            [
                make_paragraph(wording.name_group(words.product(group), words), style.body),
                *(make_paragraph(figure, right) for figure in figures),
                draw_bar(rate, highest, width=36 * mm),
            ]
        )
    table = make_table(rows, [TEXT_MM - 124, 22, 20, 18, 24, 40], *ruled(), ("VALIGN", (5, 1), (5, -1), "MIDDLE"))
    table.repeatRows = 1
    more = []
    if len(groups) > MOST_GROUPS:
        said = words._("{count} more are in the Excel report.", count=len(groups) - MOST_GROUPS)
        more = [make_paragraph(said, style.small)]
    return [CondPageBreak(30 * mm), make_paragraph(heading, style.heading), table, *more]


def _action_row(action: OpenAction, words: Words, style: Style) -> list[Any]:
    kind = words.defect(action.defect_type) if action.defect_type is not None else words._("not named")
    trace = " · ".join(text for text in (action.line, action.lot, action.serial) if text) or "–"
    cells = [
        str(action.id),
        wording.write_time(action.age, words),
        words.product(action.product),
        kind,
        trace,
        cut_note(action.note) or "–",
    ]
    return [make_paragraph(cell, style.small) for cell in cells]
