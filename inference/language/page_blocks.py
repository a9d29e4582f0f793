"""What the lines of a page make up: headings, paragraphs, numbered steps, tables."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from inference.language.layout.furniture import BODY_FROM, BODY_TO, LARGE_HEAD, REPEATED
from inference.language.layout.segments import join_boxes, join_lines
from inference.language.pdf_text import Box, Line, PageText, PdfText, TableText

BlockKind = Literal["heading", "text", "item", "step", "table"]
Row = tuple[str, ...]

_LARGER = 1.12
_HEADING_CHARACTERS = 90
_PARAGRAPH_GAP, _PARAGRAPH_MORE = 0.85, 0.25
# Lines this near to the right edge go on on the next one; so many of them tell how far apart a page sets its lines.
_WRAPPED, _OFTEN, _WIDEST = 0.8, 3, 1.6
_INDENT = 0.004
_STEP = re.compile(
    r"[(\[]?(?P<number>\d{1,2})(?:[.)\]](?!\d)|단계[.:)]?(?=\s))\s*|[Ss]tep\s+(?P<word>\d{1,2})[.:)]?\s*|(?P<ring>[①-⑳])\s*"
)
# "원인:", "즉시 조치:", "Cause:": a word or two that say what the line tells.
_LABEL = re.compile(r"(?:[가-힣]{1,6}(?:\s[가-힣]{1,6})?|[A-Z][a-z]{2,12}(?:\s[a-z]{2,12})?)\s?[:：]\s")
_NAME_CHARACTERS = 40
_PAGE_LETTERS = 200
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
_BULLETS = "•·ㆍ●○◎◉▪▫■□◆◇◈▶▷►▸△▲▽▼☞✓✔√※→⇒➔➤★☆◦‣∙⁃・‧*–—-"
_ITEM = re.compile(
    rf"[{_BULLETS}]\s+|[※☞▶►➤■●◆]|(?:ㅇ|o)\s+(?=[가-힣])|[ⓐ-ⓩ㉠-㉻]\s*|\(?[가나다라마바사아자차카타파하][.)]\s+|\([a-h]\)\s+"
)
# Bullets that stand before headings as well, where these are bold.
_HEAD_BULLET = re.compile("[■□◆◇◈▶▷◎]")
_SMALLER = 0.9
_NOTE = re.compile(r"[(\[]?\d{1,2}[)\]]\s|\d{1,2}\s|[*†‡※]|주\s?\d*\s?[):.]|note\b|[¹²³⁴⁵⁶⁷⁸⁹]", re.I)
_NUMBERED = re.compile(r"(?:제\s*\d+\s*[장절항]|\d+(?:\.\d+)*\.?)\s")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Block:
    """Lines of one page that belong together.

    `size_pt` ranks headings, `y1` is where one ends; `number` is that of a step. Of a table that is not `certain` it is
    not known which cells make a row. A footnote is of the page, not of the section above it.
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
    is_footnote: bool = False


def find_blocks(document: PdfText) -> list[Block]:
    """Return the blocks of all pages in reading order, without running heads, feet and page numbers."""
    body_pt = _body_size_pt(document)
    repeated = _repeated_lines(document, body_pt)
    blocks: list[Block] = []
    is_lost = False
    for page in document.pages:
        reader = _PageReader(page, body_pt=_page_size_pt(page, body_pt), repeated=repeated, is_lost=is_lost)
        blocks += reader.read()
        is_lost = reader.is_lost
    return blocks


def _body_size_pt(document: PdfText) -> float:
    """Return the size that most letters of running text have; tables are often set in another one."""
    letters: Counter[float] = Counter()
    for page in document.pages:
        letters.update(_count_sizes(page))
    if not letters:
        letters.update(size for page in document.pages for size in _count_sizes(page, with_tables=True).elements())
    return letters.most_common(1)[0][0] if letters else 0.0


def _page_size_pt(page: PageText, document_pt: float) -> float:
    """Return the size of a page's own text where it has enough of it and that is smaller."""
    letters = _count_sizes(page)
    size_pt, count = letters.most_common(1)[0] if letters else (document_pt, 0)
    is_told = count >= _PAGE_LETTERS and count > 0.5 * letters.total()
    return min(size_pt, document_pt) if is_told else document_pt


def _count_sizes(page: PageText, *, with_tables: bool = False) -> Counter[float]:
    inside = {number for table in page.tables for number in range(table.first, table.end)}
    letters: Counter[float] = Counter()
    for number, line in enumerate(page.lines):
        if with_tables or number not in inside:
            letters[round(line.size_pt, 1)] += len(line.text)
    return letters


def _is_outside(line: Line) -> bool:
    return line.place.y1 < BODY_FROM or line.place.y0 > BODY_TO


def _shape(line: Line) -> str:
    return _DIGITS.sub("#", line.text)


def _repeated_lines(document: PdfText, body_pt: float) -> set[str]:
    seen: Counter[str] = Counter()
    for page in document.pages:
        seen.update({_shape(line) for line in page.lines if _is_outside(line) and line.size_pt < LARGE_HEAD * body_pt})
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
        self._gap = _find_gap(page.lines)
        self._is_in_notes = False
        # What comes behind columns that could not be told apart may stand under a heading that is among them.
        self.is_lost = is_lost

    def read(self) -> list[Block]:
        """Return the blocks of the page."""
        lines = self._page.lines
        tables = {table.first: table for table in self._page.tables}
        index = 0
        notes_from = _find_footnotes(lines, self._page.tables, self._body_pt)
        while index < len(lines):
            if index == notes_from:
                self._close()
                self._is_in_notes = True
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
        if self._open and (not _continues(self._open, line, self._gap) or self._begins_anew(line, following)):
            self._close()
            if _heads_labels(line, following):
                self._take(line, following)
                return
        self._open.append(line)

    def _begins_anew(self, line: Line, following: Line | None) -> bool:
        """Return whether a line is the next defect's name, though it is set like the text above and as near to it.

        That ends a sentence, or its line ends where the next word would have had room, or it stands farther in.
        """
        if not _heads_labels(line, following) or following is None or not _is_section_label(following.text):
            return False
        last, height = self._open[-1], line.place.y1 - line.place.y0
        if last.text.endswith((".", "다", "요", "!", "?", "。")) or line.place.x0 < self._open[0].place.x0 - _INDENT:
            return True
        right = max(one.place.x1 for one in self._page.lines if abs(one.place.x0 - last.place.x0) < 2 * height)
        word = (line.place.x1 - line.place.x0) * len(line.text.split()[0]) / len(line.text)
        return last.place.x1 + word + 0.3 * height < right

    def _close(self) -> None:
        if self._open:
            block = _to_block(self._open, self._page.number)
            # A picture does not tell bold from plain: a heading that goes unseen gives its steps to the one above.
            certain = self._page.certain and not self.is_lost and not self._page.is_ocr
            self._blocks.append(
                replace(block, certain=certain, is_ocr=self._page.is_ocr, is_footnote=self._is_in_notes)
            )
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


def _find_footnotes(lines: Sequence[Line], tables: Sequence[TableText], body_pt: float) -> int:
    """Return the number of the first line of the notes in small print that end a page; how many there are for none."""
    start = len(lines)
    while start and lines[start - 1].size_pt < _SMALLER * body_pt:
        start -= 1
    last = max((table.end for table in tables), default=0)
    for number in range(max(start, last), len(lines)):
        # The text of a page that is small throughout is no note.
        if number and _NOTE.match(lines[number].text):
            return number
    return len(lines)


def _is_heading(line: Line, *, body_pt: float) -> bool:
    if len(line.text) > _HEADING_CHARACTERS or not any(letter.isalpha() for letter in line.text):
        return False
    if line.size_pt >= _LARGER * body_pt:
        return True
    ends_a_sentence = line.text.endswith((".", ",", ";", ":"))
    is_item = _ITEM.match(line.text) is not None and _HEAD_BULLET.match(line.text) is None
    return line.bold and line.size_pt >= 0.98 * body_pt and not ends_a_sentence and not is_item


def _heads_labels(line: Line, following: Line | None) -> bool:
    """Return whether a line names what the labelled lines ("원인: …", "Check: …") below it are about.

    Many manuals set such names in the letters of their text. An item or step is such a name only where the lines below
    are the sections of a defect.
    """
    if following is None or len(line.text) > _NAME_CHARACTERS:
        return False
    mark = _ITEM.match(line.text) or _STEP.match(line.text)
    name = line.text[mark.end() :] if mark else line.text
    if mark and not _is_section_label(following.text):
        return False
    return (
        (_is_section_label(following.text) or _LABEL.match(following.text) is not None)
        and _LABEL.match(name) is None
        and not name.endswith((".", ",", ";", ":", "다", "요"))
        and any(letter.isalpha() for letter in name)
    )


def _is_section_label(text: str) -> bool:
    """Return whether a line, or an item, begins with "Cause:" or the like."""
    mark = _ITEM.match(text) or _STEP.match(text)
    label = _LABEL.match(text, mark.end() if mark else 0)
    return label is not None and _SECTION.fullmatch(label[0]) is not None


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


def _find_gap(lines: Sequence[Line]) -> float:
    """Return how far apart the lines of a paragraph are at most, in heights of a line: many pages are set wide."""
    right = max((line.place.x1 for line in lines), default=0.0)
    ratios: Counter[float] = Counter()
    for line, later in itertools.pairwise(lines):
        height = line.place.y1 - line.place.y0
        is_wrapped = line.place.x1 - line.place.x0 >= _WRAPPED * (right - line.place.x0)
        if is_wrapped and line.size_pt == later.size_pt and 0 < later.place.y0 - line.place.y1 < _WIDEST * height:
            ratios[round((later.place.y0 - line.place.y1) / height, 1)] += 1
    usual = [ratio for ratio, count in ratios.items() if count >= _OFTEN]
    return max(_PARAGRAPH_GAP, min(usual, default=0.0) + _PARAGRAPH_MORE)


def _continues(open_lines: Sequence[Line], line: Line, widest: float) -> bool:
    """Return whether the line goes on with the paragraph, step or item that is open."""
    first, last = open_lines[0], open_lines[-1]
    if _ITEM.match(line.text) or _LABEL.match(line.text):
        return False
    if (step := _STEP.match(line.text)) and step.end() < len(line.text) and not _WANTS_NUMBER.search(last.text):
        return False
    place, before = line.place, last.place
    height = max(place.y1 - place.y0, before.y1 - before.y0)
    gap = place.y0 - before.y1
    if not -0.6 * height < gap < widest * height:
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
