"""How the values of images with more than 8 bits a channel become 8 bits.

A camera of 10, 12 or 14 bits often writes its values unscaled into a file of 16: the picture is nearly black then. How
many bits the camera has cannot be told from one image (a dark exposure looks the same), so a person says it, for each
product; else the file's own depth holds. Of a CT or X-ray only a window of its values matters: those are spread over
the 8 bits then, as a radiologist's window is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BY_IMAGE = 0
HIGHEST_VALUE = (1 << 16) - 1
# What a product may be set to.
BIT_DEPTHS = (BY_IMAGE, 8, 10, 12, 14, 16)
SIXTEEN_BIT, LOW_RANGE, CLIPPED = "sixteen_bit", "low_range", "depth_clipped"
# An image whose brightest value needs this many bits fewer than there are looks nearly black.
_NEARLY_BLACK_BITS = 4


@dataclass(frozen=True)
class Window:
    """The values of an image with more than 8 bits that become 0 (`low` and below) and 255 (`high` and above).

    Between them values are spread evenly. Raises ValueError unless 0 ≤ low < high ≤ 65535.
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        values = (self.low, self.high)
        if any(not isinstance(value, int) or isinstance(value, bool) for value in values):
            raise ValueError("a window is made of whole numbers")
        if not 0 <= self.low < self.high <= HIGHEST_VALUE:
            raise ValueError(f"a window lies within 0 and {HIGHEST_VALUE}, its low end below its high one")

    def __str__(self) -> str:
        """Return a short name, by which what was made of the image is stored."""
        return f"window{self.low}-{self.high}"

    def to_dict(self) -> dict[str, int]:
        """Return the JSON object that `read_window` reads."""
        return {"low": self.low, "high": self.high}


# How values of more than 8 bits are read: by one of BIT_DEPTHS, or through a window.
Reading = int | Window


def read_window(value: object) -> Window | None:
    """Return the window of a JSON object with `low` and `high`; None for what is none."""
    if not isinstance(value, Mapping) or set(value) != {"low", "high"}:
        return None
    try:
        return Window(value["low"], value["high"])
    except ValueError:
        return None


def choose_depth(bit_depth: int, *, declared: int) -> int:
    """Return the bits that count: those that are set, but never more than the file `declared` itself."""
    return declared if bit_depth == BY_IMAGE else min(bit_depth, declared)


def choose_reading(reading: Reading, *, declared: int) -> Reading:
    """Return the same, or the window as it is."""
    return reading if isinstance(reading, Window) else choose_depth(reading, declared=declared)


def to_eight_bits(values: npt.NDArray[np.uint16], depth: Reading) -> npt.NDArray[np.uint8]:
    """Return uint8 of the same shape: the highest 8 of `depth` bits, or the window's values from 0 to 255.

    Values beyond the depth become the brightest.
    """
    if isinstance(depth, Window):
        levels = (np.arange(HIGHEST_VALUE + 1, dtype=np.float64) - depth.low) * (255.0 / (depth.high - depth.low))
        return np.asarray(np.rint(levels.clip(0.0, 255.0)).astype(np.uint8)[values], np.uint8)
    if depth < 16:
        values = np.minimum(values, np.uint16((1 << depth) - 1))
    return (values >> np.uint16(depth - 8)).astype(np.uint8)


def count_bits(brightest: int) -> int:
    """Return how many bits hold this value: 8, 10, 12, 14 or 16."""
    return next(depth for depth in BIT_DEPTHS[1:] if depth == 16 or brightest < 1 << depth)


def loses_range(used_bits: int, *, depth: int) -> bool:
    """Return whether an image that uses so many bits looks nearly black when `depth` of them are shown."""
    return depth - used_bits >= _NEARLY_BLACK_BITS


def note_depth(brightest: int, *, depth: Reading, notes: list[str]) -> None:
    """Add what there is to say of an image whose `brightest` value is read with `depth` bits.

    What a window cuts off is meant to be.
    """
    notes.append(SIXTEEN_BIT)
    if isinstance(depth, Window):
        return
    if brightest >= 1 << depth:
        notes.append(CLIPPED)
    elif loses_range(count_bits(brightest), depth=depth):
        notes.append(LOW_RANGE)


def drop_settled(notes: tuple[str, ...], bit_depth: Reading) -> tuple[str, ...]:
    """Return notes of an image that was read by its file's depth, without what this `bit_depth` has put right."""
    return notes if bit_depth in {BY_IMAGE, 16} else tuple(note for note in notes if note != LOW_RANGE)
