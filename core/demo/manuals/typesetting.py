"""Typesetting of the demo manuals' texts as PDFs; at development time only.

    python -m core.demo.manuals.typesetting

The same text gives the same bytes. The fonts are NanumGothic (SIL Open Font License 1.1, Copyright NAVER Corporation),
embedded as subsets. Needs the packages of requirements-dev.txt.
"""

from __future__ import annotations

import importlib.util
import io
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.demo.manuals import PDF_FOLDER, TEXT_FOLDER

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

_MARGIN_MM = 20
_INK = "#1f2933"
_QUIET = "#6b7785"
_RULE = "#c5ccd3"
_SHADE = "#eef2f5"
_STEP = re.compile(r"(\d+)\. (.*)")
_FIELD = re.compile(r"(title|document|edition): (.*)")


def typeset(source: str) -> bytes:
    """Return the PDF of a text in our small markup: fields, `#` and `##`, `-`, `1.`, tables, `---` for a new page."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    _register_fonts()
    fields = {match[1]: match[2] for line in source.splitlines() if (match := _FIELD.fullmatch(line))}
    body = source.split("\n\n", 1)[1]
    styles = _styles()
    story: list[Flowable] = [
        Paragraph(escape(fields["title"]), styles["title"]),
        Paragraph(escape(f"{fields['document']} · {fields['edition']}"), styles["quiet"]),
        Spacer(1, 6 * mm),
        *_flow(body.splitlines(), styles),
    ]
    target = io.BytesIO()
    document = SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=_MARGIN_MM * mm,
        rightMargin=_MARGIN_MM * mm,
        topMargin=_MARGIN_MM * mm,
        bottomMargin=_MARGIN_MM * mm,
        title=fields["title"],
        subject=fields["document"],
        invariant=1,
    )

    def draw_foot(canvas: Any, page: Any) -> None:
        canvas.setFont("NanumGothic", 8)
        canvas.setFillColor(_QUIET)
        canvas.drawString(_MARGIN_MM * mm, 11 * mm, f"{fields['document']} {fields['edition']}")
        canvas.drawRightString(A4[0] - _MARGIN_MM * mm, 11 * mm, str(page.page))

    document.build(story, onFirstPage=draw_foot, onLaterPages=draw_foot)
    return target.getvalue()


def _register_fonts() -> None:
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    spec = importlib.util.find_spec("koreanize_matplotlib")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package koreanize-matplotlib, which carries the font, is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "fonts"
    for name in ("NanumGothic", "NanumGothicBold"):
        registerFont(TTFont(name, folder / f"{name}.ttf"))


def _styles() -> dict[str, Any]:
    from reportlab.lib.styles import ParagraphStyle

    plain = ParagraphStyle("plain", fontName="NanumGothic", fontSize=10.5, leading=17, textColor=_INK, spaceAfter=5)
    bold = ParagraphStyle("bold", parent=plain, fontName="NanumGothicBold", keepWithNext=1)
    return {
        "plain": plain,
        "title": ParagraphStyle("title", parent=bold, fontSize=20, leading=27, spaceAfter=4),
        "quiet": ParagraphStyle("quiet", parent=plain, fontSize=9, leading=13, textColor=_QUIET),
        "chapter": ParagraphStyle("chapter", parent=bold, fontSize=15, leading=21, spaceBefore=12, spaceAfter=6),
        "section": ParagraphStyle("section", parent=bold, fontSize=12, leading=18, spaceBefore=8, spaceAfter=4),
        "item": ParagraphStyle("item", parent=plain, leftIndent=16, bulletIndent=2, spaceAfter=3),
        "cell": ParagraphStyle("cell", parent=plain, fontSize=9.5, leading=14, spaceAfter=0),
        "head": ParagraphStyle("head", parent=bold, fontSize=9.5, leading=14, spaceAfter=0),
    }


def _flow(lines: list[str], styles: dict[str, Any]) -> Iterator[Flowable]:
    from reportlab.platypus import PageBreak, Paragraph

    table: list[list[str]] = []
    for line in [*lines, ""]:
        if line.startswith("|"):
            if not line.startswith("|--"):
                table.append([cell.strip() for cell in line.strip("|").split("|")])
            continue
        if table:
            yield _table(table, styles)
            table = []
        if line.startswith("## "):
            yield Paragraph(escape(line[3:]), styles["section"])
        elif line.startswith("# "):
            yield Paragraph(escape(line[2:]), styles["chapter"])
        elif line.startswith("- "):
            yield Paragraph(escape(line[2:]), styles["item"], bulletText="•")
        elif line == "---":
            yield PageBreak()
        elif match := _STEP.fullmatch(line):
            yield Paragraph(escape(match[2]), styles["item"], bulletText=f"{match[1]}.")
        elif line:
            yield Paragraph(escape(line), styles["plain"])


def _table(rows: list[list[str]], styles: dict[str, Any]) -> Flowable:
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import Paragraph, Table

    width = A4[0] - 2 * _MARGIN_MM * mm
    cells = [
        [Paragraph(escape(cell), styles["cell" if number else "head"]) for cell in row]
        for number, row in enumerate(rows)
    ]
    commands = [
        ("GRID", (0, 0), (-1, -1), 0.5, _RULE),
        ("BACKGROUND", (0, 0), (-1, 0), _SHADE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    columns = len(rows[0])
    return Table(cells, colWidths=[width / columns] * columns, style=commands, spaceBefore=4, spaceAfter=8)


def main() -> None:
    """Set every text anew."""
    PDF_FOLDER.mkdir(parents=True, exist_ok=True)
    for path in sorted(TEXT_FOLDER.glob("*.md")):
        (PDF_FOLDER / path.with_suffix(".pdf").name).write_bytes(typeset(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
