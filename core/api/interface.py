"""What the REST interface of a process shares: services, the threads that inspect, limits, counters."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from functools import cached_property

from core.accounts.api_keys import Caller, find_caller, record_scope_refusal, require_unexpired
from core.api.gathering import Gatherer
from core.api.limits import RateLimit
from core.api.metrics import ApiMetrics
from core.errors import AppError, NotAllowed
from core.inspections.records import InspectionRecord
from core.inspections.storing import KeptRequest
from core.operations.readiness import ReadinessProbe
from core.services import Services

# How long a key that was found good is taken for good: a camera asks many times a second. Whatever a use case changes
# is checked against the account as it is then, in its own transaction.
GOOD_FOR_S = 1.0
_MOST_KEPT = 1_000
_REFUSAL_AGAIN_S = 60.0
_log = logging.getLogger("geomsa.api")


class Interface:
    """One of it a process and set of services; each part is safe for threads."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.rates = RateLimit(services.settings.api_requests_per_minute)
        self.readiness = ReadinessProbe(lambda: services)
        self.metrics = ApiMetrics(services, n_waiting=lambda: self.n_waiting)
        # Inspections under an idempotency key that are being made: who asks again meanwhile waits for the same one.
        self.running: dict[str, tuple[KeptRequest, Future[InspectionRecord]]] = {}
        self._gathering = threading.Lock()
        self._refused: OrderedDict[tuple[int, str], float] = OrderedDict()
        self._good: OrderedDict[str, tuple[float, Caller]] = OrderedDict()

    @property
    def gatherer(self) -> Gatherer:
        """Return what inspects for all callers together; its threads begin at first use."""
        with self._gathering:
            return self._made_gatherer

    @cached_property
    def _made_gatherer(self) -> Gatherer:
        return Gatherer(self.services)

    @property
    def n_waiting(self) -> int:
        """Return how many inspections have not been begun with."""
        return self._made_gatherer.n_waiting if "_made_gatherer" in self.__dict__ else 0

    def find_known(self, key: str) -> Caller | None:
        """Return the caller whose key was found good a moment ago, without asking the database."""
        found = self._good.get(key)
        if found is None or time.monotonic() - found[0] >= GOOD_FOR_S:
            return None
        require_unexpired(found[1])
        return found[1]

    def find_caller(self, key: str) -> Caller:
        """Return the caller of a key. Raises NotAllowed as `core.accounts.api_keys.find_caller`, and Unavailable."""
        if not key:
            raise NotAllowed("api_key_missing")
        caller = find_caller(self.services, key)
        self._good[key] = (time.monotonic(), caller)
        self._good.move_to_end(key)
        while len(self._good) > _MOST_KEPT:
            self._good.popitem(last=False)
        return caller

    def note_scope_refusal(self, caller: Caller, *, scope: str, operation: str) -> None:
        """Keep in the audit log that a key asked for what it is not for: of one that goes on asking, once a minute."""
        now = time.monotonic()
        subject = (caller.key_id, operation)
        with self._gathering:
            if now - self._refused.get(subject, -_REFUSAL_AGAIN_S) < _REFUSAL_AGAIN_S:
                return
            self._refused[subject] = now
            while len(self._refused) > _MOST_KEPT:
                self._refused.popitem(last=False)
        try:
            record_scope_refusal(self.services, caller, scope=scope, operation=operation)
        except AppError:
            # It is refused whether or not that could be recorded.
            _log.warning("that API key %d was refused %s could not be recorded", caller.key_id, operation)

    def close(self) -> None:
        """End the threads, if any were begun."""
        if "_made_gatherer" in self.__dict__:
            self._made_gatherer.close()
