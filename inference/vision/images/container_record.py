"""The outside of an image file as it is read, and how large an image may be."""

from __future__ import annotations

from dataclasses import dataclass

from inference.errors import ImageError

MAX_PIXELS = 100_000_000  # 100 megapixels

# The endings that each format may carry, in lower case.
ENDINGS: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}


@dataclass(frozen=True)
class Container:
    """The outside of one image file.

    `width_px` and `height_px` are None where only the decoder can tell them (BMP, TIFF). `end` is the offset of the
    first byte behind the image, `metadata` the uncompressed comment-like parts, where text may hide. `bit_depth` is
    that of a sample where the header tells it early, `scan_ends` are the offsets behind the data of a JPEG's scans.
    """

    format: str
    end: int
    width_px: int | None = None
    height_px: int | None = None
    channels: int | None = None
    progressive: bool = False
    animated: bool = False
    exif: bytes = b""
    metadata: tuple[bytes, ...] = ()
    bit_depth: int = 8
    scan_ends: tuple[int, ...] = ()


def check_size(width_px: int, height_px: int) -> tuple[int, int]:
    """Return the size, if it may be decoded. Raises ImageError image_damaged (empty) or image_too_many_pixels."""
    if width_px <= 0 or height_px <= 0:
        raise ImageError("image_damaged")
    if width_px * height_px > MAX_PIXELS:
        raise ImageError("image_too_many_pixels", width_px=width_px, height_px=height_px, limit=MAX_PIXELS)
    return width_px, height_px
