"""The executor of training runs: the worker's child trains one network, behind whatever else the machine has to do."""

from __future__ import annotations

from core.errors import AppError
from core.jobs.terms import Claim
from core.services import Services
from core.training.runs.working import work_off


class TrainingExecutor:
    """An Executor in this process, for training runs."""

    def work_off(self, services: Services, claim: Claim) -> AppError | None:
        """Work the run off, as `Executor` says."""
        return work_off(services, claim)
