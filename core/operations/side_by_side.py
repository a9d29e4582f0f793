"""Looks at parts that may hang, side by side, each in a thread of its own and for a limited time."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

_Found = TypeVar("_Found")


class _Look(Generic[_Found]):
    """One look in a thread: what it found, or the exception that ended it."""

    def __init__(self, name: str, part: Callable[[], _Found]) -> None:
        self._part = part
        self._found: list[_Found] = []
        self._error: Exception | None = None
        self._over = threading.Event()
        context = contextvars.copy_context()
        # A daemon: a name server that does not answer for minutes must not hold up the end of the process.
        threading.Thread(target=context.run, args=(self._look,), name=f"look at {name}", daemon=True).start()

    def _look(self) -> None:
        try:
            self._found.append(self._part())
        except Exception as error:  # noqa: BLE001 - raised again where somebody waits for it
            self._error = error
        finally:
            self._over.set()

    def ends_within(self, seconds: float) -> bool:
        return self._over.wait(max(0.0, seconds))

    def result(self) -> _Found:
        if self._error is not None:
            raise self._error
        return self._found[0]


class Lookout(Generic[_Found]):
    """Looks at named parts; one that still hangs from the last time is not begun a second time."""

    def __init__(self) -> None:
        self._running: dict[str, _Look[_Found]] = {}
        self._lock = threading.Lock()

    def look(
        self, parts: Mapping[str, Callable[[], _Found]], *, timeout_s: float, instead: Callable[[str], _Found]
    ) -> dict[str, _Found]:
        """Return what was found by name, in the order of `parts`; `instead` gives it for one that did not end in time.

        Raises what a part raises: parts are expected to say themselves what is wrong.
        """
        looks: dict[str, _Look[_Found]] = {}
        with self._lock:
            for name, part in parts.items():
                hanging = self._running.get(name)
                if hanging is None or hanging.ends_within(0):
                    hanging = self._running[name] = _Look(name, part)
                looks[name] = hanging
        until = time.monotonic() + timeout_s
        found: dict[str, _Found] = {}
        for name, look in looks.items():
            if not look.ends_within(until - time.monotonic()):
                found[name] = instead(name)
                continue
            with self._lock:
                if self._running.get(name) is look:
                    del self._running[name]
            found[name] = look.result()
        return found
