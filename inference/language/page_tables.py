"""Tables on a page, found by the places of their cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inference.language.pdf_text import Line

Row = tuple[str, ...]

_ALIGNED = 0.02
_ROW_GAP = 0.9
_CELL_LINES = 8


@dataclass(frozen=True)
class TableLines:
    """A table that begins at some line of the page and ends before the line `end`."""

    end: int
    rows: tuple[Row, ...]


def find_tables(lines: Sequence[Line]) -> dict[int, TableLines]:
    """Return tables by the number of their first line: two rows or more with two cells or more that stand in columns.

    The lines come cell by cell and row by row, as nearly every program writes them.
    """
    found: dict[int, TableLines] = {}
    index = 0
    while index < len(lines):
        rows: list[list[list[Line]]] = []
        end = index
        while (row := _read_row(lines, end)) is not None and (not rows or _same_columns(rows[0], row)):
            rows.append(row)
            end += sum(len(cell) for cell in row)
        if len(rows) >= 2:
            texts = tuple(tuple(" ".join(line.text for line in cell) for cell in row) for row in rows)
            found[index] = TableLines(end, texts)
            index = end
        else:
            index += 1
    return found


def _read_row(lines: Sequence[Line], start: int) -> list[list[Line]] | None:
    """Return the cells of the row that begins at `start`, each with its lines; None where no row begins."""
    if start >= len(lines):
        return None
    row = [[lines[start]]]
    for line in lines[start + 1 :]:
        if _is_right_of(row, line):
            row.append([line])
        elif len(row[-1]) < _CELL_LINES and _is_below(row[-1], line):
            row[-1].append(line)
        else:
            break
    return row if len(row) > 1 else None


def _is_right_of(row: list[list[Line]], line: Line) -> bool:
    beside = line.box.x0 > max(other.box.x1 for other in row[-1])
    top, bottom = row[0][0].box.y0, max(other.box.y1 for cell in row for other in cell)
    shared = min(bottom, line.box.y1) - max(top, line.box.y0)
    return beside and shared > 0.5 * (line.box.y1 - line.box.y0)


def _is_below(cell: list[Line], line: Line) -> bool:
    last = cell[-1]
    height = max(last.box.y1 - last.box.y0, line.box.y1 - line.box.y0)
    gap = line.box.y0 - last.box.y1
    aligned = abs(line.box.x0 - cell[0].box.x0) < _ALIGNED
    return aligned and -0.5 * height < gap < _ROW_GAP * height and line.bold == last.bold


def _same_columns(first: list[list[Line]], row: list[list[Line]]) -> bool:
    starts = [cell[0].box.x0 for cell in first]
    if row[0][0].box.y0 < first[0][0].box.y1:
        return False
    shared = sum(any(abs(cell[0].box.x0 - start) < _ALIGNED for start in starts) for cell in row)
    return shared >= 2
