"""Reads untrusted ZIP files. Nothing is ever written to disk under a name that a ZIP file gives.

The whole archive is refused where it cannot be trusted (not a ZIP, damaged, too many entries, too large unpacked,
overlapping entries); a single entry is refused by name where only that entry is at fault (encrypted, a link, an unsafe
name, an archive in the archive, a bomb), and the others go on. PKWARE APPNOTE 6.3.10.
"""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import AppError, BadInput
from core.files.file_names import clean_file_name, decode_name

MAX_ENTRIES = 10_000
MAX_UNPACKED_BYTES = 4_000_000_000
MAX_ENTRY_BYTES = 50_000_000
MAX_RATIO = 200

# A blank mask deflates to a thousandth; what is small unpacked is no bomb, whatever its ratio.
_HARMLESS_BYTES = 1_000_000
_LARGEST_DIRECTORY = 50_000_000
_JUNK_NAMES = frozenset({".ds_store", "thumbs.db", "desktop.ini", "ehthumbs.db"})
_ARCHIVE_ENDINGS = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".alz", ".egg", ".jar", ".cab")
# LZMA may ask for a dictionary of gigabytes before it gives a byte.
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})
_FLAG_ENCRYPTED = 0x1 | 0x40 | 0x2000
_FLAG_UTF8 = 0x800


@dataclass(frozen=True)
class ArchiveEntry:
    """One file of an open archive. `name` is its path in it: NFC, `/` between the parts, no `..`, never absolute."""

    name: str
    byte_size: int
    _archive: zipfile.ZipFile
    _info: zipfile.ZipInfo

    def read(self) -> bytes:
        """Return the bytes; may be called from any thread while the archive is open.

        Raises BadInput archive_entry_damaged (name) where the bytes are not those announced.
        """
        try:
            with self._archive.open(self._info) as file:
                data = file.read(self.byte_size + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            ValueError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise BadInput("archive_entry_damaged", name=self.name) from error
        if len(data) != self.byte_size:
            raise BadInput("archive_entry_damaged", name=self.name)
        return data


@dataclass(frozen=True)
class EntryRefusal:
    """An entry that is not read, and why."""

    name: str
    error: AppError


@dataclass(frozen=True)
class OpenArchive:
    """What an archive holds: files to read, and files refused. Folders and system litter are in neither."""

    entries: tuple[ArchiveEntry, ...]
    refusals: tuple[EntryRefusal, ...]


@contextlib.contextmanager
def open_archive(source: bytes | Path, *, name: str) -> Iterator[OpenArchive]:
    """Check a ZIP file's directory and give its entries; they can be read inside the context only.

    `name` is the file's name for messages. Raises BadInput archive_not_zip, archive_damaged, archive_too_many_entries
    (limit), archive_too_large (limit_gb), archive_overlapping, each with `name`.
    """
    with contextlib.ExitStack() as stack:
        stream: BinaryIO
        stream = io.BytesIO(source) if isinstance(source, bytes) else stack.enter_context(source.open("rb"))
        _check_end_record(stream, name)
        try:
            archive = stack.enter_context(zipfile.ZipFile(stream))
        except (zipfile.BadZipFile, struct.error, ValueError, OSError, NotImplementedError) as error:
            raise BadInput("archive_damaged", name=name) from error
        infos = archive.infolist()
        if len(infos) > MAX_ENTRIES:
            raise BadInput("archive_too_many_entries", name=name, limit=MAX_ENTRIES)
        if sum(info.file_size for info in infos) > MAX_UNPACKED_BYTES:
            raise BadInput("archive_too_large", name=name, limit_gb=MAX_UNPACKED_BYTES // 10**9)
        _check_overlap(stream, archive, name)
        yield _list_entries(archive)


def is_junk(path: str) -> bool:
    """Return whether a path is litter that operating systems leave in folders and archives."""
    parts = path.replace("\\", "/").lower().split("/")
    return "__macosx" in parts or parts[-1] in _JUNK_NAMES or parts[-1].startswith("._")


def _check_end_record(stream: BinaryIO, name: str) -> None:
    """Refuse, before the directory is loaded, what is no ZIP file or has a directory beyond all measure."""
    if stream.read(4) not in {b"PK\x03\x04", b"PK\x05\x06"}:  # a prefix would make it a polyglot
        raise BadInput("archive_not_zip", name=name)
    size = stream.seek(0, io.SEEK_END)
    start = max(0, size - 22 - 65_535)
    stream.seek(start)
    tail = stream.read()
    position = tail.rfind(b"PK\x05\x06")
    if position < 0 or position + 22 > len(tail):
        raise BadInput("archive_damaged", name=name)
    entries, directory_size = struct.unpack_from("<HI", tail, position + 10)
    if entries == 0xFFFF or directory_size == 0xFFFFFFFF:
        locator = tail.rfind(b"PK\x06\x06", 0, position)
        if locator >= 0 and locator + 56 <= len(tail):
            entries, directory_size = struct.unpack_from("<QQ", tail, locator + 32)
    if entries > MAX_ENTRIES or directory_size > _LARGEST_DIRECTORY:
        raise BadInput("archive_too_many_entries", name=name, limit=MAX_ENTRIES)
    stream.seek(0)


def _check_overlap(stream: BinaryIO, archive: zipfile.ZipFile, name: str) -> None:
    """Refuse entries that share bytes: they unpack to far more than the archive holds (Fifield, WOOT 2019)."""
    end = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < 0:
            raise BadInput("archive_damaged", name=name)
        stream.seek(info.header_offset)
        header = stream.read(30)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise BadInput("archive_damaged", name=name)
        if info.header_offset < end:
            raise BadInput("archive_overlapping", name=name)
        name_size, extra_size = struct.unpack_from("<HH", header, 26)
        end = info.header_offset + 30 + name_size + extra_size + info.compress_size
    if end > archive.start_dir:
        raise BadInput("archive_overlapping", name=name)


def _list_entries(archive: zipfile.ZipFile) -> OpenArchive:
    entries: list[ArchiveEntry] = []
    refusals: list[EntryRefusal] = []
    seen: set[str] = set()
    for info in archive.infolist():
        path = _read_name(info)
        if path.endswith("/") or is_junk(path):
            continue
        shown = "/".join(clean_file_name(part) for part in path.split("/") if part not in {"", ".", ".."}) or "file"
        code = _find_fault(info, path)
        if code is None and shown in seen:
            code = "archive_duplicate_name"
        if code is not None:
            params = {"limit": MAX_RATIO} if code == "archive_ratio" else {}
            refusals.append(EntryRefusal(shown, BadInput(code, name=shown, **params)))
            continue
        seen.add(shown)
        entries.append(ArchiveEntry(shown, info.file_size, archive, info))
    return OpenArchive(tuple(entries), tuple(refusals))


def _find_fault(info: zipfile.ZipInfo, path: str) -> str | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    faults = {
        "archive_unsafe_name": path.startswith("/") or path[1:2] == ":" or ".." in path.split("/"),
        "archive_link": kind not in {0, stat.S_IFREG, stat.S_IFDIR},
        "archive_encrypted": bool(info.flag_bits & _FLAG_ENCRYPTED),
        "archive_nested": path.lower().endswith(_ARCHIVE_ENDINGS),
        "archive_unsupported_method": info.compress_type not in _METHODS,
        "archive_ratio": info.file_size > _HARMLESS_BYTES and info.file_size > MAX_RATIO * info.compress_size,
        "image_too_many_bytes": info.file_size > MAX_ENTRY_BYTES,
    }
    return next((code for code, applies in faults.items() if applies), None)


def _read_name(info: zipfile.ZipInfo) -> str:
    """Return the path as it was meant: Windows writes Korean in CP949, macOS UTF-8 without saying so."""
    path = info.orig_filename
    if not info.flag_bits & _FLAG_UTF8:
        raw = path.encode("cp437")
        path = _find_unicode_path(info.extra, raw) or decode_name(raw)
    path = unicodedata.normalize("NFC", path)
    return path.replace("\\", "/")


def _find_unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Return the name in an Info-ZIP Unicode Path field (0x7075), if it belongs to this name."""
    position = 0
    while position + 4 <= len(extra):
        tag, size = struct.unpack_from("<HH", extra, position)
        field = extra[position + 4 : position + 4 + size]
        if tag == 0x7075 and len(field) > 5 and struct.unpack_from("<I", field, 1)[0] == zlib.crc32(raw):
            try:
                return field[5:].decode("utf-8")
            except UnicodeDecodeError:
                return None
        position += 4 + size
    return None
