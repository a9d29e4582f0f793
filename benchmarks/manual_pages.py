"""Manual pages that are drawn by chance, with what each says about which defect: tables, columns, turns, watermarks.

The same seed gives the same pages. Each defect has a cause and one to three actions that no other defect has, on one
page of its manual. Needs the packages of requirements-dev.txt.
"""

from __future__ import annotations

import importlib.util
import io
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Language = Literal["ko", "en"]
Alignment = Literal["top", "middle", "foot", "center", "mixed"]
ALIGNMENTS: tuple[Alignment, ...] = ("top", "middle", "foot", "center", "mixed")
RULINGS = ("all", "level", "none", "shaded", "frame")
KINDS = ("table", "table", "table", "long", "merged", "codes", "columns", "columns", "sections", "sections")

_A4 = (595.28, 841.89)
MARGIN = 56.0
_INK, _PALE, _RED = (0.1, 0.12, 0.15), (0.8, 0.8, 0.8), (0.8, 0.1, 0.1)

_KO_PLACES = ("표면", "모서리", "용접부", "내측", "상단", "하부", "단자", "접합면", "코팅층", "나사부")
_KO_KINDS = ("기공", "긁힘", "균열", "변색", "이물", "찍힘", "들뜸", "주름", "핀홀", "오염", "박리", "결손")
_KO_SHORT = ("버", "휨", "녹", "흠", "금", "때", "점", "턱")
_EN_PLACES = ("Surface", "Edge", "Weld", "Inner", "Upper", "Lower", "Terminal", "Joint", "Coating", "Thread")
_EN_KINDS = (
    "pore",
    "scratch",
    "crack",
    "stain",
    "debris",
    "dent",
    "lifting",
    "wrinkle",
    "pinhole",
    "smear",
    "peel",
    "chip",
)
_KO_THINGS = (
    "이송 롤러",
    "금형 온도",
    "냉각수 밸브",
    "노즐 팁",
    "지그 핀",
    "공급 호퍼",
    "배기 필터",
    "컨베이어 벨트",
    "압력 게이지",
    "경화 램프",
    "도포 헤드",
    "체결 토크",
    "세척액 농도",
    "진공 척",
    "절삭유 펌프",
    "센서 렌즈",
    "건조 오븐",
    "실린더 패킹",
)
_KO_DOINGS = (
    "분해해 솔로 닦는다",
    "기준값으로 다시 맞춘다",
    "새것으로 바꾼다",
    "반 바퀴 조인 뒤 적는다",
    "멈추고 품질반에 알린다",
    "시편으로 두 번 잰다",
    "에어로 불어 낸다",
    "잠그고 꼬리표를 단다",
    "윤활유를 얇게 바른다",
    "눈금을 읽어 기록한다",
)
_KO_FAULTS = (
    "규정보다 닳아 있다",
    "한쪽으로 기울어 있다",
    "굳은 수지로 막혀 있다",
    "설정보다 높게 올라간다",
    "접촉이 느슨해져 떨린다",
    "습기를 머금어 부풀어 있다",
    "먼지가 두껍게 쌓여 있다",
    "교체 시기를 넘겨 굳어 있다",
)
_EN_THINGS = (
    "feed roller",
    "mold heater",
    "coolant valve",
    "nozzle tip",
    "jig pin",
    "supply hopper",
    "exhaust filter",
    "conveyor belt",
    "pressure gauge",
    "curing lamp",
    "dosing head",
    "torque driver",
    "wash bath",
    "vacuum chuck",
    "cutting oil pump",
    "sensor lens",
    "drying oven",
    "cylinder seal",
)
_EN_DOINGS = (
    "Take apart and brush the",
    "Set back to its nominal value the",
    "Fit a new one in place of the",
    "Tighten by half a turn the",
    "Stop and tag the",
    "Measure twice with a test piece the",
    "Blow out with dry air the",
    "Lock out the",
    "Grease thinly the",
    "Read and write down the",
)
_EN_FAULTS = (
    "is worn below its limit",
    "leans to one side",
    "is blocked with hard resin",
    "runs above its setting",
    "has come loose and shakes",
    "has taken up moisture",
    "is covered with dust",
    "is past its service life",
)


@dataclass(frozen=True)
class DefectTruth:
    """A defect of a manual and what the manual says about it, and only about it.

    `also` is what is said of it alone as well, but in the other language: it may be shown. Defects may share a step.
    """

    name: str
    causes: tuple[str, ...]
    actions: tuple[str, ...]
    page: int
    kind: str
    is_readable: bool
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class GeneratedManual:
    """A manual, its defects, and the pages that are drawn in a font without a character map."""

    content: bytes
    language: Language
    defects: tuple[DefectTruth, ...]
    unreadable_pages: tuple[int, ...]


@dataclass
class Page:
    """Where and how a page is being drawn: in a frame with the origin in its upper left corner."""

    canvas: Any
    chance: random.Random
    language: Language
    width: float
    height: float
    font: str
    bold: str
    size: float
    y: float = MARGIN
    defects: list[tuple[str, tuple[str, ...], tuple[str, ...], str]] = field(default_factory=list)
    rest: Callable[[Page], None] | None = None
    also: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def write(self, x: float, base: float, text: str, *, bold: bool = False, size: float | None = None) -> None:
        """Write a line of text on its base line."""
        self.canvas.setFillColorRGB(*_INK)
        self.canvas.setFont(self.bold if bold else self.font, size or self.size)
        self.canvas.drawString(x, self.height - base, text)

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Draw a rule."""
        self.canvas.setStrokeColorRGB(*_INK)
        self.canvas.setLineWidth(0.6)
        self.canvas.line(x0, self.height - y0, x1, self.height - y1)

    def shade(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Draw a shaded box."""
        self.canvas.setFillColorRGB(0.92, 0.94, 0.96)
        self.canvas.rect(x0, self.height - y1, x1 - x0, y1 - y0, stroke=0, fill=1)

    def wrap(self, text: str, width: float, *, bold: bool = False, size: float | None = None) -> list[str]:
        """Return the lines that a text makes in a column."""
        from reportlab.lib.utils import simpleSplit

        return list(simpleSplit(text, self.bold if bold else self.font, size or self.size, width))


def set_manual(
    seed: int,
    *,
    pages: int = 8,
    language: Language = "ko",
    kinds: Mapping[str, Draw] | None = None,
    watermarks: Sequence[str] = ("", "", "across", "level"),
) -> GeneratedManual:
    """Return a manual of so many pages; the seed decides everything on them but the language.

    `kinds` are the kinds of pages that are drawn, those of this module where not given; one whose name ends in `>`
    goes on on the next page. Of the `watermarks`, `over` stands on the text, not behind it.
    """
    from reportlab.pdfgen.canvas import Canvas

    _register_fonts()
    chance = random.Random(seed)
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=_A4, invariant=1)
    names = draw_names(chance, language)
    sayings = Sayings(chance, language)
    watermark = chance.choice(watermarks)
    has_heads = chance.random() < 0.5
    unmapped = {n for n in range(1, pages + 1) if chance.random() < 0.06}
    fonts, size = _fonts(chance, language), chance.choice((9.0, 9.5, 10.0, 10.5, 11.0))
    defects: list[DefectTruth] = []
    rest: Callable[[Page], None] | None = None
    for number in range(1, pages + 1):
        page = _start(canvas, chance, language, fonts, size, is_unmapped=number in unmapped)
        if watermark != "over":
            _draw_watermark(page, watermark)
        goes_on = number < pages and number + 1 not in unmapped and number not in unmapped
        if rest is not None:
            rest(page)
        elif kinds is not None:
            kinds[chance.choice([name for name in kinds if goes_on or not name.endswith(">")])](page, names, sayings)
        elif not goes_on:
            _KINDS[chance.choice(KINDS[4:])](page, names, sayings)
        else:
            _KINDS[chance.choice(KINDS)](page, names, sayings)
        rest = page.rest
        if watermark == "over":
            _draw_watermark(page, watermark)
        canvas.restoreState()
        if has_heads:
            _draw_heads(canvas, language, number, pages)
        canvas.showPage()
        defects += [
            DefectTruth(name, causes, actions, number, how, number not in unmapped, page.also.get(name, ()))
            for name, causes, actions, how in page.defects
        ]
    canvas.save()
    return GeneratedManual(target.getvalue(), language, tuple(defects), tuple(sorted(unmapped)))


def _register_fonts() -> None:
    from reportlab.pdfbase.pdfmetrics import getRegisteredFontNames, registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    class Unmapped(TTFont):  # type: ignore[misc]
        """A font that does not say which letters its pictures are."""

        def addObjects(self, doc: Any) -> None:  # noqa: N802 - reportlab's name
            before = set(doc.idToObject["BasicFonts"].dict)
            super().addObjects(doc)
            fonts = doc.idToObject["BasicFonts"].dict
            for name in set(fonts) - before:
                fonts[name].__dict__.pop("ToUnicode", None)

    spec = importlib.util.find_spec("koreanize_matplotlib")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package koreanize-matplotlib, which carries the font, is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "fonts"
    known = getRegisteredFontNames()
    for name in ("NanumGothic", "NanumGothicBold", "NanumGothicExtraBold"):
        if name not in known:
            registerFont(TTFont(name, folder / f"{name}.ttf"))
    if "Unmapped" not in known:
        registerFont(Unmapped("Unmapped", folder / "NanumGothicLight.ttf", asciiReadable=0))


def draw_names(chance: random.Random, language: Language) -> dict[str, list[str]]:
    """Return names of defects in an order by chance: `long` ones, of one character (`short`), and `codes`."""
    places, kinds = (_KO_PLACES, _KO_KINDS) if language == "ko" else (_EN_PLACES, _EN_KINDS)
    long = [f"{place} {kind}" for place in places for kind in kinds]
    chance.shuffle(long)
    short = list(_KO_SHORT) if language == "ko" else [chr(ord("A") + n) for n in range(26)]
    chance.shuffle(short)
    codes = [f"D-{number:02d}" for number in range(1, 60)]
    random.Random(len(long)).shuffle(codes)
    return {"long": long, "short": short, "codes": codes}


class Sayings:
    """Causes and actions, each only once in a manual."""

    def __init__(self, chance: random.Random, language: Language) -> None:
        self._chance, self._language = chance, language
        self._number = 10

    def cause(self) -> str:
        """Return a cause."""
        self._number += 1
        if self._language == "ko":
            return f"{self._chance.choice(_KO_THINGS)}({self._number}번)가 {self._chance.choice(_KO_FAULTS)}."
        return f"The {self._chance.choice(_EN_THINGS)} no. {self._number} {self._chance.choice(_EN_FAULTS)}."

    def action(self) -> str:
        """Return an action."""
        self._number += 1
        if self._language == "ko":
            text = f"{self._chance.choice(_KO_THINGS)}({self._number}번)를 {self._chance.choice(_KO_DOINGS)}."
        else:
            text = f"{self._chance.choice(_EN_DOINGS)} {self._chance.choice(_EN_THINGS)} no. {self._number}."
        if self._chance.random() < 0.3:
            limit = self._chance.randint(2, 9)
            text = text[:-1] + (f" {limit} mm 안으로." if self._language == "ko" else f" to within {limit} mm.")
        return text


def _fonts(chance: random.Random, language: Language) -> tuple[str, str]:
    if language == "ko":
        return "NanumGothic", chance.choice(("NanumGothicBold", "NanumGothicExtraBold"))
    return chance.choice(
        (("Helvetica", "Helvetica-Bold"), ("Times-Roman", "Times-Bold"), ("NanumGothic", "NanumGothicBold"))
    )


def _start(
    canvas: Any,
    chance: random.Random,
    language: Language,
    fonts: tuple[str, str],
    size: float,
    *,
    is_unmapped: bool,
) -> Page:
    """Begin a page; one in four is turned: by its own entry, by its text, or by both against each other."""
    turn, entry = 0, 0
    if chance.random() < 0.25:
        quarter = chance.choice((1, 2, 3))
        turn, entry = chance.choice(((quarter, 0), (0, quarter), (quarter, -quarter % 4)))
    canvas.setPageRotation(entry * 90)
    # The sizes of such pages are given as they are shown.
    canvas.setPageSize(_A4 if entry % 2 == 0 else _A4[::-1])
    canvas.saveState()
    width, height = _A4
    if turn == 1:
        canvas.translate(0, height)
        canvas.rotate(-90)
    elif turn == 2:
        canvas.translate(width, height)
        canvas.rotate(180)
    elif turn == 3:
        canvas.translate(width, 0)
        canvas.rotate(90)
    if turn % 2:
        width, height = height, width
    font, bold = ("Unmapped", "Unmapped") if is_unmapped else fonts
    return Page(canvas, chance, language, width, height, font, bold, size)


def _draw_watermark(page: Page, kind: str) -> None:
    if not kind:
        return
    text = "대외비 사본" if page.language == "ko" else "CONTROLLED COPY"
    font = "NanumGothicBold" if page.language == "ko" else "Helvetica-Bold"
    page.canvas.saveState()
    if kind == "over":
        page.canvas.setFillColorRGB(*_RED, alpha=0.25)
    else:
        page.canvas.setFillColorRGB(*_PALE)
    page.canvas.setFont(font, 54)
    page.canvas.translate(page.width / 2, page.height / 2 + (100 if kind == "level" else 0))
    if kind in {"across", "over"}:
        page.canvas.rotate(45)
    page.canvas.drawCentredString(0, 0, text)
    page.canvas.restoreState()


def _draw_heads(canvas: Any, language: Language, number: int, pages: int) -> None:
    canvas.setFillColorRGB(*_INK)
    canvas.setFont("NanumGothic", 8)
    canvas.drawString(
        MARGIN, _A4[1] - 30, "품질 표준 QS-210 불량 조치" if language == "ko" else "QS-210 Quality standard"
    )
    canvas.drawString(_A4[0] / 2, 26, f"{number} / {pages}")


def title(page: Page, text: str) -> None:
    page.y += 16
    page.write(MARGIN, page.y, text, bold=True, size=page.size * 1.35)
    page.y += 10


def note(page: Page, name: str, sayings: Sayings, kind: str, *, actions: int = 1) -> tuple[str, list[str]]:
    """Make up a defect, note what is true of it, and return its cause and actions."""
    cause = sayings.cause()
    acts = [sayings.action() for _ in range(actions)]
    page.defects.append((name, (cause,), tuple(acts), kind))
    return cause, acts


def table_heads(page: Page) -> list[str]:
    return ["불량", "원인", "조치"] if page.language == "ko" else ["Defect", "Cause", "Action"]


def _draw_table(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw a table of defects, causes and actions in one of the alignments and rulings."""
    ruling, alignment = page.chance.choice(RULINGS), page.chance.choice(ALIGNMENTS)
    kind = f"table {ruling} {alignment}"
    rows: list[list[str]] = []
    for _ in range(page.chance.randint(4, 6)):
        name = names["long"].pop()
        cause, acts = note(page, name, sayings, kind, actions=page.chance.choice((1, 1, 2)))
        rows.append([name, cause, " ".join(acts)])
    title(page, "불량별 조치표" if page.language == "ko" else "Table of defects")
    set_table(page, [table_heads(page), *rows], ruling, alignment)


def _draw_long(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw the beginning of a table that goes on on the next page, there with or without its head row."""
    ruling, alignment = page.chance.choice(RULINGS), page.chance.choice(ALIGNMENTS)
    rows: list[list[str]] = []
    for _ in range(page.chance.randint(6, 8)):
        name = names["long"].pop()
        cause, acts = note(page, name, sayings, f"long {ruling} {alignment}")
        rows.append([name, cause, acts[0]])
    title(page, "불량별 조치표" if page.language == "ko" else "Table of defects")
    half = len(rows) // 2
    shares = share_widths(page, 3)
    set_table(page, [table_heads(page), *rows[:half]], ruling, alignment, shares)
    again = [table_heads(page)] if page.chance.random() < 0.5 else []

    def go_on(later: Page) -> None:
        later.y += 12
        set_table(later, [*again, *rows[half:]], ruling, alignment, shares, bool(again))

    page.rest = go_on


def _draw_codes(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw a table whose rows begin with one character."""
    ruling = page.chance.choice(("all", "level", "none"))
    rows = []
    for _ in range(4):
        if not names["short"]:
            break
        name = names["short"].pop()
        cause, acts = note(page, name, sayings, f"codes {ruling}")
        rows.append([name, cause, acts[0]])
    if not rows:
        _draw_sections(page, names, sayings)
        return
    title(page, "불량 코드" if page.language == "ko" else "Defect codes")
    set_table(page, [table_heads(page), *rows], ruling, page.chance.choice(("top", "middle")))


def _draw_merged(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw a table whose names span two or three rows each."""
    groups = []
    for _ in range(page.chance.randint(3, 4)):
        name = names["long"].pop()
        count = page.chance.choice((1, 2, 3))
        causes = [sayings.cause() for _ in range(count)]
        acts = [sayings.action() for _ in range(count)]
        page.defects.append((name, tuple(causes), tuple(acts), "merged"))
        groups.append((name, list(zip(causes, acts, strict=True))))
    title(page, "불량별 조치표" if page.language == "ko" else "Table of defects")
    xs, widths = column_places(page, 3)
    end = xs[-1] + widths[-1]
    y = page.y
    leading, pad = page.size * 1.25, 4.0
    tops = [y]
    for x, head in zip(xs, table_heads(page), strict=True):
        page.write(x + 4, y + pad + page.size, head, bold=True)
    y += leading + 2 * pad
    page.line(xs[0], tops[0], end, tops[0])
    page.line(xs[0], y, end, y)
    for name, pairs in groups:
        top = y
        for number, texts in enumerate(pairs):
            cells = [page.wrap(text, width - 8) for text, width in zip(texts, widths[1:], strict=True)]
            height = max(map(len, cells)) * leading + 2 * pad
            for x, lines in zip(xs[1:], cells, strict=True):
                for row, line in enumerate(lines):
                    page.write(x + 4, y + pad + page.size + row * leading, line)
            y += height
            page.line(xs[0] if number == len(pairs) - 1 else xs[1], y, end, y)
        lines = page.wrap(name, widths[0] - 8)
        start = {"top": top + pad, "middle": (top + y - len(lines) * leading) / 2}[
            page.chance.choice(("top", "middle"))
        ]
        for row, line in enumerate(lines):
            page.write(xs[0] + 4, start + page.size + row * leading, line)
    for x in (*xs, end):
        page.line(x, tops[0], x, y)
    page.y = y


def share_widths(page: Page, count: int) -> list[float]:
    first = page.chance.uniform(0.17, 0.22)
    return [first, *[(1 - first) / (count - 1)] * (count - 1)]


def column_places(page: Page, count: int, shares: Sequence[float] | None = None) -> tuple[list[float], list[float]]:
    usable = page.width - 2 * MARGIN
    widths = [share * usable for share in shares or share_widths(page, count)]
    xs = [MARGIN + sum(widths[:number]) for number in range(count)]
    return xs, widths


def set_table(
    page: Page,
    rows: Sequence[Sequence[str]],
    ruling: str,
    alignment: str,
    shares: Sequence[float] | None = None,
    has_head: bool = True,
) -> None:
    xs, widths = column_places(page, len(rows[0]), shares)
    end = xs[-1] + widths[-1]
    leading = page.size * page.chance.choice((1.15, 1.25, 1.35))
    pad = page.chance.choice(
        (0.0, 1.0, 2.0, 3.0, 4.0, 4.0, 6.0, 6.0) if ruling in {"none", "frame"} else (2.0, 3.0, 5.0)
    )
    has_bold_head = has_head and page.chance.random() < 0.7
    columns = [alignment if alignment != "mixed" else page.chance.choice(("top", "middle", "foot")) for _ in xs]
    y = page.y
    tops = [y]
    for number, row in enumerate(rows):
        bold = has_bold_head and number == 0
        cells = [page.wrap(text, width - 12, bold=bold) for text, width in zip(row, widths, strict=True)]
        height = max(map(len, cells)) * leading + 2 * pad
        if ruling == "shaded" and number % 2 == 0:
            page.shade(xs[0], y, end, y + height)
        for x, width, lines, how in zip(xs, widths, cells, columns, strict=True):
            free = height - 2 * pad - len(lines) * leading
            start = y + pad + {"top": 0.0, "foot": free}.get(how, free / 2)
            for place, line in enumerate(lines):
                indent = 6.0
                if how == "center" and x == xs[0]:
                    from reportlab.pdfbase.pdfmetrics import stringWidth

                    indent = (width - stringWidth(line, page.bold if bold else page.font, page.size)) / 2
                page.write(x + indent, start + page.size * 0.95 + place * leading, line, bold=bold)
        y += height
        tops.append(y)
    if ruling in {"all", "level"}:
        for top in tops:
            page.line(xs[0], top, end, top)
    if ruling == "frame":
        for top in (tops[0], tops[1], tops[-1]):
            page.line(xs[0], top, end, top)
    if ruling in {"all", "frame"}:
        for x in (*xs, end):
            page.line(x, tops[0], x, tops[-1])
    page.y = y


def section_lines(page: Page, name: str, sayings: Sayings, kind: str) -> list[tuple[str, bool]]:
    """Return the lines of a section about a defect, each with whether it is bold."""
    how = page.chance.choice(("steps", "labels", "chapters"))
    cause, acts = note(page, name, sayings, f"{kind} {how}", actions=page.chance.randint(1, 3))
    korean = page.language == "ko"
    if how == "labels":
        lines = [(f"원인: {cause}" if korean else f"Cause: {cause}", False)]
        return lines + [(f"즉시 조치: {act}" if korean else f"Action: {act}", False) for act in acts]
    if how == "steps":
        lines = [
            ("원인" if korean else "Cause", True),
            (cause, False),
            ("즉시 조치" if korean else "Immediate action", True),
        ]
        return lines + [(f"{number}. {act}", False) for number, act in enumerate(acts, start=1)]
    lines = [("원인" if korean else "Cause", True), (f"• {cause}", False), ("조치" if korean else "Action", True)]
    return lines + [(f"• {act}", False) for act in acts]


def write_lines(page: Page, lines: Sequence[tuple[str, bool]], x: float, y: float, width: float) -> float:
    leading = page.size * 1.4
    for text, bold in lines:
        y += leading * (0.3 if bold else 0.1)
        for line in page.wrap(text, width, bold=bold):
            page.write(x, y, line, bold=bold)
            y += leading
    return y


def _draw_sections(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw sections below each other, each under its heading."""
    page.y += 20
    for number in range(1, page.chance.randint(3, 4) + 1):
        name = names["long"].pop()
        page.write(MARGIN, page.y, f"{number}. {name}", bold=True, size=page.size * 1.3)
        page.y += page.size * 1.9
        lines = section_lines(page, name, sayings, "sections")
        page.y = write_lines(page, lines, MARGIN, page.y, page.width - 2 * MARGIN) + page.size


def _draw_columns(page: Page, names: dict[str, list[str]], sayings: Sayings) -> None:
    """Draw two columns of running text whose lines stand on the same base lines."""
    title(page, "불량 조치" if page.language == "ko" else "What to do about defects")
    gap = 24.0
    width = (page.width - 2 * MARGIN - gap) / 2
    head_size = page.size * page.chance.choice((1.0, 1.25))
    is_row_by_row = page.chance.random() < 0.5
    leading = page.size * 1.4
    columns: list[list[tuple[str, bool, float]]] = []
    for _ in range(2):
        column: list[tuple[str, bool, float]] = []
        for _ in range(page.chance.randint(2, 3)):
            name = names["long"].pop()
            column.append((name, True, head_size))
            for text, bold in section_lines(page, name, sayings, "columns"):
                column += [(line, bold, page.size) for line in page.wrap(text, width, bold=bold)]
        columns.append(column)
    top = page.y + 2 * leading
    places = [(number, row, *line) for number, column in enumerate(columns) for row, line in enumerate(column)]
    if is_row_by_row:
        # Some programs write what stands beside each other one after the other.
        places.sort(key=lambda place: (place[1], place[0]))
    for number, row, text, bold, size in places:
        page.write(MARGIN + number * (width + gap), top + row * leading, text, bold=bold, size=size)
    page.y = top + max(map(len, columns)) * leading


Draw = Callable[[Page, dict[str, list[str]], Sayings], None]
_KINDS: dict[str, Draw] = {
    "table": _draw_table,
    "long": _draw_long,
    "merged": _draw_merged,
    "codes": _draw_codes,
    "columns": _draw_columns,
    "sections": _draw_sections,
}
