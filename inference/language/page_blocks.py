"""What the lines of a page make up: headings, paragraphs, numbered steps, tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from inference.language.layout.furniture import BODY_FROM, BODY_TO, REPEATED
from inference.language.layout.segments import join_boxes, join_lines
from inference.language.pdf_text import Box, Line, PageText, PdfText, TableText

BlockKind = Literal["heading", "text", "item", "step", "table"]
Row = tuple[str, ...]

_LARGER = 1.12
_HEADING_CHARACTERS = 90
_PARAGRAPH_GAP = 0.85
_INDENT = 0.004
_STEP = re.compile(
    r"\(?(?P<number>\d{1,2})(?:[.)](?!\d)|단계[.:)]?(?=\s))\s*|[Ss]tep\s+(?P<word>\d{1,2})[.:)]?\s*|(?P<ring>[①-⑳])\s*"
)
# "원인:", "즉시 조치:", "Cause:": a word or two that say what the line tells.
_LABEL = re.compile(r"(?:[가-힣]{1,6}(?:\s[가-힣]{1,6})?|[A-Z][a-z]{2,12}(?:\s[a-z]{2,12})?)\s?[:：]\s")
_NAME_CHARACTERS = 40
# A line ends so where the number that begins the next one belongs to it.
_WANTS_NUMBER = re.compile(
    r"(?:\b(?:no|nos|figs?|pp?)\.?|\b(?:table|page|part|item|step)|(?:^|\s)(?:그림|표|번호|제|약))$", re.I
)
_SECTION = re.compile(
    r"[\s()\[\]■□●○◆▶-]*(?:"
    r"(?:(?:발생|추정|주요)\s?)?(?:원인|요인)|(?:(?:즉시|응급|시정|개선|처리)\s?)?(?:조치|대책|대응)(?:\s?(?:방법|사항))?"
    r"|확인|점검|검사|(?:판정\s?)?기준|재발\s?방지(?:\s?대책)?|예방(?:\s?조치)?"
    r"|(?:possible |likely |root )?causes?|(?:immediate |corrective |preventive )?(?:actions?|measures?)|remed(?:y|ies)"
    r"|what to do|checks?|verification|criteria|prevention)[\s:：.)\]]*",
    re.I,
)
_ITEM = re.compile(r"[•·●○▪■□◦‣∙*–—-]\s+")
_NUMBERED = re.compile(r"(?:제\s*\d+\s*[장절항]|\d+(?:\.\d+)*\.?)\s")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Block:
    """Lines of one page that belong together.

    `size_pt` ranks headings, `y1` is where one ends; `number` is that of a step. Of a table that is not `certain` it is
    not known which cells make a row.
    """

    kind: BlockKind
    text: str
    page: int
    box: Box
    size_pt: float = 0.0
    number: int = 0
    y1: float = 0.0
    rows: tuple[Row, ...] = ()
    certain: bool = True
    is_ocr: bool = False


def find_blocks(document: PdfText) -> list[Block]:
    """Return the blocks of all pages in reading order, without running heads, feet and page numbers."""
    body_pt = _body_size_pt(document)
    repeated = _repeated_lines(document)
    blocks: list[Block] = []
    is_lost = False
    for page in document.pages:
        reader = _PageReader(page, body_pt=body_pt, repeated=repeated, is_lost=is_lost)
        blocks += reader.read()
        is_lost = reader.is_lost
    return blocks


def _body_size_pt(document: PdfText) -> float:
    letters: Counter[float] = Counter()
    for page in document.pages:
        for line in page.lines:
            letters[round(line.size_pt, 1)] += len(line.text)
    return letters.most_common(1)[0][0] if letters else 0.0


def _is_outside(line: Line) -> bool:
    return line.place.y1 < BODY_FROM or line.place.y0 > BODY_TO


def _shape(line: Line) -> str:
    return _DIGITS.sub("#", line.text)


def _repeated_lines(document: PdfText) -> set[str]:
    seen: Counter[str] = Counter()
    for page in document.pages:
        seen.update({_shape(line) for line in page.lines if _is_outside(line)})
    needed = min(REPEATED, max(2, document.page_count))
    return {shape for shape, count in seen.items() if count >= needed}


class _PageReader:
    """Reads one page line by line; lines that belong together are kept open until one comes that does not."""

    def __init__(self, page: PageText, *, body_pt: float, repeated: set[str], is_lost: bool) -> None:
        self._page = page
        self._body_pt = body_pt
        self._repeated = repeated
        self._blocks: list[Block] = []
        self._open: list[Line] = []
        # What comes behind columns that could not be told apart may stand under a heading that is among them.
        self.is_lost = is_lost

    def read(self) -> list[Block]:
        """Return the blocks of the page."""
        lines = self._page.lines
        tables = {table.first: table for table in self._page.tables}
        index = 0
        while index < len(lines):
            table = tables.get(index)
            if table is not None:
                self._close()
                self._blocks.append(self._table(table))
                index = table.end
                continue
            line = lines[index]
            following = lines[index + 1] if index + 1 < len(lines) and index + 1 not in tables else None
            if not (_is_outside(line) and _shape(line) in self._repeated):
                self._take(line, following)
            index += 1
        self._close()
        return self._blocks

    def _take(self, line: Line, following: Line | None) -> None:
        if _is_heading(line, body_pt=self._body_pt) or (not self._open and _heads_labels(line, following)):
            self._close()
            self.is_lost = self.is_lost and _SECTION.fullmatch(line.text) is not None
            before = self._blocks[-1] if self._blocks else None
            if before is not None and _continues_heading(before, line):
                self._blocks[-1] = self._heading([before.text, line.text], join_boxes([before.box, line.box]), line)
            else:
                self._blocks.append(self._heading([line.text], line.box, line))
            return
        if self._open and not _continues(self._open, line):
            self._close()
            if _heads_labels(line, following):
                self._take(line, following)
                return
        self._open.append(line)

    def _close(self) -> None:
        if self._open:
            block = _to_block(self._open, self._page.number)
            certain = self._page.certain and not self.is_lost
            self._blocks.append(replace(block, certain=certain, is_ocr=self._page.is_ocr))
            self._open = []

    def _heading(self, texts: Sequence[str], box: Box, line: Line) -> Block:
        text = join_lines(texts)
        size_pt = _rank(line)
        return Block("heading", text, self._page.number, box, size_pt=size_pt, y1=line.place.y1)

    def _table(self, table: TableText) -> Block:
        lines = self._page.lines[table.first : table.end]
        number, box = self._page.number, join_boxes(line.box for line in lines)
        certain = table.certain and self._page.certain and not self.is_lost
        is_ocr = self._page.is_ocr
        if not table.rows:
            self.is_lost = True
            text = "\n".join(line.text for line in lines)
            return Block("text", text, number, box, certain=False, is_ocr=is_ocr)
        text = "\n".join(" | ".join(row) for row in table.rows)
        return Block("table", text, number, box, rows=table.rows, certain=certain, is_ocr=is_ocr)


def _is_heading(line: Line, *, body_pt: float) -> bool:
    if len(line.text) > _HEADING_CHARACTERS or not any(letter.isalpha() for letter in line.text):
        return False
    if line.size_pt >= _LARGER * body_pt:
        return True
    ends_a_sentence = line.text.endswith((".", ",", ";", ":"))
    return line.bold and line.size_pt >= 0.98 * body_pt and not ends_a_sentence and _ITEM.match(line.text) is None


def _heads_labels(line: Line, following: Line | None) -> bool:
    """Return whether a line names what the labelled lines ("원인: …", "Check: …") below it are about.

    Many manuals set such names in the letters of their text.
    """
    return (
        following is not None
        and _LABEL.match(following.text) is not None
        and _LABEL.match(line.text) is None
        and _ITEM.match(line.text) is None
        and len(line.text) <= _NAME_CHARACTERS
        and not line.text.endswith((".", ",", ";", ":", "다", "요"))
        and any(letter.isalpha() for letter in line.text)
    )


def _rank(line: Line) -> float:
    """Return the font size, a little less where a heading names one of the sections that every defect has.

    "Cause" or "즉시 조치" stands below the defect's name also where both are set alike.
    """
    return line.size_pt + 0.01 * line.bold - 0.02 * (_SECTION.fullmatch(line.text) is not None)


def _continues_heading(before: Block, line: Line) -> bool:
    height = line.place.y1 - line.place.y0
    return (
        before.kind == "heading"
        and abs(before.size_pt - _rank(line)) < 0.005
        and -0.2 * height < line.place.y0 - before.y1 < _PARAGRAPH_GAP * height
        and _NUMBERED.match(line.text) is None
    )


def _continues(open_lines: Sequence[Line], line: Line) -> bool:
    """Return whether the line goes on with the paragraph, step or item that is open."""
    first, last = open_lines[0], open_lines[-1]
    if _ITEM.match(line.text) or _LABEL.match(line.text):
        return False
    if (step := _STEP.match(line.text)) and step.end() < len(line.text) and not _WANTS_NUMBER.search(last.text):
        return False
    place, before = line.place, last.place
    height = max(place.y1 - place.y0, before.y1 - before.y0)
    gap = place.y0 - before.y1
    if not -0.6 * height < gap < _PARAGRAPH_GAP * height:
        # Beside the last line: PDFs that set word by word.
        return abs(place.y0 - before.y0) < 0.3 * height and 0 <= place.x0 - before.x1 < 2 * height
    marked = _STEP.match(first.text) or _ITEM.match(first.text)
    return not marked or place.x0 > first.place.x0 - _INDENT


def _to_block(lines: Sequence[Line], page: int) -> Block:
    text = join_lines([line.text for line in lines])
    box = join_boxes(line.box for line in lines)
    if match := _STEP.match(text):
        digits = match["number"] or match["word"]
        number = int(digits) if digits else ord(match["ring"]) - ord("①") + 1
        return Block("step", f"{number}. {text[match.end() :]}", page, box, number=number)
    if match := _ITEM.match(text):
        return Block("item", f"- {text[match.end() :]}", page, box)
    return Block("text", text, page, box)
