"""The text of a PDF, by page and line, with its places and font sizes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

from inference.errors import ManualError
from inference.language.pdf_process import LIMIT_PAGES, check_pdf, open_process
from inference.parallel import CORES

# Reading takes longer than starting a second process from about this size on: some ten pages with fonts of their own.
LARGE_BYTES = 300_000


class Box(NamedTuple):
    """A place on a page, in fractions of its width and height; the origin is its top left corner."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Line:
    """One line as it stands on the page; `size_pt` is the font size that most of its letters have."""

    text: str
    box: Box
    size_pt: float
    bold: bool


@dataclass(frozen=True)
class PageText:
    """A page, counted from 1, its lines in reading order. A scanned page has no text."""

    number: int
    lines: tuple[Line, ...]
    has_text: bool


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
    progress: Callable[[int, int], None] | None = None,
) -> PdfText:
    """Return a PDF's text, read in a child process of at most `memory_bytes` of address space and `timeout_s` seconds.

    A large file is read by two of them side by side, each taking every second page.
    `progress` is told the pages that are done and how many there are. Raises ManualError: `pdf_not_a_pdf`,
    `pdf_too_large` (100 MB), `pdf_too_many_pages` (2,000), `pdf_encrypted`, `pdf_damaged`, `pdf_without_text`,
    `pdf_timeout`, `pdf_out_of_memory`. A file that any reader opens without a password counts as not encrypted.
    """
    check_pdf(content)
    pages: list[PageText] = []
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
            lines = tuple(line for found in record.get("lines", ()) if (line := _to_line(*found)) is not None)
            pages.append(PageText(number=number, lines=lines, has_text=bool(lines)))
            if progress is not None:
                progress(number, int(first["pages"]))
        for reader in readers:
            next(reader, None)  # waits for the process, and raises if its end was no good one
    if damaged == len(pages):
        raise ManualError("pdf_damaged")
    if not any(page.has_text for page in pages):
        raise ManualError("pdf_without_text")
    return PdfText(page_count=len(pages), pages=tuple(pages), title=clean_text(str(first["title"]))[:200] or None)


def clean_text(text: str) -> str:
    """Return the text in composed letters and single spaces, without what hides or controls terminal or direction."""
    composed = unicodedata.normalize("NFC", text)
    # Cc, Cf: controls and formats; Co, Cs, Cn: letters of a font without a meaning of their own.
    kept = (" " if letter.isspace() else letter for letter in composed)
    visible = "".join(letter for letter in kept if unicodedata.category(letter)[0] != "C")
    return " ".join(visible.replace("\N{REPLACEMENT CHARACTER}", "").split())


def _to_line(text: str, box: list[float], size_pt: float, bold: bool) -> Line | None:
    words = clean_text(text)
    return Line(words, Box(*box), size_pt, bold) if words else None
