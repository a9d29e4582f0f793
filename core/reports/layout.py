"""What a report on paper is set with: words in its language, paragraph styles, tables, pictures, boxes to tick."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from core.catalog.names import name_defect, name_product
from core.i18n import translate
from core.reports.font import BOLD, REGULAR
from storage.tables import utc_now

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.catalog.names import HasDefectNames, HasProductNames

MARGIN_MM, TEXT_MM = 16, 178  # of A4
# The frame's own padding on each side, in points: without it, headings would stand beside the tables' edge.
_FRAME_PT = 6


@dataclass(frozen=True)
class Style:
    """The paragraph styles of a report."""

    title: Any
    heading: Any
    section: Any
    body: Any
    small: Any


class Words:
    """Messages, moments and names in the report's language."""

    def __init__(self, language: str, zone: tzinfo) -> None:
        self.language = language
        self._zone = zone

    def _(self, msgid: str, **params: object) -> str:
        """Return the message in the report's language."""
        text = translate(self.language, msgid)
        return text.format(**params) if params else text

    def moment(self, when: datetime | None) -> str:
        """Return the moment in the report's zone, to the minute."""
        return when.astimezone(self._zone).strftime("%Y-%m-%d %H:%M") if when else "–"

    def defect(self, defect: HasDefectNames | None) -> str:
        """Return the defect type's name, a dash for none."""
        if defect is None:
            return "–"
        return name_defect(defect, self.language)

    def product(self, product: HasProductNames) -> str:
        """Return the product's name."""
        return name_product(product, self.language)


def make_styles() -> Style:
    """Return the styles, in the report's own font."""
    from reportlab.lib.styles import ParagraphStyle

    body = ParagraphStyle("body", fontName=REGULAR, fontSize=9.5, leading=14)
    return Style(
        title=ParagraphStyle("title", parent=body, fontName=BOLD, fontSize=16, leading=21),
        heading=ParagraphStyle(
            "heading", parent=body, fontName=BOLD, fontSize=11, leading=15, spaceBefore=8, spaceAfter=3, keepWithNext=1
        ),
        section=ParagraphStyle("section", parent=body, fontName=BOLD, spaceBefore=5, spaceAfter=1, keepWithNext=1),
        body=body,
        small=ParagraphStyle("small", parent=body, fontSize=8, leading=11, textColor="#444444"),
    )


def make_paragraph(text: str, style: Any) -> Any:
    """Return plain text as a paragraph: reportlab reads markup, so everything is escaped."""
    from reportlab.platypus import Paragraph

    return Paragraph(escape(text), style)


def make_table(rows: list[list[Any]], widths_mm: list[float], *more: Any) -> Any:
    """Return a table of paragraphs and pictures; `more` are style commands of reportlab beside those of every table."""
    from reportlab.lib.units import mm
    from reportlab.platypus import Table, TableStyle

    rules = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
    ]
    return Table(rows, colWidths=[width * mm for width in widths_mm], style=TableStyle([*rules, *more]))


def make_picture(pixels: NDArray[np.uint8], width_mm: float, height_mm: float) -> Any:
    """Return RGB uint8 `pixels` (H, W, 3) as a picture that is as large as fits into the place."""
    from PIL import Image as PillowImage
    from reportlab.lib.units import mm
    from reportlab.platypus import Image

    file = io.BytesIO()
    PillowImage.fromarray(pixels).save(file, "JPEG", quality=85)
    file.seek(0)
    height, width = pixels.shape[:2]
    scale = min(width_mm * mm / width, height_mm * mm / height)
    return Image(file, width * scale, height * scale)


def make_tick_box(*, is_ticked: bool = False) -> Any:
    """Return a box to tick before a step, or one that is ticked, on the height of its first line."""
    from reportlab.graphics.shapes import Drawing, PolyLine, Rect
    from reportlab.lib.colors import HexColor

    side = 8.5
    box = Rect(0.5, -1.5, side, side, strokeColor=HexColor("#555555"), strokeWidth=0.6, fillColor=None)
    if not is_ticked:
        return Drawing(side + 1, side, box)
    mark = PolyLine([2.3, 2.9, 4.2, 0.9, 7.6, 5.4], strokeColor=HexColor("#1b7f4d"), strokeWidth=1.4)
    return Drawing(side + 1, side, box, mark)


def build_document(parts: list[Any], *, title: str, words: Words) -> bytes:
    """Return the parts as a PDF of A4 pages, each with the title, the moment of printing and its number at the foot."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import SimpleDocTemplate

    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN_MM * mm - _FRAME_PT,
        rightMargin=MARGIN_MM * mm - _FRAME_PT,
        topMargin=14 * mm,
        bottomMargin=16 * mm,
        title=title,
        author="Geomsa",
        lang=words.language,
    )

    def foot(canvas: Any, page: Any) -> None:
        canvas.saveState()
        canvas.setFont(REGULAR, 7.5)
        canvas.setFillGray(0.4)
        canvas.drawString(MARGIN_MM * mm, 9 * mm, f"{title} · {words._('printed')} {words.moment(utc_now())}")
        canvas.drawRightString(A4[0] - MARGIN_MM * mm, 9 * mm, str(page.page))
        canvas.restoreState()

    document.build(parts, onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()
