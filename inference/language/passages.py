"""Passages: the pieces of a manual that are searched, shown and cited."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from inference.language.page_blocks import Block, find_blocks
from inference.language.pdf_text import Box, PdfText

PassageKind = Literal["text", "steps", "table"]

_TEXT_CHARACTERS = 600
_WHOLE_CHARACTERS = 1600
_HEADING_DEPTH = 5
_SAME_SIZE = 0.03
_NUMBERED = re.compile(r"\s*(?:제\s*)?\d")
_SECTION = re.compile(
    r"\s*\d{1,2}[.)]?\s+(?:(?:발생\s?)?원인|(?:즉시\s?|시정\s?)?(?:조치|대책)|확인|점검|재발\s?방지|예방"
    r"|(?:possible |root )?causes?|(?:immediate |corrective )?actions?|checks?|prevention)\b",
    re.I,
)


@dataclass(frozen=True)
class Passage:
    """A piece of one page of the manual `source_id`, under its headings from the outermost to the innermost.

    Steps, items and the rows of a table stand on lines of their own; the cells of a row are parted by ` | `. Steps that
    go on on the next page stay together: `page` and `boxes` are then those of the first page.

    A passage is not `certain` where the page does not tell which cells make a row, or which lines a column: its words
    are searched and its page is shown, but no single step of it may be quoted as that of one defect. `is_ocr`: the
    words were recognized on a picture of the page.
    """

    source_id: int
    page: int
    heading: tuple[str, ...]
    text: str
    kind: PassageKind
    boxes: tuple[Box, ...]
    certain: bool = True
    is_ocr: bool = False


def split_passages(text: PdfText, *, source_id: int) -> list[Passage]:
    """Return the passages of a manual in reading order.

    A passage never crosses a heading. Paragraphs and items of one page are put together up to 600 characters; numbered
    steps and tables stay whole up to 1,600, and are then parted between steps or rows (each part with the head row).
    """
    return [
        passage
        for heading, blocks in _sections(find_blocks(text))
        for run in _runs(blocks)
        for passage in _to_passages(run, heading=heading, source_id=source_id)
    ]


def _sections(blocks: Sequence[Block]) -> Iterator[tuple[tuple[str, ...], list[Block]]]:
    """Yield the blocks between two headings, with the headings that they stand under."""
    stack: list[Block] = []
    section: list[Block] = []
    notes: list[Block] = []
    for block in blocks:
        if block.is_footnote:
            notes.append(block)
            continue
        if block.kind != "heading":
            section.append(block)
            continue
        if section:
            yield tuple(heading.text for heading in stack), section
            section = []
        while stack and stack[-1].size_pt <= block.size_pt and not _is_below(block, stack[-1]):
            stack.pop()
        stack = [*stack, block][-_HEADING_DEPTH:]
    if section:
        yield tuple(heading.text for heading in stack), section
    for note in notes:
        yield (), [note]


def _is_below(block: Block, heading: Block) -> bool:
    """Return whether a heading of the same size is a section of the one before: "1. 원인" below a defect's name."""
    same = abs(block.size_pt - heading.size_pt) < _SAME_SIZE
    is_section, is_name = _SECTION.match(block.text), _SECTION.match(heading.text) is None
    return same and is_section is not None and is_name and _NUMBERED.match(heading.text) is None


def _runs(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Yield the blocks that make one passage: a table, a list of steps, or paragraphs and items of a page."""
    run: list[Block] = []
    for block in blocks:
        if run and not _belongs(run, block):
            yield run
            last, run = run[-1], []
            block = _with_head_row(block, last)
        run.append(block)
    if run:
        yield run


def _with_head_row(block: Block, before: Block) -> Block:
    """Return a table that goes on on the next page with the head row of its beginning."""
    goes_on = block.kind == before.kind == "table" and block.page == before.page + 1
    if not goes_on or len(block.rows[0]) != len(before.rows[0]) or block.rows[0] == before.rows[0]:
        return block
    return replace(block, rows=(before.rows[0], *block.rows))


def _belongs(run: Sequence[Block], block: Block) -> bool:
    last = run[-1]
    if block.kind == "table" or last.kind == "table" or block.certain != last.certain:
        return False
    if block.kind == "step":
        if last.kind == "step":
            return block.number == last.number + 1
        # A line that leads in to the steps belongs to them.
        return block.number == 1 and len(run) == 1 and last.page == block.page and last.text.endswith(":")
    return last.kind != "step" and block.page == last.page


def _to_passages(run: Sequence[Block], *, heading: tuple[str, ...], source_id: int) -> Iterator[Passage]:
    if run[0].kind == "table":
        yield from _table_passages(run[0], heading=heading, source_id=source_id)
        return
    kind: PassageKind = "steps" if run[-1].kind == "step" and len(run) > 1 else "text"
    limit = _WHOLE_CHARACTERS if kind == "steps" else _TEXT_CHARACTERS
    part: list[Block] = []
    for block in (piece for whole in run for piece in _cut(whole)):
        if part and sum(len(other.text) for other in part) + len(block.text) > limit:
            yield _passage(part, kind, heading=heading, source_id=source_id)
            part = []
        part.append(block)
    yield _passage(part, kind, heading=heading, source_id=source_id)


def _cut(block: Block) -> Iterator[Block]:
    """Yield a block of any length as blocks of at most 1,600 characters, cut at the end of a sentence or word."""
    rest = block.text
    while len(rest) > _WHOLE_CHARACTERS:
        end = max(rest.rfind(". ", 1, _WHOLE_CHARACTERS) + 1, 0) or rest.rfind(" ", 1, _WHOLE_CHARACTERS)
        end = end if end > 0 else _WHOLE_CHARACTERS
        yield replace(block, text=rest[:end].rstrip())
        rest = rest[end:].lstrip()
    yield replace(block, text=rest)


def _passage(part: Sequence[Block], kind: PassageKind, *, heading: tuple[str, ...], source_id: int) -> Passage:
    page = part[0].page
    return Passage(
        source_id=source_id,
        page=page,
        heading=heading,
        text="\n".join(block.text for block in part),
        kind=kind,
        boxes=tuple(dict.fromkeys(block.box for block in part if block.page == page)),
        certain=all(block.certain for block in part),
        is_ocr=any(block.is_ocr for block in part),
    )


def _table_passages(block: Block, *, heading: tuple[str, ...], source_id: int) -> Iterator[Passage]:
    head, *rows = (" | ".join(row) for row in block.rows)
    part: list[str] = []
    for row in [*rows, None]:
        if part and (row is None or len(head) + sum(map(len, part)) + len(row) > _WHOLE_CHARACTERS):
            yield Passage(
                source_id=source_id,
                page=block.page,
                heading=heading,
                text="\n".join([head, *part]),
                kind="table",
                boxes=(block.box,),
                certain=block.certain,
                is_ocr=block.is_ocr,
            )
            part = []
        if row is not None:
            part.append(row)
