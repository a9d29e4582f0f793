"""Tables: of cells that are drawn, and of columns that only space parts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from inference.language.layout.grid import Grid
from inference.language.layout.rows import TableRow, find_rows
from inference.language.layout.segments import Segment, find_segments, join_lines
from inference.language.layout.sheet import Rule, Word

Texts = tuple[tuple[str, ...], ...]

_SEVERAL_EM = 0.45


@dataclass(frozen=True)
class Table:
    """A table at its place; not `certain` where its rows or columns could not be told, `rows` is then empty.

    `lines` are all that stands in it, row by row or, where that is not known, column by column.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    rows: Texts
    lines: tuple[Segment, ...]
    certain: bool = True


def read_grid(grid: Grid, words: Sequence[Word], turned: Sequence[Segment], rules: Sequence[Rule]) -> Table | None:
    """Return the table of a grid; None where it holds no words, or is a single column or row of boxes.

    `turned` are words on this page that are read with the page turned, at their places in this frame.
    """
    n_rows, n_columns = grid.shape
    if n_columns < 2:
        return None
    cells: dict[int, list[Word]] = {}
    for word in words:
        place = grid.place((word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2)
        if place is not None:
            cells.setdefault(grid.owners[place[0]][place[1]], []).append(word)
    lines = {owner: tuple(find_segments(found)) for owner, found in cells.items()}
    for segment in turned:
        place = grid.place((segment.x0 + segment.x1) / 2, (segment.y0 + segment.y1) / 2)
        if place is not None:
            owner = grid.owners[place[0]][place[1]]
            lines[owner] = (*lines.get(owner, ()), segment)
    if not lines or n_rows < 2:
        return None
    certain = grid.is_whole
    rows: list[tuple[str, ...]] = []
    n_filled = sum(any(owner in lines for owner in owners) for owners in grid.owners)
    for number, owners in enumerate(grid.owners):
        found = [lines.get(owner, ()) for owner in owners]
        if not any(found):
            continue
        spans = any(owner in grid.owners[other] for owner in owners for other in _beside(number, n_rows))
        if not spans and len(set(owners)) == len(owners) and _holds_rows(found, is_only_body=n_filled <= 2):
            inner, is_sure = find_rows(found)
            certain = certain and is_sure
            rows += [tuple(_text(cell) for cell in row.cells) for row in inner]
        else:
            rows.append(tuple(_text(cell) for cell in found))
    ordered = dict.fromkeys(owner for owners in grid.owners for owner in owners if owner in lines)
    return Table(
        grid.xs[0],
        grid.ys[0],
        grid.xs[-1],
        grid.ys[-1],
        _without_empty_columns(rows) if certain else (),
        tuple(line for owner in ordered for line in lines[owner]),
        certain,
    )


def read_columns(columns: Sequence[Sequence[Segment]], bands: Sequence[float]) -> Table:
    """Return the table of lines in columns; level rules at `bands` end a row there."""
    lines = [line for column in columns for line in column]
    box = frame(lines)
    ends = [box[1] - 1, *(y for y in bands if box[1] < y < box[3]), box[3] + 1]
    parts: list[list[list[Segment]]] = []
    for top, bottom in itertools.pairwise(ends):
        part = [[line for line in column if top <= (line.y0 + line.y1) / 2 < bottom] for column in columns]
        if any(part):
            parts += _part_bold_head(part) if not parts else [part]
    certain = True
    rows: list[TableRow] = []
    for part in parts:
        if len(parts) > 2 and not _holds_rows(part, is_only_body=False):
            rows.append(TableRow(tuple(tuple(sorted(column, key=lambda line: (line.y0, line.x0))) for column in part)))
            continue
        found, is_sure = find_rows(part)
        rows += found
        certain = certain and is_sure
    # A row of a name alone heads others, or belongs to them: the page does not tell.
    certain = certain and all(any(row.cells[1:]) for row in rows)
    if not certain:
        return Table(
            *box, (), tuple(line for column in columns for line in sorted(column, key=lambda one: one.y0)), False
        )
    texts = tuple(tuple(_text(cell) for cell in row.cells) for row in rows)
    return Table(*box, texts, tuple(line for row in rows for cell in row.cells for line in cell))


def _part_bold_head(part: list[list[Segment]]) -> list[list[list[Segment]]]:
    """Return the first part of a table with its head row by itself, where only that is bold: stripes begin below it."""
    ordered = [sorted(column, key=lambda line: line.y0) for column in part]
    if not all(column and column[0].bold and not any(line.bold for line in column[1:]) for column in ordered):
        return [part]
    rest = [column[1:] for column in ordered]
    head = [column[:1] for column in ordered]
    foot = max(line.y1 for column in head for line in column)
    if not any(rest) or any(line.y0 < foot - 0.25 * line.size_pt for column in rest for line in column):
        return [part]
    return [head, rest]


def frame(lines: Sequence[Segment]) -> tuple[float, float, float, float]:
    """Return the corners around lines."""
    return (
        min(line.x0 for line in lines),
        min(line.y0 for line in lines),
        max(line.x1 for line in lines),
        max(line.y1 for line in lines),
    )


def _beside(number: int, count: int) -> list[int]:
    return [other for other in (number - 1, number + 1) if 0 <= other < count]


def _holds_rows(columns: Sequence[Sequence[Segment]], *, is_only_body: bool) -> bool:
    """Return whether what stands between two level rules looks like several rows."""
    key = columns[0]
    if len(key) < 2:
        return is_only_body and not key and any(len(column) > 1 for column in columns)
    if is_only_body and sum(len(column) > 1 for column in columns) > 1:
        return True
    distances = [later.y0 - line.y0 for line, later in itertools.pairwise(key) if later.y0 > line.y0 + 1]
    others = [
        later.y0 - line.y0
        for column in columns[1:]
        for line, later in itertools.pairwise(column)
        if later.y0 > line.y0 + 1
    ]
    least = min([*distances, *others], default=0.0)
    return max(distances, default=0.0) > least + _SEVERAL_EM * key[0].size_pt


def _text(cell: Sequence[Segment]) -> str:
    return join_lines([line.text for line in cell]).replace("|", "/") if cell else ""


def _without_empty_columns(rows: Sequence[tuple[str, ...]]) -> Texts:
    kept = [number for number in range(len(rows[0])) if any(row[number] for row in rows)] if rows else []
    return tuple(tuple(row[number] for number in kept) for row in rows)
