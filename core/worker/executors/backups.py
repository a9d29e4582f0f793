"""The executor of backups: the worker's child makes one, or proves one whole."""

from __future__ import annotations

from core.backups.jobs import work_off
from core.errors import AppError
from core.jobs.terms import Claim
from core.services import Services


class BackupExecutor:
    """An Executor in this process, for backups."""

    def work_off(self, services: Services, claim: Claim) -> AppError | None:
        """Make or check the backup, as `Executor` says."""
        return work_off(services, claim)
