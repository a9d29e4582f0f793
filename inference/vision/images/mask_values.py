"""Which values of a mask mark a defect: drawn in white, as numbers of classes, or with gray edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# A mask that is nowhere brighter than this share of the range holds numbers of classes or parts, not gray.
_DARK_SHARE = 0.25
# Gray this near to black or to the brightest value is what a lossy file made of them.
_RINGING_SHARE = 1 / 16
_FEW_VALUES = 8
# From this share of gray that lies in areas of one value on, gray is a class of its own.
_FLAT_SHARE = 0.5


def mark(values: npt.NDArray[Any], *, lossy: bool) -> npt.NDArray[np.bool_]:
    """Return where a mask, unsigned (H, W), marks a defect: bool (H, W).

    Numbers of classes (0, 1, 2, 3) mark whatever is above 0. Gray that only lies between black and white (the edges of
    a mask that was smoothed, made smaller or stored as JPEG) is cut at one half of the brightest value.
    """
    highest = int(values.max())
    full = 255 if highest < 256 else 65_535
    dark = highest < _DARK_SHARE * full
    if lossy:
        return np.asarray(values > max(highest // 2, full // 4))
    if dark or _are_classes(values, highest):
        return np.asarray(values > 0)
    return np.asarray(values > highest // 2)


def _are_classes(values: npt.NDArray[Any], highest: int) -> bool:
    """Return whether the gray between 0 and `highest` lies in areas of one value, as classes do and edges do not."""
    gray = (values > 0) & (values < highest)
    if not gray.any():
        return True
    near = _RINGING_SHARE * highest
    middle = gray & (values > near) & (values < highest - near)
    if not middle.any():
        # Classes 1 and 2 beside 255; a lossy file strays to both sides of it.
        if (gray & (values >= highest - near)).any() or len(np.unique(values[gray])) > _FEW_VALUES:
            return False
        middle = gray
    return float(_in_squares(values)[middle].mean()) >= _FLAT_SHARE


def _in_squares(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which pixels are part of a square of 2 × 2 px of one value."""
    found = np.zeros(values.shape, np.bool_)
    if min(values.shape) < 2:
        return found
    corner = values[:-1, :-1]
    same = (corner == values[1:, :-1]) & (corner == values[:-1, 1:]) & (corner == values[1:, 1:])
    for rows in (slice(0, -1), slice(1, None)):
        for columns in (slice(0, -1), slice(1, None)):
            found[rows, columns] |= same
    return found
