"""The words of a page in the frame in which they are read: turned upright, in points from the upper left corner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

# Above and below the base line, in font sizes: where the letters of a word are taken to stand.
_ASCENT, _DESCENT = 0.78, 0.2
ACROSS = -1


class Box(NamedTuple):
    """A place on a page; the origin is its top left corner. In fractions of its width and height where not said."""

    x0: float
    y0: float
    x1: float
    y1: float


class Word(NamedTuple):
    """A word in the frame in which it is read; `box` is its place in points on the page as it is shown."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size_pt: float
    bold: bool
    pale: bool
    legible: bool
    font: int
    box: Box


class Rule(NamedTuple):
    """A line that is drawn, or the edge of a box; one of its sides is next to nothing."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def is_level(self) -> bool:
        """Return whether it runs from left to right."""
        return self.x1 - self.x0 >= self.y1 - self.y0


@dataclass(frozen=True)
class Sheet:
    """Words that are read with the page turned by `turn` quarters clockwise, and the rules between them."""

    turn: int
    width: float
    height: float
    words: tuple[Word, ...]
    rules: tuple[Rule, ...]

    @property
    def shown_size(self) -> tuple[float, float]:
        """Return width and height of the page as it is shown."""
        is_upright = self.turn % 2 == 0 or self.turn == ACROSS
        return (self.width, self.height) if is_upright else (self.height, self.width)


_THIN_PT = 3.0
_LEAST_RULE_PT = 6.0


def find_sheets(record: dict[str, Any]) -> list[Sheet]:
    """Return the sheets of a page that a child process has read, the one with the most letters first.

    Words that run across the page at an angle make the sheet with the turn -1, the last one.
    """
    width, height = float(record["width"]), float(record["height"])
    by_turn: dict[int, list[Any]] = {}
    for word in record["words"]:
        if word[1] >= width or word[3] <= 0 or word[2] >= height or word[4] <= 0:
            continue  # beyond the edge of the page, where nobody sees it
        by_turn.setdefault(int(word[8]), []).append(word)
    letters: Counter[int] = Counter()
    for turn, words in by_turn.items():
        letters[turn] = sum(len(word[0]) for word in words) if turn != ACROSS else -1
    return [
        Sheet(
            turn,
            *((width, height) if turn % 2 == 0 or turn == ACROSS else (height, width)),
            tuple(_word(word, turn, width=width, height=height) for word in by_turn[turn]),
            tuple(_rules(record["rules"], max(turn, 0), width=width, height=height)),
        )
        for turn, _count in letters.most_common()
    ]


def fractions(box: tuple[float, float, float, float], width: float, height: float) -> Box:
    """Return a box in points as a place on a page of this size."""
    x0, y0, x1, y1 = box
    return Box(*(min(max(value, 0.0), 1.0) for value in (x0 / width, y0 / height, x1 / width, y1 / height)))


def _word(found: Sequence[Any], turn: int, *, width: float, height: float) -> Word:
    text, x0, y0, x1, y1, base_x, base_y, size_pt, _turn, bold, pale, legible, font = found
    shown = Box(x0, y0, x1, y1)
    if turn == ACROSS:
        return Word(text, x0, y0, x1, y1, size_pt, bold, pale, legible, font, shown)
    corners, base = (x0, y0, x1, y1), base_y
    if turn:
        corners = _upright(corners, turn, width=width, height=height)
        base = _upright((base_x, base_y, base_x, base_y), turn, width=width, height=height)[1]
    top, bottom = base - _ASCENT * size_pt, base + _DESCENT * size_pt
    return Word(text, corners[0], top, corners[2], bottom, size_pt, bold, pale, legible, font, shown)


def _upright(
    box: tuple[float, float, float, float], turn: int, *, width: float, height: float
) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    match turn:
        case 1:
            return y0, width - x1, y1, width - x0
        case 2:
            return width - x1, height - y1, width - x0, height - y0
        case 3:
            return height - y1, x0, height - y0, x1
    return box


def _rules(found: Iterable[Sequence[float]], turn: int, *, width: float, height: float) -> Iterable[Rule]:
    """Yield the rules; a box gives its four edges, the one around the whole page none."""
    for x0, y0, x1, y1 in found:
        if x1 - x0 > 0.97 * width and y1 - y0 > 0.97 * height:
            continue
        a0, b0, a1, b1 = _upright((x0, y0, x1, y1), turn, width=width, height=height)
        if max(a1 - a0, b1 - b0) < _LEAST_RULE_PT:
            continue
        if min(a1 - a0, b1 - b0) <= _THIN_PT:
            # The middle of a thick line.
            if a1 - a0 >= b1 - b0:
                b0 = b1 = (b0 + b1) / 2
            else:
                a0 = a1 = (a0 + a1) / 2
            yield Rule(a0, b0, a1, b1)
            continue
        yield from (Rule(a0, b0, a1, b0), Rule(a0, b1, a1, b1), Rule(a0, b0, a0, b1), Rule(a1, b0, a1, b1))
