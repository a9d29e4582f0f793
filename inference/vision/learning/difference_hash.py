"""A fingerprint of 64 bits by which copies of a picture are found: smaller, re-encoded, or a little brighter.

Each bit says whether the picture gets brighter from one place to the next, on a grid of 9 × 8 (the "difference hash").
Two fingerprints are compared by how many bits they differ in.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

BITS = 64
_COLUMNS, _ROWS = 9, 8
_LONGEST_PX = 512
_SIGN = 1 << (BITS - 1)


def difference_hash(pixels: npt.NDArray[np.uint8]) -> int:
    """Return the fingerprint of RGB uint8 pixels, height × width × 3, as a signed number of 64 bits."""
    gray = cv2.cvtColor(_reduce(pixels), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(gray, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    value = int.from_bytes(np.packbits(bits).tobytes(), "big")
    # Databases know signed numbers alone.
    return value - (1 << BITS) if value >= _SIGN else value


def _reduce(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = _LONGEST_PX / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def count_differences(first: int, second: int) -> int:
    """Return in how many bits two fingerprints differ, 0 to 64."""
    return ((first ^ second) & ((1 << BITS) - 1)).bit_count()
