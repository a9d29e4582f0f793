"""Who does the work of a claimed job: this process, product after product, or a Ray cluster, one task per product.

Either way it is called in the worker's child, which can be ended at any moment, and either way the transaction that
activates a version proves first that the job is still ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from core.errors import AppError

if TYPE_CHECKING:
    from core.jobs.terms import Claim
    from core.services import Services
    from core.settings import Settings


class Executor(Protocol):
    """Works claimed jobs off."""

    def work_off(self, services: Services, claim: Claim) -> AppError | None:
        """Build every product of the job. Return the error to end the job with: only when no product succeeded.

        Raises JobLost and JobCancelled, both of which leave finished products as they are, and AppError when the
        executor itself cannot be used.
        """


def open_executor(settings: Settings) -> Executor:
    """Return the executor that the settings name."""
    if settings.executor == "ray":
        from core.worker.executors.ray_cluster import RayExecutor

        return RayExecutor()
    from core.worker.executors.local_process import LocalExecutor

    return LocalExecutor()
