"""Reads the first directory of a TIFF file: how its pixels lie there, and whether all of them can.

Tags: TIFF 6.0, sections 8, 14, 15 and 19; BigTIFF as libtiff writes it. Nothing is decoded, apart from counting what a
strip unpacks to where its decoder has already given up.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from inference.errors import ImageError

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION = 256, 257, 258, 259, 262, 274
_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _COUNTS, _PLANAR, _PREDICTOR = 273, 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 322, 323, 324, 325, 338, 339
# Bytes and struct letter of the types that hold whole numbers: BYTE, SHORT, LONG, LONG8 and IFD8.
_TYPES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNCOMPRESSED, _LZW, _DEFLATE, _PACKBITS = 1, 5, {8, 32946}, 32773
_SAMPLE_KINDS = {1: "unsigned integers", 2: "signed integers", 3: "floating point", 5: "complex", 6: "complex"}
_YCBCR = 6
_MOST_VALUES = 4_000_000


@dataclass(frozen=True)
class TiffLayout:
    """The first image of a TIFF: `segments` are (offset, byte count) of its strips or tiles, plane by plane.

    `bits` and `kind` are those of one sample; `is_mixed` where samples differ. `planes` is 1 where the samples of a
    pixel lie together. `segment_px` (height, width) is the size of a strip or tile. `orientation` is that of EXIF.
    """

    width_px: int
    height_px: int
    samples: int
    bits: int
    kind: int
    is_mixed: bool
    compression: int
    photometric: int
    planes: int
    predictor: int
    segment_px: tuple[int, int]
    segments: tuple[tuple[int, int], ...]
    byte_order: str
    is_tiled: bool
    orientation: int

    def describe(self) -> str:
        """Return what is unusual about it, in English, for a sentence that says that it is not taken in."""
        kind = _SAMPLE_KINDS.get(self.kind, f"samples of kind {self.kind}")
        layout = f"{self.samples} × {self.bits}-bit {kind}"
        packed = "" if self.compression == _UNCOMPRESSED else f", compression {self.compression}"
        return f"TIFF, {layout}{', one plane each' if self.planes > 1 else ''}{packed}"

    def segments_of(self, plane: int) -> tuple[tuple[int, int], ...]:
        """Return the strips or tiles of one plane."""
        count = len(self.segments) // self.planes
        return self.segments[plane * count : (plane + 1) * count]

    def needed_bytes(self) -> Iterator[int]:
        """Yield how many bytes each segment unpacks to, in order."""
        height, width = self.segment_px
        row_bytes = math.ceil(width * (self.samples // self.planes) * self.bits / 8)
        per_plane = len(self.segments) // self.planes
        across = math.ceil(self.width_px / width)
        for place in range(len(self.segments)):
            top = place % per_plane // across * height
            yield row_bytes * (height if self.is_tiled else min(height, self.height_px - top))


def read_layout(data: bytes) -> TiffLayout:
    """Return the layout of the first image. Raises ImageError image_truncated (strips are missing), image_damaged."""
    order = "<" if data[:2] == b"II" else ">"
    try:
        tags = _read_directory(data, order)
    except struct.error as error:
        raise ImageError("image_truncated") from error
    width, height = _one(tags, _WIDTH, 0), _one(tags, _HEIGHT, 0)
    if width <= 0 or height <= 0:
        raise ImageError("image_damaged")
    samples, planes, orientation = _one(tags, _SAMPLES, 1), 1, _one(tags, _ORIENTATION, 1)
    if _one(tags, _PLANAR, 1) == 2 and samples > 1:
        planes = samples
    bits, kinds = tags.get(_BITS) or (1,), tags.get(_SAMPLE_FORMAT) or (1,)
    is_tiled = _TILE_OFFSETS in tags
    if is_tiled:
        segment_px = (_one(tags, _TILE_HEIGHT, 0), _one(tags, _TILE_WIDTH, 0))
    else:
        segment_px = (min(height, _one(tags, _ROWS_PER_STRIP, height)), width)
    if min(segment_px) <= 0 or samples <= 0:
        raise ImageError("image_damaged")
    expected = planes * math.ceil(height / segment_px[0]) * math.ceil(width / segment_px[1])
    offsets = tags.get(_TILE_OFFSETS if is_tiled else _OFFSETS, ())
    counts = tags.get(_TILE_COUNTS if is_tiled else _COUNTS, ())
    if not counts and len(offsets) == 1:  # old writers leave the size of a single strip away
        counts = (len(data) - offsets[0],)
    segments = tuple(zip(offsets, counts, strict=False))[:expected]
    layout = TiffLayout(
        width_px=width,
        height_px=height,
        samples=samples,
        bits=bits[0],
        kind=kinds[0],
        is_mixed=len(set(bits)) > 1 or len(set(kinds)) > 1,
        compression=_one(tags, _COMPRESSION, 1),
        photometric=_one(tags, _PHOTOMETRIC, 1),
        planes=planes,
        predictor=_one(tags, _PREDICTOR, 1),
        segment_px=segment_px,
        segments=segments,
        byte_order=order,
        is_tiled=is_tiled,
        orientation=orientation if 1 <= orientation <= 8 else 1,
    )
    _check_extent(layout, expected, len(data))
    return layout


def ends_early(data: bytes, layout: TiffLayout) -> bool:
    """Return whether a packed strip or tile holds less than its pixels need; False where that cannot be told."""
    count = {_LZW: _count_lzw, _PACKBITS: _count_packbits}.get(layout.compression)
    if layout.compression in _DEFLATE:
        count = _count_deflated
    if count is None:
        return False
    try:
        return any(
            count(data[offset : offset + size], needed) < needed
            for (offset, size), needed in zip(layout.segments, layout.needed_bytes(), strict=True)
        )
    except (zlib.error, IndexError):
        return False


def single_plane(data: bytes, layout: TiffLayout, plane: int) -> bytes:
    """Return a TIFF file whose first directory shows one plane of an image in planes as a gray image, not turned."""
    return _rewrite(data, layout, layout.segments_of(plane), samples=1)


def unturned(data: bytes, layout: TiffLayout) -> bytes:
    """Return the TIFF file itself, or one with the same image as it lies there where a reader would turn it."""
    return data if layout.orientation == 1 else _rewrite(data, layout, layout.segments, samples=layout.samples)


def _rewrite(data: bytes, layout: TiffLayout, segments: tuple[tuple[int, int], ...], *, samples: int) -> bytes:
    entries: dict[int, tuple[str, tuple[int, ...]]] = {
        _WIDTH: ("I", (layout.width_px,)),
        _HEIGHT: ("I", (layout.height_px,)),
        _BITS: ("H", (layout.bits,) * samples),
        _COMPRESSION: ("H", (layout.compression,)),
        _PHOTOMETRIC: ("H", (1 if samples == 1 else layout.photometric,)),
        _SAMPLES: ("H", (samples,)),
        _PLANAR: ("H", (1,)),
        _PREDICTOR: ("H", (layout.predictor,)),
        _SAMPLE_FORMAT: ("H", (layout.kind,) * samples),
    }
    if samples == 4:
        entries[_EXTRA_SAMPLES] = ("H", (2,))
    places = (_TILE_OFFSETS, _TILE_COUNTS) if layout.is_tiled else (_OFFSETS, _COUNTS)
    entries[places[0]] = ("I", tuple(offset for offset, _ in segments))
    entries[places[1]] = ("I", tuple(count for _, count in segments))
    if layout.is_tiled:
        entries[_TILE_HEIGHT], entries[_TILE_WIDTH] = (("I", (length,)) for length in layout.segment_px)
    else:
        entries[_ROWS_PER_STRIP] = ("I", (layout.segment_px[0],))
    return _write_directory(data, layout.byte_order, entries)


def _write_directory(data: bytes, order: str, entries: dict[int, tuple[str, tuple[int, ...]]]) -> bytes:
    start = len(data) + len(data) % 2
    behind = start + 2 + 12 * len(entries) + 4
    directory, values = struct.pack(order + "H", len(entries)), b""
    for tag, (letter, numbers) in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(numbers)}{letter}", *numbers)
        if len(packed) > 4:
            field = struct.pack(order + "I", behind + len(values))
            values += packed
        else:
            field = packed.ljust(4, b"\0")
        directory += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[letter], len(numbers)) + field
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    return head + data[8:] + b"\0" * (start - len(data)) + directory + b"\0" * 4 + values


def _read_directory(data: bytes, order: str) -> dict[int, tuple[int, ...]]:
    """Return the whole numbers of the first directory by tag. Raises struct.error where the file ends before."""
    big = data[2:4] in {b"+\0", b"\0+"}
    (position,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, position)
    position += 8 if big else 2
    entry_size, field_size = (20, 8) if big else (12, 4)
    tags: dict[int, tuple[int, ...]] = {}
    for place in range(min(count, 65_535)):
        at = position + place * entry_size
        tag, kind, number = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, at)
        if kind not in _TYPES or number > _MOST_VALUES:
            continue
        at += entry_size - field_size
        if number * _SIZES[kind] > field_size:
            (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, at)
        tags[tag] = struct.unpack_from(f"{order}{number}{_TYPES[kind]}", data, at)
    return tags


def _one(tags: dict[int, tuple[int, ...]], tag: int, default: int) -> int:
    found = tags.get(tag)
    return found[0] if found else default


def _check_extent(layout: TiffLayout, expected: int, byte_size: int) -> None:
    if len(layout.segments) < expected:
        raise ImageError("image_truncated")
    if any(not size or offset + size > byte_size for offset, size in layout.segments):
        raise ImageError("image_truncated")
    # Raw YCbCr has fewer samples of color than of light.
    if layout.compression == _UNCOMPRESSED and layout.photometric != _YCBCR:
        sizes = (size for _, size in layout.segments)
        if any(size < needed for size, needed in zip(sizes, layout.needed_bytes(), strict=True)):
            raise ImageError("image_truncated")


def _count_deflated(packed: bytes, needed: int) -> int:
    unpacked, total = zlib.decompressobj(), 0
    while packed and total < needed and not unpacked.eof:
        total += len(unpacked.decompress(packed, 1 << 20))
        packed = unpacked.unconsumed_tail
    return total


def _count_packbits(packed: bytes, needed: int) -> int:
    place, total = 0, 0
    while place < len(packed) and total < needed:
        length = packed[place]
        if length < 128:
            total += min(length + 1, len(packed) - place - 1)
            place += length + 2
        elif length > 128:
            total += 257 - length if place + 1 < len(packed) else 0
            place += 2
        else:
            place += 1
    return total


def _count_lzw(packed: bytes, needed: int) -> int:
    """Return how many bytes a strip of TIFF's LZW (section 13) unpacks to. Raises IndexError for an unknown code."""
    lengths: list[int] = []
    last, total, bits, width, buffer = 0, 0, 0, 9, 0
    for byte in packed:
        buffer, bits = (buffer << 8 | byte) & 0xFFFFFF, bits + 8
        if bits < width:
            continue
        bits -= width
        code = buffer >> bits & (1 << width) - 1
        if code == 257 or total >= needed:
            break
        if code == 256:
            lengths, last, width = [1] * 258, 0, 9
            continue
        length = last + 1 if code == len(lengths) and last else lengths[code]
        if last:
            lengths.append(last + 1)
        last, total = length, total + length
        width = 9 + sum(len(lengths) >= (1 << size) - 1 for size in (9, 10, 11))
    return total
