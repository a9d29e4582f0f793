"""The whole finding on paper: the part, where it differs, what it resembles, what is to be done, and who signs."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import numpy as np

from core.errors import describe
from core.guidance_keeping import WrittenGuidance, latest_guidance
from core.heat_colours import colour_heat, fit_within, lay_heat_over
from core.i18n import N_, translate
from core.kept_inspections import InspectionView, load
from core.messages import MESSAGES
from core.report_font import BOLD, REGULAR, register_fonts
from storage.tables import utc_now

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.services import Services
    from storage.tables import DefectType

VERDICTS: Mapping[str, tuple[str, str]] = {
    "ok": (N_("OK"), "#1b7f4d"),
    "review": (N_("Review"), "#9a5b00"),
    "reject": (N_("NG"), "#b3261e"),
}
ACTIONS: Mapping[str, str] = {"none": N_("None needed"), "open": N_("Open"), "done": N_("Done")}
SECTIONS: Mapping[str, str] = {
    "cause": N_("Likely cause"),
    "action": N_("Immediate action"),
    "check": N_("Check"),
    "prevention": N_("Prevention"),
}
_PICTURE_PX, _SIMILAR_SHOWN, _QUOTED_CHARS = 900, 4, 420
_MARGIN_MM, _TEXT_MM = 16, 178
# The frame's own padding on each side, in points: without it, headings would stand beside the tables' edge.
_FRAME_PT = 6


@dataclass(frozen=True)
class _Style:
    """The paragraph styles of a report."""

    title: Any
    heading: Any
    section: Any
    body: Any
    small: Any


def make_finding_report(services: Services, inspection_id: int, *, language: str, zone: tzinfo | None = None) -> bytes:
    """A PDF (A4) of the inspection in `language`, moments in `zone`; steps only where guidance was written.

    Raises NotFound, Unavailable without the stored objects, and NotReady without the font.
    """
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import SimpleDocTemplate

    view = load(services, inspection_id)
    written = latest_guidance(services, inspection_id, language=language) or latest_guidance(services, inspection_id)
    register_fonts()
    words = _Words(language, zone or UTC)
    style = _styles()
    out = io.BytesIO()
    title = words._("Inspection report no. {number}", number=view.inspection.id)
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN_MM * mm - _FRAME_PT,
        rightMargin=_MARGIN_MM * mm - _FRAME_PT,
        topMargin=14 * mm,
        bottomMargin=16 * mm,
        title=title,
        author="Geomsa",
        lang=language,
    )

    def foot(canvas: Any, page: Any) -> None:
        canvas.saveState()
        canvas.setFont(REGULAR, 7.5)
        canvas.setFillGray(0.4)
        canvas.drawString(_MARGIN_MM * mm, 9 * mm, f"{title} · {words._('printed')} {words.moment(utc_now())}")
        canvas.drawRightString(A4[0] - _MARGIN_MM * mm, 9 * mm, str(page.page))
        canvas.restoreState()

    parts = [
        *_head(view, words, style, title),
        *_pictures(view, words, style),
        *_similar(view, words, style),
        *_steps(written, words, style),
        *_sources(written, words, style),
        *_signatures(view, words, style),
    ]
    document.build(parts, onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


class _Words:
    """Messages, moments and names in the report's language."""

    def __init__(self, language: str, zone: tzinfo) -> None:
        self.language = language
        self._zone = zone

    def _(self, msgid: str, **params: object) -> str:
        text = translate(self.language, msgid)
        return text.format(**params) if params else text

    def moment(self, when: datetime | None) -> str:
        return when.astimezone(self._zone).strftime("%Y-%m-%d %H:%M") if when else "–"

    def defect(self, defect: DefectType | None) -> str:
        if defect is None:
            return "–"
        return (defect.name_ko if self.language == "ko" else defect.name_en) or defect.code


def _styles() -> _Style:
    from reportlab.lib.styles import ParagraphStyle

    body = ParagraphStyle("body", fontName=REGULAR, fontSize=9.5, leading=14)
    return _Style(
        title=ParagraphStyle("title", parent=body, fontName=BOLD, fontSize=16, leading=21),
        heading=ParagraphStyle(
            "heading", parent=body, fontName=BOLD, fontSize=11, leading=15, spaceBefore=8, spaceAfter=3, keepWithNext=1
        ),
        section=ParagraphStyle("section", parent=body, fontName=BOLD, spaceBefore=5, spaceAfter=1, keepWithNext=1),
        body=body,
        small=ParagraphStyle("small", parent=body, fontSize=8, leading=11, textColor="#444444"),
    )


def _paragraph(text: str, style: Any) -> Any:
    """Plain text as a paragraph: reportlab reads markup, so everything is escaped."""
    from reportlab.platypus import Paragraph

    return Paragraph(escape(text), style)


def _table(rows: list[list[Any]], widths_mm: list[float], *more: Any) -> Any:
    from reportlab.lib.units import mm
    from reportlab.platypus import Table, TableStyle

    rules = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
    ]
    return Table(rows, colWidths=[width * mm for width in widths_mm], style=TableStyle([*rules, *more]))


def _head(view: InspectionView, words: _Words, style: _Style, title: str) -> list[Any]:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Spacer

    row = view.inspection
    name, colour = VERDICTS[row.final_verdict]
    badge = ParagraphStyle("badge", parent=style.title, textColor="#ffffff", alignment=1)
    types = {found.id: found for found in view.defect_types}
    defect = types.get(row.final_defect_type_id)
    if row.confirmed_at is None and view.suggestion is not None:
        defect = view.suggestion.defect_type
    state = words._("confirmed") if row.confirmed_at is not None else words._("suggested")
    facts = [
        (words._("Product"), f"{view.product.name} ({view.product.code})"),
        (words._("Defect type"), f"{words.defect(defect)} ({state})" if defect is not None else "–"),
        (
            words._("Score"),
            words._(
                "{score} (review from {review}, NG from {reject})",
                score=f"{row.score:.4g}",
                review=f"{row.review_at:.4g}",
                reject=f"{row.reject_at:.4g}",
            ),
        ),
        (
            words._("Inspected"),
            f"{words.moment(row.created_at)} · {words._(view.person_name) if view.person_name else '–'}",
        ),
        (words._("Line / lot"), f"{row.line or '–'} / {row.lot or '–'}"),
        (words._("Serial / shift"), f"{row.serial or '–'} / {row.shift or '–'}"),
        (words._("File"), row.original_name or "–"),
        (words._("Model"), words._("memory bank, version {number}", number=view.bank_version.number)),
        (
            words._("Corrective action"),
            words._(ACTIONS[row.action_status]) + (f": {row.action_note}" if row.action_note else ""),
        ),
    ]
    if row.final_verdict != row.verdict:
        own = words._("Overruled; the model said: {verdict}", verdict=words._(VERDICTS[row.verdict][0]))
        facts.insert(2, (words._("Verdict"), f"{own}. {row.override_reason}"))
    banner = _table(
        [[_paragraph(title, style.title), _paragraph(words._(name), badge)]],
        [_TEXT_MM - 44, 44],
        ("BACKGROUND", (1, 0), (1, 0), HexColor(colour)),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
    )
    cells = [[_paragraph(label, style.small), _paragraph(value, style.body)] for label, value in facts]
    lines = ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor("#cccccc"))
    return [banner, Spacer(1, 6), _table(cells, [34, _TEXT_MM - 34], lines)]


def _pictures(view: InspectionView, words: _Words, style: _Style) -> list[Any]:
    from reportlab.platypus import Spacer

    row = view.inspection
    part = fit_within(view.pixels, _PICTURE_PX)
    heat = lay_heat_over(part, colour_heat(view.anomaly_map, review_at=row.review_at, reject_at=row.reject_at))
    width = (_TEXT_MM - 6) / 2
    pictures = [[_image(part, width, 84), _image(heat, width, 84)]]
    captions = [_paragraph(words._("The part"), style.small), _paragraph(words._("Where it differs"), style.small)]
    return [Spacer(1, 8), _table([*pictures, captions], [_TEXT_MM / 2, _TEXT_MM / 2])]


def _image(pixels: NDArray[np.uint8], width_mm: float, height_mm: float) -> Any:
    from PIL import Image as PillowImage
    from reportlab.lib.units import mm
    from reportlab.platypus import Image

    file = io.BytesIO()
    PillowImage.fromarray(pixels).save(file, "JPEG", quality=85)
    file.seek(0)
    height, width = pixels.shape[:2]
    scale = min(width_mm * mm / width, height_mm * mm / height)
    return Image(file, width * scale, height * scale)


def _similar(view: InspectionView, words: _Words, style: _Style) -> list[Any]:
    from PIL import Image as PillowImage
    from reportlab.platypus import KeepTogether

    shown = [found for found in view.similar_defects if found.thumbnail is not None][:_SIMILAR_SHOWN]
    if not shown:
        return []
    width = _TEXT_MM / _SIMILAR_SHOWN
    pictures: list[Any] = []
    captions: list[Any] = []
    for found in shown:
        with PillowImage.open(io.BytesIO(found.thumbnail or b"")) as thumbnail:
            pictures.append(_image(np.asarray(thumbnail.convert("RGB")), width - 6, 34))
        told = f"{found.similarity:.1%} · {words.defect(found.defect_type)}"
        if found.last_action:
            told += " · " + words._("Done then: {note}", note=found.last_action)
        captions.append(_paragraph(told, style.small))
    blank = [""] * (_SIMILAR_SHOWN - len(shown))
    table = _table([[*pictures, *blank], [*captions, *blank]], [width] * _SIMILAR_SHOWN)
    return [KeepTogether([_paragraph(words._("Similar defects"), style.heading), table])]


def _steps(written: WrittenGuidance | None, words: _Words, style: _Style) -> list[Any]:
    from reportlab.platypus import Spacer

    heading = _paragraph(words._("Corrective steps"), style.heading)
    if written is None:
        return [heading, _paragraph(words._("No steps were written for this inspection."), style.body)]
    parts: list[Any] = [heading]
    if not written.guidance.sections:
        said = words._("The manuals say nothing about this defect. No steps were made up: ask a quality engineer.")
        parts.append(_paragraph(said, style.body))
    for section in written.guidance.sections:
        rows = []
        for step in section.steps:
            numbers = " ".join(f"[{number}]" for number in step.citations)
            note = numbers if step.from_manual else words._("not from the manual")
            rows.append([_tick_box(), _paragraph(step.text, style.body), _paragraph(note, style.small)])
        parts.append(_paragraph(words._(SECTIONS[section.name]), style.section))
        parts.append(_table(rows, [6, _TEXT_MM - 36, 30]))
    code = written.guidance.fallback_code
    why = describe(code, {}, words.language) + " " if code in MESSAGES and "{" not in MESSAGES[code or ""] else ""
    by = written.guidance.model_name
    quoted = by in {"", "extractive"}
    when = words.moment(written.created_at)
    told = (
        words._("Quoted from the manuals, {when}", when=when)
        if quoted
        else words._("Written by {model} from the manuals, {when}. Check it before you act.", model=by, when=when)
    )
    return [*parts, Spacer(1, 3), _paragraph(why + told, style.small)]


def _tick_box() -> Any:
    """A box to tick before a step, on the height of its first line."""
    from reportlab.graphics.shapes import Drawing, Rect
    from reportlab.lib.colors import HexColor

    side = 8.5
    box = Rect(0.5, -1.5, side, side, strokeColor=HexColor("#555555"), strokeWidth=0.6, fillColor=None)
    return Drawing(side + 1, side, box)


def _sources(written: WrittenGuidance | None, words: _Words, style: _Style) -> list[Any]:
    if written is None:
        return []
    cited = {number for section in written.guidance.sections for step in section.steps for number in step.citations}
    rows = []
    for source in written.sources:
        if source.number in cited:
            place = words._("{title}, page {page}", title=source.manual_title, page=source.page)
            text = " ".join(source.text.split())
            quoted = text[:_QUOTED_CHARS] + ("…" if len(text) > _QUOTED_CHARS else "")
            about = " · ".join(part for part in (place, source.chapter) if part)
            rows.append(
                [
                    _paragraph(f"[{source.number}]", style.small),
                    [_paragraph(about, style.body), _paragraph(quoted, style.small)],
                ]
            )
    return [_paragraph(words._("Sources"), style.heading), _table(rows, [10, _TEXT_MM - 10])] if rows else []


def _signatures(view: InspectionView, words: _Words, style: _Style) -> list[Any]:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import KeepTogether, Spacer

    names = [words._("Inspected by"), words._("Action carried out by"), words._("Checked by")]
    cells = [
        [_paragraph(name, style.small) for name in names],
        ["", "", ""],
        [_paragraph(words._("Date"), style.small)] * 3,
    ]
    rules = (
        ("BOX", (0, 0), (-1, -1), 0.5, HexColor("#888888")),
        ("INNERGRID", (0, 0), (-1, -1), 0.3, HexColor("#bbbbbb")),
        ("BOTTOMPADDING", (0, 1), (-1, 1), 30),
    )
    notice = [Spacer(1, 4), _paragraph(view.product.notice, style.small)] if view.product.notice else []
    return [Spacer(1, 10), KeepTogether([_table(cells, [_TEXT_MM / 3] * 3, *rules), *notice])]
