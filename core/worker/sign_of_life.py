"""A worker's sign of life for whoever restarts it on the same machine: a small file, and a word to systemd.

A heartbeat is a row in the database, for the other machines. This one is written also while the database is away, so
that a worker that waits for it is not taken for one that hangs.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Between two jobs a worker tidies up, which takes minutes where the store is large; nothing takes longer.
HANGS_AFTER_S = 600.0
_WRITE_EVERY_S = 3.0


@dataclass(frozen=True)
class Sign:
    """The last sign of a worker: how old it is, what it works on, and the code of what it waits for."""

    pid: int
    age_s: float
    job_id: int | None
    waits_for: str | None

    @property
    def is_alive(self) -> bool:
        """Return whether the worker does something, be it waiting for the database."""
        return self.age_s < HANGS_AFTER_S and _exists(self.pid)


def folder_of(data_dir: Path) -> Path:
    """Return where the workers of this machine leave their signs."""
    return data_dir / "run"


class SignOfLife:
    """Writes the sign of one worker. A disk that is full stops no work: the sign grows old instead."""

    def __init__(self, data_dir: Path) -> None:
        self._path = folder_of(data_dir) / f"worker-{_host()}-{os.getpid()}.json"
        self._written_at = -_WRITE_EVERY_S
        self._said: tuple[int | None, str | None] | None = None

    def give(self, job_id: int | None = None, *, waits_for: str | None = None) -> None:
        """Give a sign, at most every few seconds unless it says something new."""
        now = time.monotonic()
        if self._said == (job_id, waits_for) and now - self._written_at < _WRITE_EVERY_S:
            return
        is_first = self._said is None
        self._said, self._written_at = (job_id, waits_for), now
        said = {"pid": os.getpid(), "at": time.time(), "job_id": job_id, "waits_for": waits_for}
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_suffix(".new")
            beside.write_text(json.dumps(said), encoding="utf-8")
            beside.replace(self._path)
        _tell_systemd("READY=1" if is_first else "WATCHDOG=1")

    def end(self) -> None:
        """Remove the sign of a worker that ends in good order."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        _tell_systemd("STOPPING=1")


def read_signs(data_dir: Path) -> list[Sign]:
    """Return the signs of this machine's workers, the newest first; those of processes that are gone are removed."""
    found = []
    for path in folder_of(data_dir).glob(f"worker-{_host()}-*.json"):
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            sign = Sign(int(said["pid"]), max(0.0, time.time() - float(said["at"])), said["job_id"], said["waits_for"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if not _exists(sign.pid):
            with suppress(OSError):
                path.unlink(missing_ok=True)
            continue
        found.append(sign)
    return sorted(found, key=lambda sign: sign.age_s)


def _host() -> str:
    return "".join(letter if letter.isalnum() or letter == "-" else "_" for letter in socket.gethostname())[:60]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _tell_systemd(state: str) -> None:
    """Send a word to the service manager where it asked for one (sd_notify(3)); nothing elsewhere."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    target = "\0" + address[1:] if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
        speaker.sendto(state.encode(), target)
