"""Tables whose cells are drawn: the rules between them tell rows, columns and merged cells for certain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inference.language.layout.sheet import Rule

_NEAR_PT = 3.0
_DRAWN_SHARE = 0.6
_MOST_LINES = 400


@dataclass(frozen=True)
class Grid:
    """The places of the lines of a table, and for each of its cells the number of the merged cell that it is part of.

    `owners` has a row for each space between two of `ys`. `is_whole` is False where cells merge to what is no box.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    owners: tuple[tuple[int, ...], ...]
    is_whole: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Return the numbers of rows and columns."""
        return len(self.ys) - 1, len(self.xs) - 1

    def place(self, x: float, y: float) -> tuple[int, int] | None:
        """Return the row and column of a point; None outside."""
        if not (self.xs[0] <= x <= self.xs[-1] and self.ys[0] <= y <= self.ys[-1]):
            return None
        row = next(number for number, end in enumerate(self.ys[1:]) if y <= end)
        column = next(number for number, end in enumerate(self.xs[1:]) if x <= end)
        return row, column


def find_grids(rules: Sequence[Rule]) -> list[Grid]:
    """Return the tables that the rules draw, from top to bottom: two cells or more, with level and upright rules."""
    level = _merge([rule for rule in rules if rule.is_level])
    upright = [_flip(rule) for rule in _merge([_flip(rule) for rule in rules if not rule.is_level])]
    grids = []
    for levels, uprights in _connected(level, upright):
        if len(levels) < 2 or not uprights:
            continue
        if len(levels) > _MOST_LINES or len(uprights) > _MOST_LINES:
            continue
        ys = _places([y for rule in levels for y in (rule.y0,)])
        xs = _places([rule.x0 for rule in uprights] + [min(r.x0 for r in levels), max(r.x1 for r in levels)])
        if len(xs) < 2 or len(ys) < 2 or (len(xs) - 1) * (len(ys) - 1) < 2:
            continue
        grids.append(_grid(xs, ys, levels, uprights))
    return sorted(grids, key=lambda grid: grid.ys[0])


def find_level_bands(rules: Sequence[Rule], *, x0: float, x1: float, y0: float, y1: float) -> list[float]:
    """Return where level rules cross most of a region from `x0` to `x1`: each ends a row there."""
    crossing = [
        rule.y0
        for rule in _merge([rule for rule in rules if rule.is_level])
        if y0 <= rule.y0 <= y1 and min(rule.x1, x1) - max(rule.x0, x0) > 0.8 * (x1 - x0)
    ]
    return list(_places(crossing))


def _flip(rule: Rule) -> Rule:
    return Rule(rule.y0, rule.x0, rule.y1, rule.x1)


def _merge(rules: Iterable[Rule]) -> list[Rule]:
    """Return level rules with those on one height that touch each other made one."""
    merged: list[Rule] = []
    for rule in sorted(rules, key=lambda rule: (round(rule.y0 / _NEAR_PT), rule.x0)):
        for number in range(len(merged) - 1, max(-1, len(merged) - 4), -1):
            other = merged[number]
            if (
                abs(other.y0 - rule.y0) <= _NEAR_PT
                and rule.x0 <= other.x1 + _NEAR_PT
                and other.x0 <= rule.x1 + _NEAR_PT
            ):
                merged[number] = Rule(min(other.x0, rule.x0), other.y0, max(other.x1, rule.x1), other.y0)
                break
        else:
            merged.append(rule)
    return merged


def _connected(level: Sequence[Rule], upright: Sequence[Rule]) -> list[tuple[list[Rule], list[Rule]]]:
    """Return the rules in groups that touch each other."""
    groups: list[tuple[list[Rule], list[Rule]]] = [([rule], []) for rule in level]
    for rule in upright:
        touched = [group for group in groups if any(_touch(other, rule) for other in group[0])]
        if not touched:
            continue
        first = touched[0]
        first[1].append(rule)
        for other in touched[1:]:
            first[0].extend(other[0])
            first[1].extend(other[1])
            groups.remove(other)
    return groups


def _touch(level: Rule, upright: Rule) -> bool:
    return (
        level.x0 - _NEAR_PT <= upright.x0 <= level.x1 + _NEAR_PT
        and upright.y0 - _NEAR_PT <= level.y0 <= upright.y1 + _NEAR_PT
    )


def _places(values: Sequence[float]) -> tuple[float, ...]:
    """Return the values in order, those that are near each other once."""
    places: list[float] = []
    for value in sorted(values):
        if not places or value - places[-1] > _NEAR_PT:
            places.append(value)
    return tuple(places)


def _grid(xs: tuple[float, ...], ys: tuple[float, ...], level: Sequence[Rule], upright: Sequence[Rule]) -> Grid:
    n_rows, n_columns = len(ys) - 1, len(xs) - 1
    owner = list(range(n_rows * n_columns))

    def root(cell: int) -> int:
        while owner[cell] != cell:
            cell = owner[cell]
        return cell

    for row in range(n_rows):
        for column in range(n_columns):
            cell = row * n_columns + column
            if column + 1 < n_columns and not _drawn(upright, xs[column + 1], ys[row], ys[row + 1], is_level=False):
                owner[root(cell + 1)] = root(cell)
            if row + 1 < n_rows and not _drawn(level, ys[row + 1], xs[column], xs[column + 1], is_level=True):
                owner[root(cell + n_columns)] = root(cell)
    owners = tuple(tuple(root(row * n_columns + column) for column in range(n_columns)) for row in range(n_rows))
    return Grid(xs, ys, owners, is_whole=_is_whole(owners))


def _drawn(rules: Sequence[Rule], at: float, start: float, end: float, *, is_level: bool) -> bool:
    """Return whether rules at a place run along most of the way from `start` to `end`."""
    covered = 0.0
    for rule in rules:
        place, first, last = (rule.y0, rule.x0, rule.x1) if is_level else (rule.x0, rule.y0, rule.y1)
        if abs(place - at) <= _NEAR_PT:
            covered = max(covered, min(last, end) - max(first, start))
    return covered >= _DRAWN_SHARE * (end - start)


def _is_whole(owners: tuple[tuple[int, ...], ...]) -> bool:
    places: dict[int, list[tuple[int, int]]] = {}
    for row, line in enumerate(owners):
        for column, owner in enumerate(line):
            places.setdefault(owner, []).append((row, column))
    for cells in places.values():
        rows, columns = [row for row, _ in cells], [column for _, column in cells]
        if len(cells) != (max(rows) - min(rows) + 1) * (max(columns) - min(columns) + 1):
            return False
    return True
