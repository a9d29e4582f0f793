"""The outside of a backup file: a header that anybody can read, and a body that is encrypted where there is a key.

    GEOMSA-BACKUP-1\n   length of the header (4 bytes)   header (JSON)   check of the header (32 bytes)   body

With a key, the body is a row of pieces of one mebibyte, each sealed by AES-256-GCM as in the STREAM construction
(Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce is a random prefix, the number of the piece, and whether it is the
last one; the hash of the header is authenticated with each. A piece that was changed, moved, left out or added, and a
file that was cut, are all noticed. The key comes from the passphrase by scrypt (RFC 7914), with a salt for each file.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import secrets
import struct
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import AppError, BadInput

MAGIC = b"GEOMSA-BACKUP-1\n"
PIECE_BYTES = 1 << 20
TAG_BYTES = 16
CHECK_BYTES = 32
LONGEST_HEADER = 64 << 10
# 128 MiB and a third of a second for each guess at the passphrase.
SCRYPT = {"n": 1 << 17, "r": 8, "p": 1}
_MOST_SCRYPT_BYTES = 1 << 30
_NONCE_PREFIX = 7


class PieceChangedError(Exception):
    """A piece of a body is not what was written."""


def write_header(file: BinaryIO, header: Mapping[str, Any], passphrase: str | None) -> SealedBody | PlainBody:
    """Write the beginning of a backup file; return its body, which must be closed for the file to be whole."""
    told = dict(header)
    if passphrase is not None:
        told["sealing"] = {
            "cipher": "AES-256-GCM", "kdf": "scrypt", **SCRYPT, "salt": secrets.token_hex(16),
            "nonce": secrets.token_hex(_NONCE_PREFIX),
        }  # fmt: skip
    text = json.dumps(told, ensure_ascii=False, sort_keys=True).encode()
    key, check = _keys_of(told, text, passphrase)
    file.write(MAGIC + struct.pack(">I", len(text)) + text + check)
    if key is None:
        return PlainBody(file)
    return SealedBody(file, key, bytes.fromhex(told["sealing"]["nonce"]), hashlib.sha256(text).digest())


def read_header(path: Path) -> tuple[dict[str, Any], bytes, bytes]:
    """Return a file's header, its bytes, and their check; none of it is proven yet.

    Raises BadInput backup_not_one for another kind of file, backup_file_unreadable.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise BadInput("backup_not_one", file=path.name)
            length = int.from_bytes(file.read(4), "big")
            text = file.read(min(length, LONGEST_HEADER))
            check = file.read(CHECK_BYTES)
    except OSError as error:
        raise BadInput("backup_file_unreadable", file=str(path), reason=error.strerror or "") from error
    try:
        header = json.loads(text)
    except ValueError:
        header = None
    if not isinstance(header, dict) or len(text) != length or len(check) != CHECK_BYTES:
        raise BadInput("backup_cut", file=path.name)
    return header, text, check


def open_body(path: Path, passphrase: str | None) -> tuple[dict[str, Any], io.BufferedReader]:
    """Return the header of a backup file, and its body in the clear, from which any part can be read.

    Raises BadInput as `read_header`, and backup_key_missing, backup_key_wrong, backup_changed (the header was changed)
    and backup_cut. The body raises PieceChangedError where a piece is not what was written.
    """
    header, text, check = read_header(path)
    if "sealing" in header and passphrase is None:
        raise BadInput("backup_key_missing", file=path.name)
    try:
        key, expected = _keys_of(header, text, passphrase if "sealing" in header else None)
        prefix = bytes.fromhex(header["sealing"]["nonce"]) if key is not None else b""
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput("backup_changed", file=path.name) from error
    if not hmac.compare_digest(expected, check):
        raise BadInput("backup_changed" if key is None else "backup_key_wrong", file=path.name)
    start = len(MAGIC) + 4 + len(text) + CHECK_BYTES
    file = path.open("rb")
    raw: io.RawIOBase = (
        _PlainReader(file, start)
        if key is None
        else _SealedReader(file, start, key, prefix, hashlib.sha256(text).digest())
    )
    if isinstance(raw, _SealedReader) and not raw.has_its_end():
        raw.close()
        raise BadInput("backup_cut", file=path.name)
    return header, io.BufferedReader(raw, PIECE_BYTES)


def _keys_of(header: Mapping[str, Any], text: bytes, passphrase: str | None) -> tuple[bytes | None, bytes]:
    """Return the key of the body (None: it is in the clear), and the check of the header."""
    if passphrase is None:
        return None, hashlib.sha256(text).digest()
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    sealing = header["sealing"]
    n, r, p = int(sealing["n"]), int(sealing["r"]), int(sealing["p"])
    if not 0 < 128 * n * r * p <= _MOST_SCRYPT_BYTES or len(str(sealing["salt"])) != 32:
        raise ValueError("scrypt")
    # The same passphrase typed on another system is the same letters in another form.
    secret = unicodedata.normalize("NFC", passphrase).encode()
    made = Scrypt(salt=bytes.fromhex(sealing["salt"]), length=64, n=n, r=r, p=p).derive(secret)
    return made[:32], hmac.digest(made[32:], text, "sha256")


class PlainBody:
    """The body of a backup in the clear: a file that is only written to, whose place is counted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._place = 0

    def write(self, data: bytes) -> int:
        """Write bytes."""
        self._file.write(data)
        self._place += len(data)
        return len(data)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._place

    def flush(self) -> None:
        """Do nothing: the file is flushed by whoever opened it."""

    def close(self) -> None:
        """Do nothing more than end the body."""


class SealedBody(PlainBody):
    """The body of an encrypted backup: sealed piece by piece as it is written."""

    def __init__(self, file: BinaryIO, key: bytes, prefix: bytes, header_sha256: bytes) -> None:
        super().__init__(file)
        self._aes = _open_cipher(key)
        self._prefix, self._header_sha256 = prefix, header_sha256
        self._waiting = bytearray()
        self._number = 0

    def write(self, data: bytes) -> int:
        """Write bytes; what makes up a piece is sealed at once."""
        self._waiting += data
        self._place += len(data)
        # One piece is always held back: the last one is sealed in another way.
        while len(self._waiting) > PIECE_BYTES:
            self._seal(bytes(self._waiting[:PIECE_BYTES]), is_last=False)
            del self._waiting[:PIECE_BYTES]
        return len(data)

    def close(self) -> None:
        """Seal the last piece."""
        self._seal(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _seal(self, piece: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._prefix, self._number, is_last)
        self._file.write(self._aes.encrypt(nonce, piece, self._header_sha256))
        self._number += 1


class _PlainReader(io.RawIOBase):
    """The body of a backup in the clear, from its beginning."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file, self._start = file, start
        self._file.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(place + (self._start if whence == os.SEEK_SET else 0), whence) - self._start

    def readinto(self, buffer: Any) -> int:
        found = self._file.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        self._file.close()
        super().close()


class _SealedReader(io.RawIOBase):
    """The body of an encrypted backup in the clear; the piece that was read last is kept."""

    def __init__(self, file: BinaryIO, start: int, key: bytes, prefix: bytes, header_sha256: bytes) -> None:
        self._file, self._start = file, start
        self._aes = _open_cipher(key)
        self._prefix, self._header_sha256 = prefix, header_sha256
        sealed = file.seek(0, os.SEEK_END) - start
        whole = PIECE_BYTES + TAG_BYTES
        self._pieces = max(1, -(-sealed // whole))
        self._size = max(0, sealed - self._pieces * TAG_BYTES)
        self._place = 0
        self._kept: tuple[int, bytes] | None = None

    def has_its_end(self) -> bool:
        """Return whether the last piece is there, and is the last one."""
        try:
            self._piece(self._pieces - 1)
        except PieceChangedError:
            return False
        return True

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(0, base + place)
        return self._place

    def readinto(self, buffer: Any) -> int:
        if self._place >= self._size:
            return 0
        number, offset = divmod(self._place, PIECE_BYTES)
        found = self._piece(number)[offset : offset + len(buffer)]
        buffer[: len(found)] = found
        self._place += len(found)
        return len(found)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _piece(self, number: int) -> bytes:
        from cryptography.exceptions import InvalidTag

        if self._kept is None or self._kept[0] != number:
            self._file.seek(self._start + number * (PIECE_BYTES + TAG_BYTES))
            sealed = self._file.read(PIECE_BYTES + TAG_BYTES)
            nonce = _nonce(self._prefix, number, number == self._pieces - 1)
            try:
                self._kept = number, self._aes.decrypt(nonce, sealed, self._header_sha256)
            except (InvalidTag, ValueError) as error:
                raise PieceChangedError(number) from error
        return self._kept[1]


def _open_cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _nonce(prefix: bytes, number: int, is_last: bool) -> bytes:
    if number >= 1 << 32:
        raise AppError("backup_too_large")
    return prefix + struct.pack(">IB", number, int(is_last))
