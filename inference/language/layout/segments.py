"""Words put together to segments: what stands on one base line without a gap that parts cells or columns."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inference.language.layout.sheet import Box, Rule, Word

# What stands at the end of a line whose last word is parted, or is one of two that a hyphen joins.
SOFT_HYPHEN = "\u00ad"
_COMPOUNDS = frozenset(
    ("self", "non", "re", "pre", "post", "cross", "high", "low", "semi", "anti", "multi", "two", "three", "one", "all")
)
# Two words with more than this many font sizes between them are of different cells or columns.
GAP_EM = 1.3
# A narrower one is enough where other lines have it at the same place.
SPLIT_EM = 0.6
_SAME_LINE = 0.4
# Words that touch are one: its letters are of several fonts.
_TOUCH_EM = 0.08
_MARK = re.compile(r"[•·ㆍ●○◎▪▫■□◆◇▶▷►▸☞✓√→◦‣∙・*–—※ㅇⓐ-ⓩ-]|[(\[]?\d{1,2}[.)\]]|[①-⑳]|\(?[가-하][.)]")
_MARK_GAP_EM = 4.0
_SPACED_EM = 1.5


@dataclass(frozen=True)
class Segment:
    """Words on one base line; `x0` to `y1` are in the frame in which they are read, `box` is that of a `Word`."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size_pt: float
    bold: bool
    box: Box
    words: tuple[Word, ...] = ()

    def split(self, x0: float, x1: float) -> tuple[Segment, Segment] | None:
        """Return the parts left and right of a gap that lies between these places; None where there is none."""
        for number in range(1, len(self.words)):
            left, right = self.words[number - 1].x1, self.words[number].x0
            if right - left >= SPLIT_EM * self.size_pt and min(right, x1) - max(left, x0) > 0.3 * self.size_pt:
                return make_segment(self.words[:number]), make_segment(self.words[number:])
        return None


def join_boxes(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around all of them."""
    across0, down0, across1, down1 = zip(*boxes, strict=True)
    return Box(min(across0), min(down0), max(across1), max(down1))


def join_lines(texts: Sequence[str]) -> str:
    """Return lines as one text: a word that was parted at the end of a line is whole again."""
    joined = texts[0]
    for text in texts[1:]:
        if joined.endswith(SOFT_HYPHEN):
            start = joined[:-1].rsplit(" ", 1)[-1]
            is_parted = start[-1:].islower() and start.isascii() and text[:1].islower() and text[:1].isascii()
            joined = joined[:-1] + ("" if is_parted and start.lower() not in _COMPOUNDS else "-") + text
        else:
            joined += text if joined.endswith("-") and joined[-2:-1].isalpha() else f" {text}"
    return joined.removesuffix(SOFT_HYPHEN) + ("-" if joined.endswith(SOFT_HYPHEN) else "")


def find_segments(words: Sequence[Word], rules: Sequence[Rule] = (), gutters: Sequence[float] = ()) -> list[Segment]:
    """Return the segments from top to bottom and left to right; upright rules, and `gutters` at these x, part them."""
    upright = [rule for rule in rules if not rule.is_level]
    segments = []
    for line in _lines(words):
        start = 0
        for index in range(1, len(line) + 1):
            if index == len(line) or _parts(line[start:index], line[index], upright, gutters):
                segments.append(make_segment(line[start:index]))
                start = index
    return segments


def _lines(words: Sequence[Word]) -> list[list[Word]]:
    """Return the words by base line, each line from left to right."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (word.y1, word.x0)):
        for line in reversed(lines[-4:]):
            # Lines are compared by their largest word: a raised figure belongs to the line that it is raised on.
            largest = max(line[-3:], key=lambda other: other.size_pt)
            shared = min(largest.y1, word.y1) - max(largest.y0, word.y0)
            if shared > (1 - _SAME_LINE) * min(word.y1 - word.y0, largest.y1 - largest.y0):
                line.append(word)
                break
        else:
            lines.append([word])
    return [sorted(line, key=lambda word: word.x0) for line in lines]


def _parts(before: Sequence[Word], word: Word, upright: Sequence[Rule], gutters: Sequence[float]) -> bool:
    last = before[-1]
    gap = word.x0 - last.x1
    size_pt = min(last.size_pt, word.size_pt)
    middle = (word.y0 + word.y1) / 2
    left, right = last.x1 - 1, word.x0 + 1
    if any(left <= rule.x0 <= right and rule.y0 <= middle <= rule.y1 for rule in upright):
        return True
    if any(left <= gutter <= right for gutter in gutters):
        return True
    if len(before) == 1 and _MARK.fullmatch(last.text):
        return gap > _MARK_GAP_EM * size_pt
    return gap > GAP_EM * size_pt


def make_segment(words: Sequence[Word]) -> Segment:
    """Return words of one line as a segment."""
    # Most of its letters tell what a line is set in.
    widest = max(words, key=lambda word: len(word.text))
    return Segment(
        text=_join_words(words),
        x0=min(word.x0 for word in words),
        y0=min(word.y0 for word in words),
        x1=max(word.x1 for word in words),
        y1=max(word.y1 for word in words),
        size_pt=widest.size_pt,
        bold=widest.bold,
        box=join_boxes(word.box for word in words),
        words=tuple(words),
    )


def _join_words(words: Sequence[Word]) -> str:
    """Return the words as a text; letters that are set apart ("조 치", "N O T E") make one word again."""
    if len(words) < 2 or not _is_spaced_out(words):
        text = words[0].text
        for word, later in itertools.pairwise(words):
            text += later.text if later.x0 - word.x1 < _TOUCH_EM * later.size_pt else f" {later.text}"
        return text
    gaps = [later.x0 - word.x1 for word, later in itertools.pairwise(words)]
    least = max(min(gaps), 0.1 * words[0].size_pt)
    text = words[0].text
    for gap, word in zip(gaps, words[1:], strict=True):
        text += f" {word.text}" if gap > _SPACED_EM * least else word.text
    return text


def _is_spaced_out(words: Sequence[Word]) -> bool:
    if any(len(word.text) != 1 for word in words):
        return False
    if all("가" <= word.text <= "힣" for word in words):
        return True
    return len(words) > 3 and all(word.text.isalpha() for word in words)
