"""Where a page, or a part of it, stands in columns: those of a table, those of running text, or one cannot tell."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inference.language.layout.grid import find_level_bands
from inference.language.layout.segments import SPLIT_EM, Segment
from inference.language.layout.sheet import Rule
from inference.language.layout.tables import Table

Item = Segment | Table
Gap = tuple[float, float]
ZoneKind = Literal["table", "prose", "unsure"]

_GUTTER_EM = 0.9
_CHANNEL_EM, _CHANNEL_LINES = 0.7, 3
# Cells with hardly more than a space between them: in enough lines a word begins at the very same place.
_NARROW_EM, _ALIGNED_LINES, _ALIGNED_PT = 0.35, 4, 0.6
_LONG_SHARE, _LONG_LINES, _TEXT_WIDTH_EM = 0.7, 0.4, 11.0
HEADING = 1.12
_WIDE_EM, _APART_EM = 0.5, 3.0
_MOST_PROSE_COLUMNS = 4
# How far apart lines are that stand in turn in two columns, and how many of the first come before one of the second.
_STAGGER_EM, _MOST_BEFORE = 1.2, 3
_STEP = re.compile(r"\(?(\d{1,2})[.)]\s|([①-⑳])|[•·●○▪■□◦‣∙*–—-]\s")
_KEY_HEAD = re.compile(
    r"불량|결함|항목|구분|코드|부위|유형|번호|순번|증상|현상|단계|no\.?$|#$|defect|item|code|type|name|symptom|problem|part|step|class",
    re.I,
)


@dataclass(frozen=True)
class Band:
    """Items that overlap in height, with nothing above and below that does."""

    items: tuple[Item, ...]

    @property
    def y0(self) -> float:
        return min(item.y0 for item in self.items)

    @property
    def y1(self) -> float:
        return max(item.y1 for item in self.items)


@dataclass(frozen=True)
class Zone:
    """Bands whose items stand in the columns between `gutters`."""

    bands: tuple[Band, ...]
    gutters: tuple[Gap, ...]

    @property
    def columns(self) -> list[list[Item]]:
        """Return the items by column, each from top to bottom."""
        found: list[list[Item]] = [[] for _ in range(len(self.gutters) + 1)]
        for band in self.bands:
            for item in band.items:
                middle = (item.x0 + item.x1) / 2
                found[sum(middle > (left + right) / 2 for left, right in self.gutters)].append(item)
        return [sorted(column, key=lambda item: (item.y0, item.x0)) for column in found]


def find_bands(items: Sequence[Item]) -> list[Band]:
    """Return the items in bands from top to bottom."""
    bands: list[list[Item]] = []
    end = float("-inf")
    for item in sorted(items, key=lambda item: item.y0):
        slack = 0.25 * item.size_pt if isinstance(item, Segment) else 1.0
        if bands and item.y0 < end - slack:
            bands[-1].append(item)
        else:
            bands.append([item])
        end = max(end, item.y1) if len(bands[-1]) > 1 else item.y1
    return _join_staggered([Band(tuple(sorted(band, key=lambda item: (item.x0, item.y0)))) for band in bands])


def _join_staggered(bands: Sequence[Band]) -> list[Band]:
    """Return the bands with those made one that hold, in turn, lines at the left and at the right of a gap.

    Two columns whose lines nowhere stand side by side look like one column that jumps to and fro.
    """
    joined: list[Band] = []
    number = 0
    while number < len(bands):
        end = _find_staggered(bands, number)
        joined.append(Band(tuple(item for band in bands[number:end] for item in band.items)))
        number = end
    return joined


def _find_staggered(bands: Sequence[Band], start: int) -> int:
    """Return the end of the run of bands from `start` on that are two columns in turn; `start` + 1 for none."""
    left = right = None
    sides: list[bool] = []
    last = start
    for number in range(start, len(bands)):
        items = bands[number].items
        item = items[0]
        if len(items) != 1 or not isinstance(item, Segment):
            break
        if number > start and item.y0 - bands[number - 1].y1 > _STAGGER_EM * item.size_pt:
            break
        if left is None or right is None:
            first = bands[start].items[0]
            low, high = sorted((first, item), key=lambda one: one.x0)
            if number > start and high.x0 - low.x1 >= _GUTTER_EM * item.size_pt:
                left, right = low.x1, high.x0
                sides = [*[first.x0 >= right] * (number - start), item.x0 >= right]
            elif number - start >= _MOST_BEFORE:
                break
            continue
        wider = (max(left, item.x1), right) if item.x0 < left else (left, min(right, item.x0))
        if wider[1] - wider[0] < _GUTTER_EM * item.size_pt:
            break
        left, right = wider
        sides.append(item.x0 >= right)
        if sides[-1] != sides[-2]:
            last = number
    changes = sum(one != other for one, other in itertools.pairwise(sides))
    return last + 1 if changes > 1 else start + 1


def find_zone(bands: Sequence[Band], start: int, size_pt: float) -> tuple[Zone, int, int] | None:
    """Return the zone of columns that begins at the band `start`, and which bands it takes: from and to.

    None where the band has no gutter, or is the only one of its kind.
    """
    gutters = _gutters(bands[start], size_pt)
    if not gutters:
        return None
    taken: list[Band] = [bands[start]]
    n_several = 1
    end = start + 1
    last = start
    for number in range(start + 1, len(bands)):
        split = _split(bands[number], gutters)
        narrowed = _narrow(gutters, split, size_pt)
        if not narrowed:
            break
        gutters = narrowed
        taken.append(split)
        if len({_column(item, gutters) for item in split.items}) > 1:
            n_several += 1
            last = number
        end = number + 1
    end = _end(bands, taken, start, last, end, gutters, size_pt)
    if n_several < 2 and not _is_stacked(bands[start], gutters):
        return None
    first = _first_above(bands, start, gutters, size_pt)
    inside = [*bands[first:start], *taken[: end - start]]
    return _refine(Zone(tuple(inside), tuple(gutters)), size_pt), first, end


def _first_above(bands: Sequence[Band], start: int, gutters: Sequence[Gap], size_pt: float) -> int:
    """Return the first band of a zone: lines above it in a later column, and those between, are of it as well."""
    first = number = start
    while number > 0:
        band = bands[number - 1]
        is_apart = bands[number].y0 - band.y1 > _APART_EM * size_pt
        if is_apart or not all(isinstance(item, Segment) for item in band.items):
            break
        if _narrow(gutters, band, size_pt) != list(gutters):
            break
        number -= 1
        if any(item.x0 >= gutters[0][1] - 1 for item in band.items):
            first = number
    return first


def _refine(zone: Zone, size_pt: float) -> Zone:
    """Return the zone with gutters that are too narrow to part cells by themselves, but go all the way down."""
    gutters = list(zone.gutters)
    bands = zone.bands
    for column in zone.columns:
        segments = [item for item in column if isinstance(item, Segment)]
        if len(segments) != len(column):
            continue
        for gap in (*_gutters(Band(tuple(segments)), size_pt), *_channels(segments, size_pt)):
            if not any(left < gap[1] and gap[0] < right for left, right in gutters):
                gutters.append(gap)
    if len(gutters) > len(zone.gutters):
        gutters.sort()
        bands = tuple(_split(band, gutters) for band in bands)
    return Zone(bands, tuple(gutters))


def _channels(segments: Sequence[Segment], size_pt: float) -> list[Gap]:
    """Return the gaps between words that are at one place in all lines, where enough lines have words on both sides.

    Or on either side: cells of one column, and of the next, whose lines share no base lines.
    """
    words = sorted((word for segment in segments for word in segment.words), key=lambda word: word.x0)
    found: list[Gap] = []
    reach = None
    for word in words:
        if reach is not None and word.x0 - reach >= _NARROW_EM * size_pt:
            gap = word.x0 - reach
            bases = [{round(one.y1) for one in words if (one.x1 <= reach) == is_left} for is_left in (True, False)]
            n_both = len(bases[0] & bases[1])
            sides = sum(one.x1 <= reach for one in segments), sum(one.x0 >= word.x0 for one in segments)
            is_channel = gap >= _CHANNEL_EM * size_pt and n_both >= _CHANNEL_LINES
            is_wide = gap >= _GUTTER_EM * size_pt and min(sides) >= _CHANNEL_LINES
            if is_channel or is_wide or (n_both >= _ALIGNED_LINES and _starts_aligned(segments, reach)):
                found.append((reach, word.x0))
        reach = word.x1 if reach is None else max(reach, word.x1)
    return found


def _starts_aligned(segments: Sequence[Segment], reach: float) -> bool:
    """Return whether in all lines the first word behind a place begins at the same one."""
    starts = [min((word.x0 for word in one.words if word.x0 >= reach), default=None) for one in segments]
    found = [start for start in starts if start is not None]
    return len(found) >= _ALIGNED_LINES and max(found) - min(found) <= _ALIGNED_PT


def _end(
    bands: Sequence[Band],
    taken: Sequence[Band],
    start: int,
    last: int,
    end: int,
    gutters: Sequence[Gap],
    size_pt: float,
) -> int:
    """Return where the zone ends: after its last band of several columns, the rest of a longer column goes on."""
    number = last + 1
    while number < end:
        band = taken[number - start]
        gap = band.y0 - taken[number - start - 1].y1
        is_first_column = any(_column(item, gutters) == 0 for item in band.items)
        heads_what_follows = gap > size_pt or (number == end - 1 and end < len(bands))
        if is_first_column and heads_what_follows and _is_heading_band(band, size_pt):
            break
        if gap > _APART_EM * size_pt:
            break
        number += 1
    return number


def _is_heading_band(band: Band, size_pt: float) -> bool:
    return all(isinstance(item, Segment) and (item.bold or item.size_pt >= HEADING * size_pt) for item in band.items)


def _is_stacked(band: Band, gutters: Sequence[Gap]) -> bool:
    """Return whether one band holds several lines in two columns or more: lines that do not share base lines."""
    counts = [0] * (len(gutters) + 1)
    for item in band.items:
        counts[_column(item, gutters)] += 1
    return sum(count > 1 for count in counts) >= 2 or (max(counts) > 1 and len(counts) > 1)


def _column(item: Item, gutters: Sequence[Gap]) -> int:
    middle = (item.x0 + item.x1) / 2
    return sum(middle > (left + right) / 2 for left, right in gutters)


def _gutters(band: Band, size_pt: float) -> list[Gap]:
    gaps: list[Gap] = []
    reach = None
    for item in sorted(band.items, key=lambda item: item.x0):
        if reach is not None and item.x0 - reach >= _GUTTER_EM * size_pt:
            gaps.append((reach, item.x0))
        reach = item.x1 if reach is None else max(reach, item.x1)
    return gaps


def _narrow(gutters: Sequence[Gap], band: Band, size_pt: float) -> list[Gap]:
    """Return what of the gutters the items of a band leave free."""
    free = list(gutters)
    for item in band.items:
        cut: list[Gap] = []
        for left, right in free:
            if item.x1 <= left or item.x0 >= right:
                cut.append((left, right))
            elif item.x0 > left and item.x1 < right:
                # It stands alone in a wide gap: a column of its own.
                cut += [(left, item.x0), (item.x1, right)]
            elif item.x0 <= left < item.x1 < right:
                cut.append((item.x1, right))
            elif left < item.x0 < right <= item.x1:
                cut.append((left, item.x0))
        free = [gap for gap in cut if gap[1] - gap[0] >= _GUTTER_EM * size_pt]
    return free


def _split(band: Band, gutters: Sequence[Gap]) -> Band:
    """Return the band with segments that run across a gutter parted there, where they have a gap at that place."""
    items: list[Item] = []
    waiting = list(band.items)
    while waiting:
        item = waiting.pop(0)
        parts = None
        if isinstance(item, Segment):
            for left, right in gutters:
                if (item.x0 < left and item.x1 > right) or item.x0 < left < item.x1 - SPLIT_EM * item.size_pt:
                    parts = item.split(left, right)
                    if parts is not None:
                        break
        if parts is None:
            items.append(item)
        else:
            items.append(parts[0])
            waiting.insert(0, parts[1])
    return Band(tuple(items))


def classify(zone: Zone, rules: Sequence[Rule], size_pt: float) -> ZoneKind:
    """Return what the columns of a zone are."""
    columns = zone.columns
    lines = [[item for item in column if isinstance(item, Segment)] for column in columns]
    if any(isinstance(item, Table) for column in columns for item in column) or not all(columns):
        return "prose"
    box = (min(line.x0 for column in lines for line in column), max(line.x1 for column in lines for line in column))
    y0, y1 = zone.bands[0].y0, zone.bands[-1].y1
    if find_level_bands(rules, x0=box[0], x1=box[1], y0=y0 + 0.4 * size_pt, y1=y1 - 0.4 * size_pt):
        return "table"
    head = [column[0] for column in lines]
    has_head = len({round(line.y1 / 4) for line in head}) == 1 and all(line.bold for line in head)
    has_head = has_head and not any(line.bold for column in lines for line in column[1:])
    names_rows = bool(_KEY_HEAD.search(lines[0][0].text))
    if len(lines) <= _MOST_PROSE_COLUMNS and all(_count_steps(column) >= 2 for column in lines):
        return "prose"
    if names_rows and (has_head or len({round(line.y1 / 4) for line in head}) == 1):
        return "table"
    inner_heads = any(_is_head(line, size_pt) and line.y0 > head[0].y1 for column in lines[1:] for line in column[1:])
    if len(lines) <= _MOST_PROSE_COLUMNS and _have_headings_of_their_own(lines, size_pt):
        return "prose"
    is_text = all(_is_text(column, size_pt) for column in lines)
    if is_text and len(lines) <= _MOST_PROSE_COLUMNS:
        if inner_heads or (not has_head and not _has_wide_gaps(zone, size_pt)):
            return "prose"
        return "unsure"
    if len(lines) == 2 and not has_head and not _is_shorter(lines[0], lines[1]) and len(lines[0]) > 2:
        return "unsure"
    if not names_rows and any(line.size_pt >= HEADING * size_pt for line in head):
        # Headings are larger than the text; the heads of a table are not.
        return "unsure"
    if has_head and not names_rows and not _is_shorter(lines[0], [line for column in lines[1:] for line in column]):
        return "unsure"
    return "unsure" if inner_heads and len(lines) <= _MOST_PROSE_COLUMNS and not has_head else "table"


def _is_head(line: Segment, size_pt: float) -> bool:
    return line.bold or line.size_pt >= HEADING * size_pt


def _have_headings_of_their_own(columns: Sequence[Sequence[Segment]], size_pt: float) -> bool:
    """Return whether each column has headings among its lines, most of them not beside those of the others."""
    heads = [[line for line in column if _is_head(line, size_pt)] for column in columns]
    if not all(found and len(found) < 0.5 * len(column) for found, column in zip(heads, columns, strict=True)):
        return False
    count = sum(map(len, heads))
    n_shared = 0
    for place, found in enumerate(heads):
        others = [one.y1 for other in (*heads[:place], *heads[place + 1 :]) for one in other]
        n_shared += sum(any(abs(line.y1 - y1) < 0.3 * size_pt for y1 in others) for line in found)
    return n_shared <= 0.5 * count and count > len(heads)


def _count_steps(column: Sequence[Segment]) -> int:
    return sum(_STEP.match(line.text) is not None for line in column)


def _is_text(column: Sequence[Segment], size_pt: float) -> bool:
    """Return whether the lines of a column are those of running text: many, wide, and mostly filling it."""
    width = max(line.x1 for line in column) - min(line.x0 for line in column)
    long = sum(line.x1 - line.x0 >= _LONG_SHARE * width for line in column)
    return len(column) >= 3 and width >= _TEXT_WIDTH_EM * size_pt and long >= _LONG_LINES * len(column)


def _is_shorter(one: Sequence[Segment], other: Sequence[Segment]) -> bool:
    """Return whether the texts of one column are names for those of the other."""
    mean = sum(len(line.text) for line in one) / len(one)
    other_mean = sum(len(line.text) for line in other) / max(len(other), 1)
    return mean <= 0.75 * other_mean or mean <= 4


def _has_wide_gaps(zone: Zone, size_pt: float) -> bool:
    gaps = [later.y0 - band.y1 for band, later in zip(zone.bands, zone.bands[1:], strict=False)]
    return bool(gaps) and sum(gap > min(gaps) + _WIDE_EM * size_pt for gap in gaps) > 1
