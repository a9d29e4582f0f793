"""Scanned pages read by text recognition: page by page, marked as such, and never in place of real text."""

from __future__ import annotations

import io
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inference.errors import ManualError
from inference.language.layout.furniture import Furniture
from inference.language.page_image import render_page
from inference.language.pdf_text import PageText, PdfText, lay_out_page
from inference.language.recognition.picture import find_rules, unread_share
from inference.language.recognition.tesseract import FoundWord, Tesseract

if TYPE_CHECKING:
    import numpy as np

# About 240 dots an inch on A4: more is slower and no better.
_WIDTH_PX = 2000
_WIDTH_PT = 595.0
_LEAST_CONFIDENCE, _SURE_CONFIDENCE = 30.0, 75.0
_UNREAD_AT_MOST = 0.03
_LEAST_LETTERS = 8
_SAME_SIZE = 0.2
# Pieces of a word are nearer to each other than this share of the height of their line.
_PIECE = 0.17


def recognize_pages(
    content: bytes,
    text: PdfText,
    engine: Tesseract,
    *,
    progress: Callable[[int, int], None] | None = None,
    look: Callable[[], None] | None = None,
) -> PdfText:
    """Return the text with those pages that had none read from their pictures; these say `is_ocr`.

    `progress` is told the pages that are done and how many there are; `look` is called several times a second while a
    page is read: what either raises ends the reading. A page that the engine fails on stays without text.
    """
    empty = [page.number for page in text.pages if not page.has_text]
    records: dict[int, tuple[dict[str, Any], bool]] = {}
    for done, number in enumerate(empty):
        if progress is not None:
            progress(done, len(empty))
        try:
            found = _recognize(content, number, engine, look)
        except ManualError:
            continue
        if found is not None:
            records[number] = found
    furniture = Furniture()
    for record, _is_sure in records.values():
        furniture.look_at(record)
    pages = [_merge(page, records.get(page.number), furniture) for page in text.pages]
    return replace(text, pages=tuple(pages))


def _merge(page: PageText, found: tuple[dict[str, Any], bool] | None, furniture: Furniture) -> PageText:
    if found is None:
        return page
    record, is_sure = found
    read = lay_out_page(page.number, record, furniture, is_ocr=True)
    return replace(read, certain=read.certain and is_sure) if read.has_text else page


def _recognize(
    content: bytes, number: int, engine: Tesseract, look: Callable[[], None] | None
) -> tuple[dict[str, Any], bool] | None:
    """Return a page as a child process gives it, and whether all that stands on it was read; None for an empty one."""
    import numpy as np
    from PIL import Image

    picture = render_page(content, number, width_px=_WIDTH_PX)
    image = Image.open(io.BytesIO(picture)).convert("L")
    turn = engine.find_turn(picture, look=look)
    if turn:
        image = image.rotate(-90 * turn, expand=True)
        target = io.BytesIO()
        image.save(target, "PNG", compress_level=1)
        picture = target.getvalue()
    words = [word for word in engine.read(picture, look=look) if word.confidence >= _LEAST_CONFIDENCE]
    if sum(len(word.text) for word in words) < _LEAST_LETTERS:
        return None
    gray = np.asarray(image)
    rules = find_rules(gray)
    confidence = statistics.mean(word.confidence for word in words)
    is_sure = confidence >= _SURE_CONFIDENCE and unread_share(gray, _boxes(words, rules)) <= _UNREAD_AT_MOST
    return _to_record(words, rules, gray, turn), is_sure


def _boxes(words: Sequence[FoundWord], rules: Sequence[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    return [*((word.left, word.top, word.right, word.bottom) for word in words), *rules]


def _to_record(
    words: Sequence[FoundWord], rules: Sequence[tuple[int, int, int, int]], gray: np.ndarray, turn: int
) -> dict[str, Any]:
    height_px, width_px = gray.shape
    shown_px = width_px if turn % 2 == 0 else height_px
    scale = _WIDTH_PT / shown_px
    width, height = width_px * scale, height_px * scale
    usual = statistics.median(word.line_bottom - word.line_top for word in words)
    # The picture was turned clockwise to be read: as it is shown, its text is turned the other way.
    seen = -turn % 4

    def shown(left: float, top: float, right: float, bottom: float) -> list[float]:
        return _turned((left * scale, top * scale, right * scale, bottom * scale), seen, width=width, height=height)

    found = []
    for word in join_pieces(words):
        line = word.line_bottom - word.line_top
        size = usual if abs(line - usual) <= _SAME_SIZE * usual else line
        base = word.line_bottom - 0.15 * size
        place = shown(word.left, word.top, word.right, word.bottom)
        base_x, base_y = shown(word.left, base, word.left, base)[:2]
        found.append([word.text, *place, base_x, base_y, round(size * scale, 1), seen, False, False, True, 0])
    size_pt = (width, height) if turn % 2 == 0 else (height, width)
    return {"width": size_pt[0], "height": size_pt[1], "words": found, "rules": [shown(*rule) for rule in rules]}


def join_pieces(words: Sequence[FoundWord]) -> list[FoundWord]:
    """Return the words with those made one that have no space between them: engines part Korean words into pieces."""
    joined: list[FoundWord] = []
    for word in words:
        last = joined[-1] if joined else None
        is_same_line = last is not None and (last.line_top, last.line_bottom) == (word.line_top, word.line_bottom)
        if (
            last is not None
            and is_same_line
            and 0 <= word.left - last.right < _PIECE * (word.line_bottom - word.line_top)
        ):
            joined[-1] = replace(
                last,
                text=last.text + word.text,
                top=min(last.top, word.top),
                right=word.right,
                bottom=max(last.bottom, word.bottom),
            )
        else:
            joined.append(word)
    return joined


def _touches(word: FoundWord, later: FoundWord) -> bool:
    is_same_line = (word.line_top, word.line_bottom) == (later.line_top, later.line_bottom)
    return is_same_line and 0 <= later.left - word.right < _PIECE * (word.line_bottom - word.line_top)


def _turned(box: tuple[float, float, float, float], turn: int, *, width: float, height: float) -> list[float]:
    """Return a box of the upright frame, of this width and height, where it stands on the page as it is shown."""
    x0, y0, x1, y1 = box
    match turn:
        case 1:
            return [height - y1, x0, height - y0, x1]
        case 2:
            return [width - x1, height - y1, width - x0, height - y0]
        case 3:
            return [y0, width - x1, y1, width - x0]
    return [x0, y0, x1, y1]
