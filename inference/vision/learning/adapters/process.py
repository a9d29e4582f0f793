"""An adapter at work: heard line by line, held to its limits, ended with all that it started."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.errors import ModelError
from inference.processes import list_descendants, read_resident_bytes
from inference.vision.learning.adapters.guard import MARK
from inference.vision.learning.adapters.launch import AdapterLaunch, make_start

LONGEST_S = 7 * 86_400.0
_CHECK_S = 0.25
_LOOK_AT_MEMORY_S = 1.0
_LINE_BYTES = 64 * 1024
_WAITING_LINES = 2000
_LAST_WORDS = 2000
_log = logging.getLogger(__name__)

# What a line said, a JSON object; what the hearer raises ends the adapter and comes through.
Hearer = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class AdapterLimits:
    """Where an adapter is ended: seconds in all, seconds without a line, bytes of memory of all its processes."""

    longest_s: float = LONGEST_S
    silent_s: float = 900.0
    memory_bytes: int = 8 * 1024**3


def run_adapter(
    launch: AdapterLaunch,
    arguments: Sequence[str],
    *,
    given: Path,
    made: Path,
    state: Path,
    limits: AdapterLimits,
    hear: Hearer,
    wait: Callable[[], None],
) -> Mapping[str, bool]:
    """Run the adapter to its end; return which of `processes`, `network` and `files` the machine held apart.

    `hear` gets every line that is a JSON object, `wait` is called several times a second: what either raises ends the
    adapter and comes through. Raises ModelError: `adapter_failed` (name, status, detail), `adapter_timeout`,
    `adapter_silent`, `adapter_memory`.
    """
    with _Running(launch, arguments, given=given, made=made, state=state, limits=limits) as running:
        running.follow(hear, wait)
        return running.held


class _Running:
    """An adapter's process with its readers; everything of it is gone when the block is left."""

    def __init__(
        self, launch: AdapterLaunch, arguments: Sequence[str], *, given: Path, made: Path, state: Path,
        limits: AdapterLimits,
    ) -> None:  # fmt: skip
        self._name, self._limits = launch.manifest.name, limits
        self._start = make_start(launch, arguments, given=given, made=made, state=state)
        self.held: dict[str, bool] = dict.fromkeys(("processes", "network", "files"), launch.mode == "container")
        self._last_words = bytearray()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - no shell; what is run was added by a person
                self._start.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._start.environment,
                cwd=launch.folder,
                start_new_session=True,
            )
        except OSError as error:
            raise ModelError("adapter_failed", name=self._name, status="–", detail=str(error)) from error
        self._lines: queue.Queue[bytes] = queue.Queue(_WAITING_LINES)
        self._readers = [
            threading.Thread(target=self._read_lines, daemon=True, name="adapter-lines"),
            threading.Thread(target=self._read_words, daemon=True, name="adapter-words"),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> _Running:
        return self

    def __exit__(self, *_details: object) -> None:
        if self._start.ending and self._process.poll() is None:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(self._start.ending, capture_output=True, timeout=20, check=False)  # noqa: S603
        # Where it has no processes of its own, those that left its group are found by who started them.
        strays = [] if self.held["processes"] else list_descendants(self._process.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pid in strays:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        for reader in self._readers:
            reader.join(timeout=5.0)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def follow(self, hear: Hearer, wait: Callable[[], None]) -> None:
        begun = heard = looked = time.monotonic()
        while self._process.poll() is None:
            wait()
            for line in self._take():
                heard = time.monotonic()
                self._hear(line, hear)
            now = time.monotonic()
            if now - begun > self._limits.longest_s:
                raise ModelError("adapter_timeout", name=self._name, limit_s=round(self._limits.longest_s))
            if now - heard > self._limits.silent_s:
                raise ModelError("adapter_silent", name=self._name, limit_s=round(self._limits.silent_s))
            if now - looked > _LOOK_AT_MEMORY_S:
                looked = now
                self._check_memory()
        self._readers[0].join(timeout=5.0)
        while not self._lines.empty():
            self._hear(self._lines.get_nowait(), hear)
        self._readers[1].join(timeout=5.0)
        if self._process.returncode != 0:
            raise self._explain()

    def _hear(self, line: bytes, hear: Hearer) -> None:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return  # libraries print what they like
        if isinstance(said, dict):
            hear(said)

    def _take(self) -> Iterator[bytes]:
        """Yield the lines that have come, after waiting a moment for the first."""
        with contextlib.suppress(queue.Empty):
            yield self._lines.get(timeout=_CHECK_S)
            for _ in range(_WAITING_LINES):
                yield self._lines.get_nowait()

    def _read_lines(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            while line := self._process.stdout.readline(_LINE_BYTES):
                # What nobody has heard yet is enough: progress may be lost, results come by files.
                with contextlib.suppress(queue.Full):
                    self._lines.put_nowait(line)

    def _read_words(self) -> None:
        assert self._process.stderr is not None
        with contextlib.suppress(ValueError, OSError):
            while line := self._process.stderr.readline(_LINE_BYTES):
                if line.startswith(MARK.encode()) and not any(self.held.values()):
                    with contextlib.suppress(ValueError):
                        told = json.loads(line[len(MARK) :])
                        self.held = {name: told.get(name) is True for name in self.held}
                    continue
                self._last_words += line
                del self._last_words[:-_LAST_WORDS]

    def _check_memory(self) -> None:
        pids = [self._process.pid, *list_descendants(self._process.pid)]
        if sum(read_resident_bytes(pid) for pid in pids) > self._limits.memory_bytes:
            limit_gib = f"{self._limits.memory_bytes / 1024**3:.1f}"
            raise ModelError("adapter_memory", name=self._name, limit_gib=limit_gib)

    def _explain(self) -> ModelError:
        words = self._last_words.decode("utf-8", errors="replace")
        _log.warning("adapter %s ended with %s: %s", self._name, self._process.returncode, words)
        last = next((line.strip() for line in reversed(words.splitlines()) if line.strip()), "")
        detail = "".join(letter for letter in last if letter.isprintable())[:300]
        return ModelError("adapter_failed", name=self._name, status=self._process.returncode, detail=detail or "–")
