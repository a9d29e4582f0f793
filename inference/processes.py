"""Other processes of this machine, as /proc shows them: what they hold, and what they have started."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def list_descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have started."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                # The name in brackets may hold anything: what follows the last bracket does not.
                fields = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
                children.setdefault(int(fields.split()[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        own = children.get(waiting.pop(), [])
        found += own
        waiting += own
    return found


def read_resident_bytes(pid: int) -> int:
    """Return the memory in bytes that a process holds, 0 where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def name_process(pid: int | None = None) -> str:
    """Return a name of a process (default: this one) that no other process ever has; "" where the system has none."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # Two containers of one machine count their processes apart.
        space = Path("/proc/self/ns/pid").readlink().name
        own = os.getpid() if pid is None else pid
        fields = Path(f"/proc/{own}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return f"{boot}/{space}/{own}/{fields[19]}"
    except (OSError, IndexError):
        return ""


def has_certainly_ended(name: str) -> bool:
    """Return whether the process of this name has ended; False for one that this process could not see anyway."""
    parts = name.split("/")
    own = name_process().split("/")
    if len(parts) != 4 or len(own) != 4 or parts[:2] != own[:2] or not parts[2].isdecimal():
        return False
    return name_process(int(parts[2])) != name
