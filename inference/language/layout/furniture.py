"""What belongs to the paper and not to the text: watermarks, running heads and feet, page numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from inference.language.layout.segments import Segment, find_segments
from inference.language.layout.sheet import ACROSS, Sheet, Word, find_sheets

# Running heads and feet stand outside this part of the page, and come again on other pages.
BODY_FROM, BODY_TO = 0.08, 0.92
REPEATED = 3
LARGE_HEAD = 1.25
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(r"\W*(?:page|p\.?|쪽|페이지)?\W*#(?:\s*(?:/|of|-|–|중)\s*#)?\s*(?:쪽|페이지|page)?\W*", re.I)
_LARGE, _HUGE, _POSTER, _SMALL = 1.5, 2.0, 3.0, 0.9
_PLACES = 40
_EDGE_PT = 12.0
_CLOSE_EM = 0.9

# Text, place (a fortieth of the page) and turn of a line that may come again.
Place = tuple[str, int, int, int]


class Furniture:
    """Counts what comes again at the same place while the pages are read, and then tells it from their text."""

    def __init__(self) -> None:
        self._seen: Counter[Place] = Counter()
        self._letters: Counter[float] = Counter()
        self._pages = 0

    def look_at(self, record: dict[str, Any]) -> None:
        """Count a page as a child process has read it."""
        self._pages += 1
        words = record.get("words", ())
        for word in words:
            if word[8] != ACROSS:
                self._letters[round(word[7], 1)] += len(word[0])
        if not words:
            return
        at_least = _LARGE * self.body_pt
        few = [word for word in words if word[7] >= at_least or word[8] == ACROSS or _is_at_edge(word, record)]
        found: set[Place] = set()
        for sheet in find_sheets({**record, "words": few, "rules": ()}):
            for segment in _candidates(sheet, self.body_pt):
                found.add(_place(segment, sheet))
        self._seen.update(found)

    @property
    def body_pt(self) -> float:
        """Return the size that most letters have so far."""
        return self._letters.most_common(1)[0][0] if self._letters else 0.0

    def clear(self, sheets: Sequence[Sheet]) -> tuple[list[Sheet], bool]:
        """Return the sheets of a page without furniture, and whether words were left out that may be of the text."""
        cleared = []
        doubtful = False
        for sheet in sheets:
            if sheet.turn == ACROSS:
                # Text at an angle is a watermark where it is large or comes again; the head of a narrow column is not.
                doubtful = any(not self._is_mark(word, sheet) for word in sheet.words)
                continue
            gone = self._furniture_of(sheet)
            words = tuple(word for word in sheet.words if not _is_within(word, gone))
            if words:
                cleared.append(Sheet(sheet.turn, sheet.width, sheet.height, words, sheet.rules))
        return cleared, doubtful

    def _is_mark(self, word: Word, sheet: Sheet) -> bool:
        if word.size_pt >= _LARGE * self.body_pt or word.pale:
            return True
        return any(self._is_repeated(one, sheet) for one in _across([word]))

    def _furniture_of(self, sheet: Sheet) -> list[Segment]:
        gone = []
        for segment in _candidates(sheet, self.body_pt):
            is_gone = self._is_marginal if _is_outside(segment, sheet) else self._is_behind
            if is_gone(segment, sheet):
                gone.append(segment)
        return gone

    def _is_marginal(self, segment: Segment, sheet: Sheet) -> bool:
        # Chapters that begin at the top of a page have headings that are larger than any running head.
        is_heading = segment.size_pt >= LARGE_HEAD * self.body_pt and not self._is_on_most(segment, sheet)
        # So do the head rows of tables that go on: these stand close to what is below them.
        is_heading = is_heading or (segment.y1 < BODY_FROM * sheet.height and _is_close_above(segment, sheet))
        if (self._is_repeated(segment, sheet) and not is_heading) or _PAGE_NUMBER.fullmatch(_shape(segment.text)):
            return True
        return segment.size_pt < _SMALL * self.body_pt

    def _is_behind(self, segment: Segment, sheet: Sheet) -> bool:
        # A large or pale heading is a heading; what stands at the same place of most pages is none.
        repeated = self._is_repeated(segment, sheet)
        pale = any(word.pale and _is_within(word, [segment]) for word in sheet.words)
        if repeated and (pale or self._is_on_most(segment, sheet)):
            return True
        return (pale and segment.size_pt >= _POSTER * self.body_pt) or _overlaps(segment, sheet)

    def _is_on_most(self, segment: Segment, sheet: Sheet) -> bool:
        return self._seen[_place(segment, sheet)] > 0.5 * self._pages

    def _is_repeated(self, segment: Segment, sheet: Sheet) -> bool:
        return self._seen[_place(segment, sheet)] >= min(REPEATED, max(2, self._pages))


def _is_at_edge(word: Sequence[Any], record: dict[str, Any]) -> bool:
    """Return whether a word may stand in a margin, however the page is turned."""
    x0, y0, x1, y1 = word[1:5]
    width, height = record["width"], record["height"]
    return bool(
        y1 < BODY_FROM * height + _EDGE_PT
        or y0 > BODY_TO * height - _EDGE_PT
        or x1 < BODY_FROM * width + _EDGE_PT
        or x0 > BODY_TO * width - _EDGE_PT
    )


def _candidates(sheet: Sheet, body_pt: float) -> list[Segment]:
    """Return the lines of a sheet that may be furniture: in the margins, or large and pale."""
    if sheet.turn == ACROSS:
        return _across(sheet.words)
    edge = [word for word in sheet.words if _is_outside(word, sheet)]
    large = [
        word
        for word in sheet.words
        if word.size_pt >= (_LARGE if word.pale else _HUGE) * body_pt and not _is_outside(word, sheet)
    ]
    return [*find_segments(edge), *find_segments(large)]


def _across(words: Sequence[Word]) -> list[Segment]:
    return [Segment(w.text, w.x0, w.y0, w.x1, w.y1, w.size_pt, w.bold, w.box) for w in words]


def _is_outside(item: Word | Segment, sheet: Sheet) -> bool:
    return item.y1 < BODY_FROM * sheet.height or item.y0 > BODY_TO * sheet.height


def _place(segment: Segment, sheet: Sheet) -> Place:
    middle = (segment.y0 + segment.y1) / 2
    return _shape(segment.text), round(segment.x0 / 30), round(_PLACES * middle / max(sheet.height, 1.0)), sheet.turn


def _shape(text: str) -> str:
    return _DIGITS.sub("#", text)


def _is_within(word: Word, gone: Sequence[Segment]) -> bool:
    return any(
        word.x0 >= one.x0 - 0.5 and word.x1 <= one.x1 + 0.5 and abs((word.y0 + word.y1) - (one.y0 + one.y1)) < 4
        and (word.pale or abs(word.size_pt - one.size_pt) < 0.6)
        for one in gone
    )  # fmt: skip


def _is_close_above(segment: Segment, sheet: Sheet) -> bool:
    """Return whether text stands below a line as near as the next row of a table does."""
    return any(segment.y1 - 0.5 <= word.y0 <= segment.y1 + _CLOSE_EM * segment.size_pt for word in sheet.words)


def _overlaps(segment: Segment, sheet: Sheet) -> bool:
    """Return whether other words stand on the segment, as they do on a watermark."""
    return any(
        not (word.pale and word.size_pt >= segment.size_pt - 0.6)
        and min(word.x1, segment.x1) - max(word.x0, segment.x0) > 1
        and min(word.y1, segment.y1) - max(word.y0, segment.y0) > 1
        for word in sheet.words
    )
