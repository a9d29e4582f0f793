"""The executor of changes of many images: the worker's child changes them, some hundred at a time."""

from __future__ import annotations

from core.errors import AppError
from core.images.gallery.change_jobs import work_off
from core.jobs.terms import Claim
from core.services import Services


class ImageChangeExecutor:
    """An Executor in this process, for changes of images."""

    def work_off(self, services: Services, claim: Claim) -> AppError | None:
        """Change the images of the job, as `Executor` says."""
        return work_off(services, claim)
