"""The text of a PDF, by page and line, with its places and font sizes."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from inference.errors import ManualError
from inference.language.layout.furniture import Furniture
from inference.language.layout.legible import is_legible
from inference.language.layout.page import lay_out
from inference.language.layout.segments import SOFT_HYPHEN, Segment, find_segments
from inference.language.layout.sheet import ACROSS, Box, Sheet, find_sheets, fractions
from inference.language.layout.tables import Table
from inference.language.pdf_process import LIMIT_PAGES, check_pdf, open_process
from inference.parallel import CORES

__all__ = ["Box", "Line", "PageText", "PdfText", "TableText", "clean_text", "lay_out_page", "read_pdf"]

# Reading takes longer than starting a second process from about this size on: some ten pages with fonts of their own.
LARGE_BYTES = 300_000
_LIGATURES = {ord(one): unicodedata.normalize("NFKC", one) for one in "ﬀﬁﬂﬃﬄﬅﬆ"}


@dataclass(frozen=True)
class Line:
    """One line as it stands on the page; `size_pt` is the font size that most of its letters have.

    `flow` is its place with the page turned so that its text is upright; None where that is `box`.
    """

    text: str
    box: Box
    size_pt: float
    bold: bool
    flow: Box | None = None

    @property
    def place(self) -> Box:
        """Return its place in the frame in which it is read."""
        return self.box if self.flow is None else self.flow


@dataclass(frozen=True)
class TableText:
    """A table of a page: its lines from number `first` to before `end`, and the texts of its cells by row.

    Not `certain` where the page does not tell which cells make a row, or whether the columns are those of a table: then
    there are no rows, and the lines stand column by column.
    """

    first: int
    end: int
    rows: tuple[tuple[str, ...], ...]
    certain: bool


@dataclass(frozen=True)
class PageText:
    """A page, counted from 1, its lines in reading order. A scanned page has no text.

    So has one whose letters have no meaning, because its fonts do not say which letters their pictures are. `is_ocr`:
    the words were recognized on a picture of the page.
    """

    number: int
    lines: tuple[Line, ...]
    has_text: bool
    tables: tuple[TableText, ...] = ()
    certain: bool = True
    is_ocr: bool = False


@dataclass(frozen=True)
class PdfText:
    """A document; `title` is what its own description says, if anything."""

    page_count: int
    pages: tuple[PageText, ...]
    title: str | None


def read_pdf(
    content: bytes,
    *,
    timeout_s: float = 60,
    memory_bytes: int = 1024**3,
    needs_text: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> PdfText:
    """Return a PDF's text, read in a child process of at most `memory_bytes` of address space and `timeout_s` seconds.

    A large file is read by two of them side by side, each taking every second page.
    A document without any text is refused, unless `needs_text` is False: its pages are then read otherwise.
    `progress` is told the pages that are done and how many there are. Raises ManualError: `pdf_not_a_pdf`,
    `pdf_too_large` (100 MB), `pdf_too_many_pages` (2,000), `pdf_encrypted`, `pdf_damaged`, `pdf_without_text`,
    `pdf_timeout`, `pdf_out_of_memory`. A file that any reader opens without a password counts as not encrypted.
    """
    check_pdf(content)
    records: list[str] = []
    furniture = Furniture()
    damaged = 0
    count = 2 if len(content) >= LARGE_BYTES and CORES > 1 else 1
    with ExitStack() as stack:
        readers = []
        for place in range(count):
            arguments = [str(LIMIT_PAGES), str(place), str(count)]
            process = open_process(content, "read", arguments, timeout_s=timeout_s, memory_bytes=memory_bytes)
            readers.append(stack.enter_context(process).records())
        first, *_same = [next(reader, None) for reader in readers]
        if first is None or not first["pages"]:
            raise ManualError("pdf_damaged")
        for number in range(1, int(first["pages"]) + 1):
            record = next(readers[(number - 1) % count], None)
            if record is None:
                raise ManualError("pdf_damaged")
            damaged += "damaged" in record
            furniture.look_at(record)
            # What was found takes a tenth of the room as text, and a manual may have 2,000 pages.
            records.append(json.dumps(record))
            if progress is not None:
                progress(number, int(first["pages"]))
        for reader in readers:
            next(reader, None)  # waits for the process, and raises if its end was no good one
    if damaged == len(records):
        raise ManualError("pdf_damaged")
    pages = [lay_out_page(number, json.loads(record), furniture) for number, record in enumerate(records, start=1)]
    if needs_text and not any(page.has_text for page in pages):
        raise ManualError("pdf_without_text")
    return PdfText(page_count=len(pages), pages=tuple(pages), title=clean_text(str(first["title"]))[:200] or None)


def lay_out_page(number: int, record: dict[str, Any], furniture: Furniture, *, is_ocr: bool = False) -> PageText:
    """Return the text of a page from the words and rules on it, without what belongs to the paper."""
    found = find_sheets(record) if record.get("words") else []
    if not is_legible([word for sheet in found if sheet.turn != ACROSS for word in sheet.words]):
        return PageText(number, (), has_text=False)
    sheets, doubtful = furniture.clear(found)
    lines: list[Line] = []
    tables: list[TableText] = []
    inside: set[Box] = set()
    for sheet in sheets:
        turned = [line for other in sheets if other is not sheet for line in _seen_from(sheet, other)]
        for item in lay_out(sheet, turned if sheet is sheets[0] else ()):
            first = len(lines)
            segments = item.lines if isinstance(item, Table) else (item,)
            found_lines = (_to_line(segment, sheet) for segment in segments if segment.box not in inside)
            lines += [line for line in found_lines if line is not None]
            if isinstance(item, Table):
                inside |= {segment.box for segment in item.lines}
                rows = tuple(tuple(clean_text(cell) for cell in row) for row in item.rows)
                if len(lines) > first:
                    tables.append(TableText(first, len(lines), rows, item.certain))
    return PageText(number, tuple(lines), bool(lines), tuple(tables), certain=not doubtful, is_ocr=is_ocr)


def _seen_from(sheet: Sheet, other: Sheet) -> list[Segment]:
    """Return the lines of another turn at their places in the frame of this sheet."""
    if sheet.turn != 0:
        return []
    lines = find_segments(other.words)
    return [Segment(line.text, *line.box, line.size_pt, line.bold, line.box) for line in lines]


def _to_line(segment: Segment, sheet: Sheet) -> Line | None:
    words = clean_text(segment.text)
    if not words:
        return None
    flow = None
    if sheet.turn:
        flow = fractions((segment.x0, segment.y0, segment.x1, segment.y1), sheet.width, sheet.height)
    return Line(words, fractions(segment.box, *sheet.shown_size), segment.size_pt, segment.bold, flow)


def clean_text(text: str) -> str:
    """Return the text in composed letters and single spaces, without what hides or controls terminal or direction.

    A hyphen that may be left out stays as such at the end of the text, where a line may go on; ligatures are parted.
    """
    composed = unicodedata.normalize("NFC", text).translate(_LIGATURES)
    goes_on = composed.rstrip().endswith(SOFT_HYPHEN)
    # Cc, Cf: controls and formats; Co, Cs, Cn: letters of a font without a meaning of their own.
    kept = (" " if letter.isspace() else letter for letter in composed)
    visible = "".join(letter for letter in kept if unicodedata.category(letter)[0] != "C")
    return " ".join(visible.replace("\N{REPLACEMENT CHARACTER}", "").split()) + (SOFT_HYPHEN if goes_on else "")
