"""The executor of comparisons: the worker's child trains, asks and measures one method after the other."""

from __future__ import annotations

from core.comparisons.working import work_off
from core.errors import AppError
from core.jobs.terms import Claim
from core.services import Services


class ComparisonExecutor:
    """An Executor in this process, for comparisons of methods."""

    def work_off(self, services: Services, claim: Claim) -> AppError | None:
        """Work the comparison off, as `Executor` says."""
        return work_off(services, claim)
