"""Runs a command shut in: what it may read and write, no network, nothing left of it when it ends.

    python -I guard.py '{"write": […], "read": […], "memory_bytes": …, "parent": PID}' COMMAND…

A script of its own, with the standard library alone. It uses what Linux gives to anybody without rights: a user
namespace with networks and processes of its own, and Landlock (kernel 5.13 on) for files. It writes to its standard
error, as one line of JSON, which of these the machine gave; what is missing is missing, and whoever started it says so.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import NoReturn

MARK = "geomsa-guard "
_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
# Rights of Landlock's first version, and what later ones added (refer 2, truncate 3, ioctl 5).
_EXECUTE, _READ_FILE, _READ_DIR, _WRITE_FILE = 1 << 0, 1 << 2, 1 << 3, 1 << 1
_ALL_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_OF_FILES = _EXECUTE | _READ_FILE | _WRITE_FILE | (1 << 14) | (1 << 15)
_CONNECT_AND_BIND = 3


def main() -> int:
    """Shut this process in and become the command; return its exit status."""
    given = json.loads(sys.argv[1])
    command = sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != given["parent"]:
        return 125  # whoever started it has gone meanwhile
    _limit(given)
    held = {"processes": False, "network": False, "files": False}
    held["processes"] = held["network"] = _unshare(libc)
    if held["processes"]:
        return _run_as_first(libc, given, command, held)
    held["files"] = _shut_files(libc, given)
    return _become(command, held)


def _become(command: list[str], held: dict[str, bool]) -> NoReturn:
    sys.stderr.write(f"{MARK}{json.dumps(held)}\n")
    sys.stderr.flush()
    os.execvpe(command[0], command, os.environ)  # noqa: S606 - no shell is wanted  # nosec B606


def _limit(given: dict[str, object]) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    file_bytes = int(str(given["file_bytes"]))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))


def _unshare(libc: ctypes.CDLL) -> bool:
    """Enter namespaces of its own; return whether the machine allows it."""
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWPID | _CLONE_NEWNET) != 0:
        return False
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    return True


def _run_as_first(libc: ctypes.CDLL, given: dict[str, object], command: list[str], held: dict[str, bool]) -> int:
    """Run the command as the first process of its namespace: when it ends, all that it started is ended with it."""
    child = os.fork()
    if child == 0:
        # It ends with whoever started it, as that one does with us.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        held["files"] = _shut_files(libc, given)
        _become(command, held)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _shut_files(libc: ctypes.CDLL, given: dict[str, object]) -> bool:
    """Let it read and write where it may alone; return whether the machine can."""
    libc.syscall.restype = ctypes.c_long
    abi = int(libc.syscall(_LANDLOCK_CREATE, None, 0, 1))
    if abi < 1:
        return False
    every = _ALL_BY_ABI[min(abi, 5)]
    attributes = struct.pack("QQ", every, _CONNECT_AND_BIND) if abi >= 4 else struct.pack("Q", every)
    rules = int(libc.syscall(_LANDLOCK_CREATE, attributes, len(attributes), 0))
    if rules < 0:
        return False
    try:
        for name, rights in (("read", _EXECUTE | _READ_FILE | _READ_DIR), ("write", every)):
            for path in given[name]:  # type: ignore[attr-defined]
                _allow(libc, rules, str(path), rights)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            return False
        return int(libc.syscall(_LANDLOCK_RESTRICT, rules, 0)) == 0
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = rights if Path(path).is_dir() else rights & _OF_FILES
        libc.syscall(_LANDLOCK_ADD, rules, 1, struct.pack("=Qi", allowed, place), 0)
    finally:
        os.close(place)


if __name__ == "__main__":
    sys.exit(main())
