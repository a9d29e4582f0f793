"""Binary masks as run lengths in COCO's uncompressed form: column by column, beginning with the zeros.

Lin et al., "Microsoft COCO: Common Objects in Context" (ECCV 2014), annotation format: `counts` alternate between
pixels that are not marked and pixels that are, in Fortran order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def encode_runs(marked: npt.NDArray[np.bool_]) -> list[int]:
    """Return the run lengths of a mask of height × width; they sum to its number of pixels."""
    flat = np.asarray(marked, dtype=bool).ravel(order="F")
    if flat.size == 0:
        return []
    ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths = np.diff(np.concatenate(([0], ends, [flat.size])))
    return [0, *lengths.tolist()] if flat[0] else lengths.tolist()


def decode_runs(counts: Sequence[int], *, height_px: int, width_px: int) -> npt.NDArray[np.bool_]:
    """Return the mask, height × width, bool. Raises ValueError where the runs do not fill it exactly."""
    lengths = _check(counts, height_px * width_px)
    values = np.arange(lengths.size) % 2 == 1
    return np.repeat(values, lengths).reshape((height_px, width_px), order="F")


def decode_columns(
    counts: Sequence[int], *, columns: tuple[int, int], height_px: int, width_px: int
) -> npt.NDArray[np.bool_]:
    """Return the columns of the mask from the first up to the second, height × n, bool; raises as `decode_runs`.

    A small region of a large image takes as little as it is large.
    """
    lengths = _check(counts, height_px * width_px)
    first, last = (min(max(0, column), width_px) * height_px for column in columns)
    ends = np.clip(np.cumsum(lengths), first, last) - first
    inside = np.diff(ends, prepend=0)
    return np.repeat(np.arange(lengths.size) % 2 == 1, inside).reshape((height_px, -1), order="F")


def bound_runs(counts: Sequence[int], *, width_px: int, height_px: int) -> tuple[int, int, int, int] | None:
    """Return x, y, width and height of what the runs mark; None for nothing. Raises as `decode_runs`."""
    lengths = _check(counts, height_px * width_px)
    ends = np.cumsum(lengths)[1::2]
    starts = ends - lengths[1::2]
    starts, ends = starts[ends > starts], ends[ends > starts]
    if starts.size == 0:
        return None
    left, right = int(starts[0]) // height_px, int(ends[-1] - 1) // height_px
    # A run that goes on in the next column reaches the lower edge of the image, and begins again at the upper one.
    if bool((starts // height_px != (ends - 1) // height_px).any()):
        top, bottom = 0, height_px - 1
    else:
        top, bottom = int((starts % height_px).min()), int(((ends - 1) % height_px).max())
    return left, top, right - left + 1, bottom - top + 1


def _check(counts: Sequence[int], size: int) -> npt.NDArray[np.int64]:
    lengths = np.asarray(counts, dtype=np.int64)
    if lengths.ndim != 1 or (lengths < 0).any() or int(lengths.sum()) != size:
        raise ValueError("the run lengths do not fill the mask")
    return lengths
