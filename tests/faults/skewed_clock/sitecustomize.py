"""Another clock for every Python process that has this folder in its path: `GEOMSA_TEST_CLOCK` names a file of seconds.

What is stored and compared is the moment that `storage.tables.columns.utc_now` gives; it is moved by the number in the
file, which may change while the process runs. Waiting goes by the monotonic clock, which nobody can set.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from types import ModuleType

_PATCHED = "storage.tables.columns"
_real_time = time.time


def _offset_s() -> float:
    try:
        return float(Path(os.environ["GEOMSA_TEST_CLOCK"]).read_text(encoding="ascii") or 0)
    except (OSError, ValueError, KeyError):
        return 0.0


class _Skewed(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(seconds=_offset_s())


class _Loader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        module.datetime = _Skewed  # type: ignore[attr-defined]


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != _PATCHED:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


sys.meta_path.insert(0, _Finder())
time.time = lambda: _real_time() + _offset_s()
