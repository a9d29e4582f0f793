"""Two columns that say the same in two languages, with headings that stand above both."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from inference.language.layout.columns import HEADING, Item, Zone
from inference.language.layout.segments import Segment

_OTHER_LANGUAGE, _ITS_LANGUAGE = 0.02, 0.3
_APART = 1.5


def part_languages(zone: Zone, size_pt: float) -> list[list[Item]] | None:
    """Return the items in the order in which they are read: each heading, what stands below it left, then right.

    None where the columns are not of two languages, or where both have headings of their own, or where nothing shows
    that a heading of the left one is that of both.
    """
    columns = [[item for item in column if isinstance(item, Segment)] for column in zone.columns]
    if len(columns) != 2 or not all(columns) or not _are_of_two_languages(columns):
        return None
    first, second = columns
    if any(_is_heading(line, size_pt) for line in second):
        return None
    heads = [line for line in first if _is_heading(line, size_pt)]
    if not all(_parts(head, second) for head in heads):
        return None
    parts: list[list[Item]] = []
    ends = [float("-inf"), *(head.y0 - 0.1 for head in heads), float("inf")]
    for top, bottom in itertools.pairwise(ends):
        for column in (first, second):
            inside: list[Item] = [line for line in column if top <= line.y0 < bottom]
            if inside:
                parts.append(inside)
    return parts


def _is_heading(line: Segment, size_pt: float) -> bool:
    return line.bold or line.size_pt >= HEADING * size_pt


def _are_of_two_languages(columns: Sequence[Sequence[Segment]]) -> bool:
    shares = []
    for column in columns:
        letters = [letter for line in column for letter in line.text if letter.isalpha()]
        shares.append(sum("가" <= letter <= "힣" for letter in letters) / max(1, len(letters)))
    return min(shares) <= _OTHER_LANGUAGE and max(shares) >= _ITS_LANGUAGE


def _parts(head: Segment, column: Sequence[Segment]) -> bool:
    """Return whether the other column leaves a space beside a heading, wider than between its own lines."""
    above = [line for line in column if line.y0 < head.y0]
    below = [line for line in column if line.y0 >= head.y0]
    if not above or not below:
        return True
    ordered = sorted(column, key=lambda line: line.y0)
    leading = min(later.y0 - line.y0 for line, later in itertools.pairwise(ordered))
    return min(line.y0 for line in below) - max(line.y0 for line in above) >= _APART * leading
