"""Starting a batch, canceling it, and letting one that failed go on."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import exists, func, insert, update
from sqlmodel import Session, col, select

from core.access import ENGINEER, WORKER, Person, require_role
from core.accounts.bindings import fit_line
from core.audit import record
from core.batches.sources import FolderContents, Staged, StagedFile, discard_folder, stage_files
from core.catalog.names import spoken_name
from core.errors import Conflict, NotFound, NotReady
from core.images.exposures.rules import read_rule
from core.images.records import IncomingFile
from core.inspections.by_view.examining import has_bank
from core.inspections.part_details import NO_DETAILS, PartDetails
from core.jobs import queue
from core.jobs.records import JobPayload
from core.jobs.stored_error import StoredError
from core.jobs.terms import BATCH_INSPECTION, changed_one
from core.transactions import HasDatabase, HasStores, reading, writing
from storage.tables import Batch, BatchItem, Job, Product, utc_now

# A batch goes on where it stopped: a worker that is lost over it costs little, and is no reason to give up.
MAX_ATTEMPTS = 10


@dataclass(frozen=True)
class BatchOrder:
    """What is asked for: the product, and what holds of all its files. `details` give line, lot and shift.

    `serial_rule` reads each part's serial number out of its file's name (`core.images.exposures.rules`); empty: none.
    Who asks twice with one `request_key` (at most 64 characters) gets the batch that there is.
    """

    product_id: int
    details: PartDetails = NO_DETAILS
    serial_rule: str = ""
    title: str = ""
    request_key: str = field(default_factory=lambda: uuid.uuid4().hex)


def start_with_files(
    services: HasStores,
    person: Person,
    order: BatchOrder,
    files: Iterable[IncomingFile],
    *,
    staged: Staged | None = None,
) -> int:
    """Store the files, ZIP files opened, and queue their inspection; return the job's id.

    Raises NotAllowed, NotFound, NotReady (no model), BadInput for details, a rule or files that will not do, and
    Unavailable; nothing is left then.
    """
    order, earlier = _check(services, person, order)
    if earlier is not None:
        return earlier
    folder = uuid.uuid4().hex
    found = stage_files(services, files, folder=folder, staged=staged)
    try:
        return _queue(services, person, order, found, folder=folder)
    except Conflict:
        discard_folder(services, folder)
        again = find_by_request(services, order.request_key)
        if again is None:
            raise
        return again
    except BaseException:
        discard_folder(services, folder)
        raise


def start_with_folder(services: HasStores, person: Person, order: BatchOrder, contents: FolderContents) -> int:
    """Queue the inspection of images that lie in the object store, and stay there; return the job's id.

    Raises as `start_with_files`.
    """
    order, earlier = _check(services, person, order)
    if earlier is not None:
        return earlier
    try:
        return _queue(services, person, order, contents.files)
    except Conflict:
        again = find_by_request(services, order.request_key)
        if again is None:
            raise
        return again


def find_by_request(services: HasDatabase, request_key: str) -> int | None:
    """Return the job of the batch that was asked for with the key; None where there is none."""
    with reading(services) as session:
        return session.exec(select(Batch.job_id).where(Batch.request_key == request_key)).first()


def cancel(services: HasStores, person: Person, job_id: int) -> None:
    """Cancel a batch: what is inspected stays, and the files that are left are deleted.

    One that runs stops within two seconds; one that failed is given up. Raises as `core.jobs.queue.cancel`.
    """
    _require_own(services, person, job_id)
    with writing(services) as session:
        given_up = changed_one(
            session,
            update(Job).where(col(Job.id) == job_id, col(Job.state) == "failed").values(state="cancelled"),
        )
        if given_up:
            record(session, person, "job.cancel", "job", job_id)
            session.commit()
    if not given_up:
        queue.cancel(services, person, job_id)
    discard_rest(services, job_id)


def go_on(services: HasStores, person: Person, job_id: int) -> None:
    """Queue a batch that failed once more: it goes on with the files that are left.

    Raises NotAllowed, NotFound, and Conflict batch_nothing_left.
    """
    _require_own(services, person, job_id)
    with writing(services) as session:
        left = session.exec(
            select(func.count())
            .select_from(BatchItem)
            .where(BatchItem.job_id == job_id, BatchItem.state == "waiting", col(BatchItem.object_key) != "")
        ).one()
        if not left or not queue.queue_again(session, job_id):
            raise Conflict("batch_nothing_left")
        record(session, person, "job.continue", "job", job_id)
        session.commit()


def discard_rest(services: HasStores, job_id: int | None = None) -> int:
    """Delete the files that canceled batches (or this one) have not inspected; return of how many batches."""
    query = (
        select(Batch.job_id, Batch.folder)
        .join(Job, col(Job.id) == col(Batch.job_id))
        .where(
            Job.state == "cancelled",
            exists().where(col(BatchItem.job_id) == col(Batch.job_id), col(BatchItem.object_key) != ""),
        )
    )
    if job_id is not None:
        query = query.where(Batch.job_id == job_id)
    with reading(services) as session:
        found = session.exec(query).all()
    for batch_id, folder in found:
        # Row first: what the rows do not name any more is an orphan, whatever happens next.
        with writing(services) as session:
            session.execute(update(BatchItem).where(col(BatchItem.job_id) == batch_id).values(object_key=""))
            session.commit()
        discard_folder(services, folder)
    return len(found)


def _require_own(services: HasDatabase, person: Person, job_id: int) -> None:
    require_role(services, person, WORKER)
    with reading(services) as session:
        job = session.get(Job, job_id)
    if job is None or job.kind != BATCH_INSPECTION:
        raise NotFound("not_found")
    if job.created_by != person.id:
        require_role(services, person, ENGINEER)


def _check(services: HasDatabase, person: Person, order: BatchOrder) -> tuple[BatchOrder, int | None]:
    """Return the order as it is stored, and the job that there is for it already."""
    require_role(services, person, WORKER)
    earlier = find_by_request(services, order.request_key)
    details = order.details.checked()
    details = replace(details, line=fit_line(services, person, product_id=order.product_id, line=details.line))
    rule = read_rule(order.serial_rule).rule.text if order.serial_rule.strip() else ""
    with reading(services) as session:
        product = session.get(Product, order.product_id)
        if product is None:
            raise NotFound("not_found")
        if not product.is_active:
            raise NotReady("product_not_in_use", product=spoken_name(product))
        if not has_bank(session, product.id):
            raise NotReady("no_active_memory_bank", product=spoken_name(product))
    return BatchOrder(order.product_id, details, rule, order.title.strip()[:255], order.request_key), earlier


def _queue(
    services: HasDatabase, person: Person, order: BatchOrder, files: Sequence[StagedFile], *, folder: str = ""
) -> int:
    with writing(services) as session:
        job_id = queue.add_job(
            session,
            person,
            kind=BATCH_INSPECTION,
            payload=JobPayload((order.product_id,)),
            max_attempts=MAX_ATTEMPTS,
            files=len(files),
        )
        session.add(
            Batch(
                job_id=job_id,
                request_key=order.request_key,
                product_id=order.product_id,
                folder=folder,
                title=order.title,
                line=order.details.line,
                lot=order.details.lot,
                shift=order.details.shift,
                serial_rule=order.serial_rule,
                created_at=utc_now(),
            )
        )
        session.flush()
        _add_items(session, job_id, files)
        session.commit()
        return job_id


def _add_items(session: Session, job_id: int, files: Sequence[StagedFile]) -> None:
    stored = [None if one.error is None else StoredError.from_error(one.error) for one in files]
    session.execute(
        insert(BatchItem),
        [
            {
                "job_id": job_id,
                "place": place,
                "name": one.name[:255],
                "object_key": one.object_key,
                "byte_size": one.byte_size,
                "state": "waiting" if error is None else "failed",
                "error_code": None if error is None else error.code,
                "error_params": {} if error is None else dict(error.params),
            }
            for place, (one, error) in enumerate(zip(files, stored, strict=True))
        ],
    )
