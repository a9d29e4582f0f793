"""Masks as programs write them: COCO's compressed text, CVAT's and Label Studio's run lengths.

COCO: `counts` of the reference implementation's text form, six bits a character of which five carry the number and one
says that more follow; from the third run on, the difference from the run two before. Label Studio: the bit stream of
thi.ng's rle-pack over the RGBA pixels of the whole image. CVAT: runs of a region's own box, row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.images.annotations.records import MOST_MASK_PIXELS, MOST_RUNS, AnnotationError
from core.images.regions.records import MASK, Region

_RLE_PACK_PIXELS = 25_000_000  # four bytes each are held while one is read
_FIRST_CHARACTER = 48


def pack_counts(counts: Sequence[int]) -> str:
    """Return run lengths as COCO's compressed text."""
    text: list[str] = []
    for place, count in enumerate(counts):
        value = int(count) - (int(counts[place - 2]) if place > 2 else 0)
        while True:
            bits = value & 0x1F
            value >>= 5
            is_last = value == (-1 if bits & 0x10 else 0)
            text.append(chr((bits if is_last else bits | 0x20) + _FIRST_CHARACTER))
            if is_last:
                break
    return "".join(text)


def unpack_counts(text: str) -> list[int]:
    """Return the run lengths of COCO's compressed text. Raises AnnotationError annotation_shape_wrong."""
    counts: list[int] = []
    value, shift = 0, 0
    for character in text:
        bits = ord(character) - _FIRST_CHARACTER
        if not 0 <= bits < 64 or shift > 30:
            raise AnnotationError("annotation_shape_wrong")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        if len(counts) > MOST_RUNS:
            raise AnnotationError("annotation_shape_wrong")
        value, shift = 0, 0
    if shift:
        raise AnnotationError("annotation_shape_wrong")
    return counts


def region_of_runs(counts: Sequence[Any], *, width_px: int, height_px: int, **about: Any) -> Region:
    """Return the region of run lengths over a whole image, column by column, without drawing the mask.

    Raises AnnotationError annotation_shape_wrong where they do not fill the image, or mark nothing.
    """
    if not 0 < width_px * height_px <= MOST_MASK_PIXELS or not 0 < len(counts) <= MOST_RUNS:
        raise AnnotationError("annotation_shape_wrong")
    try:
        lengths = np.asarray(counts, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise AnnotationError("annotation_shape_wrong") from error
    whole = lengths.ndim == 1 and bool(np.isfinite(lengths).all()) and bool((lengths == np.floor(lengths)).all())
    if not whole or bool((lengths < 0).any()) or float(lengths.sum()) != width_px * height_px:
        raise AnnotationError("annotation_shape_wrong")
    runs = lengths.astype(np.int64)
    ends = np.cumsum(runs)
    marked = runs[1::2] > 0
    first, last = (ends - runs)[1::2][marked], ends[1::2][marked] - 1
    if first.size == 0:
        raise AnnotationError("annotation_shape_wrong")
    left, right = int(first[0]) // height_px, int(last[-1]) // height_px
    # A run that goes on in the next column reaches the bottom of the one and the top of the other.
    crosses = first // height_px != last // height_px
    top = 0 if crosses.any() else int((first % height_px).min())
    bottom = height_px - 1 if crosses.any() else int((last % height_px).max())
    bounds = (float(left), float(top), float(right - left + 1), float(bottom - top + 1))
    return Region(MASK, *bounds, counts=tuple(runs.tolist()), **about)


def unpack_box_runs(
    counts: Iterable[int], *, left: int, top: int, box: tuple[int, int], width_px: int, height_px: int
) -> npt.NDArray[np.bool_]:
    """Return the mask of a whole image from runs over a box (width, height) in it, row by row, zeros first.

    What lies outside the image is cut off. Raises AnnotationError annotation_shape_wrong.
    """
    lengths = np.asarray(list(counts), dtype=np.int64)
    box_width, box_height = box
    fits = 0 < box_width * box_height <= MOST_MASK_PIXELS and 0 < width_px * height_px <= MOST_MASK_PIXELS
    if not fits or (lengths < 0).any() or int(lengths.sum()) != box_width * box_height:
        raise AnnotationError("annotation_shape_wrong")
    inside = np.repeat(np.arange(lengths.size) % 2 == 1, lengths).reshape(box_height, box_width)
    return paste(inside, left=left, top=top, width_px=width_px, height_px=height_px)


def paste(
    inside: npt.NDArray[np.bool_], *, left: int, top: int, width_px: int, height_px: int
) -> npt.NDArray[np.bool_]:
    """Return a mask of the whole image with a smaller one in its place; what lies outside is cut off."""
    marked = np.zeros((height_px, width_px), dtype=bool)
    rows, columns = inside.shape
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + columns, width_px), min(top + rows, height_px)
    if x1 > x0 and y1 > y0:
        marked[y0:y1, x0:x1] = inside[y0 - top : y1 - top, x0 - left : x1 - left]
    return marked


def unpack_brush(numbers: Sequence[Any], *, width_px: int, height_px: int) -> npt.NDArray[np.bool_]:
    """Return the mask that a brush of Label Studio painted: whatever is not transparent.

    Raises AnnotationError annotation_shape_wrong.
    """
    if not 0 < width_px * height_px <= _RLE_PACK_PIXELS or len(numbers) > MOST_RUNS:
        raise AnnotationError("annotation_shape_wrong")
    try:
        bits = _Bits(bytes(numbers))
        size = bits.take(32)
        word = bits.take(5) + 1
        sizes = [bits.take(4) + 1 for _ in range(4)]
        if size != width_px * height_px * 4:
            raise AnnotationError("annotation_shape_wrong")
        values = np.zeros(size, dtype=np.uint8)
        place = 0
        while place < size:
            is_run, length = bits.take(1), bits.take(sizes[bits.take(2)]) + 1
            end = place + length
            if end > size:
                raise AnnotationError("annotation_shape_wrong")
            if is_run:
                values[place:end] = min(bits.take(word), 255)
            else:
                for at in range(place, end):
                    values[at] = min(bits.take(word), 255)
            place = end
    except (TypeError, ValueError, EOFError) as error:
        raise AnnotationError("annotation_shape_wrong") from error
    return np.ascontiguousarray(values.reshape(height_px, width_px, 4)[:, :, 3] > 0)


class _Bits:
    """A stream of bits, the highest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._byte = 0
        self._held, self._n_held = 0, 0

    def take(self, count: int) -> int:
        """Return the next `count` bits as a number. Raises EOFError."""
        while self._n_held < count:
            if self._byte >= len(self._data):
                raise EOFError
            self._held = (self._held << 8) | self._data[self._byte]
            self._byte += 1
            self._n_held += 8
        self._n_held -= count
        value = self._held >> self._n_held
        self._held &= (1 << self._n_held) - 1
        return value
