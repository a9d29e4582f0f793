"""ZIP files as people send them: names of every origin, litter, folders."""

from __future__ import annotations

import struct
import unicodedata
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.files.archives import ArchiveEntry, open_archive
from core.files.file_names import clean_file_name
from tests.zip_files import make_zip


def make_zip_with_raw_name(raw: bytes, *, extra: bytes = b"") -> bytes:
    """Return a ZIP of one stored file whose name has these bytes and no UTF-8 flag."""
    data = b"hello"
    crc = zlib.crc32(data)
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, crc, 5, 5, len(raw), len(extra)) + raw + extra + data
    central = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, crc, 5, 5, len(raw), len(extra), 0, 0, 0, 0, 0)
    central += raw + extra
    return local + central + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)


def names(data: bytes) -> list[str]:
    with open_archive(data, name="a.zip") as archive:
        assert archive.refusals == ()
        return [entry.name for entry in archive.entries]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_entries_are_listed_in_order_and_read_back(tmp_path: Path, method: int) -> None:
    files = {"a/2.png": b"two" * 100, "a/1.png": b"one", "b.jpg": b""}
    path = tmp_path / "a.zip"
    path.write_bytes(make_zip(files, method))
    for source in (path, path.read_bytes()):
        with open_archive(source, name="a.zip") as archive:
            assert {entry.name: entry.read() for entry in archive.entries} == files
            assert [entry.name for entry in archive.entries] == list(files)
            assert [entry.byte_size for entry in archive.entries] == [300, 3, 0]


def test_entries_can_be_read_from_several_threads() -> None:
    files = {f"{number}.bin": bytes([number]) * 50_000 for number in range(60)}
    with open_archive(make_zip(files), name="a.zip") as archive, ThreadPoolExecutor(8) as pool:
        read = list(pool.map(ArchiveEntry.read, archive.entries))
    assert read == list(files.values())


def test_folders_and_the_litter_of_operating_systems_are_left_out() -> None:
    files = dict.fromkeys(
        ["d/", "d/1.png", "__MACOSX/d/._1.png", "d/.DS_Store", "d/Thumbs.db", "desktop.ini", "d/._2.png"], b""
    )
    assert names(make_zip(files)) == ["d/1.png"]


def test_korean_names_are_read_whoever_wrote_them() -> None:
    name = "정상/주조A형 001.png"
    assert names(make_zip({name: b""})) == [name]
    assert names(make_zip({unicodedata.normalize("NFD", name): b""})) == [name]
    assert names(make_zip_with_raw_name(name.encode("cp949"))) == [name]
    assert names(make_zip_with_raw_name(name.encode("utf-8"))) == [name]
    assert names(make_zip_with_raw_name(unicodedata.normalize("NFD", name).encode("utf-8"))) == [name]
    assert names(make_zip_with_raw_name(b"caf\x82.png")) == ["café.png"], "what is neither is the DOS code page"


def test_the_unicode_path_field_wins_if_it_belongs_to_the_name() -> None:
    raw, name = b"????.png", "검사.png"
    field = b"\1" + struct.pack("<I", zlib.crc32(raw)) + name.encode()
    assert names(make_zip_with_raw_name(raw, extra=struct.pack("<HH", 0x7075, len(field)) + field)) == [name]
    stale = b"\1" + struct.pack("<I", 1) + name.encode()
    assert names(make_zip_with_raw_name(raw, extra=struct.pack("<HH", 0x7075, len(stale)) + stale)) == ["????.png"]


def test_backslashes_of_old_windows_tools_separate_folders() -> None:
    assert names(make_zip_with_raw_name(b"good\\1.png")) == ["good/1.png"]


def test_control_characters_and_long_names_are_made_right() -> None:
    assert names(make_zip_with_raw_name(b"a\x07b\x1b.png")) == ["ab.png"]
    (long,) = names(make_zip({"d/" + "가" * 300 + ".png": b""}))
    assert len(long.split("/")[-1]) == 255
    assert long.endswith(".png")


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("a.png", "a.png"),
        ("C:\\photos\\a.png", "a.png"),
        ("../../etc/passwd", "passwd"),
        (unicodedata.normalize("NFD", "한글.png"), "한글.png"),
        ("a\x00b\n.png", "ab.png"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("  a.png ", "a.png"),
        ("", "file"),
        ("..", "file"),
        ("///", "file"),
        ("정상.png".encode("cp949").decode("utf-8", "surrogateescape"), "정상.png"),
    ],
)
def test_display_names_are_clean(name: str, cleaned: str) -> None:
    assert clean_file_name(name) == cleaned


def test_display_names_are_cut_but_keep_their_ending() -> None:
    assert clean_file_name("x" * 400 + ".JPEG") == "x" * 250 + ".JPEG"
    assert clean_file_name("x" * 400) == "x" * 255
