"""The executor of imports: the worker's child takes in image after image."""

from __future__ import annotations

from core.errors import AppError
from core.image_imports.working import work_off
from core.jobs.terms import Claim
from core.services import Services


class ImportExecutor:
    """An Executor in this process, for imports of images."""

    def work_off(self, services: Services, claim: Claim) -> AppError | None:
        """Take in every image of the import that waits, as `Executor` says."""
        return work_off(services, claim)
