"""What people are shown of the tracking: where it goes to, and what waits."""

from __future__ import annotations

from dataclasses import dataclass

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


def is_wanted(services: HasDatabase, settings: Settings) -> bool:
    """Return whether a process should be there that sends."""
    return settings.mlflow_tracking == "on" and is_due(services)
