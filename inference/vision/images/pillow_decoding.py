"""Decoding through Pillow: every format but JPEG and WebP, and why a file is refused that Pillow does not take."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image

from inference.errors import ImageError
from inference.vision.images.bit_depth import BY_IMAGE, Reading
from inference.vision.images.completeness import png_ends_early
from inference.vision.images.container_record import MAX_PIXELS, Container, check_size
from inference.vision.images.pixel_formats import EXIF_FAULTS, convert_to_rgb, read_orientation
from inference.vision.images.tiff_layout import TiffLayout, ends_early, read_layout
from inference.vision.images.wide_colors import convert_wide, read_wide

Pixels = npt.NDArray[np.uint8]

# Pillow warns from its own, lower limit on; ours is checked before anything is decoded.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

# None, CCITT, LZW, JPEG (old and new), Deflate, PackBits, ZSTD, LZMA: others Pillow cannot be relied on to have.
_KNOWN_TIFF_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000})

# What Pillow's parsers are known to raise on hostile bytes, besides OSError.
PARSER_FAULTS = (
    OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, EOFError,
    RuntimeError, UserWarning, struct.error, zlib.error,
)  # fmt: skip


def open_image(data: bytes, container: Container) -> tuple[Image.Image, TiffLayout | None]:
    """Return the loaded first frame, and how it lies in a TIFF.

    Raises ImageError image_truncated, image_damaged, image_unsupported_format.
    """
    layout = read_layout(data) if container.format == "TIFF" else None
    if layout is not None:
        check_size(layout.width_px, layout.height_px)
        if layout.is_mixed or layout.kind not in {1, 3, 4}:
            raise ImageError("image_unsupported_format", format=layout.describe())
    try:
        image = Image.open(io.BytesIO(data), formats=[container.format])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise
    except PARSER_FAULTS as error:
        # What is wrong with its parts was told before: here Pillow says that it does not know such pixels.
        if layout is not None:
            raise ImageError("image_unsupported_format", format=layout.describe()) from error
        if container.format == "BMP":
            raise ImageError("image_unsupported_format", format="BMP, unusual bit fields") from error
        raise ImageError("image_damaged") from error
    check_size(*image.size)
    try:
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, ImageError):
        raise
    except PARSER_FAULTS as error:
        raise _explain(error, data, container, layout) from error
    if container.format == "PNG" and _may_end_early(image) and png_ends_early(data, container):
        raise ImageError("image_truncated")
    return image, layout


def _explain(error: BaseException, data: bytes, container: Container, layout: TiffLayout | None) -> ImageError:
    """Return why Pillow could not decode a file whose outside is whole."""
    said = str(error).lower()
    early = "truncated" in said or (container.format == "BMP" and "not enough image data" in said)
    if layout is not None:
        early = early or ends_early(data, layout)
        if not early and layout.compression not in _KNOWN_TIFF_COMPRESSIONS:
            return ImageError("image_unsupported_format", format=layout.describe())
    elif container.format == "PNG":
        early = early or png_ends_early(data, container)
    return ImageError("image_truncated" if early else "image_damaged")


def _may_end_early(image: Image.Image) -> bool:
    """Return whether a loaded PNG may lack its last rows: Pillow leaves those black (an interlaced one, any)."""
    last = image.crop((0, image.height - 1, image.width, image.height))
    return bool(image.info.get("interlace")) or not np.asarray(last).any()


def is_wide(image: Image.Image, container: Container, layout: TiffLayout | None) -> bool:
    """Return whether these are colors of 16 bits, of which Pillow keeps 8."""
    if image.mode not in {"RGB", "RGBA", "RGBX", "LA"}:
        return False
    if layout is not None:
        return layout.bits == 16 and layout.samples in {3, 4} and layout.photometric in {0, 1, 2}
    return container.format == "PNG" and container.bit_depth == 16


def decode_with_pillow(
    data: bytes, container: Container, notes: list[str], *, bit_depth: Reading
) -> tuple[Pixels, int, int | None]:
    """Return RGB uint8 (H, W, 3), the EXIF orientation that is still to be applied, and the bits that are used of 16.

    `notes` gets what was made right.

    Raises as `open_image` does.
    """
    image, layout = open_image(data, container)
    if container.animated or _has_second_page(data, container.format):
        notes.append("first_frame")
    mode, orientation = image.mode, orientation_of(image)
    try:
        if not is_wide(image, container, layout):
            pixels, used_bits = convert_to_rgb(image, notes, bit_depth=bit_depth)
            return pixels, orientation, used_bits
        # Pillow has turned a TIFF already; what is read once more is as it lies in the file.
        orientation = orientation if layout is None else layout.orientation
        use_alpha = mode not in {"RGB", "RGBX"}
        del image
        values = read_wide(data, layout)
        pixels, used_bits = convert_wide(values, notes, bit_depth=bit_depth, use_alpha=use_alpha)
        return pixels, orientation, used_bits
    except PARSER_FAULTS as error:
        raise ImageError("image_unsupported_format", format=f"{container.format} ({mode})") from error


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation in which a loaded image lies."""
    # Pillow turns a TIFF while it loads it; a PNG's EXIF chunk is known only after loading.
    if image.format in {"TIFF", "BMP"}:
        return 1
    try:
        return read_orientation(image.getexif())
    except EXIF_FAULTS:
        return 1


def _has_second_page(data: bytes, image_format: str) -> bool:
    if image_format != "TIFF":
        return False
    try:
        with Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
            image.seek(1)
    except PARSER_FAULTS:
        return False
    return True


def redecode_jpeg(data: bytes, container: Container) -> Pixels | None:
    """Return the pixels of a JPEG as they lie in the file, RGB uint8 (H, W, 3); None where there are none.

    Unlike OpenCV, Pillow says nothing on standard error of bytes between the scans.
    """
    try:
        return decode_with_pillow(data, container, [], bit_depth=BY_IMAGE)[0]
    except ImageError:
        return None
