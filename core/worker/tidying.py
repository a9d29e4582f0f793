"""What a worker does between jobs: finish what crashes left half done, empty the trash, measure images of before."""

from __future__ import annotations

import logging

from core.audit_log.anchors import write_anchor
from core.backups.records import note_lost
from core.batches.starting import discard_rest
from core.errors import AppError
from core.identity import raise_generation
from core.image_imports.drafts import discard_old_drafts
from core.image_imports.starting import discard_rest as discard_rest_of_imports
from core.images.likeness.measuring import measure_next
from core.images.placement.moving import follow_labels
from core.images.trash.purging import purge_expired
from core.operations.orphans import collect_orphans
from core.removal.pending import finish_removals
from core.rollups.rebuilding import ensure_counts
from core.schedules.runs import expire_runs
from core.services import Services
from core.tracking import outbox
from core.training.runs.storing import discard_scratch

logger = logging.getLogger(__name__)

# So many images are measured between two looks for a job.
_MEASURED_AT_ONCE = 8
# Objects that lie in the folder of an earlier label are moved, of so many images an hour.
_MOST_MOVED = 2000


def tidy(services: Services) -> None:
    """Finish what is left half done: counts, orphans, the trash; when that fails, the next hour does it."""
    try:
        ensure_counts(services)
        discard_rest(services)
        discard_rest_of_imports(services)
        discard_old_drafts(services)
        discard_scratch(services)
        note_lost(services)
        raise_generation(services)
        write_anchor(services)
        expire_runs(services)
        outbox.purge(services, everything_old=services.settings.mlflow_tracking == "off")
        finish_removals(services)
        purged = purge_expired(services)
        follow_labels(services, None, limit=_MOST_MOVED)
        count = collect_orphans(services)
    except AppError as error:
        logger.warning("could not tidy up: %s", error.code)
        return
    if purged:
        logger.info("%d images deleted for good: they lay in the trash for their time", purged)
    if count:
        logger.info("%d orphaned objects moved to the trash", count)


class Measuring:
    """Measures the images that were stored before images were measured, a few at a time: nobody waits for it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._until: int | None = 0

    def begin_again(self) -> None:
        """Look once more for images that nobody has measured."""
        self._until = 0

    def go_on(self) -> None:
        """Measure a few more; nothing where none was left. Raises AppError when the database fails."""
        if self._until is not None:
            self._until = measure_next(self._services, _MEASURED_AT_ONCE, after=self._until)
