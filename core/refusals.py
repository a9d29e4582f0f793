"""Refusals: what somebody tried and was not let, kept in the audit log without letting a loop fill it."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import OrderedDict
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from core.audit import Actor, record_refusal
from core.errors import AppError
from core.transactions import HasDatabase, writing

if TYPE_CHECKING:
    from storage.database import Database

logger = logging.getLogger(__name__)

ACCESS, KEY = "access.refused", "api_key.refused"
# The same refusal, of the same person at the same place, is written once in this time; the next one tells how many.
WRITTEN_EVERY_S = 60.0
# Of people whom nobody knows, so many in that time: addresses and keys can be made up without end.
MOST_OF_STRANGERS = 60
_MOST_REMEMBERED = 10_000
_MOST_CHARACTERS = 200
# The screen's address, or the route, at which this thread works; whoever serves it says so.
WHERE: ContextVar[str] = ContextVar("where", default="")
# Modules that ask whether somebody may, for others.
_ASKING = {__name__, "core.access"}


@dataclass
class _Seen:
    written_at: float
    unwritten: int = 0


class _Throttle:
    """Which refusals were written a moment ago."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[object, ...], _Seen] = OrderedDict()
        self._strangers: list[float] = []

    def take(self, key: tuple[object, ...], *, is_stranger: bool) -> int:
        """Return how many refusals a row is to stand for now, 0 where none is to be written."""
        now = time.monotonic()
        with self._lock:
            seen = self._seen.get(key)
            if seen is not None and now - seen.written_at < WRITTEN_EVERY_S:
                seen.unwritten += 1
                return 0
            if is_stranger:
                self._strangers = [at for at in self._strangers if now - at < WRITTEN_EVERY_S]
                if len(self._strangers) >= MOST_OF_STRANGERS:
                    return 0
                self._strangers.append(now)
            self._seen[key] = _Seen(now)
            self._seen.move_to_end(key)
            while len(self._seen) > _MOST_REMEMBERED:
                self._seen.popitem(last=False)
            return 1 + (seen.unwritten if seen is not None else 0)


_throttles: WeakKeyDictionary[Database, _Throttle] = WeakKeyDictionary()
_throttles_lock = threading.Lock()


def _throttle_of(services: HasDatabase) -> _Throttle:
    with _throttles_lock:
        return _throttles.setdefault(services.database, _Throttle())


def note_refusal(
    services: HasDatabase,
    person: Actor | None,
    *,
    reason: str,
    action: str = ACCESS,
    place: str = "",
    subject_type: str = "access",
    subject_id: int | None = None,
    **details: str,
) -> None:
    """Keep in the audit log that `person` was refused, for `reason` (the code of the error).

    `place` is what was asked for; without one it is the use case or screen that asks (module and function). The row
    also holds the address of the screen or route (`WHERE`) and, as `count`, how many such refusals it stands for. A
    database that cannot be written changes nothing about the refusal: the log of the process has it then. Never with
    a transaction open that writes: SQLite would wait for it.
    """
    place = (place or _find_place(sys._getframe(1)))[:_MOST_CHARACTERS]
    where = WHERE.get()[:_MOST_CHARACTERS]
    who: object = person.id if person is not None and person.id is not None else None
    address = person.address if person is not None else ""
    key = (who, address, action, reason, place, where)
    count = _throttle_of(services).take(key, is_stranger=who is None)
    if not count:
        return
    told = {name: value[:_MOST_CHARACTERS] for name, value in details.items() if value}
    try:
        with writing(services) as session:
            record_refusal(
                session,
                person,
                action,
                subject_type,
                subject_id,
                reason=reason,
                place=place,
                **({"where": where} if where else {}),
                **told,
                count=count,
            )
            session.commit()
    except AppError as error:
        logger.warning("refused, but not kept in the audit log (%s): %s at %s", error.code, reason, place)


def _find_place(frame: FrameType | None) -> str:
    """Return the module and function that asked, or the script's path for a screen that asks at its top."""
    while frame is not None and str(frame.f_globals.get("__name__")) in _ASKING | {"pages.components.shared.session"}:
        frame = frame.f_back
    if frame is None:
        return ""
    module, function = str(frame.f_globals.get("__name__")), frame.f_code.co_qualname
    if module == "__main__":
        return "/".join(frame.f_code.co_filename.replace("\\", "/").split("/")[-3:])
    return f"{module}.{function}"
