"""The executor of measurements: the worker's child looks at every test image."""

from __future__ import annotations

from core.errors import AppError
from core.jobs.terms import Claim
from core.model_report.measurement import work_off
from core.services import Services


class MeasurementExecutor:
    """An Executor in this process, for measurements."""

    def work_off(self, services: Services, claim: Claim) -> AppError | None:
        """Measure the version of the job, as `Executor` says."""
        return work_off(services, claim)
