"""What the picture of a page shows besides its words: rules, and ink that nobody has read."""

from __future__ import annotations

import numpy as np

# Gray values from 0 (black): paper and pale watermarks are lighter.
_DARK = 140
_RULE_SHARE = 0.06
_MOST_RULES = 400
_MARGIN_PX = 6
_THICK_PX = 14


def find_rules(gray: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Return (left, top, right, bottom) of straight level and upright lines that are longer than any stroke."""
    dark = gray < _DARK
    level = _runs(dark, max(40, int(_RULE_SHARE * gray.shape[1])))
    upright = _runs(dark.T, max(40, int(_RULE_SHARE * gray.shape[1])))
    return [*level, *((top, left, bottom, right) for left, top, right, bottom in upright)][:_MOST_RULES]


def _runs(dark: np.ndarray, length: int) -> list[tuple[int, int, int, int]]:
    """Return runs of dark points of at least `length` along the rows; those of neighboring rows are one."""
    if dark.shape[1] <= length:
        return []
    counts = np.cumsum(np.pad(dark, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    # A scan breaks a line here and there.
    starts = counts[:, length:] - counts[:, :-length] >= 0.97 * length
    found: list[list[int]] = []
    for row in np.flatnonzero(starts.any(axis=1)):
        edges = np.flatnonzero(np.diff(np.pad(starts[row].astype(np.int8), 1)))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            left, right = int(first), int(last) + length - 1
            for other in found[-8:]:
                if row - other[3] <= 2 and left < other[2] and right > other[0]:
                    other[0], other[2], other[3] = min(other[0], left), max(other[2], right), int(row)
                    break
            else:
                found.append([left, int(row), right, int(row)])
    # What is thick is a box or a letter of a poster.
    return [(left, top, right, bottom) for left, top, right, bottom in found if bottom - top < _THICK_PX]


def unread_share(gray: np.ndarray, boxes: list[tuple[int, int, int, int]]) -> float:
    """Return the share of the dark points that stand in none of the boxes: words that were missed, or a drawing."""
    dark = gray < _DARK
    total = int(dark.sum())
    if not total:
        return 0.0
    for left, top, right, bottom in boxes:
        dark[max(0, top - _MARGIN_PX) : bottom + _MARGIN_PX, max(0, left - _MARGIN_PX) : right + _MARGIN_PX] = False
    return float(dark.sum()) / total
