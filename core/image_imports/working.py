"""Working an import off: in a worker's child, group after group, each committed with what became of its files."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, select

from core.access import SYSTEM, as_person
from core.errors import AppError, NotAllowed, NotFound, Unavailable
from core.image_imports.staging import open_files, read_plan
from core.image_imports.starting import without_done
from core.images.imports.records import ImportPlan
from core.images.imports.storing import store_plan
from core.images.preparation import mask_notes
from core.images.records import FileOutcome, PreparedImage
from core.jobs import claims
from core.jobs.records import JobProgress
from core.jobs.stored_error import StoredError
from core.jobs.terms import Claim
from core.services import Services
from core.transactions import reading, writing
from storage.tables import Image, ImageImport, ImageImportItem, Job, User, utc_now

logger = logging.getLogger(__name__)

STAGE = "ingest"
# What one image takes at a guess, until the import's own pace is known.
_GUESS_S = 0.03
# Outcomes that belong to no new image are written so many at a time.
_WRITTEN_AT_ONCE = 32
# A store or a database that is away is waited for, three times in a row, before the import ends with its error.
_TRIES, _WAIT_S = 3, 5.0


def work_off(services: Services, claim: Claim, *, wait: Callable[[float], None] = time.sleep) -> AppError | None:
    """Take in every image of the import that waits; return the error that ends it before all are done, else None.

    What is done is committed with its images, so that whoever goes on, here or after a kill -9, takes none of them in
    again. A file that is refused has its error, and the others go on. Raises JobLost, JobCancelled.
    """
    run = _open_run(services, claim)
    if isinstance(run, AppError):
        return run
    tries = 0
    while waiting := run.list_waiting():
        before = run.n_settled
        stopped = run.ingest(waiting)
        if stopped is None:
            break
        tries = 1 if run.n_settled > before else tries + 1
        if not isinstance(stopped, Unavailable) or tries >= _TRIES:
            return stopped
        logger.warning("import of job %d waits: %s", claim.job_id, stopped.code)
        wait(_WAIT_S * tries)
        claims.check_claim(services, claim)
    return None


def _open_run(services: Services, claim: Claim) -> _Run | AppError:
    with reading(services) as session:
        row = session.exec(select(ImageImport).where(ImageImport.job_id == claim.job_id)).first()
        job = session.get(Job, claim.job_id)
        user = session.get(User, job.created_by) if job is not None and job.created_by is not None else None
        if row is None or user is None:
            return NotFound("not_found")
        items = session.exec(select(ImageImportItem).where(ImageImportItem.import_id == row.id)).all()
    try:
        plan = ImportPlan.from_json(read_plan(services, row.staged))
    except NotFound as error:
        return error
    except (KeyError, TypeError, ValueError):
        return NotFound("import_gone")
    return _Run(services, claim, row, as_person(user).acting(SYSTEM), plan, items)


class _Run:
    """One attempt at an import."""

    def __init__(
        self,
        services: Services,
        claim: Claim,
        row: ImageImport,
        person: Any,
        plan: ImportPlan,
        items: Sequence[ImageImportItem],
    ) -> None:
        self._services, self._claim, self._row, self._person, self._plan = services, claim, row, person, plan
        images = [item for item in items if item.kind == "image"]
        self._images = {item.path: item for item in images}
        by_place = {item.place: item for item in images}
        self._masks: dict[int, list[ImageImportItem]] = {}
        self._owners: dict[str, int] = {}
        for item in items:
            if item.kind == "mask" and item.image_place in by_place:
                owner = by_place[item.image_place]
                self._masks.setdefault(owner.id, []).append(item)
                self._owners[item.path] = owner.id
        self._settled = {item.id for item in images if item.outcome}
        self._written: set[int] = set()
        self._n_before = len(self._settled)
        self._total_bytes = sum(item.byte_size for item in images if not item.outcome)
        self._done_bytes = 0
        self._started_at = utc_now()

    @property
    def n_settled(self) -> int:
        """Return how many images are done with, well or not."""
        return len(self._settled)

    def list_waiting(self) -> list[str]:
        """Return the paths of the images that wait."""
        return [path for path, item in self._images.items() if item.id not in self._settled]

    def ingest(self, waiting: Sequence[str]) -> AppError | None:
        """Take in these images; return the error that concerns not one file but all that are left, else None."""
        claims.report(self._services, self._claim, **self._progress(), stage_started_at=utc_now())
        others: list[FileOutcome] = []
        try:
            with open_files(self._services, self._row) as source:
                outcomes = store_plan(
                    self._services, self._person, source, without_done(self._plan, waiting), along=self._store_along
                )
                with closing(outcomes):
                    for outcome in outcomes:
                        if not self._is_written(outcome):
                            others.append(outcome)
                        if len(others) >= _WRITTEN_AT_ONCE:
                            self._write(others)
                            others = []
        except AppError as error:
            # Not of a file: the account, the files as a whole, or a store, while all went on.
            return AppError("import_person_gone") if isinstance(error, NotAllowed) else error
        finally:
            if others and not _is_lost(self._services, self._claim):
                self._write(others)
        return None

    def _is_written(self, outcome: FileOutcome) -> bool:
        """Return whether an outcome was committed with its new image."""
        item = self._images.get(outcome.name)
        owner = self._owners.get(outcome.name) if item is None or "mask" in outcome.notes else item.id
        return owner in self._written

    def _store_along(self, session: Session, added: Sequence[tuple[PreparedImage, Image]]) -> None:
        """Write in the very transaction of new images that their files are done, and that the job is ours."""
        rows: list[dict[str, Any]] = []
        for entry, image in added:
            item = self._images.get(entry.item.file.name)
            if item is None:
                continue
            self._written.add(item.id)
            done = {"outcome": "added", "image_id": image.id, "stored_name": image.stored_name}
            rows.append({"id": item.id, **done, "notes": list(entry.notes), "error_code": None, "error_params": {}})
            error = entry.mask_error
            of_mask = {
                **done,
                "outcome": "added" if error is None else "refused",
                "notes": [note for note in mask_notes(entry.mask_share) if note != "mask"],
                **_error_values(error),
            }
            rows += [{"id": mask.id, **of_mask} for mask in self._masks.get(item.id, ())]
            self._settle(item)
        if rows:
            session.execute(update(ImageImportItem), rows)
        claims.hold(session, self._claim, **self._progress())

    def _write(self, outcomes: Sequence[FileOutcome]) -> None:
        """Write what became of files that are no new images: refused, known before, and their masks."""
        rows = []
        for outcome in outcomes:
            values = {
                "outcome": outcome.outcome,
                "image_id": outcome.image_id,
                "stored_name": outcome.stored_name or "",
                "notes": [note for note in outcome.notes if note != "mask"],
                **_error_values(outcome.error),
            }
            item = self._images.get(outcome.name)
            if item is not None and "mask" not in outcome.notes:
                self._settle(item)
                rows.append({"id": item.id, **values})
                if outcome.outcome == "refused":
                    # Without its image a mask is nothing.
                    rows += [{"id": mask.id, **values} for mask in self._masks.get(item.id, ())]
            elif outcome.name in self._owners:
                rows += [{"id": mask.id, **values} for mask in self._masks[self._owners[outcome.name]]]
        with writing(self._services) as session:
            if rows:
                session.execute(update(ImageImportItem), rows)
            claims.hold(session, self._claim, **self._progress())
            session.commit()

    def _settle(self, item: ImageImportItem) -> None:
        # Once for each, because a transaction that is repeated comes here twice.
        if item.id not in self._settled:
            self._settled.add(item.id)
            self._done_bytes += item.byte_size

    def _progress(self) -> Mapping[str, Any]:
        n_images = len(self._images)
        n_here = len(self._settled) - self._n_before
        waiting = n_images - self._n_before
        # Bytes tell more of what is left than files, where they are known.
        share = self._done_bytes / self._total_bytes if self._total_bytes else n_here / max(1, waiting)
        progress = JobProgress(share=min(1.0, share), expected_s=_GUESS_S * waiting, work_started_at=self._started_at)
        return {"stage": STAGE, "done": len(self._settled), "total": n_images, "result": progress.to_json()}


def _error_values(error: AppError | None) -> dict[str, Any]:
    stored = None if error is None else StoredError.from_error(error)
    return {
        "error_code": None if stored is None else stored.code[:64],
        "error_params": {} if stored is None else dict(stored.params),
    }


def _is_lost(services: Services, claim: Claim) -> bool:
    with reading(services) as session:
        job = session.get(Job, claim.job_id)
    return job is None or job.state != "running" or job.fencing_token != claim.fencing_token or job.cancel_requested
