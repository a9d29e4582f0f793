"""Jobs: rows in `deployment_logs`, claimed atomically under a lease, reported on, cancelled and ended.

Every change of a running job names its fencing token, which grows with each claim: whoever lost the job (its lease ran
out and another worker took it over) can change nothing any more, however late it wakes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, func, or_, update
from sqlmodel import Session, col, select

from core.accounts import Person
from core.audit import record
from core.errors import AppError, Conflict, NotFound
from core.i18n import N_
from core.services import Services
from core.transactions import reading, writing
from storage.database import Database
from storage.tables import DeploymentLog, Product, User, Worker, utc_now

MEMORY_BANK = "memory_bank"
SIMILARITY_INDEX = "similarity_index"
KINDS = (MEMORY_BANK, SIMILARITY_INDEX)

LEASE_S = 15.0
WORKER_SILENT_AFTER_S = 20.0
MAX_LOG_BYTES = 1_000_000

STAGE_NAMES: dict[str, str] = {
    "start": N_("Starting"),
    "fetch": N_("Fetching images"),
    "extract": N_("Extracting features"),
    "coreset": N_("Selecting the memory bank"),
    "calibrate": N_("Calibrating thresholds"),
    "evaluate": N_("Measuring on test images"),
    "embed": N_("Computing embeddings"),
    "build": N_("Building the index"),
    "verify": N_("Verifying"),
    "publish": N_("Publishing"),
    "activate": N_("Activating"),
}


class JobLost(Exception):
    """The job belongs to another worker now, or has been ended: stop, and change nothing."""


class JobCancelled(Exception):
    """Somebody asked for the job to be cancelled."""


@dataclass(frozen=True)
class Claim:
    """The right to work on a job for as long as the lease is renewed."""

    job_id: int
    kind: str
    fencing_token: int
    payload: dict[str, Any]
    attempt: int


@dataclass(frozen=True)
class JobView:
    """A job as a page shows it. Times in UTC; `remaining_s` is None while nothing can be said."""

    id: int
    kind: str
    state: str
    stage: str
    done: int
    total: int
    position: int | None
    product_ids: list[int]
    current_product_id: int | None
    outcomes: list[dict[str, Any]]
    error: AppError | None
    log: list[dict[str, Any]] = field(repr=False)
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    elapsed_s: float
    remaining_s: float | None
    cancel_requested: bool
    created_by_name: str


def _changed(session: Session, statement: Any) -> bool:
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return bool(result.rowcount == 1)


# --- asking for work -------------------------------------------------------------------------------------------------


def submit(services: Services, person: Person, *, kind: str, product_ids: Sequence[int]) -> int:
    """Queue a job for these products and answer its id.

    Raises Conflict `job_already_waiting` while one of the products waits in, or is built by, a job of the same kind.
    """
    if kind not in KINDS:
        raise NotFound("job_kind_unknown", kind=kind)
    wanted = sorted(set(product_ids))
    if not wanted:
        raise Conflict("job_without_products")
    with writing(services) as session:
        waiting = session.exec(
            select(DeploymentLog).where(DeploymentLog.kind == kind, col(DeploymentLog.state).in_(("queued", "running")))
        ).all()
        busy = {product_id for job in waiting for product_id in job.payload.get("product_ids", [])}
        if overlap := busy & set(wanted):
            codes = session.exec(select(Product.code).where(col(Product.id).in_(overlap))).all()
            raise Conflict("job_already_waiting", products=", ".join(sorted(codes)))
        job = DeploymentLog(
            kind=kind,
            product_id=wanted[0] if len(wanted) == 1 else None,
            payload={"product_ids": wanted},
            created_by=person.id,
        )
        session.add(job)
        session.flush()
        assert job.id is not None
        record(session, person, "job.submit", "job", job.id, kind=kind, product_ids=wanted)
        session.commit()
        return job.id


def cancel(services: Services, person: Person, job_id: int) -> None:
    """Cancel a queued job at once; ask a running one to stop (its worker acts within two seconds)."""
    with writing(services) as session:
        job = session.get(DeploymentLog, job_id)
        if job is None:
            raise NotFound("not_found")
        if _changed(
            session,
            update(DeploymentLog)
            .where(col(DeploymentLog.id) == job_id, col(DeploymentLog.state) == "queued")
            .values(state="cancelled", cancel_requested=True, finished_at=utc_now()),
        ):
            pass
        elif not _changed(
            session,
            update(DeploymentLog)
            .where(col(DeploymentLog.id) == job_id, col(DeploymentLog.state) == "running")
            .values(cancel_requested=True),
        ):
            raise Conflict("job_already_over")
        record(session, person, "job.cancel", "job", job_id)
        session.commit()


# --- working on it ---------------------------------------------------------------------------------------------------


def claim_next(database: Database, worker_id: str, *, lease_s: float = LEASE_S) -> Claim | None:
    """Claim the next job: the first in the queue, or a running one whose lease has run out.

    The claim is one UPDATE that names the state and token it found, so two workers never get the same job. An abandoned
    job that has used up its attempts fails (`job_worker_lost`); one that should have been cancelled is cancelled.
    """
    with database.unit_of_work() as session:
        now = utc_now()
        abandoned = session.exec(
            select(DeploymentLog)
            .where(DeploymentLog.state == "running", col(DeploymentLog.lease_expires_at) < now)
            .order_by(col(DeploymentLog.id))
        ).all()
        for job in abandoned:
            end = None
            if job.cancel_requested:
                end = {"state": "cancelled", "error_code": None}
            elif job.attempts >= job.max_attempts:
                end = {"state": "failed", "error_code": "job_worker_lost"}
            if end is not None:
                session.execute(
                    _of(job.id or 0, job.fencing_token).values(
                        **end, finished_at=now, fencing_token=job.fencing_token + 1, lease_expires_at=None
                    )
                )
        candidates = session.exec(
            select(DeploymentLog)
            .where(
                or_(
                    col(DeploymentLog.state) == "queued",
                    (col(DeploymentLog.state) == "running") & (col(DeploymentLog.lease_expires_at) < now),
                )
            )
            .order_by(col(DeploymentLog.priority), col(DeploymentLog.id))
            .limit(5)
            .execution_options(populate_existing=True)
        ).all()
        for job in candidates:
            # Read now: the session writes the UPDATE's values into the row it holds.
            token, attempt = job.fencing_token + 1, job.attempts + 1
            won = _changed(
                session,
                update(DeploymentLog)
                .where(
                    col(DeploymentLog.id) == job.id,
                    col(DeploymentLog.state) == job.state,
                    col(DeploymentLog.fencing_token) == job.fencing_token,
                )
                .values(
                    state="running",
                    fencing_token=token,
                    worker_id=worker_id,
                    attempts=attempt,
                    lease_expires_at=now + timedelta(seconds=lease_s),
                    started_at=job.started_at or now,
                    stage="start",
                    stage_started_at=now,
                    done=0,
                    total=0,
                ),
            )
            if won:
                session.commit()
                assert job.id is not None
                return Claim(job.id, job.kind, token, dict(job.payload), attempt)
        session.commit()
        return None


def _of(job_id: int, fencing_token: int) -> Any:
    return update(DeploymentLog).where(
        col(DeploymentLog.id) == job_id,
        col(DeploymentLog.fencing_token) == fencing_token,
        col(DeploymentLog.state) == "running",
    )


def renew_lease(database: Database, claim: Claim, *, lease_s: float = LEASE_S) -> bool:
    """Push the lease on; answers whether a cancel was asked for. Raises JobLost when the job is not ours any more."""
    with database.unit_of_work() as session:
        lease = utc_now() + timedelta(seconds=lease_s)
        if not _changed(session, _of(claim.job_id, claim.fencing_token).values(lease_expires_at=lease)):
            raise JobLost
        asked = session.exec(select(DeploymentLog.cancel_requested).where(DeploymentLog.id == claim.job_id)).one()
        session.commit()
        return bool(asked)


def report(database: Database, claim: Claim, **values: Any) -> None:
    """Write progress (`stage`, `done`, `total`, `result` …). Raises JobLost or JobCancelled."""
    with database.unit_of_work() as session:
        if not _changed(session, _of(claim.job_id, claim.fencing_token).values(**values)):
            raise JobLost
        asked = session.exec(select(DeploymentLog.cancel_requested).where(DeploymentLog.id == claim.job_id)).one()
        session.commit()
    if asked:
        raise JobCancelled


def append_log(database: Database, claim: Claim, code: str, **params: Any) -> None:
    """Add one line to the job's log; past one megabyte the log keeps quiet. Raises JobLost."""
    line = json.dumps({"at": utc_now().isoformat(), "code": code, "params": params}, ensure_ascii=False, default=str)
    with database.unit_of_work() as session:
        job = session.get(DeploymentLog, claim.job_id)
        if job is None:
            raise JobLost
        if len(job.log) < MAX_LOG_BYTES and not _changed(
            session, _of(claim.job_id, claim.fencing_token).values(log=job.log + line + "\n")
        ):
            raise JobLost
        session.commit()


def hold(session: Session, claim: Claim) -> None:
    """Inside a transaction: prove that the job is still ours and wanted. Raises JobLost, or JobCancelled.

    The row is written, so on every database a rival's claim waits for this transaction or this one fails.
    """
    if not _changed(
        session,
        _of(claim.job_id, claim.fencing_token)
        .where(col(DeploymentLog.cancel_requested).is_(False))
        .values(stage="activate"),
    ):
        job = session.get(DeploymentLog, claim.job_id)
        if job is not None and job.fencing_token == claim.fencing_token and job.cancel_requested:
            raise JobCancelled
        raise JobLost


def finish(database: Database, claim: Claim, *, state: str, error: AppError | None = None) -> bool:
    """End a running job; answers False when it was not ours any more (nothing is changed then)."""
    with database.unit_of_work() as session:
        ended = _changed(
            session,
            _of(claim.job_id, claim.fencing_token).values(
                state=state,
                error_code=error.code if error else None,
                error_params=_plain(error.params) if error else {},
                finished_at=utc_now(),
                lease_expires_at=None,
            ),
        )
        session.commit()
        return ended


def give_back(database: Database, claim: Claim) -> None:
    """Queue the job again for another worker: this one is told to stop. The try does not count.

    A job that should be cancelled ends as cancelled: nobody may come to take it up.
    """
    with database.unit_of_work() as session:
        session.execute(
            _of(claim.job_id, claim.fencing_token)
            .where(col(DeploymentLog.cancel_requested).is_(True))
            .values(state="cancelled", finished_at=utc_now(), lease_expires_at=None)
        )
        session.execute(
            _of(claim.job_id, claim.fencing_token).values(
                state="queued",
                stage="",
                worker_id=None,
                lease_expires_at=None,
                attempts=max(0, claim.attempt - 1),
                fencing_token=claim.fencing_token + 1,
            )
        )
        session.commit()


def reopen_claim(database: Database, job_id: int, fencing_token: int) -> Claim:
    """The claim that a worker handed to its child by id and token. Raises JobLost when it does not hold any more."""
    with database.reading() as session:
        job = session.get(DeploymentLog, job_id)
        if job is None or job.state != "running" or job.fencing_token != fencing_token:
            raise JobLost
        return Claim(job_id, job.kind, fencing_token, dict(job.payload), job.attempts)


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value if isinstance(value, str | int | float | bool | None) else str(value)
        for key, value in params.items()
    }


# --- looking at it ---------------------------------------------------------------------------------------------------


def view(services: Services, job_id: int) -> JobView:
    """One job with everything the panel shows. Raises NotFound."""
    with reading(services) as session:
        job = session.get(DeploymentLog, job_id)
        if job is None:
            raise NotFound("not_found")
        return _view(session, job)


def list_jobs(services: Services, *, kind: str | None = None, limit: int = 20) -> list[JobView]:
    """The newest jobs first."""
    query = select(DeploymentLog).order_by(col(DeploymentLog.id).desc()).limit(limit)
    if kind is not None:
        query = query.where(DeploymentLog.kind == kind)
    with reading(services) as session:
        return [_view(session, job) for job in session.exec(query).all()]


def running_job(services: Services, kind: str) -> JobView | None:
    """The running job of this kind, else the first that waits, else None."""
    query = (
        select(DeploymentLog)
        .where(DeploymentLog.kind == kind, col(DeploymentLog.state).in_(("queued", "running")))
        .order_by(col(DeploymentLog.state).desc(), col(DeploymentLog.id))
        .limit(1)
    )
    with reading(services) as session:
        job = session.exec(query).first()
        return None if job is None else _view(session, job)


def _view(session: Session, job: DeploymentLog) -> JobView:
    now = utc_now()
    position = None
    if job.state == "queued":
        ahead = session.exec(
            select(func.count())
            .select_from(DeploymentLog)
            .where(
                col(DeploymentLog.state).in_(("queued", "running")),
                or_(
                    col(DeploymentLog.state) == "running",
                    col(DeploymentLog.priority) < job.priority,
                    (col(DeploymentLog.priority) == job.priority) & (col(DeploymentLog.id) < job.id),
                ),
            )
        ).one()
        position = int(ahead) + 1
    author = session.get(User, job.created_by) if job.created_by is not None else None
    assert job.id is not None
    product_ids = list(job.payload.get("product_ids", []))
    outcomes = list(job.result.get("outcomes", []))
    elapsed_s = ((job.finished_at or now) - job.started_at).total_seconds() if job.started_at else 0.0
    return JobView(
        id=job.id,
        kind=job.kind,
        state=job.state,
        stage=job.stage,
        done=job.done,
        total=job.total,
        position=position,
        product_ids=product_ids,
        current_product_id=job.result.get("current_product_id"),
        outcomes=outcomes,
        error=AppError(job.error_code, **job.error_params) if job.error_code else None,
        log=[json.loads(line) for line in job.log.splitlines() if line],
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        elapsed_s=elapsed_s,
        remaining_s=_remaining_s(job, now),
        cancel_requested=job.cancel_requested,
        created_by_name=author.display_name if author else "",
    )


def _remaining_s(job: DeploymentLog, now: datetime) -> float | None:
    """From the share of the whole work that is done; the estimate of each product's weight comes with the job."""
    share = float(job.result.get("share", 0.0) or 0.0)
    since = job.result.get("work_started_at")
    if job.state != "running" or share < 0.05 or not since:
        return None
    elapsed_s = (now - datetime.fromisoformat(since)).total_seconds()
    return max(0.0, elapsed_s * (1.0 - share) / share)


# --- workers ---------------------------------------------------------------------------------------------------------


def beat(database: Database, worker_id: str, *, host: str, pid: int, job_id: int | None) -> None:
    """A worker's sign of life."""
    with database.unit_of_work() as session:
        row = session.get(Worker, worker_id)
        if row is None:
            session.add(Worker(id=worker_id, host=host, pid=pid, job_id=job_id))
        else:
            row.heartbeat_at = utc_now()
            row.job_id = job_id
            session.add(row)
        session.commit()


def sign_off(database: Database, worker_id: str) -> None:
    """A worker leaves in good order."""
    with database.unit_of_work() as session:
        row = session.get(Worker, worker_id)
        if row is not None:
            session.delete(row)
        session.commit()


def workers_alive(services: Services) -> int:
    """How many workers gave a sign of life in the last 20 s."""
    since = utc_now() - timedelta(seconds=WORKER_SILENT_AFTER_S)
    with reading(services) as session:
        return int(
            session.exec(select(func.count()).select_from(Worker).where(col(Worker.heartbeat_at) >= since)).one()
        )
