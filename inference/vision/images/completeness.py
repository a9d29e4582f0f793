"""Whether an image's data ended early although its file is closed properly: decoders fill the rest, and say nothing.

JPEG (ITU-T T.81): what is missing becomes gray, or stays coarse in a progressive file. Whether a scan was complete
shows when something is put behind it: a decoder skips that, unless it was still waiting for data. PNG (W3C PNG,
section 10): what the chunks unpack to is counted. WebP (RFC 9649): a decoder that gave up goes on when zeros follow.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from inference.vision.images.container_record import Container

Pixels = npt.NDArray[np.uint8]

# Bits of every kind, none of which looks like a marker: a decoder that still waits draws something with them.
_FILLER = bytes((37 * place * place + 11 * place + 85) % 251 for place in range(512))
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
# What decoders draw where a baseline JPEG has no data.
_JPEG_GRAY = 128
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_ZEROS = bytes(100_000)


def jpeg_ends_early(
    data: bytes, container: Container, pixels: Pixels, decode_again: Callable[[bytes], Pixels | None]
) -> bool:
    """Return whether a scan of a JPEG stopped before its last block. `pixels` are what was decoded, not turned yet.

    Only a file that may have done so is decoded once more: a progressive one, one in several scans or with four
    channels, and one whose last corner is just the gray that decoders fill in.
    """
    plain = not container.progressive and len(container.scan_ends) == 1 and container.channels in {1, 3}
    if plain and bool((pixels[-1, -1] != _JPEG_GRAY).any()):
        return False
    parts, start = [], 0
    for end in container.scan_ends:
        # Data that ended just where a restart marker was due are waited for behind that marker only.
        restarts = _RESTART.findall(data, start, end)
        due = (restarts[-1][1] + 1 - 0xD0) % 8 if restarts else 0
        parts += [data[start:end], _FILLER, bytes((0xFF, 0xD0 + due)), _FILLER]
        start = end
    filled = decode_again(b"".join([*parts, data[start:]]))
    if filled is None or np.array_equal(filled, pixels):
        return False
    # Another library may round otherwise: then its own two pictures are compared.
    itself = decode_again(data)
    return itself is not None and not np.array_equal(filled, itself)


def png_ends_early(data: bytes, container: Container) -> bool:
    """Return whether the chunks of a PNG unpack to less than its rows need; False where they cannot be unpacked."""
    width, height, depth, color, _method, _filter, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(color, 1)
    needed = sum(rows * (1 + (columns * bits + 7) // 8) for columns, rows in _shares(width, height, bool(interlaced)))
    unpacked, total, position = zlib.decompressobj(), 0, 8
    try:
        while position < container.end and total < needed and not unpacked.eof:
            (length,) = struct.unpack_from(">I", data, position)
            packed = data[position + 8 : position + 8 + length] if data[position + 4 : position + 8] == b"IDAT" else b""
            while packed and total < needed and not unpacked.eof:
                total += len(unpacked.decompress(packed, 1 << 20))
                packed = unpacked.unconsumed_tail
            position += 12 + length
        total += len(unpacked.flush())
    except zlib.error:
        return False
    return bool(total < needed)


def webp_ends_early(data: bytes, can_decode: Callable[[bytes], bool]) -> bool:
    """Return whether a still WebP that could not be decoded can be, once zeros follow its data."""
    position = 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        if name in {b"VP8 ", b"VP8L"}:
            chunk = name + struct.pack("<I", size + len(_ZEROS)) + data[position + 8 : position + 8 + size] + _ZEROS
            body = b"WEBP" + chunk + b"\0" * (len(chunk) % 2)
            return can_decode(b"RIFF" + struct.pack("<I", len(body)) + body)
        position += 8 + size + (size & 1)
    return False


def _shares(width: int, height: int, interlaced: bool) -> Sequence[tuple[int, int]]:
    """Return (columns, rows) of each pass; passes without either have no bytes."""
    if not interlaced:
        return [(width, height)]
    sizes = [((width - x + dx - 1) // dx, (height - y + dy - 1) // dy) for x, y, dx, dy in _PASSES]
    return [(columns, rows) for columns, rows in sizes if columns > 0 and rows > 0]
