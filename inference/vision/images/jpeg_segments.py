"""Reads the segments of a JPEG file (ITU-T T.81, annex B): size, scans, metadata, and whether every scan is there."""

from __future__ import annotations

import re
import struct

from inference.errors import ImageError
from inference.vision.images.container_record import Container, check_size

# After a scan starts, the next marker is an FF that is neither stuffed (00), a restart (D0–D7) nor fill (FF).
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def read_jpeg(data: bytes) -> Container:
    """Walk the segments. Raises ImageError, and struct.error or IndexError where the file ends before them."""
    position, size, channels, progressive, exif = 2, None, None, False, b""
    metadata: list[bytes] = []
    scans: list[bytes] = []
    scan_ends: list[int] = []
    components = b""
    while True:
        while data[position] != 0xFF:  # bytes between segments: decoders skip them, and so do we
            position = data.find(b"\xff", position)
            if position < 0:
                raise ImageError("image_truncated")
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        position += 2
        if marker == 0xD9:
            break
        if marker in {0x00, 0x01, 0xD8} or 0xD0 <= marker <= 0xD7:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        if length < 2:
            raise ImageError("image_damaged")
        if position + length > len(data):
            raise ImageError("image_truncated")
        payload = data[position + 2 : position + length]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            if marker not in {0xC0, 0xC1, 0xC2} or payload[0] != 8:
                raise ImageError("image_unsupported_format", format="JPEG (12-bit, lossless or arithmetic)")
            height, width, channels = struct.unpack_from(">HHB", payload, 1)
            size, progressive = check_size(width, height), marker == 0xC2
            components = bytes(payload[6 : 6 + 3 * channels : 3])
        elif marker == 0xF7:
            raise ImageError("image_unsupported_format", format="JPEG-LS")
        elif 0xE0 <= marker <= 0xEF or marker == 0xFE:
            metadata.append(payload)
            if marker == 0xE1 and payload.startswith(b"Exif\0\0") and not exif:
                exif = payload
        position += length
        if marker == 0xDA:
            if length < 6 + 2 * payload[0]:
                raise ImageError("image_damaged")
            found = _MARKER.search(data, position)
            if found is None:
                raise ImageError("image_truncated")
            position = found.start()
            scans.append(payload)
            scan_ends.append(position)
    if size is None:
        raise ImageError("image_damaged")
    if not _has_all_scans(scans, components, progressive=progressive):
        raise ImageError("image_truncated")
    return Container(
        "JPEG",
        position,
        *size,
        channels,
        progressive=progressive,
        exif=exif,
        metadata=tuple(metadata),
        scan_ends=tuple(scan_ends),
    )


def _has_all_scans(scans: list[bytes], components: bytes, *, progressive: bool) -> bool:
    """Return whether the scans (headers: T.81, B.2.3) bring every component, in a progressive JPEG to its last bit."""
    # The lowest bit that came so far of each coefficient; 99: none did.
    lowest = {component: [99] * (64 if progressive else 1) for component in components}
    for scan in scans:
        count = scan[0]
        first, last, bits = scan[1 + 2 * count : 4 + 2 * count]
        for component in scan[1 : 1 + 2 * count : 2]:
            if component in lowest:
                coefficients = slice(first, last + 1) if progressive else slice(0, 1)
                part = lowest[component][coefficients]
                lowest[component][coefficients] = [bits & 0x0F if progressive else 0] * len(part)
    return all(not any(bits) for bits in lowest.values())
