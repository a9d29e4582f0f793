"""How much a program may ask for: requests by key, bytes of a body, seconds without any."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable

from starlette.types import Message, Receive

from core.api.problems import RefusedError
from core.errors import AppError, BadInput

MIB = 1024**2
# An image may have 50 MB, its form a little more.
ONE_IMAGE_BYTES = 51 * MIB
MANY_FILES_BYTES = 512 * MIB
JSON_BYTES = MIB
REGIONS_BYTES = 6 * MIB  # the masks of a large image as run lengths
SILENCE_S = 30.0
# Who may be worked on at a time in one process, whatever the key.
MOST_AT_ONCE = 96
# So many seconds' worth of requests may come at once.
_BURST_S = 2.0


class RateLimit:
    """A token bucket for each key: `per_minute` in the long run, two seconds' worth (at least 10) at once."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_minute / 60.0
        self._most = max(10.0, self._per_s * _BURST_S)
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[int, tuple[float, float]] = {}

    def take(self, key_id: int) -> int:
        """Count one request; return 0, or after how many seconds it may come again (at least 1)."""
        now = self._clock()
        with self._lock:
            left, seen = self._left.get(key_id, (self._most, now))
            left = min(self._most, left + (now - seen) * self._per_s)
            if left < 1.0:
                self._left[key_id] = (left, now)
                return max(1, math.ceil((1.0 - left) / self._per_s))
            self._left[key_id] = (left - 1.0, now)
            return 0


def most_bytes(path: str) -> int:
    """Return how large the body of a request to `path` (below /api) may be."""
    if path.endswith("/regions"):
        return REGIONS_BYTES
    if path.endswith("/inspections"):
        return ONE_IMAGE_BYTES
    if path.endswith(("/many", "/images", "/imports", "/manuals", "/batches")):
        return MANY_FILES_BYTES
    return JSON_BYTES


def too_large(limit_bytes: int) -> AppError:
    """Return what a body of more than `limit_bytes` is refused with."""
    return BadInput("api_body_too_large", limit_mb=limit_bytes // MIB)


def bound_body(receive: Receive, *, limit_bytes: int, silence_s: float = SILENCE_S) -> Receive:
    """Return a `receive` that ends a body which is larger than it may be, or of which nothing more comes.

    Raises RefusedError with api_body_too_large or api_body_too_slow to whoever reads.
    """
    seen = 0
    is_over = False

    async def receive_bounded() -> Message:
        nonlocal seen, is_over
        if is_over:  # what is waited for now is the end of the connection
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), silence_s)
        except TimeoutError as error:
            raise RefusedError(BadInput("api_body_too_slow", seconds=round(silence_s))) from error
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit_bytes:
                raise RefusedError(too_large(limit_bytes))
            is_over = not message.get("more_body", False)
        return message

    return receive_bounded
