"""The executor of scheduled reports: the worker's child makes one."""

from __future__ import annotations

from core.errors import AppError
from core.jobs.terms import Claim
from core.reports.period.making import work_off
from core.services import Services


class ReportExecutor:
    """An Executor in this process, for the reports of schedules."""

    def work_off(self, services: Services, claim: Claim) -> AppError | None:
        """Make the report and store it, as `Executor` says."""
        return work_off(services, claim)
