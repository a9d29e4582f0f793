"""A ZIP file that is sent while it is made: what the writer wrote is taken away piece by piece."""

from __future__ import annotations

import io
from typing import Any


class ZipPieces(io.RawIOBase):
    """Takes what the ZIP writer writes, until it is taken away. It cannot go back to an earlier place."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Return True: it is there to be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep a piece."""
        piece = bytes(data)
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
