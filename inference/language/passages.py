"""Passages: the pieces of a manual that are searched, shown and cited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from inference.language.pdf_text import Box

PassageKind = Literal["text", "steps", "table"]


@dataclass(frozen=True)
class Passage:
    """A piece of one page of the manual `source_id`, under its headings from the outermost to the innermost."""

    source_id: int
    page: int
    heading: tuple[str, ...]
    text: str
    kind: PassageKind
    boxes: tuple[Box, ...]
