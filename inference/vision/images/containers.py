"""Reads the outside of an image file: which format it is, how large, where it ends and what follows.

Only headers and chunk lists are read here, nothing is decoded, so that a file can be refused before it costs
memory. JPEG: ITU-T T.81 annex B. PNG: W3C PNG, section 5. WebP: RFC 9649. BMP: the BITMAPINFOHEADER family. TIFF
has no end of its own (everything hangs on offsets), so only its first directory offset is checked here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from inference.errors import ImageError
from inference.vision.images.container_record import Container, check_size
from inference.vision.images.jpeg_segments import read_jpeg

_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_PNG_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})


def sniff_format(data: bytes) -> str:
    """Return the accepted format that the first bytes announce.

    Raises ImageError: image_unsupported_format for other known image formats, image_not_an_image for the rest.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        return "TIFF"
    if data[:2] == b"BM" and len(data) >= 18 and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    other = _other_image_format(data)
    if other is not None:
        raise ImageError("image_unsupported_format", format=other)
    # A cut so early that not even the signature is whole.
    if len(data) >= 2 and any(sign.startswith(data) for sign in (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
        raise ImageError("image_truncated")
    raise ImageError("image_not_an_image")


def read_container(data: bytes) -> Container:
    """Walk the container of an accepted image.

    Raises ImageError: image_truncated, image_damaged, image_not_an_image or image_unsupported_format.
    """
    image_format = sniff_format(data)
    try:
        return _READERS[image_format](data)
    except (struct.error, IndexError) as error:
        raise ImageError("image_truncated") from error


def iterate_riff(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the (name, payload) chunks of a RIFF range. Raises ImageError image_truncated when one passes the end."""
    position = start
    while position + 8 <= end:
        name = data[position : position + 4]
        (size,) = struct.unpack_from("<I", data, position + 4)
        if position + 8 + size > end:
            raise ImageError("image_truncated")
        yield name, data[position + 8 : position + 8 + size]
        position += 8 + size + (size & 1)


def _other_image_format(data: bytes) -> str | None:
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return "GIF"
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}:
            return "HEIC"
        return "AVIF" if brand in {b"avif", b"avis"} else None
    if head.startswith(b"<svg") or (head.startswith((b"<?xml", b"<!doctype svg")) and b"<svg" in data[:4096].lower()):
        return "SVG"
    signatures = {
        b"8BPS": "PSD",
        b"\0\0\1\0": "ICO",
        b"\0\0\0\x0cjP  ": "JPEG 2000",
        b"\xff\x4f\xff\x51": "JPEG 2000",
        b"\xff\x0a": "JPEG XL",
        b"\0\0\0\x0cJXL ": "JPEG XL",
        b"DDS ": "DDS",
        b"v/1\x01": "OpenEXR",
    }
    return next((name for sign, name in signatures.items() if data.startswith(sign)), None)


def _read_png(data: bytes) -> Container:
    position, size, channels, depth, animated = 8, None, None, 8, False
    metadata: list[bytes] = []
    view = memoryview(data)
    while True:
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise ImageError("image_truncated")
        (stored,) = struct.unpack_from(">I", data, end - 4)
        if name in _PNG_CRITICAL and zlib.crc32(view[position + 4 : end - 4]) != stored:
            raise ImageError("image_damaged")
        payload = view[position + 8 : end - 4]
        if name == b"IHDR":
            if size is not None or length != 13:
                raise ImageError("image_damaged")
            width, height, depth, color = struct.unpack_from(">IIBB", payload)
            size = check_size(width, height)
            channels = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}.get(color)
        elif size is None:  # IHDR comes first
            raise ImageError("image_damaged")
        elif name == b"acTL":
            animated = True
        elif name not in _PNG_CRITICAL and length:
            metadata.append(bytes(payload))
        position = end
        if name == b"IEND" and size is not None:
            return Container(
                "PNG", position, *size, channels, animated=animated, metadata=tuple(metadata), bit_depth=depth
            )


def _read_bmp(data: bytes) -> Container:
    (file_size,) = struct.unpack_from("<I", data, 2)
    pixel_offset, header_size = struct.unpack_from("<II", data, 10)
    if header_size == 12:
        width, height, _planes, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        width, height, _planes, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    check_size(width, abs(height))
    if bits not in {0, 1, 2, 4, 8, 16, 24, 32}:
        raise ImageError("image_damaged")
    if bits in {0, 2} or compression not in {0, 1, 2, 3}:
        raise ImageError("image_unsupported_format", format=f"BMP, {bits} bits, compression {compression}")
    if compression in {0, 3}:
        row_size = (width * bits + 31) // 32 * 4
        used = pixel_offset + row_size * abs(height)
        # Some writers leave the padding of the last row away.
        if len(data) < used - 3:
            raise ImageError("image_truncated")
        end = min(used, len(data))
    else:
        end = min(max(file_size, pixel_offset), len(data))
    return Container("BMP", end, width, abs(height), metadata=(data[14 + header_size : pixel_offset],))


def _read_webp(data: bytes) -> Container:
    (riff_size,) = struct.unpack_from("<I", data, 4)
    end = 8 + riff_size
    if end > len(data):
        raise ImageError("image_truncated")
    size, channels, animated, exif = None, 3, False, b""
    metadata: list[bytes] = []
    for name, payload in iterate_riff(data, 12, end):
        if name == b"VP8X":
            animated = bool(payload[0] & 0x02)
            channels = 4 if payload[0] & 0x10 else 3
            width, height = (int.from_bytes(payload[i : i + 3], "little") + 1 for i in (4, 7))
            size = check_size(width, height)
        elif name == b"VP8 " and size is None:
            width, height = struct.unpack_from("<HH", payload, 6)
            size = check_size(width & 0x3FFF, height & 0x3FFF)
        elif name == b"VP8L" and size is None:
            (bits,) = struct.unpack_from("<I", payload, 1)
            size = check_size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
            channels = 4 if bits >> 28 & 1 else 3
        elif name == b"EXIF":
            exif = payload
            metadata.append(payload)
        elif name not in {b"VP8 ", b"VP8L", b"ALPH", b"ANMF", b"ANIM", b"ICCP"}:
            metadata.append(payload)
    if size is None:
        raise ImageError("image_damaged")
    return Container("WEBP", end, *size, channels, animated=animated, exif=exif, metadata=tuple(metadata))


def _read_tiff(data: bytes) -> Container:
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in {b"+\0", b"\0+"}
    (offset,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    if offset + 2 > len(data):
        raise ImageError("image_truncated")
    return Container("TIFF", len(data))


_READERS = {
    "JPEG": read_jpeg,
    "PNG": _read_png,
    "BMP": _read_bmp,
    "TIFF": _read_tiff,
    "WEBP": _read_webp,
}
