"""Files that are closed properly although their data ended early are refused; those that are whole never are."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from inference.errors import ImageError
from inference.vision.images.decode import decode
from tests.unit.inference.vision.images.test_wide_images import as_tiff

RNG = np.random.default_rng(11)
PICTURE = cv2.GaussianBlur(RNG.integers(0, 256, (120, 168, 3), dtype=np.uint8), (0, 0), 2)
GRAY_GROUND = np.full((96, 128, 3), 128, np.uint8)


def save(picture: np.ndarray | Image.Image, image_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(buffer, image_format, **options)
    return buffer.getvalue()


def is_truncated(data: bytes) -> bool:
    try:
        decode(data)
    except ImageError as refusal:
        return refusal.code == "image_truncated"
    return False


def cut_jpeg(data: bytes, share: float) -> bytes:
    """Leave away all but a share of the last scan, and close the file."""
    start = data.rfind(b"\xff\xda")
    (length,) = struct.unpack_from(">H", data, start + 2)
    begin = start + 2 + length
    return data[: begin + int((len(data) - 2 - begin) * share)].rstrip(b"\xff") + b"\xff\xd9"


JPEG_KINDS: list[dict[str, Any]] = [
    {},
    {"optimize": True},
    {"subsampling": 0},
    {"quality": 30},
    {"progressive": True},
    {"restart_marker_blocks": 4},
]


@pytest.mark.parametrize("options", JPEG_KINDS, ids=str)
@pytest.mark.parametrize("kind", ["color", "gray", "print"])
def test_a_jpeg_whose_scan_ended_early_is_refused(options: dict[str, Any], kind: str) -> None:
    picture = Image.fromarray(PICTURE if kind == "color" else PICTURE[..., 0])
    if kind == "print":
        picture = Image.merge("CMYK", [*Image.fromarray(PICTURE).split(), picture])
    data = save(picture, "JPEG", **options)
    assert not is_truncated(data)
    for share in (0.0, 0.3, 0.5, 0.9):
        assert is_truncated(cut_jpeg(data, share)), share


def test_a_progressive_jpeg_without_its_last_scans_is_refused() -> None:
    data = save(PICTURE, "JPEG", progressive=True)
    starts = [place for place in range(len(data) - 1) if data[place : place + 2] == b"\xff\xda"]
    assert len(starts) > 5
    for start in starts[1:]:
        assert is_truncated(data[:start] + b"\xff\xd9")


@pytest.mark.parametrize("options", JPEG_KINDS, ids=str)
def test_a_whole_jpeg_that_is_as_gray_as_missing_data_is_taken(options: dict[str, Any]) -> None:
    half = GRAY_GROUND.copy()
    half[:30, :40] = PICTURE[:30, :40]
    for picture in (GRAY_GROUND, half, half[..., 0], GRAY_GROUND[:1, :1], PICTURE[:17, :9]):
        assert not is_truncated(save(picture, "JPEG", **options))


def test_nothing_is_said_on_standard_error_of_a_whole_jpeg(capfd: pytest.CaptureFixture[str]) -> None:
    for options in JPEG_KINDS:
        decode(save(GRAY_GROUND, "JPEG", **options))
        decode(save(PICTURE, "JPEG", **options))
    assert capfd.readouterr().err == ""


def make_png(picture: np.ndarray, *, rows: int | None = None, share: float = 1.0) -> bytes:
    """Write a PNG with a properly closed stream of so many rows only, or with the first part of the whole one."""
    height, width = picture.shape[:2]
    lines = b"".join(b"\0" + line.tobytes() for line in picture[: height if rows is None else rows])
    stream = zlib.compress(lines)
    stream = stream[: int(len(stream) * share)]
    chunks = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8 * picture.itemsize, 2, 0, 0, 0)),
            (b"IDAT", stream),
            (b"IEND", b""),
        )
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_a_png_without_its_last_rows_is_refused() -> None:
    assert not is_truncated(make_png(PICTURE))
    for rows in (1, 60, len(PICTURE) - 1):
        assert is_truncated(make_png(PICTURE, rows=rows))
    wide = PICTURE.astype(">u2") * 256
    assert is_truncated(make_png(wide, rows=60))
    assert is_truncated(make_png(PICTURE, share=0.5))


def test_a_png_with_black_rows_at_its_end_is_taken() -> None:
    black = PICTURE.copy()
    black[60:] = 0
    assert not is_truncated(make_png(black))
    for picture in (black, black[..., 0], black[..., 0] > 127):
        assert not is_truncated(save(picture, "PNG"))


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA"])
def test_an_interlaced_png_is_taken_whole_only(mode: str) -> None:
    # Pillow writes none: the seven passes of an image of 1 x 1 to 5 x 3 px are written by hand.
    bits, color, channels = {"RGB": (8, 2, 3), "L": (8, 0, 1), "1": (1, 0, 1), "P": (8, 3, 1), "RGBA": (8, 6, 4)}[mode]
    for width, height in ((1, 1), (5, 3), (9, 9)):
        passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
        lines = b""
        for x, y, across, down in passes:
            columns, rows = len(range(x, width, across)), len(range(y, height, down))
            lines += (b"\0" + b"\x05" * ((columns * bits * channels + 7) // 8)) * rows if columns else b""
        for taken, expected in ((lines, False), (lines[:-1], True)):
            parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 1))]
            parts += [(b"PLTE", bytes(768))] if mode == "P" else []
            parts += [(b"IDAT", zlib.compress(taken)), (b"IEND", b"")]
            data = b"\x89PNG\r\n\x1a\n" + b"".join(
                struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
                for name, body in parts
            )
            assert is_truncated(data) == expected


@pytest.mark.parametrize("packed", [False, True])
def test_a_tiff_whose_strips_are_missing_or_short_is_refused(packed: bool) -> None:
    whole = as_tiff(PICTURE, packed=packed)
    assert not is_truncated(whole)
    layout = {273: [8] * 5, 279: [504 * 10] * 5}
    assert is_truncated(as_tiff(PICTURE, packed=packed, tag273=layout[273], tag279=layout[279])), "strips are missing"
    sizes = [10 * 504] * 12
    sizes[5] = 0
    assert is_truncated(as_tiff(PICTURE, packed=packed, tag279=sizes)), "an empty strip"
    sizes[5] = 10 * 504 // 2
    assert packed or is_truncated(as_tiff(PICTURE, tag279=sizes)), "half a strip"


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_a_packed_tiff_strip_that_ends_early_is_refused(compression: str | None) -> None:
    data = save(PICTURE, "TIFF", **({"compression": compression} if compression else {}))
    assert not is_truncated(data)
    with Image.open(io.BytesIO(data)) as image:
        sizes = [int(size) for size in np.atleast_1d(image.tag_v2[279])]  # type: ignore[attr-defined]
    last = sizes[-1]
    at = data.rfind(struct.pack("<I", last))
    short = data[:at] + struct.pack("<I", last // 2) + data[at + 4 :]
    assert is_truncated(short)


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("share", [0.5, 0.7, 0.95])
def test_a_webp_whose_data_ended_early_is_refused(lossless: bool, share: float) -> None:
    data = save(PICTURE, "WEBP", lossless=lossless)
    (size,) = struct.unpack_from("<I", data, 16)
    part = data[20 : 20 + (int(size * share) & ~1)]
    body = b"WEBP" + data[12:16] + struct.pack("<I", len(part)) + part
    assert is_truncated(b"RIFF" + struct.pack("<I", len(body)) + body)


def test_a_packed_bmp_that_ended_early_is_refused() -> None:
    # Two rows of 8 px of run-length code; the file says four rows.
    rows = b"\x08\x01\x00\x00" * 2
    head = struct.pack("<IiiHHIIiiII", 40, 8, 4, 1, 8, 1, len(rows), 0, 0, 256, 0)
    start = 14 + len(head) + 1024
    data = b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + head + bytes(range(256)) * 4 + rows
    assert is_truncated(data)
    data = b"BM" + struct.pack("<IHHI", start + 2 * len(rows), 0, 0, start) + head + bytes(range(256)) * 4 + rows * 2
    assert not is_truncated(data)


@pytest.mark.parametrize("count", [0, 1, 200])
def test_a_jpeg_whose_scan_header_is_too_short_is_refused(count: int) -> None:
    start = (data := save(PICTURE, "JPEG")).rfind(b"\xff\xda")
    short = data[:start] + b"\xff\xda\x00\x03" + bytes([count]) + data[start + 14 :]
    with pytest.raises(ImageError) as refusal:
        decode(short)
    assert refusal.value.code in {"image_damaged", "image_truncated"}
