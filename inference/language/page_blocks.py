"""What the lines of a page make up: headings, paragraphs, numbered steps, tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from inference.language.page_tables import Row, find_tables
from inference.language.pdf_text import Box, Line, PageText, PdfText

BlockKind = Literal["heading", "text", "item", "step", "table"]

_LARGER = 1.12
_HEADING_CHARACTERS = 90
# Running heads and feet stand outside this part of the page, and come again on other pages.
_BODY_FROM, _BODY_TO = 0.08, 0.92
_REPEATED = 3
_PARAGRAPH_GAP = 0.85
_INDENT = 0.004
_STEP = re.compile(
    r"\(?(?P<number>\d{1,2})(?:[.)](?!\d)|단계[.:)]?(?=\s))\s*|[Ss]tep\s+(?P<word>\d{1,2})[.:)]?\s*|(?P<ring>[①-⑳])\s*"
)
_ITEM = re.compile(r"[•·●○▪■□◦‣∙*–—-]\s+")
_NUMBERED = re.compile(r"(?:제\s*\d+\s*[장절항]|\d+(?:\.\d+)*\.?)\s")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Block:
    """Lines of one page that belong together; `size_pt` ranks headings, `number` is that of a step."""

    kind: BlockKind
    text: str
    page: int
    box: Box
    size_pt: float = 0.0
    number: int = 0
    rows: tuple[Row, ...] = ()


def find_blocks(document: PdfText) -> list[Block]:
    """Return the blocks of all pages in reading order, without running heads, feet and page numbers."""
    body_pt = _body_size_pt(document)
    repeated = _repeated_lines(document)
    blocks: list[Block] = []
    for page in document.pages:
        lines = [line for line in page.lines if not (_is_outside(line) and _shape(line) in repeated)]
        blocks += _page_blocks(lines, page, body_pt=body_pt)
    return blocks


def join_boxes(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around all of them."""
    across0, down0, across1, down1 = zip(*boxes, strict=True)
    return Box(min(across0), min(down0), max(across1), max(down1))


def _body_size_pt(document: PdfText) -> float:
    letters: Counter[float] = Counter()
    for page in document.pages:
        for line in page.lines:
            letters[round(line.size_pt, 1)] += len(line.text)
    return letters.most_common(1)[0][0] if letters else 0.0


def _is_outside(line: Line) -> bool:
    return line.box.y1 < _BODY_FROM or line.box.y0 > _BODY_TO


def _shape(line: Line) -> str:
    return _DIGITS.sub("#", line.text)


def _repeated_lines(document: PdfText) -> set[str]:
    seen: Counter[str] = Counter()
    for page in document.pages:
        seen.update({_shape(line) for line in page.lines if _is_outside(line)})
    needed = min(_REPEATED, max(2, document.page_count))
    return {shape for shape, count in seen.items() if count >= needed}


def _page_blocks(lines: Sequence[Line], page: PageText, *, body_pt: float) -> list[Block]:
    tables = find_tables(lines)
    blocks: list[Block] = []
    open_lines: list[Line] = []

    def close() -> None:
        if open_lines:
            blocks.append(_to_block(open_lines, page.number))
            open_lines.clear()

    index = 0
    while index < len(lines):
        table = tables.get(index)
        line = lines[index]
        if table is not None:
            close()
            boxes = [line.box for line in lines[index : table.end]]
            text = "\n".join(" | ".join(row) for row in table.rows)
            blocks.append(Block("table", text, page.number, join_boxes(boxes), rows=table.rows))
            index = table.end
            continue
        if _is_heading(line, body_pt=body_pt):
            close()
            before = blocks[-1] if blocks else None
            if before is not None and _continues_heading(before, line):
                blocks[-1] = _heading([before.text, line.text], page.number, join_boxes([before.box, line.box]), line)
            else:
                blocks.append(_heading([line.text], page.number, line.box, line))
        else:
            if open_lines and not _continues(open_lines, line):
                close()
            open_lines.append(line)
        index += 1
    close()
    return blocks


def _is_heading(line: Line, *, body_pt: float) -> bool:
    if len(line.text) > _HEADING_CHARACTERS or not any(letter.isalpha() for letter in line.text):
        return False
    if line.size_pt >= _LARGER * body_pt:
        return True
    ends_a_sentence = line.text.endswith((".", ",", ";", ":"))
    return line.bold and line.size_pt >= 0.98 * body_pt and not ends_a_sentence and _ITEM.match(line.text) is None


def _heading(texts: Sequence[str], page: int, box: Box, line: Line) -> Block:
    return Block("heading", " ".join(texts), page, box, size_pt=line.size_pt + 0.01 * line.bold)


def _continues_heading(before: Block, line: Line) -> bool:
    height = line.box.y1 - line.box.y0
    return (
        before.kind == "heading"
        and abs(before.size_pt - line.size_pt - 0.01 * line.bold) < 0.05
        and -0.2 * height < line.box.y0 - before.box.y1 < _PARAGRAPH_GAP * height
        and _NUMBERED.match(line.text) is None
    )


def _continues(open_lines: Sequence[Line], line: Line) -> bool:
    """Return whether the line goes on with the paragraph, step or item that is open."""
    first, last = open_lines[0], open_lines[-1]
    if _STEP.match(line.text) or _ITEM.match(line.text):
        return False
    height = max(line.box.y1 - line.box.y0, last.box.y1 - last.box.y0)
    gap = line.box.y0 - last.box.y1
    if not -0.6 * height < gap < _PARAGRAPH_GAP * height:
        # Beside the last line: PDFs that set word by word.
        return abs(line.box.y0 - last.box.y0) < 0.3 * height and 0 <= line.box.x0 - last.box.x1 < 2 * height
    marked = _STEP.match(first.text) or _ITEM.match(first.text)
    return not marked or line.box.x0 > first.box.x0 - _INDENT


def _to_block(lines: Sequence[Line], page: int) -> Block:
    text = _join_lines([line.text for line in lines])
    box = join_boxes(line.box for line in lines)
    if match := _STEP.match(text):
        digits = match["number"] or match["word"]
        number = int(digits) if digits else ord(match["ring"]) - ord("①") + 1
        return Block("step", f"{number}. {text[match.end() :]}", page, box, number=number)
    if match := _ITEM.match(text):
        return Block("item", f"- {text[match.end() :]}", page, box)
    return Block("text", text, page, box)


def _join_lines(texts: Sequence[str]) -> str:
    joined = texts[0]
    for text in texts[1:]:
        joined += text if joined.endswith("-") and joined[-2:-1].isalpha() else f" {text}"
    return joined
