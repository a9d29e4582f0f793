"""Files that lie: every one is refused by its reason, quickly and without memory, and the others go on."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from inference.errors import ImageError
from inference.vision.images.decode import MAX_BYTES, check, decode
from tests.zip_files import make_zip

GRADIENT = np.add.outer(np.arange(60), np.arange(80)).astype(np.uint8)
PICTURE = np.dstack([GRADIENT, GRADIENT.T[:60, :60].repeat(2, axis=1)[:, :80], 255 - GRADIENT])
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")


def save(image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, image_format, **options)
    return buffer.getvalue()


def refusal_of(data: bytes, file_name: str | None = None) -> str:
    with pytest.raises(ImageError) as refusal:
        decode(data, file_name=file_name)
    return refusal.value.code


def decode_or_refuse(data: bytes) -> str:
    try:
        decode(data)
    except ImageError as refusal:
        return refusal.code
    return "image"


def make_png(width: int, height: int, body: bytes = b"", *, chunks: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def chunk(name: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


# --- images ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image_empty"),
        (b"hello, world", "image_not_an_image"),
        (b"\0" * 4096, "image_not_an_image"),
        (b"BMW builds cars and this is a text about them", "image_not_an_image"),
        (b"%PDF-1.7\n", "image_not_an_image"),
        (b"<!doctype html><html></html>", "image_not_an_image"),
        (b"GIF89a" + b"\0" * 40, "image_unsupported_format"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "image_unsupported_format"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "image_unsupported_format"),
        (b"<svg onload=alert(1)>", "image_unsupported_format"),
        (b"8BPS\0\1" + b"\0" * 40, "image_unsupported_format"),
    ],
)
def test_what_is_no_image_is_refused(data: bytes, code: str) -> None:
    assert refusal_of(data) == code


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97])
def test_a_cut_file_is_called_truncated(image_format: str, share: float) -> None:
    data = save(image_format)
    cut = data[: max(3, int(len(data) * share))]
    possible = {"image_truncated"} if share > 0.1 else {"image_truncated", "image_not_an_image"}
    assert refusal_of(cut) in possible


def test_a_png_with_too_little_data_is_no_half_image() -> None:
    assert refusal_of(make_png(100, 100, zlib.compress(b"\0" * 500))) in {"image_truncated", "image_damaged"}


def test_a_png_with_a_flipped_bit_is_damaged() -> None:
    data = bytearray(save("PNG"))
    data[data.index(b"IDAT") + 20] ^= 0x10
    assert refusal_of(bytes(data)) == "image_damaged"


def test_sizes_are_refused_from_the_header_before_memory_is_spent() -> None:
    huge = (20_000, 10_000)
    bmp = bytearray(save("BMP"))
    struct.pack_into("<ii", bmp, 18, *huge)
    jpeg = bytearray(save("JPEG"))
    start = jpeg.index(b"\xff\xc0")
    struct.pack_into(">HH", jpeg, start + 5, 10_000, 20_000)
    webp = (
        b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (19_999).to_bytes(3, "little") + (9_999).to_bytes(3, "little")
    )
    webp = b"RIFF" + struct.pack("<I", len(webp) + 4) + b"WEBP" + webp
    tiff = io.BytesIO()
    Image.new("1", huge).save(tiff, "TIFF", compression="group4")
    for data in (make_png(*huge), bytes(bmp), bytes(jpeg), webp, tiff.getvalue()):
        tracemalloc.start()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert refusal_of(data) == "image_too_many_pixels"
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
        tracemalloc.stop()


def test_one_hundred_megapixels_are_the_limit() -> None:
    check(make_png(10_000, 10_000))
    assert refusal_of(make_png(10_000, 10_001)) == "image_too_many_pixels"


def test_files_beyond_the_byte_limit_are_refused_unread() -> None:
    assert refusal_of(save("PNG") + b"\0" * MAX_BYTES) == "image_too_many_bytes"


def test_a_text_chunk_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(b"\0" * 30_000_000))
    pixels = zlib.compress((b"\0" + b"\1\2\3" * 4) * 3)
    tracemalloc.start()
    assert decode_or_refuse(make_png(4, 3, pixels, chunks=bomb)) in {"image", "image_damaged"}
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


POLYGLOT_TAILS: dict[str, bytes] = {
    "ZIP": make_zip({"evil.txt": b"x"}),
    "HTML": b"<html><script>alert(1)</script></html>",
    "PDF": b"\n%PDF-1.7\n1 0 obj\n",
    "program": b"\n#!/bin/sh\nrm -rf /\n",
}


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "BMP", "WEBP"])
@pytest.mark.parametrize("second", POLYGLOT_TAILS)
def test_a_file_behind_the_image_makes_a_polyglot(image_format: str, second: str) -> None:
    data = save(image_format) + POLYGLOT_TAILS[second]
    with pytest.raises(ImageError) as refusal:
        decode(data)
    assert refusal.value.code == "image_polyglot"
    assert refusal.value.params["second"] == second


@pytest.mark.parametrize("second", ["ZIP", "HTML"])
def test_a_tiff_is_searched_as_a_whole(second: str) -> None:
    assert refusal_of(save("TIFF") + POLYGLOT_TAILS[second]) == "image_polyglot"


def test_text_hidden_in_the_metadata_makes_a_polyglot() -> None:
    script = b"<script>alert(1)</script>"
    comment = b"<?php system($_GET[0]); ?>"
    assert refusal_of(save("JPEG", comment=script)) == "image_polyglot"
    assert refusal_of(save("JPEG", comment=comment)) == "image_polyglot"
    assert refusal_of(save("JPEG", comment=b"%PDF-1.4")) == "image_polyglot"
    pixels = zlib.compress((b"\0" + b"\1\2\3" * 4) * 3)
    assert refusal_of(make_png(4, 3, pixels, chunks=chunk(b"tEXt", b"Comment\0" + script))) == "image_polyglot"


def test_a_file_before_the_image_makes_it_no_image() -> None:
    for head in (b"<html>", b"PK\3\4", b"%PDF-1.7\n"):
        assert refusal_of(head + save("PNG")) == "image_not_an_image"


def test_the_ending_must_tell_the_truth() -> None:
    assert refusal_of(save("PNG"), "part.jpg") == "image_wrong_ending"
    assert refusal_of(save("JPEG"), "part.html") == "image_wrong_ending"


@pytest.mark.parametrize("image_format", FORMATS)
def test_random_damage_gives_an_image_or_a_reason_and_nothing_else(image_format: str) -> None:
    rng = random.Random(image_format)
    original = save(image_format)
    for _ in range(150):
        data = bytearray(original)
        for _ in range(rng.choice([1, 3, 20])):
            data[rng.randrange(2, min(len(data), rng.choice([80, len(data)])))] = rng.randrange(256)
        cut = bytes(data[: rng.choice([len(data), rng.randrange(1, len(data))])])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                image = decode(cut)
            except ImageError:
                continue
        assert image.pixels.dtype == np.uint8
        assert image.pixels.ndim == 3
