"""The local cache of originals that come from a remote object store."""

from __future__ import annotations

import os
from pathlib import Path

from core.images.training import trim_cache
from core.services import Services


def _cached(services: Services, name: str, *, used_at_s: int) -> Path:
    path = services.settings.cache_dir / "images" / name[:2] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 100)
    os.utime(path, (used_at_s, used_at_s))
    return path


def test_what_was_not_used_for_longest_goes_first(services: Services) -> None:
    paths = [_cached(services, f"{number:02d}", used_at_s=1_000 - 100 * number) for number in range(4)]
    assert trim_cache(services, limit_bytes=400) == 0
    assert trim_cache(services, limit_bytes=250) == 2
    assert [path.exists() for path in paths] == [True, True, False, False]


def test_an_empty_cache_needs_no_trimming(services: Services) -> None:
    assert trim_cache(services, limit_bytes=0) == 0
