"""How the values of images with more than 8 bits a channel become 8 bits.

A camera of 10, 12 or 14 bits often writes its values unscaled into a file of 16: the picture is nearly black then. How
many bits the camera has cannot be told from one image (a dark exposure looks the same), so a person says it, for each
product; else the file's own depth holds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BY_IMAGE = 0
# What a product may be set to.
BIT_DEPTHS = (BY_IMAGE, 8, 10, 12, 14, 16)
SIXTEEN_BIT, LOW_RANGE, CLIPPED = "sixteen_bit", "low_range", "depth_clipped"
# An image whose brightest value needs this many bits fewer than there are looks nearly black.
_NEARLY_BLACK_BITS = 4


def choose_depth(bit_depth: int, *, declared: int) -> int:
    """Return the bits that count: those that are set, but never more than the file `declared` itself."""
    return declared if bit_depth == BY_IMAGE else min(bit_depth, declared)


def to_eight_bits(values: npt.NDArray[np.uint16], depth: int) -> npt.NDArray[np.uint8]:
    """Return uint8 of the same shape: the highest 8 of `depth` bits. Values beyond the depth become the brightest."""
    if depth < 16:
        values = np.minimum(values, np.uint16((1 << depth) - 1))
    return (values >> np.uint16(depth - 8)).astype(np.uint8)


def count_bits(brightest: int) -> int:
    """Return how many bits hold this value: 8, 10, 12, 14 or 16."""
    return next(depth for depth in BIT_DEPTHS[1:] if depth == 16 or brightest < 1 << depth)


def loses_range(used_bits: int, *, depth: int) -> bool:
    """Return whether an image that uses so many bits looks nearly black when `depth` of them are shown."""
    return depth - used_bits >= _NEARLY_BLACK_BITS


def note_depth(brightest: int, *, depth: int, notes: list[str]) -> None:
    """Add what there is to say of an image whose `brightest` value is read with `depth` bits."""
    notes.append(SIXTEEN_BIT)
    if brightest >= 1 << depth:
        notes.append(CLIPPED)
    elif loses_range(count_bits(brightest), depth=depth):
        notes.append(LOW_RANGE)


def drop_settled(notes: tuple[str, ...], bit_depth: int) -> tuple[str, ...]:
    """Return notes of an image that was read by its file's depth, without what this `bit_depth` has put right."""
    return notes if bit_depth in {BY_IMAGE, 16} else tuple(note for note in notes if note != LOW_RANGE)
