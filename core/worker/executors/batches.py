"""The executor of batches: the worker's child inspects file after file."""

from __future__ import annotations

from core.batches.working import work_off
from core.errors import AppError
from core.jobs.terms import Claim
from core.services import Services


class BatchExecutor:
    """An Executor in this process, for batch inspections."""

    def work_off(self, services: Services, claim: Claim) -> AppError | None:
        """Inspect every file of the batch that waits, as `Executor` says."""
        return work_off(services, claim)
