"""Working a batch off: in a worker's child, file after file, each committed with what the job knows of it."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from core.access import Person, as_person
from core.batches.sources import discard_folder
from core.errors import AppError, Conflict, NotAllowed, NotFound, NotReady, Unavailable, from_lower
from core.files.discarded_objects import discard_objects
from core.identity import BATCHES
from core.images.exposures.rules import PartRule, read_rule
from core.inspections.batch import FileOutcome, inspect_many
from core.inspections.loading import PartFile
from core.inspections.part_details import PartDetails
from core.jobs import claims
from core.jobs.records import JobProgress
from core.jobs.stored_error import StoredError
from core.jobs.terms import Claim
from core.services import Services
from core.transactions import reading, writing
from storage.object_store import ObjectStore, ObjectStoreError
from storage.tables import Batch, BatchItem, Inspection, Job, User, utc_now

logger = logging.getLogger(__name__)

STAGE = "inspect"
# What one image takes at a guess, until the batch's own pace is known.
_GUESS_S = 0.1
# Files on their way from the object store: so many at a time, and so many bytes, before they are decoded.
_READ_AHEAD, _READ_AHEAD_BYTES = 8, 64_000_000
# A store or a database that is away is waited for, three times in a row, before the batch ends with its error.
_TRIES, _WAIT_S = 3, 5.0


@dataclass(frozen=True)
class PendingFile:
    """A file that is still to be inspected."""

    item_id: int
    place: int
    name: str
    object_key: str
    byte_size: int


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
    return _Run(services, claim, batch, as_person(user), counts)


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
                        self._note_failed(one, outcome)
                    if one.object_key.startswith(BATCHES):
                        discarding.submit(discard_objects, self._services, [one.object_key])
            except AppError as error:
                # Not of a file: the account, or a store, while all went on.
                return self._said(error)
        return None

    def _said(self, error: AppError) -> AppError:
        return AppError("batch_person_gone") if isinstance(error, NotAllowed) else error

    def _note_failed(self, one: PendingFile, outcome: FileOutcome) -> None:
        assert outcome.error is not None
        stored = StoredError.from_error(outcome.error)
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


def concerns_all(error: AppError) -> bool:
    """Return whether an error is not one file's: then the files that are left wait, and none of them has failed."""
    if isinstance(error, NotFound):
        return error.code != "object_missing"
    return isinstance(error, Unavailable | NotReady | NotAllowed | Conflict)


def read_ahead(
    objects: ObjectStore, pending: Sequence[PendingFile]
) -> Iterator[tuple[PendingFile, Callable[[], bytes]]]:
    """Yield the files in order, each with what gives its bytes, while the next ones are on their way already."""
    on_the_way: deque[tuple[PendingFile, Future[bytes]]] = deque()
    held = 0
    with ThreadPoolExecutor(_READ_AHEAD, thread_name_prefix="read") as threads:
        try:
            for one in pending:
                while on_the_way and (len(on_the_way) == _READ_AHEAD or held + one.byte_size > _READ_AHEAD_BYTES):
                    first, future = on_the_way.popleft()
                    held -= first.byte_size
                    yield first, partial(_take, future, first)
                    del future
                on_the_way.append((one, threads.submit(objects.get, one.object_key)))
                held += one.byte_size
            while on_the_way:
                first, future = on_the_way.popleft()
                yield first, partial(_take, future, first)
                del future
        finally:
            for _, future in on_the_way:
                future.cancel()


def _take(future: Future[bytes], one: PendingFile) -> bytes:
    try:
        return future.result()
    except ObjectStoreError as error:
        raise from_lower(error, name=one.name) from error
