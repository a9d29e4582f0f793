"""Plain PNG files, 8-bit gray or RGB, decoded in half the time: unpacked by libdeflate, unfiltered by libspng.

Nine tenths of decoding a PNG is unpacking it, and libdeflate, which unpacks a whole buffer at once, does that in a
third of zlib's time. It hands nothing out unless the stream is whole and its checksum right. What it unpacked is put
back into a PNG of stored blocks (RFC 1951, 3.2.4), whose rows the other library unfilters: no filter is written anew
here. Whatever is not plain, or not whole, is left to the usual decoder, which also knows why a file is refused; so both
give the same pixels and refuse the same files.

The two large buffers between the steps stay with their thread: memory that is asked for anew at each image is cleared
page by page by the system, which took longer than unpacking.
"""

from __future__ import annotations

import struct
import threading
import zlib
from typing import Final, cast

import cv2
import numpy as np
import numpy.typing as npt

from inference.vision.images.container_record import Container

Pixels = npt.NDArray[np.uint8]

_GRAY, _RGB = 0, 2
_SIGNATURE_AND_HEADER_BYTES: Final = 33
# Chunks that change no pixel. Others may turn it, make a color transparent, or hold what has to be unpacked to be read.
_HARMLESS: Final = frozenset({b"IHDR", b"IDAT", b"IEND", b"pHYs", b"gAMA", b"sRGB", b"cHRM", b"tIME", b"tEXt"})
_EXIF_AS_TEXT: Final = b"Raw profile"
_BLOCK_BYTES: Final = 65_535
_LAST_FILTER: Final = 4
# What a larger image needs is given back after it: four threads must not hold 100 megapixels each.
_MOST_KEPT_BYTES: Final = 16_000_000
_END: Final = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))


class _Buffers(threading.local):
    """Bytes of a thread, by what they are for."""

    def __init__(self) -> None:
        self._kept: dict[str, Pixels] = {}

    def take(self, name: str, n_bytes: int) -> Pixels:
        """Return so many bytes, of any content, that count until the same thread takes them again."""
        kept = self._kept.get(name)
        if kept is None or kept.size < n_bytes:
            kept = np.empty(n_bytes, np.uint8)
            if n_bytes <= _MOST_KEPT_BYTES:
                self._kept[name] = kept
        return kept[:n_bytes]


_buffers = _Buffers()


def decode_plain_png(data: bytes, container: Container) -> Pixels | None:
    """Return RGB uint8 pixels (H, W, 3) of a checked PNG; None where the usual decoder has to say what it is."""
    width, height, depth, color, method, filters, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    if depth != 8 or color not in {_GRAY, _RGB} or method or filters or interlaced or container.animated:
        return None
    packed = _join_packed(data, container.end)
    if packed is None:
        return None
    # Imported late: not every program decodes images.
    import imagecodecs

    row_bytes = 1 + width * (3 if color == _RGB else 1)
    rows = _buffers.take("rows", height * row_bytes)
    try:
        unpacked = imagecodecs.deflate_decode(packed, out=rows.data)
        if len(unpacked) != rows.size or int(rows[::row_bytes].max()) > _LAST_FILTER:
            return None
        whole = _pack_stored(data[:_SIGNATURE_AND_HEADER_BYTES], rows)
        del rows, unpacked
        pixels = np.asarray(imagecodecs.spng_decode(cast(bytes, whole)), dtype=np.uint8)
    except (RuntimeError, ValueError):
        return None
    if color == _GRAY:
        pixels = np.asarray(cv2.cvtColor(pixels.reshape(height, width), cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    return pixels if pixels.shape == (height, width, 3) else None


def _join_packed(data: bytes, end: int) -> bytes | None:
    """Return the packed rows; None where other chunks may change what they show."""
    found: list[bytes] = []
    position, before = 8, b""
    while position < end:
        length, name = struct.unpack_from(">I4s", data, position)
        if name not in _HARMLESS or (name == b"tEXt" and data.startswith(_EXIF_AS_TEXT, position + 8)):
            return None
        if name == b"IDAT":
            if found and before != b"IDAT":
                return None  # the parts follow each other, or decoders do not agree which count
            found.append(data[position + 8 : position + 8 + length])
        position, before = position + 12 + length, name
    return b"".join(found)


def _pack_stored(head: bytes, rows: Pixels) -> Pixels:
    """Return a PNG of these filtered rows, nothing packed; `head` is its signature and header."""
    full, rest = divmod(rows.size, _BLOCK_BYTES)
    body_bytes = 2 + full * (_BLOCK_BYTES + 5) + (rest + 5 if rest else 0) + 4
    import imagecodecs

    whole = _buffers.take("whole", len(head) + 12 + body_bytes + len(_END))
    start = _put(whole, 0, head)
    start = _put(whole, start, struct.pack(">I4s", body_bytes, b"IDAT"))
    position = _put(whole, start, b"\x78\x01")
    blocks = whole[position : position + full * (_BLOCK_BYTES + 5)].reshape(full, _BLOCK_BYTES + 5)
    blocks[:, :5] = np.frombuffer(struct.pack("<BHH", 0, _BLOCK_BYTES, 0), np.uint8)
    blocks[:, 5:] = rows[: full * _BLOCK_BYTES].reshape(full, _BLOCK_BYTES)
    position += blocks.size
    if rest:
        position = _put(whole, position, struct.pack("<BHH", 1, rest, rest ^ 0xFFFF))
        whole[position : position + rest] = rows[full * _BLOCK_BYTES :]
        position += rest
    else:
        blocks[-1, 0] = 1
    position = _put(whole, position, struct.pack(">I", imagecodecs.deflate_adler32(cast(bytes, rows))))
    position = _put(
        whole, position, struct.pack(">I", imagecodecs.deflate_crc32(cast(bytes, whole[start - 4 : position])))
    )
    _put(whole, position, _END)
    return whole


def _put(whole: Pixels, position: int, data: bytes) -> int:
    whole[position : position + len(data)] = np.frombuffer(data, np.uint8)
    return position + len(data)
