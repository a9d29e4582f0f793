"""The only way from an image file's bytes to pixels.

`decode` gives RGB, 8 bits a channel, for every accepted file, and the same pixels on every path: each format has one
decoder. JPEG and WebP go through OpenCV (two to three times faster than Pillow, at half the memory, pixel for pixel
the same), everything else through Pillow, which reports broken streams where OpenCV returns half an image. A plain PNG
whose stream is whole is unpacked by a faster library first (`png.plain`), to the same pixels.

What is made of the less usual kinds, and why:

- 16-bit values are divided by 256, whatever the brightest pixel is: two images of one camera must stay comparable,
  and a stretch by content would hide that a lamp has failed. A file that uses only the lowest 1/16 of its range (a
  10- or 12-bit camera that was not scaled) gets the note `low_range`. With the `bit_depth` of the camera its highest
  8 bits are taken; values beyond that depth become the brightest, and the note `depth_clipped` says so.
- Alpha is flattened on white, as on paper; an alpha channel that is 0 everywhere is an unused one and is ignored.
- CMYK is converted without color management, embedded color profiles are not applied: the sensor's values count.
- EXIF rotation is applied. Of an animation or a multi-page TIFF the first frame is taken (note `first_frame`).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from inference.errors import ImageError
from inference.vision.images.bit_depth import BIT_DEPTHS, BY_IMAGE, Reading, Window
from inference.vision.images.completeness import jpeg_ends_early, webp_ends_early
from inference.vision.images.container_record import ENDINGS, MAX_PIXELS, Container
from inference.vision.images.containers import iterate_riff, read_container
from inference.vision.images.encoding import decode_map, encode_jpeg, encode_map, encode_png, thumbnail
from inference.vision.images.mask_values import mark
from inference.vision.images.pillow_decoding import (
    decode_with_pillow,
    is_wide,
    open_image,
    orientation_of,
    redecode_jpeg,
)
from inference.vision.images.pixel_formats import bands, flatten, has_alpha, note_alpha, read_orientation, turn
from inference.vision.images.png.plain import decode_plain_png
from inference.vision.images.polyglots import find_second_file, has_trailing_data
from inference.vision.images.wide_colors import read_wide

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


@dataclass(frozen=True)
class DecodedImage:
    """`pixels`: RGB uint8, height × width × 3, C-contiguous. `notes`: what was made right, as codes.

    `used_bits` is how many bits hold the brightest value of a file with 16 bits a channel; None for other files.
    Notes: first_frame, rotated, alpha_flattened, alpha_ignored, cmyk_converted, sixteen_bit, low_range,
    depth_clipped, float_range, trailing_data.
    """

    pixels: Pixels
    format: str
    notes: tuple[str, ...] = ()
    used_bits: int | None = None


def decode(data: bytes, *, file_name: str | None = None, bit_depth: Reading = BY_IMAGE) -> DecodedImage:
    """Decode a JPEG, PNG, BMP, TIFF or WebP file, recognized by its content.

    With `file_name`, the ending must be one of the format's. `bit_depth`, one of BIT_DEPTHS, is how many bits the
    values of gray and RGB images with more than 8 bits use, or the window of them that is shown; it changes nothing in
    other images. Raises ValueError for
    another one, and ImageError: image_empty, image_too_many_bytes, image_not_an_image, image_unsupported_format,
    image_truncated, image_damaged, image_too_many_pixels, image_polyglot, image_wrong_ending.
    """
    if not isinstance(bit_depth, Window) and bit_depth not in BIT_DEPTHS:
        raise ValueError(f"a bit depth is one of {BIT_DEPTHS}, not {bit_depth}")
    container = check(data, file_name=file_name)
    notes: list[str] = []
    used_bits = None
    if has_trailing_data(data, container):
        notes.append("trailing_data")
    try:
        if container.format == "WEBP":
            pixels, orientation = _decode_webp(data, container, notes), read_orientation(container.exif)
        elif container.format == "JPEG" and container.channels in {1, 3}:
            pixels, orientation = _decode_with_opencv(data), read_orientation(container.exif)
        elif container.format == "PNG" and (plain := decode_plain_png(data, container)) is not None:
            pixels, orientation = plain, 1
        else:
            pixels, orientation, used_bits = decode_with_pillow(data, container, notes, bit_depth=bit_depth)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError("image_too_many_pixels", limit=MAX_PIXELS) from error
    if container.format == "JPEG" and jpeg_ends_early(
        data, container, pixels, lambda again: redecode_jpeg(again, container)
    ):
        raise ImageError("image_truncated")
    if orientation != 1:
        pixels = turn(pixels, orientation)
        notes.append("rotated")
    return DecodedImage(pixels=pixels, format=container.format, notes=tuple(notes), used_bits=used_bits)


def check(data: bytes, *, file_name: str | None = None) -> Container:
    """Check what `decode` refuses without decoding; raises as it does, image_damaged inside pixels excepted."""
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

    Masks come as 0/255, as 0/1, as numbers or colors of classes, in 16 bits, with gray edges, and as paint on a
    transparent ground (then whatever is not transparent is defect). See `mask_values.mark`.
    """
    container = check(data, file_name=file_name)
    if container.format in {"JPEG", "WEBP"}:
        return mark(decode(data).pixels.max(axis=2), lossy=True)
    image, layout = open_image(data, container)
    orientation = orientation_of(image)
    if is_wide(image, container, layout):
        lying = orientation if layout is None else layout.orientation
        return turn(mark(read_wide(data, layout)[..., :3].max(axis=2), lossy=False), lying)
    if has_alpha(image):
        rgba = np.asarray(image.convert("RGBA"))
        if rgba[..., 3].min() < 255:
            painted = rgba[..., 3] > 127
            colored = painted & (rgba[..., :3].max(axis=2) > 0)
            return turn(colored if colored.any() else painted, orientation)
    if image.mode == "P":
        image = image.convert("RGB")
    values = np.asarray(image)
    values = values.max(axis=2) if values.ndim == 3 else values
    marked = values > 0 if values.dtype.kind in "bf" else mark(values, lossy=False)
    return turn(marked, orientation)


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


def _can_decode(data: bytes) -> bool:
    try:
        _imdecode(data, cv2.IMREAD_COLOR)
    except ImageError:
        return False
    return True


def _decode_webp(data: bytes, container: Container, notes: list[str]) -> Pixels:
    """Return the still image, or an animation's first frame on its canvas (white where the frame does not reach)."""
    if not container.animated:
        try:
            return _decode_webp_still(data, container.channels == 4, notes)
        except ImageError as error:
            raise ImageError("image_truncated" if webp_ends_early(data, _can_decode) else error.code) from error
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
