"""The tables of a gauge study on paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.i18n import N_
from core.reports.layout import TEXT_MM, Style, Words, make_paragraph, make_table

_SIGNATURES = (N_("Prepared"), N_("Checked"), N_("Approved"))


def make_section(heading: str, parts: Sequence[Any], style: Style) -> list[Any]:
    """Return the parts under a heading."""
    return [make_paragraph(heading, style.heading), *parts]


def make_facts(facts: Sequence[tuple[str, str]], style: Style) -> Any:
    """Return names and values, one a line."""
    from reportlab.lib.colors import HexColor

    cells = [[make_paragraph(name, style.small), make_paragraph(value, style.body)] for name, value in facts]
    return make_table(cells, [46, TEXT_MM - 46], ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor("#cccccc")))


def make_grid(rows: Sequence[Sequence[str]], widths_mm: list[float], style: Style) -> Any:
    """Return a table with a head, all of its cells text."""
    from reportlab.lib.colors import HexColor

    cells = [[make_paragraph(text, style.small) for text in row] for row in rows]
    return make_table(
        cells,
        widths_mm,
        ("GRID", (0, 0), (-1, -1), 0.3, HexColor("#cccccc")),
        ("BACKGROUND", (0, 0), (-1, 0), HexColor("#eef2f4")),
    )


def make_wide_grid(rows: Sequence[Sequence[str]], style: Style, most: int = 10) -> list[Any]:
    """Return a table whose columns are divided over several, each with the first column before it."""
    from reportlab.platypus import Spacer

    tables: list[Any] = []
    for start in range(1, len(rows[0]), most):
        piece = [[row[0], *row[start : start + most]] for row in rows]
        width = (TEXT_MM - 30) / max(1, len(piece[0]) - 1)
        tables += [make_grid(piece, [30, *([min(width, 40)] * (len(piece[0]) - 1))], style), Spacer(1, 4)]
    return tables


def make_signatures(words: Words, style: Style) -> list[Any]:
    """Return the boxes in which a report is signed."""
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import KeepTogether, Spacer

    titles = [make_paragraph(words._(name), style.small) for name in _SIGNATURES]
    lines = [make_paragraph(words._("Name, date, signature"), style.small) for _name in _SIGNATURES]
    table = make_table(
        [titles, ["", "", ""], lines],
        [TEXT_MM / 3] * 3,
        ("BOX", (0, 0), (-1, -1), 0.5, HexColor("#888888")),
        ("INNERGRID", (0, 0), (-1, 0), 0.3, HexColor("#cccccc")),
        ("LINEAFTER", (0, 0), (-2, -1), 0.3, HexColor("#cccccc")),
        ("BOTTOMPADDING", (0, 1), (-1, 1), 26),
    )
    return [KeepTogether([Spacer(1, 10), table])]
