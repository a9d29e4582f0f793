"""One backup file: a tar archive in a body that may be encrypted, with its manifest at the end.

It appears under its name once it is whole and on the disk; until then it is `.NAME.part` beside it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import struct
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from core.backups.manifest import FORMAT, Header, Manifest, Member, StoredObject, TableRows
from core.backups.sealing import PieceChangedError, open_body, read_header, write_header
from core.errors import BadInput
from storage.atomic_files import rename_durably

ENDING = ".geomsa"
OBJECTS = "objects/"
MANIFEST = "manifest.json"
CHUNK_BYTES = 1 << 20
# So much of the rows of a table, and of the list of objects, is in memory at a time.
PART_BYTES = 4 << 20
LONGEST_MANIFEST = 256 << 20
_TRAILER = struct.Struct(">Q32s8s")
_TRAILER_MAGIC = b"GMSAEND1"
_UNREADABLE = (
    PieceChangedError, tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, KeyError, TypeError, ValueError,
)  # fmt: skip


class ArchiveWriter:
    """Writes one backup. What is not finished leaves nothing under the name it was to have."""

    def __init__(self, path: Path, header: Header, passphrase: str | None) -> None:
        """Begin the file, readable for this account of the system alone. Raises OSError."""
        self.path, self.header = path, header
        self._temporary = temporary_of(path)
        self._temporary.unlink(missing_ok=True)  # of an attempt that was killed
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(self._temporary, flags, 0o600), "wb")
        try:
            self._body = write_header(self._file, header.to_json(), passphrase)
            self._tar = tarfile.open(fileobj=self._body, mode="w", format=tarfile.PAX_FORMAT)  # type: ignore[call-overload]  # noqa: SIM115
        except BaseException:
            self.abandon()
            raise
        self.members: dict[str, Member] = {}

    def add(self, name: str, data: bytes) -> str:
        """Add a part; return its SHA-256. Raises OSError."""
        return self.add_stream(name, io.BytesIO(data), len(data))

    def add_stream(self, name: str, stream: BinaryIO, byte_size: int) -> str:
        """Add a part of exactly so many bytes; return its SHA-256. Raises OSError, also where the stream ends early."""
        info = tarfile.TarInfo(name)
        info.size, info.mode = byte_size, 0o600
        offset = self._tar.offset
        hashing = _Hashing(stream)
        self._tar.addfile(info, hashing)
        sha256 = hashing.hash.hexdigest()
        if not name.startswith(OBJECTS):
            self.members[name] = Member(name, offset, byte_size, sha256)
        return sha256

    def tell(self) -> int:
        """Return how many bytes the parts take so far."""
        return self._body.tell()

    def finish(self, manifest: Manifest) -> tuple[int, str]:
        """Close the file and give it its name; return its size in bytes, and the SHA-256 of the manifest."""
        text = json.dumps(manifest.to_json(), ensure_ascii=False, separators=(",", ":")).encode()
        offset = self._tar.offset
        sha256 = self.add(MANIFEST, text)
        self._tar.close()
        self._body.write(_TRAILER.pack(offset, bytes.fromhex(sha256), _TRAILER_MAGIC))
        self._body.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        byte_size = self._file.tell()
        self._file.close()
        rename_durably(self._temporary, self.path)
        return byte_size, sha256

    def abandon(self) -> None:
        """Remove what was written; harmless after `finish`."""
        with suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)


class Archive:
    """Reads one backup. Raises BadInput: see `core.backups.sealing.open_body`, and backup_changed, backup_newer."""

    def __init__(self, path: Path, passphrase: str | None) -> None:
        self.path = path
        told, self._body = open_body(path, passphrase)
        try:
            with self.checking():
                if told["format"] != FORMAT:
                    raise BadInput("backup_newer_format", file=path.name)
                self.header = Header.from_json(told)
                self.manifest, self.manifest_sha256 = self._read_manifest()
                written, kept = self.manifest.header.to_json(), self.header.to_json()
                if written != kept:
                    raise ValueError("header")
        except BaseException:
            self._body.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_error: object) -> None:
        self._body.close()

    def objects(self) -> Iterator[StoredObject]:
        """Yield every object of the backup, also those that lie in earlier ones of the chain."""
        with self.checking():
            for name in self.manifest.object_lists:
                for value in self._lines(name):
                    yield StoredObject.from_json(value)

    def rows(self, table: TableRows) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table as JSON values by column."""
        count = 0
        with self.checking():
            for name in table.members:
                for values in self._lines(name):
                    count += 1
                    yield table.shape.named(values)
            if count != table.rows:
                raise ValueError(table.shape.name)

    def walk(self) -> Iterator[tuple[str, int, BinaryIO]]:
        """Yield every part in the order of the file: its name, its size, its bytes (to be read before the next)."""
        with self.checking():
            self._body.seek(0)
            with tarfile.open(fileobj=self._body, mode="r:") as tar:
                for info in tar:
                    stream = tar.extractfile(info) if info.isreg() else None
                    if stream is None:
                        raise ValueError(info.name)
                    yield info.name, info.size, stream  # type: ignore[misc]
                    # Otherwise it keeps every part it has seen.
                    tar.members = []  # type: ignore[attr-defined]

    def _read_manifest(self) -> tuple[Manifest, str]:
        size = self._body.seek(0, os.SEEK_END)
        self._body.seek(max(0, size - _TRAILER.size))
        trailer = self._body.read(_TRAILER.size)
        if len(trailer) < _TRAILER.size or not trailer.endswith(_TRAILER_MAGIC):
            raise BadInput("backup_cut", file=self.path.name)
        offset, sha256, _magic = _TRAILER.unpack(trailer)
        text = self._read_at(MANIFEST, offset, LONGEST_MANIFEST)
        if hashlib.sha256(text).digest() != sha256:
            raise ValueError(MANIFEST)
        return Manifest.from_json(json.loads(text)), sha256.hex()

    def _read_at(self, name: str, offset: int, most: int) -> bytes:
        self._body.seek(offset)
        with tarfile.open(fileobj=self._body, mode="r:") as tar:
            info = tar.next()
            stream = tar.extractfile(info) if info is not None and info.isreg() else None
            if info is None or stream is None or info.name != name or info.size > most:
                raise ValueError(name)
            return stream.read()

    def _lines(self, name: str) -> Iterator[Any]:
        member = self.manifest.members[name]
        data = self._read_at(name, member.offset, member.byte_size)
        if hashlib.sha256(data).hexdigest() != member.sha256:
            raise ValueError(name)
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as unpacked:
            for line in unpacked:
                yield json.loads(line)

    @contextmanager
    def checking(self) -> Iterator[None]:
        """Turn what reading a part raises into BadInput: backup_changed, backup_file_unreadable."""
        try:
            yield
        except _UNREADABLE as error:
            raise BadInput("backup_changed", file=self.path.name) from error
        except OSError as error:
            raise BadInput("backup_file_unreadable", file=str(self.path), reason=error.strerror or "") from error


class _Hashing:
    """Reads a stream and hashes what was read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read bytes."""
        data = self._stream.read(size)
        self.hash.update(data)
        return data


class LineWriter:
    """Writes JSON values, a line each, into compressed parts of bounded size."""

    def __init__(self, archive: ArchiveWriter, folder: str) -> None:
        self._archive, self._folder = archive, folder
        self._waiting: list[bytes] = []
        self._size = 0
        self.names: list[str] = []
        self.count = 0

    def write(self, values: Iterable[Any] | Mapping[str, Any]) -> None:
        """Add a line."""
        line = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"
        self._waiting.append(line)
        self._size += len(line)
        self.count += 1
        if self._size >= PART_BYTES:
            self.close()

    def close(self) -> None:
        """Write what waits."""
        if not self._waiting:
            return
        name = f"{self._folder}/{len(self.names):05d}.jsonl.gz"
        self._archive.add(name, gzip.compress(b"".join(self._waiting), 6, mtime=0))
        self.names.append(name)
        self._waiting.clear()
        self._size = 0


def temporary_of(path: Path) -> Path:
    """Return the name that a backup has until it is whole."""
    return path.with_name(f".{path.name}.part")


def look_at(path: Path) -> Header:
    """Return what a backup file says at its beginning, without a key; nothing is proven by it.

    Raises BadInput as `core.backups.sealing.read_header`, backup_changed and backup_newer_format.
    """
    told, _text, _check = read_header(path)
    try:
        if int(told["format"]) != FORMAT:
            raise BadInput("backup_newer_format", file=path.name)
        return Header.from_json(told)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput("backup_changed", file=path.name) from error
