"""One look at an image when it is stored: its thumbnail, how well it was taken, and a hash that near copies share.

All three are made of one reduction to 512 px: going through all pixels is what takes time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inference.vision.images.encoding import thumbnail
from inference.vision.images.quality import ImageQuality, assess_reduced, reduce

_HASH_ROWS, _HASH_COLUMNS = 8, 8


@dataclass(frozen=True)
class ImageSummary:
    """`thumbnail` is a JPEG of at most 256 px a side; `difference_hash` see there."""

    thumbnail: bytes
    quality: ImageQuality
    difference_hash: int


def summarize(pixels: npt.NDArray[np.uint8]) -> ImageSummary:
    """Measure RGB uint8 pixels, height × width × 3, of any size."""
    reduced = reduce(pixels)
    return ImageSummary(thumbnail(reduced), assess_reduced(reduced), _hash_reduced(reduced))


def difference_hash(pixels: npt.NDArray[np.uint8]) -> int:
    """Return 64 bits, as a signed number, of which near copies of a picture (RGB uint8, H × W × 3) differ in few.

    Each bit says whether a field of the picture, divided into 8 × 9, is darker than its right neighbor.
    """
    return _hash_reduced(reduce(pixels))


def hamming_distance(first: int, second: int) -> int:
    """Return in how many of 64 bits two difference hashes differ."""
    return ((first ^ second) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()


def _hash_reduced(reduced: npt.NDArray[Any]) -> int:
    gray = cv2.cvtColor(reduced, cv2.COLOR_RGB2GRAY)
    fields = cv2.resize(gray, (_HASH_COLUMNS + 1, _HASH_ROWS), interpolation=cv2.INTER_AREA)
    darker = np.asarray(fields[:, :-1] < fields[:, 1:])
    return int.from_bytes(np.packbits(darker).tobytes(), "big", signed=True)
