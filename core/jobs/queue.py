"""Jobs: rows in `deployment_logs`. Asking for work, and canceling it.

`claims` works a job off under a lease and a fencing token, `views` looks at jobs, `heartbeats` says who is alive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from core.access import ADMIN, WORKER, Person, require_role
from core.audit import record
from core.errors import Conflict, NotFound
from core.jobs.records import JobPayload
from core.jobs.requests import note_job
from core.jobs.terms import BACKUP_KINDS, BATCH_INSPECTION, NEEDED_ROLE, WORKERS_LOST, changed_one
from core.models.kinds import KINDS
from core.transactions import LOCKED, HasDatabase, reading, retried, writing
from storage.tables import Job, Product, utc_now

USUAL_PRIORITY = 100


@retried
def submit(
    services: HasDatabase, person: Person, *, kind: str, product_ids: Sequence[int], activate: bool = False
) -> int:
    """Queue a job for these products; return its id. With `activate` its versions go into use in spite of everything.

    Raises NotAllowed, and Conflict `job_already_waiting` while one of the products waits in, or is built by, a job of
    the same kind.
    """
    require_role(services, person, NEEDED_ROLE)
    if kind not in KINDS:
        raise NotFound("job_kind_unknown", kind=kind)
    wanted = tuple(sorted(set(product_ids)))
    if not wanted:
        raise Conflict("job_without_products")
    with writing(services) as session:
        # Locked, in one order: of two who ask for the same at once the second finds the first one's job.
        for product_id in wanted:
            session.get(Product, product_id, with_for_update=LOCKED)
        waiting = session.exec(select(Job).where(Job.kind == kind, col(Job.state).in_(("queued", "running")))).all()
        busy = {product_id for job in waiting for product_id in JobPayload.from_json(job.payload).product_ids}
        if overlap := busy & set(wanted):
            codes = session.exec(select(Product.code).where(col(Product.id).in_(overlap))).all()
            raise Conflict("job_already_waiting", products=", ".join(sorted(codes)))
        asked = {"activate": True} if activate else {}
        job_id = add_job(session, person, kind=kind, payload=JobPayload(wanted, activate), **asked)
        session.commit()
        return job_id


def add_job(
    session: Session,
    person: Person | None,
    *,
    kind: str,
    payload: JobPayload,
    max_attempts: int = WORKERS_LOST,
    priority: int = USUAL_PRIORITY,
    **noted: Any,
) -> int:
    """Add a job to the transaction, to be committed with what belongs to it; return its id.

    `max_attempts` is how many workers may be lost over it; of jobs that wait the one of the lowest `priority` goes
    first; `noted` goes into the audit log.
    """
    ids = payload.product_ids
    job = Job(
        kind=kind,
        product_id=ids[0] if len(ids) == 1 else None,
        payload=payload.to_json(),
        max_attempts=max_attempts,
        priority=priority,
        created_by=None if person is None else person.id,
    )
    session.add(job)
    session.flush()
    note_job(session, job.id)
    record(session, person, "job.submit", "job", job.id, kind=kind, product_ids=list(ids), **noted)
    return job.id


def queue_again(session: Session, job_id: int, *, states: Sequence[str] = ("failed",)) -> bool:
    """Queue a job that failed (or ended in one of these states) once more; return whether it had.

    Inside the caller's transaction.
    """
    failed = update(Job).where(col(Job.id) == job_id, col(Job.state).in_(list(states)))
    return changed_one(
        session,
        failed.values(
            state="queued",
            attempts=0,
            cancel_requested=False,
            error_code=None,
            error_params={},
            finished_at=None,
            worker_id=None,
        ),
    )


def cancel(services: HasDatabase, person: Person, job_id: int) -> None:
    """Cancel a queued job at once; ask a running one to stop (its worker acts within two seconds).

    Whoever asked for a batch inspection may cancel it, too. Raises NotAllowed, NotFound and Conflict
    `job_already_over`.
    """
    require_role(services, person, WORKER)
    with reading(services) as session:
        found = session.get(Job, job_id)
    if found is None:
        raise NotFound("not_found")
    if found.kind in BACKUP_KINDS:
        require_role(services, person, ADMIN)
    elif found.kind != BATCH_INSPECTION or found.created_by != person.id:
        require_role(services, person, NEEDED_ROLE)
    with writing(services) as session:
        if changed_one(
            session,
            update(Job)
            .where(col(Job.id) == job_id, col(Job.state) == "queued")
            .values(state="cancelled", cancel_requested=True, finished_at=utc_now()),
        ):
            pass
        elif not changed_one(
            session,
            update(Job).where(col(Job.id) == job_id, col(Job.state) == "running").values(cancel_requested=True),
        ):
            raise Conflict("job_already_over")
        record(session, person, "job.cancel", "job", job_id)
        session.commit()
