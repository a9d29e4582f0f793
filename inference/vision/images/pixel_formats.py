"""Turns whatever pixel layout a file has (gray, 16-bit, palette, alpha, CMYK, float) into RGB uint8."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from inference.errors import ImageError
from inference.vision.images.bit_depth import (
    BY_IMAGE,
    LOW_RANGE,
    Reading,
    choose_reading,
    count_bits,
    note_depth,
    to_eight_bits,
)

Pixels = npt.NDArray[np.uint8]

_BAND_PIXELS = 4_000_000  # converted at once; keeps a 100-megapixel image under 1 GiB
_ORIENTATION_TAG = 0x0112

# What Pillow raises on a broken EXIF block.
EXIF_FAULTS = (
    OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, AttributeError, UserWarning, struct.error,
)  # fmt: skip


def convert_to_rgb(image: Image.Image, notes: list[str], *, bit_depth: Reading = BY_IMAGE) -> tuple[Pixels, int | None]:
    """Return RGB uint8, height × width × 3, of a loaded Pillow image of any mode; add to `notes` what was changed.

    Gray of more than 8 bits is read with `bit_depth` bits; the second value is how many of 16 it uses.
    Raises ImageError image_unsupported_format (signed or 32-bit integers, floats outside 0–1) or image_damaged (NaN).
    """
    width, height = image.size
    used_bits = None
    if image.mode.startswith("I;16"):
        convert, used_bits = _convert_sixteen_bit(image, notes, bit_depth)
    else:
        convert = _choose_converter(image, notes)
    if width * height <= _BAND_PIXELS:
        # What is only a view of Pillow's memory cannot be written to.
        return np.require(convert(image), requirements=["C", "W"]), used_bits
    out = np.empty((height, width, 3), np.uint8)
    for rows in bands(height, width):
        out[rows] = convert(image.crop((0, rows.start, width, rows.stop)))
    return out, used_bits


def bands(height: int, width: int) -> Iterator[slice]:
    """Yield row ranges of a few megapixels each, together the whole image."""
    step = max(1, _BAND_PIXELS // width)
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


def has_alpha(image: Image.Image) -> bool:
    """Return whether the image has an alpha channel or a transparent color."""
    return image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or (
        "transparency" in image.info and image.mode in {"1", "L", "P", "RGB"}
    )


def flatten(rgba: Pixels, *, use_alpha: bool) -> Pixels:
    """Return RGB of an RGBA band on white; without `use_alpha` the alpha channel is dropped."""
    if not use_alpha:
        return np.ascontiguousarray(rgba[..., :3])
    alpha = rgba[..., 3:].astype(np.uint32)
    mixed = (rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)


def note_alpha(lowest: int, highest: int, notes: list[str]) -> bool:
    """Return whether an alpha channel with these extremes is to be used; an all-zero one is an unused channel."""
    if highest == 0:
        notes.append("alpha_ignored")
        return False
    if lowest < 255:
        notes.append("alpha_flattened")
        return True
    return False


def read_orientation(exif: Image.Exif | bytes) -> int:
    """Return the EXIF orientation, 1–8; 1 where there is none or it cannot be read (a broken tag spoils no picture)."""
    try:
        if isinstance(exif, bytes):
            raw, exif = exif, Image.Exif()
            exif.load(raw)
        value = exif.get(_ORIENTATION_TAG, 1)
    except EXIF_FAULTS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def turn(array: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Return the array as it is meant to be seen (EXIF 2.3, tag 0x0112), C-contiguous."""
    if orientation in {5, 6, 7, 8}:
        array = np.swapaxes(array, 0, 1)
    # 5: transposed, 6: transposed and mirrored (a quarter turn right), 7: both ways, 8: upside down (a turn left)
    if orientation in {2, 3, 6, 7}:
        array = array[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        array = array[::-1]
    return np.ascontiguousarray(array)


def _choose_converter(image: Image.Image, notes: list[str]) -> Callable[[Image.Image], Pixels]:
    mode = image.mode
    if mode == "F":
        return _convert_float(image, notes)
    if mode == "I":
        raise ImageError("image_unsupported_format", format=f"{image.format} (32-bit or signed integers)")
    if has_alpha(image):
        lowest, highest = 255, 0
        for rows in bands(image.height, image.width):
            alpha = image.crop((0, rows.start, image.width, rows.stop)).convert("RGBA").getchannel("A")
            extremes = np.asarray(alpha)
            lowest, highest = min(lowest, int(extremes.min())), max(highest, int(extremes.max()))
        use_alpha = note_alpha(lowest, highest, notes)
        return lambda band: flatten(np.asarray(band.convert("RGBA")), use_alpha=use_alpha)
    if mode == "CMYK":
        notes.append("cmyk_converted")
    if mode in {"1", "L"}:
        return lambda band: _gray_to_rgb(np.asarray(band if band.mode == "L" else band.convert("L")))
    return lambda band: np.asarray(band if band.mode == "RGB" else band.convert("RGB"))


def _convert_sixteen_bit(
    image: Image.Image, notes: list[str], bit_depth: Reading
) -> tuple[Callable[[Image.Image], Pixels], int | None]:
    tags = getattr(image, "tag_v2", {})
    declared = 12 if tags.get(258, (16,)) in {(12,), 12} else 16
    depth = choose_reading(bit_depth, declared=declared)
    white_is_zero = tags.get(262) == 0
    brightest = max(
        int(np.asarray(image.crop((0, rows.start, image.width, rows.stop))).max())
        for rows in bands(image.height, image.width)
    )
    note_depth(brightest, depth=depth, notes=notes)
    if white_is_zero and LOW_RANGE in notes:
        notes.remove(LOW_RANGE)  # low values are the bright ones there

    def convert(band: Image.Image) -> Pixels:
        gray = to_eight_bits(np.asarray(band).astype(np.uint16), depth)
        return _gray_to_rgb(255 - gray if white_is_zero else gray)

    # What is bright where white is zero, or where the file names its 12 bits, tells nothing of the camera.
    return convert, None if white_is_zero or declared != 16 else count_bits(brightest)


def _convert_float(image: Image.Image, notes: list[str]) -> Callable[[Image.Image], Pixels]:
    lowest, highest = np.inf, -np.inf
    for rows in bands(image.height, image.width):
        values = np.asarray(image.crop((0, rows.start, image.width, rows.stop)))
        lowest, highest = np.minimum(lowest, values.min()), np.maximum(highest, values.max())
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise ImageError("image_damaged")
    if lowest < 0 or highest > 1:
        raise ImageError("image_unsupported_format", format=f"{image.format} (floating point outside 0–1)")
    notes.append("float_range")
    return lambda band: _gray_to_rgb((np.asarray(band) * 255 + 0.5).astype(np.uint8))


def _gray_to_rgb(gray: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(gray), cv2.COLOR_GRAY2RGB), dtype=np.uint8)
