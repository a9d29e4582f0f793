"""Can this process work now? Quick, bounded in time, and asked of the parts at most once in two seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlmodel import col, select

from core.errors import AppError, Unavailable, from_lower
from core.jobs.heartbeats import workers_alive
from core.models.kinds import MEMORY_BANK
from core.operations.side_by_side import Lookout
from core.services import Services
from core.transactions import reading
from storage.database import DatabaseError
from storage.object_store import ObjectStoreError
from storage.tables import ModelVersion

TIMEOUT_S = 5.0
KEPT_S = 2.0
# The files of models do not vanish from one moment to the next, and each costs a request to the store.
MODELS_KEPT_S = 60.0
_MOST_MODELS = 20
_REQUIRED = ("database", "object_store")
Status = Literal["ok", "degraded", "unavailable"]


@dataclass(frozen=True)
class PartState:
    """What was found of a part: `code` names what is wrong (None: nothing), without an address or a secret.

    `params` are figures, such as how many workers live.
    """

    name: str
    code: str | None = None
    params: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Return whether the part works."""
        return self.code is None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"state": "ok", **self.params} if self.ok else {"state": "failed", "code": self.code, **self.params}


@dataclass(frozen=True)
class Readiness:
    """The parts that this process stands on, and whether it can work."""

    parts: tuple[PartState, ...]

    @property
    def is_ready(self) -> bool:
        """Return whether inspections can be made: database and object store answer."""
        return all(part.ok for part in self.parts if part.name in _REQUIRED)

    @property
    def status(self) -> Status:
        """Return "ok", "degraded" where a part is missing that inspections do without, or "unavailable"."""
        if not self.is_ready:
            return "unavailable"
        return "ok" if all(part.ok for part in self.parts) else "degraded"

    def find(self, name: str) -> PartState | None:
        """Return the part of this name."""
        return next((part for part in self.parts if part.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values: for who looks after the installation, not for strangers."""
        return {"status": self.status, "parts": {part.name: part.to_json() for part in self.parts}}


class ReadinessProbe:
    """Looks at the parts of an installation; safe for threads, one of it a process."""

    def __init__(self, open_services: Callable[[], Services], *, timeout_s: float = TIMEOUT_S) -> None:
        """Make one. `open_services` gives the services and raises AppError where they cannot be opened yet."""
        self._open = open_services
        self._timeout_s = timeout_s
        self._lookout: Lookout[PartState] = Lookout()
        self._lock = threading.Lock()
        self._kept: tuple[float, Readiness] | None = None
        self._models: tuple[float, PartState] | None = None
        self._services: Services | None = None

    def look(self) -> Readiness:
        """Return the state of every part, not older than two seconds. It takes no longer than `timeout_s` and a bit."""
        # Who comes meanwhile waits for the same look.
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] >= KEPT_S:
                found = self._look()
                self._kept = (time.monotonic(), found)
            return self._kept[1]

    def require_ready(self) -> Readiness:
        """Return the state of every part. Raises Unavailable for the first one that is needed and fails."""
        found = self.look()
        for part in found.parts:
            if part.name in _REQUIRED and part.code is not None:
                raise Unavailable(part.code, **_words(part.name, self._timeout_s))
        return found

    def _look(self) -> Readiness:
        if self._services is None:
            # Once, and before the others: several that tried to open it would wait for each other.
            first = self._ask({"database": self._open_first})
            services = self._services
            if services is None:
                return Readiness(tuple(first))
        else:
            services = self._services
        looks: dict[str, Callable[[], PartState]] = {
            "database": lambda: _look_at_database(services),
            "object_store": lambda: _look_at_objects(services),
            "worker": lambda: _look_at_worker(services),
            "models": lambda: self._look_at_models(services),
        }
        return Readiness(tuple(self._ask(looks)))

    def _ask(self, looks: dict[str, Callable[[], PartState]]) -> list[PartState]:
        found = self._lookout.look(
            {name: _guarded(name, look) for name, look in looks.items()},
            timeout_s=self._timeout_s,
            instead=lambda name: PartState(name, "part_timed_out"),
        )
        return list(found.values())

    def _open_first(self) -> PartState:
        self._services = self._open()
        return PartState("database")

    def _look_at_models(self, services: Services) -> PartState:
        """Look whether the models in use still have their files; the newest ones where there are many."""
        if self._models is not None and time.monotonic() - self._models[0] < MODELS_KEPT_S:
            return self._models[1]
        query = (
            select(ModelVersion)
            .where(ModelVersion.kind == MEMORY_BANK, ModelVersion.state == "active")
            .order_by(col(ModelVersion.id).desc())
        )
        with reading(services) as session:
            versions = session.exec(query).all()
        missing = sum(
            not services.objects.exists(version.object_prefix.rstrip("/") + "/manifest.json")
            for version in versions[:_MOST_MODELS]
        )
        found = PartState("models", "model_files_missing" if missing else None, {"in_use": len(versions)})
        self._models = (time.monotonic(), found)
        return found


def _look_at_database(services: Services) -> PartState:
    services.database.check()
    return PartState("database")


def _look_at_objects(services: Services) -> PartState:
    services.objects.check()
    return PartState("object_store")


def _look_at_worker(services: Services) -> PartState:
    count = workers_alive(services)
    return PartState("worker", None if count else "worker_silent", {"alive": count})


def _guarded(name: str, look: Callable[[], PartState]) -> Callable[[], PartState]:
    def guarded() -> PartState:
        try:
            return look()
        except (AppError, DatabaseError, ObjectStoreError) as error:
            return PartState(name, from_lower(error).code)
        except Exception as error:  # noqa: BLE001 - a probe is answered whatever happens; the code says what kind it was
            return PartState(name, from_lower(error).code)

    return guarded


def _words(name: str, timeout_s: float) -> dict[str, Any]:
    return {"part": name, "seconds": f"{timeout_s:.0f}"}
