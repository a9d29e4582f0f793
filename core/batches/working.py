"""Working a batch off: in a worker's child, file after file, each committed with what the job knows of it."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from core.access import SYSTEM, Person, as_person
from core.batches.reading import PartReader, PendingFile, group_by_part, read_ahead
from core.batches.sources import discard_folder
from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound, NotReady, Unavailable
from core.files.discarded_objects import discard_objects
from core.identity import BATCHES
from core.images.exposures.rules import PartRule, read_rule
from core.inspections.batch import inspect_many
from core.inspections.by_view.examining import ViewPicture, views_to_inspect
from core.inspections.by_view.inspection import inspect_part
from core.inspections.loading import PartFile
from core.inspections.part_details import PartDetails, longest_text
from core.jobs import claims
from core.jobs.records import JobProgress
from core.jobs.stored_error import StoredError
from core.jobs.terms import Claim
from core.services import Services
from core.transactions import reading, writing
from storage.tables import Batch, BatchItem, Inspection, InspectionView, Job, User, utc_now

logger = logging.getLogger(__name__)

STAGE = "inspect"
# What one image takes at a guess, until the batch's own pace is known.
_GUESS_S = 0.1
# A store or a database that is away is waited for, three times in a row, before the batch ends with its error.
_TRIES, _WAIT_S = 3, 5.0


def work_off(services: Services, claim: Claim, *, wait: Callable[[float], None] = time.sleep) -> AppError | None:
    """Inspect every file of the batch that waits; return the error that ends it before all are done, else None.

    What is done is committed file by file with its inspection, so that whoever goes on, here or after a kill -9,
    inspects none of them again. A file that fails has its error, and the others go on. Raises JobLost, JobCancelled.
    """
    run = _open_run(services, claim)
    if isinstance(run, AppError):
        return run
    tries = 0
    while pending := run.list_pending():
        before = run.n_settled
        stopped = run.inspect(pending)
        if stopped is None:
            break
        tries = 1 if run.n_settled > before else tries + 1
        if not isinstance(stopped, Unavailable) or tries >= _TRIES:
            return stopped
        logger.warning("batch %d waits: %s", claim.job_id, stopped.code)
        wait(_WAIT_S * tries)
        claims.check_claim(services, claim)
    # Attempts that were killed may have left files that no row names any more.
    discard_folder(services, run.folder)
    return None


def _open_run(services: Services, claim: Claim) -> _Run | AppError:
    with reading(services) as session:
        batch, job = session.get(Batch, claim.job_id), session.get(Job, claim.job_id)
        user = session.get(User, job.created_by) if job is not None and job.created_by is not None else None
        if batch is None or user is None:
            return NotFound("not_found")
        counts = dict(
            session.exec(
                select(BatchItem.state, func.count())
                .where(BatchItem.job_id == claim.job_id)
                .group_by(col(BatchItem.state))
            ).all()
        )
    return _Run(services, claim, batch, as_person(user).acting(SYSTEM), counts)


class _Run:
    """One attempt at a batch."""

    def __init__(
        self, services: Services, claim: Claim, batch: Batch, person: Person, counts: Mapping[str, int]
    ) -> None:
        self._services = services
        self._claim = claim
        self._batch = batch
        self._person = person
        self._rule: PartRule | None = read_rule(batch.serial_rule) if batch.serial_rule else None
        self._n_files = sum(counts.values())
        self._n_waiting = counts.get("waiting", 0)
        self._settled: set[int] = set()
        self._started_at = utc_now()

    @property
    def folder(self) -> str:
        """Return where its own files lay."""
        return self._batch.folder

    @property
    def n_settled(self) -> int:
        """Return how many files this attempt has done with, well or not."""
        return len(self._settled)

    def list_pending(self) -> list[PendingFile]:
        """Return the files that wait, in order."""
        with reading(self._services) as session:
            rows = session.exec(
                select(BatchItem)
                .where(BatchItem.job_id == self._claim.job_id, BatchItem.state == "waiting")
                .order_by(col(BatchItem.place))
            ).all()
        return [PendingFile(row.id, row.place, row.name, row.object_key, row.byte_size) for row in rows]

    def inspect(self, pending: Sequence[PendingFile]) -> AppError | None:
        """Inspect these files; return the error that concerns not one file but all that are left, else None."""
        claims.report(self._services, self._claim, **self._progress(), stage_started_at=utc_now())
        views = views_to_inspect(self._services, self._batch.product_id)
        if views:
            return self._inspect_parts(pending, [view.code for view in views])
        job_id = self._claim.job_id

        def store_along(session: Session, rows: Mapping[int, Inspection]) -> None:
            """Write in the very transaction of the inspections that their files are done, and that the job is ours."""
            session.execute(
                update(BatchItem),
                [
                    {
                        "id": pending[at].item_id,
                        "state": "done",
                        "inspection_id": row.id,
                        "object_key": "",
                        "error_code": None,
                        "error_params": {},
                    }
                    for at, row in rows.items()
                ],
            )
            # By place, because a transaction that is repeated comes here twice.
            self._settled.update(pending[at].place for at in rows)
            claims.hold(session, self._claim, **self._progress())

        files = (
            PartFile(one.name, read, self._details(one), f"batch:{job_id}:{one.place}")
            for one, read in read_ahead(self._services.objects, pending)
        )
        outcomes = inspect_many(
            self._services, self._person, product_id=self._batch.product_id, files=files, along=store_along
        )
        with ThreadPoolExecutor(1, thread_name_prefix="discard") as discarding, closing(outcomes):
            try:
                for outcome in outcomes:
                    one = pending[outcome.place]
                    if outcome.error is not None:
                        if concerns_all(outcome.error):
                            return self._said(outcome.error)
                        self._note_error(one, outcome.error)
                    if one.object_key.startswith(BATCHES):
                        discarding.submit(discard_objects, self._services, [one.object_key])
            except AppError as error:
                # Not of a file: the account, or a store, while all went on.
                return self._said(error)
        return None

    def _inspect_parts(self, pending: Sequence[PendingFile], views: Sequence[str]) -> AppError | None:
        """Inspect the files of each part together; return what concerns all that is left, else None."""
        parts, untold = group_by_part(pending, views)
        for nameless in untold:
            name = PurePosixPath(nameless.name).name
            self._note_error(nameless, BadInput("file_names_no_view", name=name, view=views[0]))
        reader = PartReader(self._services.objects, parts)
        with ThreadPoolExecutor(1, thread_name_prefix="discard") as discarding, closing(reader):
            try:
                for part, files in reader:
                    read: list[tuple[PendingFile, ViewPicture]] = []
                    for one, found in files:
                        if isinstance(found, AppError):
                            if concerns_all(found):
                                return self._said(found)
                            self._note_error(one.file, found)
                        else:
                            read.append((one.file, ViewPicture(one.view, found, one.file.name)))
                    if read and (stopped := self._inspect_part(part, read)) is not None:
                        return self._said(stopped)
                    keys = [one.file.object_key for one, _ in files]
                    discarding.submit(discard_objects, self._services, [key for key in keys if key.startswith(BATCHES)])
            except AppError as error:
                # Not of a file: the account, or a store, while all went on.
                return self._said(error)
        return None

    def _inspect_part(self, part: str, pictures: Sequence[tuple[PendingFile, ViewPicture]]) -> AppError | None:
        """Inspect one part; every file of it is settled in the very transaction of its inspection."""
        files = [one for one, _ in pictures]
        first = min(files, key=lambda one: one.place)

        def store_along(session: Session, rows: Mapping[int, Inspection]) -> None:
            """Write that the files are done, and that the job is ours."""
            session.execute(
                update(BatchItem)
                .where(col(BatchItem.id).in_([one.item_id for one in files]))
                .values(state="done", inspection_id=rows[0].id, object_key="", error_code=None, error_params={})
            )
            _note_unjudged(session, rows[0].id, pictures)
            self._settled.update(one.place for one in files)
            claims.hold(session, self._claim, **self._progress())

        details = replace(self._details(first), serial=self._serial_of(part, first))
        try:
            done = inspect_part(
                self._services,
                self._person,
                product_id=self._batch.product_id,
                pictures=[picture for _, picture in pictures],
                part=details,
                idempotency_key=f"batch:{self._claim.job_id}:{first.place}",
                along=store_along,
            )
        except AppError as error:
            if concerns_all(error):
                return error
            for one in files:
                self._note_error(one, error)
            return None
        if done.inspection_id is not None:
            return None
        found = [error for error in done.errors if error is not None]
        if (for_all := next((error for error in found if concerns_all(error)), None)) is not None:
            return for_all
        # In the order of the pictures, which come in that of the views.
        for one, own in zip(files, done.errors, strict=True):
            self._note_error(one, own or found[0])
        return None

    def _serial_of(self, part: str, first: PendingFile) -> str:
        """Return the serial number: what the batch's rule reads out of the name, else the name of the part."""
        return self._rule.find(first.name) if self._rule is not None else part[: longest_text("serial")]

    def _said(self, error: AppError) -> AppError:
        return AppError("batch_person_gone") if isinstance(error, NotAllowed) else error

    def _note_error(self, one: PendingFile, error: AppError) -> None:
        """Write why a file is refused; what was done meanwhile stays."""
        stored = StoredError.from_error(error)
        self._settled.add(one.place)
        with writing(self._services) as session:
            session.execute(
                update(BatchItem)
                .where(col(BatchItem.id) == one.item_id, col(BatchItem.state) == "waiting")
                .values(state="failed", error_code=stored.code, error_params=dict(stored.params), object_key="")
            )
            claims.hold(session, self._claim, **self._progress())
            session.commit()

    def _details(self, one: PendingFile) -> PartDetails:
        return PartDetails(
            line=self._batch.line,
            lot=self._batch.lot,
            shift=self._batch.shift,
            serial=self._rule.find(one.name) if self._rule is not None else "",
            source="batch",
            batch_job_id=self._claim.job_id,
        )

    def _progress(self) -> dict[str, Any]:
        settled = len(self._settled)
        progress = JobProgress(
            current_product_id=self._batch.product_id,
            share=settled / self._n_waiting if self._n_waiting else 1.0,
            expected_s=_GUESS_S * self._n_waiting,
            work_started_at=self._started_at,
        )
        return {
            "stage": STAGE,
            "done": self._n_files - self._n_waiting + settled,
            "total": self._n_files,
            "result": progress.to_json(),
        }


def _note_unjudged(session: Session, inspection_id: int, pictures: Sequence[tuple[PendingFile, ViewPicture]]) -> None:
    """Write beside each file that could not be judged why, although its part is inspected by the others."""
    rows = session.exec(
        select(InspectionView).where(
            InspectionView.inspection_id == inspection_id, col(InspectionView.error_code).is_not(None)
        )
    ).all()
    errors = {(row.view, row.exposure): row for row in rows}
    exposures: Counter[str] = Counter()
    for one, picture in pictures:
        row = errors.get((picture.view, exposures[picture.view]))
        exposures[picture.view] += 1
        if row is not None:
            session.execute(
                update(BatchItem)
                .where(col(BatchItem.id) == one.item_id)
                .values(error_code=row.error_code, error_params=dict(row.error_params))
            )


def concerns_all(error: AppError) -> bool:
    """Return whether an error is not one file's: then the files that are left wait, and none of them has failed."""
    if isinstance(error, NotFound):
        return error.code != "object_missing"
    return isinstance(error, Unavailable | NotReady | NotAllowed | Conflict)
