"""Files that grow with the export and are written at its end: kept on disk meanwhile, not in memory."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from types import TracebackType

from core.images.exports.records import Entry

_IN_MEMORY_BYTES = 2_000_000
_PIECE_BYTES = 1_000_000


class Spool:
    """Text that is appended to, with its hash and its size; closed when it was read out."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by `close`
        self._hash = hashlib.sha256()
        self.byte_size = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, text: str) -> None:
        """Append text, as UTF-8. Raises OSError where the disk is full."""
        self.write_bytes(text.encode("utf-8"))

    def write_bytes(self, data: bytes) -> None:
        """Append bytes. Raises OSError where the disk is full."""
        self._file.write(data)
        self._hash.update(data)
        self.byte_size += len(data)

    def entry(self, path: str) -> Entry:
        """Return what was written as a file of the export; to be read before this is closed."""
        return Entry(path, self._read(), self.byte_size, self._hash.hexdigest())

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _read(self) -> Iterator[bytes]:
        self._file.seek(0)
        while piece := self._file.read(_PIECE_BYTES):
            yield piece


class Spools:
    """Spools by name, made when they are first asked for."""

    def __init__(self) -> None:
        self._spools: dict[str, Spool] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._spools

    def of(self, name: str) -> Spool:
        """Return the spool of this name."""
        if name not in self._spools:
            self._spools[name] = Spool()
        return self._spools[name]

    def items(self) -> list[tuple[str, Spool]]:
        """Return all of them in the order in which they were made."""
        return list(self._spools.items())

    def close(self) -> None:
        """Give the files back."""
        for spool in self._spools.values():
            spool.close()
