"""The layout of a page: what stands on it in the order in which it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from inference.language.layout.columns import Band, Item, Zone, classify, find_bands, find_zone
from inference.language.layout.grid import find_grids, find_level_bands
from inference.language.layout.parallel import part_languages
from inference.language.layout.segments import Segment, find_segments
from inference.language.layout.sheet import Rule, Sheet, Word
from inference.language.layout.tables import Table, frame, read_columns, read_grid

_DEPTH = 4


def lay_out(sheet: Sheet, turned: Sequence[Segment] = ()) -> list[Item]:
    """Return the lines and tables of a sheet in reading order.

    `turned` are texts of other turns at their places on this sheet: those within a drawn table are of its cells.
    """
    words = list(sheet.words)
    tables: list[Item] = []
    for grid in find_grids(sheet.rules):
        table = read_grid(grid, words, turned, sheet.rules)
        if table is not None:
            tables.append(table)
            words = [word for word in words if not _is_in(word, table)]
    segments = find_segments(words, sheet.rules)
    return list(_order([*segments, *tables], sheet.rules, _size_pt(sheet.words), depth=0))


def _is_in(word: Word, table: Table) -> bool:
    x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
    return table.x0 <= x <= table.x1 and table.y0 <= y <= table.y1


def _size_pt(words: Sequence[Word]) -> float:
    sizes: Counter[float] = Counter()
    for word in words:
        sizes[round(word.size_pt, 1)] += len(word.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _order(items: Sequence[Item], rules: Sequence[Rule], size_pt: float, *, depth: int) -> Iterator[Item]:
    bands = find_bands(items)
    number = 0
    waiting: list[Band] = []
    while number < len(bands):
        found = find_zone(bands, number, size_pt) if depth < _DEPTH else None
        if found is None:
            waiting.append(bands[number])
            number += 1
            continue
        zone, first, end = found
        # Lines above that stand in a later column are of the zone.
        while len(waiting) and first < number:
            waiting.pop()
            first += 1
        for band in waiting:
            yield from _in_band(band)
        waiting = []
        yield from _order_zone(zone, rules, size_pt, depth=depth)
        number = end
    for band in waiting:
        yield from _in_band(band)


def _in_band(band: Band) -> Iterator[Item]:
    yield from sorted(band.items, key=lambda item: (round(item.y1 / 3), item.x0))


def _order_zone(zone: Zone, rules: Sequence[Rule], size_pt: float, *, depth: int) -> Iterator[Item]:
    kind = classify(zone, rules, size_pt)
    if kind == "table":
        head, rest = _part_at_heading(zone, size_pt)
        yield _table(head, rules, size_pt)
        if rest:
            yield from _order([item for band in rest for item in band.items], rules, size_pt, depth=depth)
        return
    parallel = part_languages(zone, size_pt) if kind in {"prose", "unsure"} else None
    if parallel is not None:
        for part in parallel:
            yield from _order(part, rules, size_pt, depth=depth + 1)
        return
    columns = zone.columns
    if kind == "prose":
        for column in columns:
            yield from _order(column, rules, size_pt, depth=depth + 1)
        return
    lines = tuple(item for column in columns for item in column if isinstance(item, Segment))
    yield Table(*frame(lines), (), lines, certain=False)


def _part_at_heading(zone: Zone, size_pt: float) -> tuple[Zone, tuple[Band, ...]]:
    """Return the zone up to a heading between two tables or a note below the last row, and the bands from there on."""
    end = len(zone.bands)
    while end > 2 and _is_note(zone, end - 1, size_pt):
        end -= 1
    if end < len(zone.bands):
        return Zone(zone.bands[:end], zone.gutters), zone.bands[end:]
    for number in range(2, len(zone.bands)):
        band = zone.bands[number]
        if len(band.items) != 1:
            continue
        (item,) = band.items
        if not isinstance(item, Segment) or (item.x0 + item.x1) / 2 > zone.gutters[0][0]:
            continue
        others = [one for other in zone.bands for one in other.items if isinstance(one, Segment) and one is not item]
        is_larger = item.size_pt >= 1.12 * size_pt
        is_bold = item.bold and sum(one.bold for one in others) < 0.5 * len(others)
        keys = [one for one in zone.columns[0] if isinstance(one, Segment) and one is not item]
        if is_larger or (is_bold and sum(one.bold for one in keys) < 0.5 * max(1, len(keys))):
            return Zone(zone.bands[:number], zone.gutters), zone.bands[number:]
    return zone, ()


def _is_note(zone: Zone, number: int, size_pt: float) -> bool:
    """Return whether a band stands apart below the others, and only in the first column."""
    band, before = zone.bands[number], zone.bands[number - 1]
    is_first = all((item.x0 + item.x1) / 2 < zone.gutters[0][0] for item in band.items)
    return is_first and band.y0 - before.y1 > 0.8 * size_pt


def _table(zone: Zone, rules: Sequence[Rule], size_pt: float) -> Item:
    columns = [[item for item in column if isinstance(item, Segment)] for column in zone.columns]
    columns = [column for column in columns if column]
    lines = [line for column in columns for line in column]
    x0, y0, x1, y1 = frame(lines)
    bands = find_level_bands(rules, x0=x0, x1=x1, y0=y0 + 0.4 * size_pt, y1=y1 - 0.4 * size_pt)
    return read_columns(columns, bands)
