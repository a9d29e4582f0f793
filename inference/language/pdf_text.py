"""The text of a PDF, by page and line, with its places and font sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


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
