"""Plain PNG files are decoded by a faster way, to the same pixels; what is not plain or whole goes the usual one."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from inference.errors import ImageError
from inference.vision.images import decode as decoding
from inference.vision.images.containers import read_container
from inference.vision.images.decode import decode
from inference.vision.images.png.plain import decode_plain_png

Pixels = npt.NDArray[np.uint8]


def draw(height: int, width: int, channels: int) -> Pixels:
    rng = np.random.default_rng(height * width)
    y, x = np.mgrid[0:height, 0:width]
    base = (x * 3 + y * 5) % 251
    layers = [base + rng.integers(0, 9, base.shape) + 20 * layer for layer in range(channels)]
    return np.asarray(np.clip(np.stack(layers, axis=-1), 0, 255), np.uint8).squeeze()


def write(pixels: npt.NDArray[Any], **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", **options)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_chunk(png: bytes, name: bytes, data: bytes) -> bytes:
    return png[:33] + chunk(name, data) + png[33:]


def assemble(rows: bytes, *, width: int, height: int, color: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def quickly(png: bytes) -> Pixels | None:
    return decode_plain_png(png, read_container(png))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (64, 64), (200, 333), (255, 257), (300, 301)])
def test_plain_files_of_any_size_have_the_pixels_that_were_written(size: tuple[int, int], channels: int) -> None:
    pixels = draw(*size, channels).reshape(*size, *([3] if channels == 3 else []))
    found = quickly(write(pixels))
    assert found is not None
    assert found.flags.c_contiguous
    expected = pixels if channels == 3 else np.stack([pixels] * 3, axis=-1)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("row_filter", range(5))
def test_every_filter_is_undone(row_filter: int) -> None:
    width, height = 40, 30
    filtered = np.random.default_rng(row_filter).integers(0, 256, (height, 1 + 3 * width)).astype(np.uint8)
    filtered[:, 0] = row_filter
    png = assemble(filtered.tobytes(), width=width, height=height)
    found = quickly(png)
    assert found is not None
    assert np.array_equal(found, np.asarray(Image.open(io.BytesIO(png))))


def test_rows_that_fill_the_stored_blocks_exactly() -> None:
    width, height = 21_844, 5  # 65,533 bytes a row: 5 × 65,533 … and one that is a whole number of blocks
    pixels = draw(height, width, 3)
    found = quickly(write(pixels))
    assert found is not None
    assert np.array_equal(found, pixels)
    square = draw(65_535 // 3, 2, 1)
    rows = np.zeros((65_535 // 3, 3), np.uint8)
    rows[:, 1:] = square
    exact = quickly(assemble(rows.tobytes(), width=2, height=65_535 // 3, color=0))
    assert exact is not None
    assert np.array_equal(exact[..., 0], square)


@pytest.mark.parametrize(
    "make",
    [
        lambda: write(draw(20, 20, 4)),
        lambda: write(draw(20, 20, 1).astype(np.uint16) * 200),
        lambda: write(np.asarray(draw(20, 20, 1) > 100)),
        lambda: with_chunk(write(draw(20, 20, 3)), b"tRNS", b"\0\1\0\2\0\3"),
        lambda: with_chunk(write(draw(20, 20, 3)), b"eXIf", b"MM\0*\0\0\0\x08\0\0"),
        lambda: with_chunk(write(draw(20, 20, 3)), b"tEXt", b"Raw profile type exif\0x"),
        lambda: with_chunk(write(draw(20, 20, 3)), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0x"),
    ],
    ids=["alpha", "16-bit", "1-bit", "transparent-color", "exif", "exif-as-text", "xmp"],
)
def test_what_may_have_to_be_made_right_goes_the_usual_way(make: Callable[[], bytes]) -> None:
    assert quickly(make()) is None


def test_comments_and_resolution_change_nothing() -> None:
    info = PngInfo()
    info.add_text("Comment", "line 3")
    pixels = draw(30, 40, 3)
    found = quickly(write(pixels, pnginfo=info, dpi=(300, 300)))
    assert found is not None
    assert np.array_equal(found, pixels)


def _cut_stream(rows: bytes) -> bytes:
    png = assemble(rows, width=32, height=32)
    start = png.index(b"IDAT")
    (length,) = struct.unpack_from(">I", png, start - 4)
    cut = png[start + 4 : start + 4 + length // 2]
    return png[: start - 4] + chunk(b"IDAT", cut) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["cut", "short", "filter"])
def test_broken_streams_are_told_by_the_usual_decoder(kind: str) -> None:
    rows = np.random.default_rng(3).integers(0, 256, (32, 97)).astype(np.uint8)
    rows[:, 0] = 9 if kind == "filter" else 1
    if kind == "cut":
        png = _cut_stream(rows.tobytes())
    else:
        png = assemble(rows.tobytes() if kind == "filter" else rows[:20].tobytes(), width=32, height=32)
    assert quickly(png) is None
    with pytest.raises(ImageError):
        decode(png)


def test_more_rows_than_announced_are_as_the_usual_decoder_takes_them() -> None:
    rows = np.random.default_rng(4).integers(0, 256, (40, 97)).astype(np.uint8)
    rows[:, 0] = 0
    png = assemble(rows.tobytes(), width=32, height=32)
    assert quickly(png) is None
    assert np.array_equal(decode(png).pixels, rows[:32, 1:].reshape(32, 32, 3))


def test_decode_gives_the_same_with_and_without_the_faster_way(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [write(draw(90, 70, channels), compress_level=level) for channels in (1, 3) for level in (0, 1, 9)]
    fast = [decode(png) for png in files]
    monkeypatch.setattr(decoding, "decode_plain_png", lambda data, container: None)
    for one, png in zip(fast, files, strict=True):
        usual = decode(png)
        assert (one.notes, one.format, one.used_bits) == (usual.notes, usual.format, usual.used_bits)
        assert np.array_equal(one.pixels, usual.pixels)
        assert one.pixels.flags.writeable
