"""Waiting for what another process or thread does."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(is_so: Callable[[], bool], *, timeout_s: float = 10.0) -> None:
    """Wait until it is so. Raises AssertionError when it is not in time."""
    until = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
