"""What this machine can still take: memory within the limits of its container, and disk; and what does not fit.

Memory is what the kernel calls available (`MemAvailable`), or what a control group leaves (v2 `memory.max`, v1
`memory.limit_in_bytes`, less what is in use and cannot be dropped), whichever is less; every group above counts too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import AppError, NotReady
from core.settings import Settings

GIB = 1024**3
# Left free whatever is built: the database must be able to write, and the app to run.
DISK_RESERVE_BYTES = 300_000_000


@dataclass(frozen=True)
class Capacity:
    """`memory_bytes` is None where the system does not say; `memory_limit_bytes` is a container's, None without one."""

    memory_bytes: int | None
    memory_limit_bytes: int | None
    disk_bytes: int


def measure_capacity(
    settings: Settings, *, proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")
) -> Capacity:
    """Return what is free now: the figures change from second to second."""
    free: list[int] = []
    limit: int | None = None
    if (available := _mem_available(proc / "meminfo")) is not None:
        free.append(available)
    for group_limit, in_use in _group_limits(proc / "self" / "cgroup", groups):
        free.append(max(0, group_limit - in_use))
        limit = group_limit if limit is None else min(limit, group_limit)
    return Capacity(min(free) if free else None, limit, shutil.disk_usage(settings.data_dir).free)


def refuse_too_large(capacity: Capacity, *, memory_bytes: int, disk_bytes: int, folder: Path) -> AppError | None:
    """Return why a build of this size cannot be begun, or None. Unknown memory refuses nothing."""
    if capacity.memory_bytes is not None and memory_bytes > capacity.memory_bytes:
        needed, free = _gib(memory_bytes), _gib(capacity.memory_bytes)
        if capacity.memory_limit_bytes is not None and memory_bytes > capacity.memory_limit_bytes:
            return NotReady("memory_limit_too_low", needed=needed, limit=_gib(capacity.memory_limit_bytes))
        return NotReady("memory_too_small", needed=needed, free=free)
    if disk_bytes + DISK_RESERVE_BYTES > capacity.disk_bytes:
        needed, free = _gib(disk_bytes + DISK_RESERVE_BYTES), _gib(capacity.disk_bytes)
        return NotReady("disk_too_small", needed=needed, free=free, folder=str(folder))
    return None


def _gib(byte_size: int) -> str:
    return f"{byte_size / GIB:.2f}"


def _mem_available(path: Path) -> int | None:
    for line in _lines(path):
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    return None


def _group_limits(own: Path, groups: Path) -> Iterator[tuple[int, int]]:
    """Yield limit and use, in bytes, of each control group with a limit that this process is in."""
    for line in _lines(own):
        _number, controllers, inside = line.split(":", 2)
        if not controllers:
            top, names = groups, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            top = groups / "memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        folder = top / inside.lstrip("/")
        if not folder.is_dir():
            folder = top  # the container sees its own group as the topmost one
        for group in (folder, *folder.parents):
            if (limit := _number_in(group / names[0])) is not None and limit < 2**60:
                dropped = _field_in(group / "memory.stat", names[2]) or 0
                yield limit, max(0, (_number_in(group / names[1]) or 0) - dropped)
            if group == top:
                break


def _number_in(path: Path) -> int | None:
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdigit() else None


def _field_in(path: Path, name: str) -> int | None:
    return next((int(line.split()[1]) for line in _lines(path) if line.startswith(f"{name} ")), None)


def _lines(path: Path) -> list[str]:
    """Return nothing for a file that is not there or may not be read: other systems have none."""
    if not os.access(path, os.R_OK):
        return []
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
