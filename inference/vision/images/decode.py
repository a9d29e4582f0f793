"""The only way from an image file's bytes to pixels.

`decode` gives RGB, 8 bits a channel, for every accepted file, and the same pixels on every path: each format has one
decoder. JPEG and WebP go through OpenCV (two to three times faster than Pillow, at half the memory, pixel for pixel
the same), everything else through Pillow, which reports broken streams where OpenCV returns half an image.

What is made of the less usual kinds, and why:

- 16-bit values are divided by 256, whatever the brightest pixel is: two images of one camera must stay comparable,
  and a stretch by content would hide that a lamp has failed. A file that uses only the lowest 1/16 of its range (a
  10- or 12-bit camera that was not scaled) gets the note `low_range`.
- Alpha is flattened on white, as on paper; an alpha channel that is 0 everywhere is an unused one and is ignored.
- CMYK is converted without colour management, embedded colour profiles are not applied: the sensor's values count.
- EXIF rotation is applied. Of an animation or a multi-page TIFF the first frame is taken (note `first_frame`).
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from inference.errors import ImageError
from inference.vision.images.containers import (
    ENDINGS,
    MAX_PIXELS,
    Container,
    check_size,
    iterate_riff,
    read_container,
)
from inference.vision.images.encoding import decode_map, encode_jpeg, encode_map, encode_png, thumbnail
from inference.vision.images.pixel_formats import (
    EXIF_FAULTS,
    bands,
    convert_to_rgb,
    flatten,
    has_alpha,
    note_alpha,
    read_orientation,
    turn,
)
from inference.vision.images.polyglots import find_second_file, has_trailing_data

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "DecodedImage",
    "Pixels",
    "check",
    "content_hash",
    "decode",
    "decode_map",
    "decode_mask",
    "encode_jpeg",
    "encode_map",
    "encode_png",
    "pixel_hash",
    "thumbnail",
]

Pixels = npt.NDArray[np.uint8]

MAX_BYTES = 50_000_000

# Pillow warns from its own, lower limit on; ours is checked before anything is decoded.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

# What Pillow's parsers are known to raise on hostile bytes, besides OSError.
_PARSER_FAULTS = (
    OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, EOFError,
    RuntimeError, UserWarning, struct.error, zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class DecodedImage:
    """`pixels`: RGB uint8, height × width × 3, C-contiguous. `notes`: what was made right, as codes.

    Notes: first_frame, rotated, alpha_flattened, alpha_ignored, cmyk_converted, sixteen_bit, low_range, float_range,
    trailing_data.
    """

    pixels: Pixels
    format: str
    notes: tuple[str, ...] = ()


def decode(data: bytes, *, file_name: str | None = None) -> DecodedImage:
    """Decode a JPEG, PNG, BMP, TIFF or WebP file, recognised by its content.

    With `file_name`, the ending must be one of the format's. Raises ImageError: image_empty, image_too_many_bytes,
    image_not_an_image, image_unsupported_format, image_truncated, image_damaged, image_too_many_pixels,
    image_polyglot, image_wrong_ending.
    """
    container = check(data, file_name=file_name)
    notes: list[str] = []
    if has_trailing_data(data, container):
        notes.append("trailing_data")
    try:
        if container.format == "WEBP":
            pixels, orientation = _decode_webp(data, container, notes), read_orientation(container.exif)
        elif container.format == "JPEG" and container.channels in {1, 3}:
            pixels, orientation = _decode_with_opencv(data), read_orientation(container.exif)
        else:
            pixels, orientation = _decode_with_pillow(data, container, notes)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError("image_too_many_pixels", limit=MAX_PIXELS) from error
    if orientation != 1:
        pixels = turn(pixels, orientation)
        notes.append("rotated")
    return DecodedImage(pixels=pixels, format=container.format, notes=tuple(notes))


def check(data: bytes, *, file_name: str | None = None) -> Container:
    """Refuse what `decode` refuses without decoding; raises as it does, image_damaged inside pixels excepted."""
    if not data:
        raise ImageError("image_empty")
    if len(data) > MAX_BYTES:
        raise ImageError("image_too_many_bytes", byte_size=len(data), limit=MAX_BYTES)
    container = read_container(data)
    if file_name is not None:
        ending = PurePosixPath(file_name.replace("\\", "/")).suffix.lower()
        if ending not in ENDINGS[container.format]:
            raise ImageError(
                "image_wrong_ending",
                ending=ending,
                format=container.format,
                expected=", ".join(ENDINGS[container.format]),
            )
    second = find_second_file(data, container)
    if second is not None:
        raise ImageError("image_polyglot", format=container.format, second=second)
    return container


def decode_mask(data: bytes, *, file_name: str | None = None) -> npt.NDArray[np.bool_]:
    """Decode a defect mask: bool, height × width, True where the defect is. Raises as `decode` does.

    Masks come as 0/255, as 0/1, as class colours, in 16 bits and as paint on a transparent ground. In the lossless
    formats whatever is not black (or, with alpha, not transparent) is defect; a JPEG's ringing is cut at one half.
    """
    container = check(data, file_name=file_name)
    if container.format in {"JPEG", "WEBP"}:
        return np.asarray(decode(data).pixels.max(axis=2) > 127)
    image = _open_with_pillow(data)
    if has_alpha(image):
        rgba = np.asarray(image.convert("RGBA"))
        if rgba[..., 3].min() < 255:
            painted = rgba[..., 3] > 127
            colored = painted & (rgba[..., :3].max(axis=2) > 0)
            return turn(colored if colored.any() else painted, _orientation_of(image))
    if image.mode == "P":
        image = image.convert("RGB")
    values = np.asarray(image)
    values = values.max(axis=2) if values.ndim == 3 else values
    return turn(values > 0, _orientation_of(image))


def content_hash(data: bytes) -> str:
    """Return the SHA-256 of the file's bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def pixel_hash(pixels: Pixels) -> str:
    """Return the SHA-256 of shape and pixels: the same for one image stored losslessly in two files."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _decode_with_opencv(data: bytes) -> Pixels:
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    return np.asarray(_imdecode(data, flags), dtype=np.uint8)


def _imdecode(data: bytes, flags: int) -> Any:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError("image_damaged") from error
    if pixels is None:
        raise ImageError("image_damaged")
    return pixels


def _decode_webp(data: bytes, container: Container, notes: list[str]) -> Pixels:
    """Return the still image, or an animation's first frame on its canvas (white where the frame does not reach)."""
    if not container.animated:
        return _decode_webp_still(data, container.channels == 4, notes)
    assert container.width_px is not None
    assert container.height_px is not None
    notes.append("first_frame")
    for name, payload in iterate_riff(data, 12, container.end):
        if name != b"ANMF" or len(payload) < 24:
            continue
        left, top, width, height = (int.from_bytes(payload[i : i + 3], "little") for i in (0, 3, 6, 9))
        left, top, width, height = left * 2, top * 2, width + 1, height + 1
        if left + width > container.width_px or top + height > container.height_px:
            break
        # The frame's chunks become a file of their own: the decoder then needs no canvas of the whole animation.
        flags = 0x10 if payload[16:20] == b"ALPH" or container.channels == 4 else 0
        head = bytes([flags, 0, 0, 0]) + payload[6:12]
        body = b"WEBPVP8X" + struct.pack("<I", 10) + head + payload[16:]
        frame = _decode_webp_still(b"RIFF" + struct.pack("<I", len(body)) + body, bool(flags), notes)
        if frame.shape != (height, width, 3):
            break
        if (height, width) == (container.height_px, container.width_px):
            return frame
        canvas = np.full((container.height_px, container.width_px, 3), 255, np.uint8)
        canvas[top : top + height, left : left + width] = frame
        return canvas
    raise ImageError("image_damaged")


def _decode_webp_still(data: bytes, with_alpha: bool, notes: list[str]) -> Pixels:
    if not with_alpha:
        return _decode_with_opencv(data)
    bgra = _imdecode(data, cv2.IMREAD_UNCHANGED)
    if bgra.ndim != 3 or bgra.shape[2] != 4:
        return _decode_with_opencv(data)
    out = np.empty((*bgra.shape[:2], 3), np.uint8)
    use_alpha = note_alpha(int(bgra[..., 3].min()), int(bgra[..., 3].max()), notes)
    for rows in bands(*bgra.shape[:2]):
        out[rows] = flatten(cv2.cvtColor(bgra[rows], cv2.COLOR_BGRA2RGBA), use_alpha=use_alpha)
    return out


def _open_with_pillow(data: bytes) -> Image.Image:
    """Return the loaded first frame. Raises ImageError image_truncated, image_damaged, image_unsupported_format."""
    try:
        image = Image.open(io.BytesIO(data), formats=["PNG", "BMP", "TIFF", "JPEG"])
        check_size(*image.size)
        if image.format == "TIFF":
            _check_tiff_extent(image, len(data))
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, ImageError):
        raise
    except _PARSER_FAULTS as error:
        code = "image_truncated" if "truncated" in str(error).lower() else "image_damaged"
        raise ImageError(code) from error
    return image


def _check_tiff_extent(image: Any, byte_size: int) -> None:
    """Say that strips are missing: libtiff calls that merely an error."""
    tags = image.tag_v2
    for offset_tag, count_tag in ((273, 279), (324, 325)):
        offsets, counts = (np.atleast_1d(tags.get(tag, ())) for tag in (offset_tag, count_tag))
        if any(offset + count > byte_size for offset, count in zip(offsets, counts, strict=False)):
            raise ImageError("image_truncated")


def _decode_with_pillow(data: bytes, container: Container, notes: list[str]) -> tuple[Pixels, int]:
    image = _open_with_pillow(data)
    if container.animated or _has_second_page(data, container.format):
        notes.append("first_frame")
    try:
        pixels = convert_to_rgb(image, notes)
    except _PARSER_FAULTS as error:
        raise ImageError("image_unsupported_format", format=f"{container.format} ({image.mode})") from error
    return pixels, _orientation_of(image)


def _orientation_of(image: Image.Image) -> int:
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
    except _PARSER_FAULTS:
        return False
    return True
