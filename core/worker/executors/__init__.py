"""Who does the work of a claimed job: this process, product after product, or a Ray cluster, one task per product.

Batches are inspected, images imported and changed, versions measured, methods compared, networks trained, backups and
reports made in this process whatever the settings say: the results of a batch are wanted one after the other, images
and backups are stored by one process better than by several, a measurement, a comparison and a training are of a single
product, and the others are short.

Either way it is called in the worker's child, which can be ended at any moment, and either way the transaction that
activates a version proves first that the job is still ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from core.errors import AppError
from core.jobs.terms import (
    BACKUP_KINDS,
    BATCH_INSPECTION,
    COMPARISON,
    IMAGE_CHANGE,
    IMAGE_IMPORT,
    MEASUREMENT,
    PERIOD_REPORT,
    TRAINING,
)

if TYPE_CHECKING:
    from core.jobs.terms import Claim
    from core.services import Services
    from core.settings import Settings


class Executor(Protocol):
    """Works claimed jobs off."""

    def work_off(self, services: Services, claim: Claim) -> AppError | None:
        """Build every product, inspect or import every file, or measure the version.

        Return the error to end the job with.

        Raises JobLost and JobCancelled, both of which leave what is finished as it is, and AppError when the executor
        itself cannot be used. Of a deployment, an error is returned only when no product succeeded.
        """


def open_executor(settings: Settings, kind: str) -> Executor:
    """Return the executor for a job of this kind, which for deployments is the one that the settings name."""
    if kind == MEASUREMENT:
        from core.worker.executors.measurements import MeasurementExecutor

        return MeasurementExecutor()
    if kind == BATCH_INSPECTION:
        from core.worker.executors.batches import BatchExecutor

        return BatchExecutor()
    if kind == IMAGE_IMPORT:
        from core.worker.executors.image_imports import ImportExecutor

        return ImportExecutor()
    if kind == PERIOD_REPORT:
        from core.worker.executors.reports import ReportExecutor

        return ReportExecutor()
    if kind == IMAGE_CHANGE:
        from core.worker.executors.image_changes import ImageChangeExecutor

        return ImageChangeExecutor()
    if kind == COMPARISON:
        from core.worker.executors.comparisons import ComparisonExecutor

        return ComparisonExecutor()
    if kind == TRAINING:
        from core.worker.executors.trainings import TrainingExecutor

        return TrainingExecutor()
    if kind in BACKUP_KINDS:
        from core.worker.executors.backups import BackupExecutor

        return BackupExecutor()
    if settings.executor == "ray":
        from core.worker.executors.ray_cluster import RayExecutor

        return RayExecutor()
    from core.worker.executors.local_process import LocalExecutor

    return LocalExecutor()
