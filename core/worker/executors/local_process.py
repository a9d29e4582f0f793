"""The default executor: the worker's child does the work itself, one product after the other."""

from __future__ import annotations

from core.deployments.pipeline import work_off
from core.errors import AppError
from core.jobs.terms import Claim
from core.services import Services


class LocalExecutor:
    """An Executor in this process."""

    def work_off(self, services: Services, claim: Claim) -> AppError | None:
        """Build every product of the job, as `Executor` says."""
        return work_off(services, claim)
