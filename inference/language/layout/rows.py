"""Which cells make a row where no rule says so: by the space between rows, or by how the cells are aligned.

A cell of one line beside one of three may stand at its top, its middle or its foot. Where the space between the rows
does not tell, each of these is tried; only what a single one of them, or all of them, make of the table is certain.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from inference.language.layout.segments import Segment

# In font sizes: how far two ends may be apart that count as aligned, and how much wider a gap between rows is.
_TOLERANCE_EM = 0.3
_WIDER_EM = 0.28
_LEAST_LEADING_EM = 0.8

Cells = tuple[tuple[Segment, ...], ...]


@dataclass(frozen=True)
class TableRow:
    """The cells of a row by column, each with its lines from top to bottom."""

    cells: Cells

    @property
    def y0(self) -> float:
        return min(line.y0 for cell in self.cells for line in cell)

    @property
    def y1(self) -> float:
        return max(line.y1 for cell in self.cells for line in cell)


@dataclass(frozen=True)
class _Span:
    y0: float
    y1: float


def find_rows(columns: Sequence[Sequence[Segment]]) -> tuple[list[TableRow], bool]:
    """Return the rows of a table, from its lines by column, and whether they are certain.

    The first column names the rows. Where they are not certain, each line that stands for itself is a row.
    """
    lines = sorted((line for column in columns for line in column), key=lambda line: line.y0)
    if not lines:
        return [], True
    size_pt = sorted(line.size_pt for line in lines)[len(lines) // 2]
    rows = [_row(columns, band) for band in _bands(lines, size_pt)]
    groups = _by_gaps(rows, columns, size_pt)
    if len(groups) == 2 and len(groups[0]) == 1 and _is_keyed(rows[0]):
        # Only the head row is set apart: the space says nothing about the rows below it.
        below = [[line for line in column if line.y0 >= groups[1][0].y0 - 0.1] for column in columns]
        body, certain = find_rows(below)
        return [rows[0], *body], certain
    if len(groups) < 2:
        if all(len(cell) == 1 for row in rows for cell in row.cells):
            return rows, True
        return _attach(rows, size_pt)
    if _repeats([line.text for line in columns[0]]) and all(len(cell) == 1 for row in rows for cell in row.cells):
        return rows, True
    joined = [_join(group) for group in groups]
    if any(len(group) > 1 and all(all(row.cells) for row in group) for group in groups):
        # Rows set solid, or one row whose cells have as many lines each: the page does not tell.
        return joined, False
    leading = _leading(columns) or size_pt
    if any(_has_several_keys(row, leading, size_pt) for row in joined):
        return joined, False
    if all(_is_keyed(row) for row in joined):
        return joined, True
    return _attach(joined, size_pt)


def _repeats(texts: Sequence[str]) -> bool:
    """Return whether the same few words come again and again: cards below each other, no names that are wrapped."""
    for count in range(2, len(texts) // 2 + 1):
        if len(texts) % count == 0 and all(text == texts[place % count] for place, text in enumerate(texts)):
            return len(set(texts)) == count
    return False


def _bands(lines: Sequence[Segment], size_pt: float) -> list[_Span]:
    """Return the stretches of the table between which nothing stands in any column."""
    bands: list[_Span] = []
    for line in lines:
        # Lines set solid touch each other: half of what stands below the base line is not counted.
        if bands and line.y0 < bands[-1].y1 - 0.25 * size_pt:
            bands[-1] = _Span(bands[-1].y0, max(bands[-1].y1, line.y1))
        else:
            bands.append(_Span(line.y0, line.y1))
    return bands


def _row(columns: Sequence[Sequence[Segment]], span: _Span) -> TableRow:
    return TableRow(
        tuple(
            tuple(
                sorted(
                    (line for line in column if span.y0 - 0.1 <= (line.y0 + line.y1) / 2 <= span.y1 + 0.1),
                    key=lambda line: (line.y0, line.x0),
                )
            )
            for column in columns
        )
    )


def _is_keyed(row: TableRow) -> bool:
    return bool(row.cells[0])


def _join(rows: Sequence[TableRow]) -> TableRow:
    return TableRow(
        tuple(tuple(line for row in rows for line in row.cells[place]) for place in range(len(rows[0].cells)))
    )


def _leading(columns: Iterable[Sequence[Segment]]) -> float | None:
    """Return the least distance between lines of one column, as it is within a cell that has several."""
    distances = []
    for column in columns:
        ordered = sorted(column, key=lambda line: line.y0)
        distances += [
            later.y0 - line.y0
            for line, later in itertools.pairwise(ordered)
            if later.y0 - line.y0 > _LEAST_LEADING_EM * line.size_pt
        ]
    return min(distances, default=None)


def _by_gaps(rows: Sequence[TableRow], columns: Sequence[Sequence[Segment]], size_pt: float) -> list[list[TableRow]]:
    """Return the rows in groups that are parted by wider gaps than stand between the lines of one cell."""
    leading = _leading(columns)
    inner = (leading if leading is not None else size_pt) - size_pt
    groups: list[list[TableRow]] = [[rows[0]]]
    for row, later in itertools.pairwise(rows):
        if leading is not None and later.y0 - row.y1 > inner + _WIDER_EM * size_pt:
            groups.append([later])
        else:
            groups[-1].append(later)
    return groups


def _has_several_keys(row: TableRow, leading: float, size_pt: float) -> bool:
    key = row.cells[0]
    return any(later.y0 - line.y0 > leading + _WIDER_EM * size_pt for line, later in itertools.pairwise(key))


def _attach(rows: Sequence[TableRow], size_pt: float) -> tuple[list[TableRow], bool]:
    """Return the rows with those that have no name put to the row that they belong to, and whether that is certain."""
    found: list[tuple[tuple[int, ...], list[TableRow]]] = []
    for assign, is_aligned in _ALIGNMENTS:
        groups = assign(rows, size_pt)
        if groups is None:
            continue
        joined = [_join([rows[place] for place in group]) for group in groups]
        if all(is_aligned(row, _TOLERANCE_EM * size_pt) for row in joined):
            found.append((tuple(group[0] for group in groups), joined))
    if len({starts for starts, _joined in found}) == 1:
        return found[0][1], True
    return list(rows), False


Groups = list[list[int]]


def _from_top(rows: Sequence[TableRow], size_pt: float) -> Groups | None:
    """Each name stands at the top of its row."""
    if not _is_keyed(rows[0]):
        return None
    groups: Groups = []
    for place, row in enumerate(rows):
        if _is_keyed(row):
            groups.append([place])
        else:
            groups[-1].append(place)
    return groups


def _from_foot(rows: Sequence[TableRow], size_pt: float) -> Groups | None:
    """Each name stands at the foot of its row."""
    if not _is_keyed(rows[-1]):
        return None
    groups: Groups = []
    is_open = False
    for place, row in enumerate(rows):
        if is_open:
            groups[-1].append(place)
        else:
            groups.append([place])
        is_open = not _is_keyed(row)
    return groups


def _from_middle(rows: Sequence[TableRow], size_pt: float) -> Groups | None:
    """Each name stands in the middle of its row: from where the row begins, that tells where it ends."""
    groups: Groups = []
    tolerance = 2 * _TOLERANCE_EM * size_pt
    place = 0
    while place < len(rows):
        start = place
        key = next((number for number in range(start, len(rows)) if _is_keyed(rows[number])), None)
        if key is None:
            return None
        lines = rows[key].cells[0]
        end_y = lines[0].y0 + lines[-1].y1 - rows[start].y0
        end = key + 1
        while end < len(rows) and not _is_keyed(rows[end]) and rows[end].y1 <= end_y + tolerance:
            end += 1
        if abs(rows[end - 1].y1 - end_y) > tolerance:
            return None
        groups.append(list(range(start, end)))
        place = end
    return groups


def _top_aligned(row: TableRow, tolerance: float) -> bool:
    return all(abs(cell[0].y1 - row.cells[0][0].y1) <= tolerance for cell in row.cells if cell)


def _foot_aligned(row: TableRow, tolerance: float) -> bool:
    return all(abs(cell[-1].y1 - row.cells[0][-1].y1) <= tolerance for cell in row.cells if cell)


def _middle_aligned(row: TableRow, tolerance: float) -> bool:
    middles = [(cell[0].y1 + cell[-1].y1) / 2 for cell in row.cells if cell]
    return all(abs(middle - middles[0]) <= tolerance for middle in middles)


_ALIGNMENTS: tuple[
    tuple[Callable[[Sequence[TableRow], float], Groups | None], Callable[[TableRow, float], bool]], ...
] = ((_from_top, _top_aligned), (_from_foot, _foot_aligned), (_from_middle, _middle_aligned))
