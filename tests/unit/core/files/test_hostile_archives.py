"""ZIP files that lie: refused as a whole or entry by entry, by the reason, and the other entries go on."""

from __future__ import annotations

import io
import random
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable

import pytest

from core.errors import BadInput
from core.files.archives import MAX_ENTRIES, open_archive
from inference.vision.images.decode import MAX_BYTES
from tests.zip_files import make_zip


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
    """Apply `change` to the central directory record number `entry` (record start given)."""
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


@pytest.mark.parametrize("extra", [b"", struct.pack("<HH4s", 0xCAFE, 4, b"more")], ids=["name", "extra field"])
def test_entries_that_overlap_by_less_than_a_header_are_refused(extra: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("a.png", "b.png"):
            info = zipfile.ZipInfo(name)
            info.extra = extra
            archive.writestr(info, b"x" * 50)
    # Two bytes more than there are before the next entry begins.
    longer = patch_central(buffer.getvalue(), lambda d, at: struct.pack_into("<I", d, at + 20, 52), entry=0)
    assert whole_refusal(longer) == "archive_overlapping"


def test_a_directory_in_another_order_than_the_files_is_no_overlap() -> None:
    data = make_zip({"good.png": b"good", "next.png": b"next"})
    start, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    middle = data.index(b"PK\1\2", start + 1)
    turned = data[:start] + data[middle:end] + data[start:middle] + data[end:]
    assert read_all(turned) == ["read", "read"]


def test_an_entry_shorter_than_announced_is_found_while_unpacking() -> None:
    data = make_zip({"good.png": b"good", "short.png": b"x" * 50})
    data = patch_central(data, lambda d, at: struct.pack_into("<I", d, at + 24, 60), entry=1)
    assert read_all(data) == ["read", "archive_entry_damaged"]


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
    """Return what became of each entry, or of the whole archive."""
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
