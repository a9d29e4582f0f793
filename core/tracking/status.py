"""What people are shown of the tracking: where it goes to, and what waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.jobs.stored_error import StoredError
from core.settings import Settings
from core.tracking.address import find_address
from core.tracking.outbox import OutboxState, is_due, read_state
from core.transactions import HasDatabase


@dataclass(frozen=True)
class TrackingStatus:
    """Where trainings are tracked (`store`: without user and password), and what is in the outbox."""

    is_on: bool
    store: str
    outbox: OutboxState

    @property
    def problem(self) -> StoredError | None:
        """Return what is in the way of what waits."""
        return self.outbox.problem if self.is_on else None


def read_status(services: HasDatabase, settings: Settings) -> TrackingStatus:
    """Return how the tracking is doing. Nothing of MLflow is asked: two counts by an index."""
    return TrackingStatus(settings.mlflow_tracking == "on", find_address(settings).shown, read_state(services))


def check_tracking(services: HasDatabase, settings: Settings) -> tuple[bool, str, dict[str, Any]]:
    """Return whether the tracking is well, the code of its sentence, and what stands in it."""
    found = read_status(services, settings)
    if not found.is_on:
        return True, "check_tracking_off", {}
    if found.problem is not None:
        return False, found.problem.code, dict(found.problem.params)
    state = found.outbox
    if state.given_up:
        reason = state.given_up_problem.params.get("reason", "") if state.given_up_problem else ""
        return False, "check_tracking_given_up", {"store": found.store, "count": state.given_up, "reason": reason}
    return True, "check_tracking", {"store": found.store, "count": state.waiting}


def is_wanted(services: HasDatabase, settings: Settings) -> bool:
    """Return whether a process should be there that sends."""
    return settings.mlflow_tracking == "on" and is_due(services)
