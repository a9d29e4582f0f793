"""Files that were made or read a moment ago and are asked for again soon, in memory up to a limit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

_LIMIT_BYTES = 64 * 1024 * 1024


class KeptBytes:
    """The files that were used last, by key, together at most `limit_bytes`. Safe for threads."""

    def __init__(self, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._files: OrderedDict[Hashable, bytes] = OrderedDict()
        self._byte_size = 0
        self._lock = threading.Lock()

    @property
    def byte_size(self) -> int:
        """Return how many bytes are kept."""
        with self._lock:
            return self._byte_size

    def get(self, key: Hashable) -> bytes | None:
        """Return the file, None where it is not kept (any more)."""
        with self._lock:
            data = self._files.get(key)
            if data is not None:
                self._files.move_to_end(key)
            return data

    def put(self, key: Hashable, data: bytes) -> None:
        """Keep a file and let go of those that were not used for longest; one beyond the limit is not kept."""
        with self._lock:
            self._byte_size -= len(self._files.pop(key, b""))
            if len(data) > self._limit_bytes:
                return
            self._files[key] = data
            self._byte_size += len(data)
            while self._byte_size > self._limit_bytes:
                _oldest, let_go = self._files.popitem(last=False)
                self._byte_size -= len(let_go)
