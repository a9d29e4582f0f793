"""Files that lie: every one is refused by its reason, quickly and without memory, and the others go on."""

from __future__ import annotations

import io
import random
import stat
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from core.errors import BadInput
from core.files.archives import MAX_ENTRIES, open_archive
from inference.errors import ImageError
from inference.vision.images.decode import MAX_BYTES, check, decode

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


def make_zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


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


# --- archives -------------------------------------------------------------------------------------------------------


def whole_refusal(data: bytes) -> str:
    with pytest.raises(BadInput) as refusal, open_archive(data, name="a.zip"):
        pass
    assert refusal.value.params["name"] == "a.zip"
    return refusal.value.code


def entry_refusals(data: bytes) -> dict[str, str]:
    with open_archive(data, name="a.zip") as archive:
        assert "good.png" in [entry.name for entry in archive.entries], "the others go on"
        assert next(entry for entry in archive.entries if entry.name == "good.png").read() == b"good"
        return {refusal.name: refusal.error.code for refusal in archive.refusals}


def patch_central(data: bytes, change: Callable[[bytearray, int], None], *, entry: int = 0) -> bytes:
    """`change` the central directory record number `entry` (record start given)."""
    patched = bytearray(data)
    position = -1
    for _ in range(entry + 1):
        position = patched.index(b"PK\1\2", position + 1)
    change(patched, position)
    return bytes(patched)


def test_what_is_no_archive_is_refused() -> None:
    good = make_zip({"good.png": b"good"})
    assert whole_refusal(b"") == "archive_not_zip"
    assert whole_refusal(b"Rar!\x1a\x07") == "archive_not_zip"
    assert whole_refusal(b"#!/bin/sh\n" + good) == "archive_not_zip"
    assert whole_refusal(good[:-10]) == "archive_damaged"
    assert whole_refusal(good[:20]) == "archive_damaged"


def test_too_many_entries_are_refused_whether_or_not_the_count_is_true() -> None:
    many = make_zip({f"{number}.png": b"" for number in range(MAX_ENTRIES + 1)})
    assert whole_refusal(many) == "archive_too_many_entries"
    lying = bytearray(many)
    struct.pack_into("<HH", lying, lying.rindex(b"PK\5\6") + 8, 1, 1)
    assert whole_refusal(bytes(lying)) == "archive_too_many_entries"


def test_unpacked_size_is_limited_by_what_the_directory_says() -> None:
    data = make_zip({"a.png": b"a", "b.png": b"b"})
    for entry in (0, 1):
        data = patch_central(data, lambda d, at: struct.pack_into("<I", d, at + 24, 2_100_000_000), entry=entry)
    assert whole_refusal(data) == "archive_too_large"


def test_overlapping_entries_are_refused() -> None:
    data = make_zip({"a.png": b"a" * 50, "b.png": b"b" * 50})
    shared = patch_central(data, lambda d, at: struct.pack_into("<I", d, at + 42, 0), entry=1)
    assert whole_refusal(shared) == "archive_overlapping"
    into_directory = patch_central(data, lambda d, at: struct.pack_into("<I", d, at + 20, 5_000), entry=1)
    assert whole_refusal(into_directory) == "archive_overlapping"


def test_bombs_are_refused_by_name() -> None:
    data = make_zip({"good.png": b"good", "bomb.bmp": b"\0" * 20_000_000, "big.bmp": b"\0" * (MAX_BYTES + 1)})
    assert entry_refusals(data) == {"bomb.bmp": "archive_ratio", "big.bmp": "archive_ratio"}
    noise = random.Random(0).randbytes(400_000)
    large = make_zip({"good.png": b"good", "big.bmp": noise * 130})
    assert entry_refusals(large) in ({"big.bmp": "image_too_many_bytes"}, {"big.bmp": "archive_ratio"})


def test_a_size_that_lies_is_found_while_unpacking() -> None:
    data = make_zip({"good.png": b"good", "liar.png": b"x" * 5_000})
    data = patch_central(data, lambda d, at: struct.pack_into("<I", d, at + 24, 100), entry=1)
    with open_archive(data, name="a.zip") as archive, pytest.raises(BadInput) as refusal:
        archive.entries[1].read()
    assert refusal.value.code == "archive_entry_damaged"
    assert refusal.value.params == {"name": "liar.png"}


@pytest.mark.parametrize(
    "name", ["/etc/passwd.png", "../../evil.png", "a/../../evil.png", "C:/evil.png", "..\\..\\evil.png"]
)
def test_names_that_leave_the_archive_are_refused(name: str) -> None:
    (code,) = entry_refusals(make_zip({"good.png": b"good", name: b"x"})).values()
    assert code == "archive_unsafe_name"


def test_links_and_devices_are_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("good.png", b"good")
        for name, kind in (("link.png", stat.S_IFLNK), ("pipe.png", stat.S_IFIFO), ("device.png", stat.S_IFCHR)):
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (kind | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
    assert set(entry_refusals(buffer.getvalue()).values()) == {"archive_link"}


def test_encrypted_nested_and_odd_entries_are_refused_by_name() -> None:
    data = make_zip({"good.png": b"good", "secret.png": b"x", "inner.ZIP": make_zip({"a": b""}), "odd.png": b"y"})
    data = patch_central(data, lambda d, at: struct.pack_into("<H", d, at + 8, 1), entry=1)
    data = patch_central(data, lambda d, at: struct.pack_into("<H", d, at + 10, 14), entry=3)
    assert entry_refusals(data) == {
        "secret.png": "archive_encrypted",
        "inner.ZIP": "archive_nested",
        "odd.png": "archive_unsupported_method",
    }


def test_a_name_given_twice_is_read_once() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for data in (b"good", b"evil"):
                archive.writestr("good.png", data)
    assert entry_refusals(buffer.getvalue()) == {"good.png": "archive_duplicate_name"}


def test_random_damage_to_an_archive_gives_entries_or_a_reason() -> None:
    rng = random.Random(1)
    original = make_zip({f"{number}.png": rng.randbytes(60) for number in range(4)})
    for _ in range(600):
        data = bytearray(original)
        for _ in range(rng.choice([1, 4])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        assert set(read_all(bytes(data))) <= {"read", "archive_entry_damaged"} | WHOLE_REFUSALS


WHOLE_REFUSALS = {
    "archive_not_zip",
    "archive_damaged",
    "archive_too_many_entries",
    "archive_too_large",
    "archive_overlapping",
}


def read_all(data: bytes) -> list[str]:
    """What became of each entry, or of the whole archive."""
    outcomes = []
    try:
        with open_archive(data, name="a.zip") as archive:
            for entry in archive.entries:
                try:
                    entry.read()
                    outcomes.append("read")
                except BadInput as refusal:
                    outcomes.append(refusal.code)
    except BadInput as refusal:
        return [refusal.code]
    return outcomes
