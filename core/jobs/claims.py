"""Working on a job: claimed atomically under a lease, reported on, released and ended; always by its token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from core.errors import AppError
from core.jobs.records import JobPayload, LogLine, write_line
from core.jobs.stored_error import StoredError
from core.jobs.terms import LEASE_S, Claim, JobCancelled, JobLost, changed_one
from core.transactions import HasDatabase, reading, retried, writing
from storage.tables import Job, utc_now

MAX_LOG_BYTES = 1_000_000


@retried
def claim_next(services: HasDatabase, worker_id: str, *, lease_s: float = LEASE_S) -> Claim | None:
    """Claim the next job: the first in the queue, or a running one whose lease has run out.

    The claim is one UPDATE that names the state and token it found, so two workers never get the same job. An abandoned
    job that has used up its attempts fails (`job_worker_lost`); one that should have been canceled is canceled.
    """
    with writing(services) as session:
        now = utc_now()
        abandoned = session.exec(
            select(Job).where(Job.state == "running", col(Job.lease_expires_at) < now).order_by(col(Job.id))
        ).all()
        for job in abandoned:
            end = None
            if job.cancel_requested:
                end = {"state": "cancelled", "error_code": None}
            elif job.attempts >= job.max_attempts:
                end = {"state": "failed", "error_code": "job_worker_lost"}
            if end is not None:
                session.execute(
                    _of(job.id, job.fencing_token).values(
                        **end, finished_at=now, fencing_token=job.fencing_token + 1, lease_expires_at=None
                    )
                )
        candidates = session.exec(
            select(Job)
            .where(
                or_(
                    col(Job.state) == "queued",
                    (col(Job.state) == "running") & (col(Job.lease_expires_at) < now),
                )
            )
            .order_by(col(Job.priority), col(Job.id))
            .limit(5)
            .execution_options(populate_existing=True)
        ).all()
        for job in candidates:
            # Read now: the session writes the UPDATE's values into the row it holds.
            token, attempt = job.fencing_token + 1, job.attempts + 1
            won = changed_one(
                session,
                update(Job)
                .where(
                    col(Job.id) == job.id,
                    col(Job.state) == job.state,
                    col(Job.fencing_token) == job.fencing_token,
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
                return Claim(job.id, job.kind, token, JobPayload.from_json(job.payload), attempt)
        session.commit()
        return None


def _of(job_id: int, fencing_token: int) -> Any:
    return update(Job).where(
        col(Job.id) == job_id,
        col(Job.fencing_token) == fencing_token,
        col(Job.state) == "running",
    )


@retried
def renew_lease(services: HasDatabase, claim: Claim, *, lease_s: float = LEASE_S) -> bool:
    """Extend the lease; return whether a cancel was asked for. Raises JobLost when the job is not ours any more."""
    with writing(services) as session:
        lease = utc_now() + timedelta(seconds=lease_s)
        if not changed_one(session, _of(claim.job_id, claim.fencing_token).values(lease_expires_at=lease)):
            raise JobLost
        asked = session.exec(select(Job.cancel_requested).where(Job.id == claim.job_id)).one()
        session.commit()
        return bool(asked)


@retried
def report(services: HasDatabase, claim: Claim, **values: Any) -> None:
    """Write progress (`stage`, `done`, `total`, `result` …). Raises JobLost or JobCancelled."""
    with writing(services) as session:
        if not changed_one(session, _of(claim.job_id, claim.fencing_token).values(**values)):
            raise JobLost
        asked = session.exec(select(Job.cancel_requested).where(Job.id == claim.job_id)).one()
        session.commit()
    if asked:
        raise JobCancelled


def check_claim(services: HasDatabase, claim: Claim) -> None:
    """Raise JobLost or JobCancelled where the job is not ours any more, or not wanted. Nothing is written."""
    with reading(services) as session:
        job = session.get(Job, claim.job_id)
    if job is None or job.state != "running" or job.fencing_token != claim.fencing_token:
        raise JobLost
    if job.cancel_requested:
        raise JobCancelled


@retried
def append_log(services: HasDatabase, claim: Claim, code: str, **params: Any) -> None:
    """Add one line to the job's log; past one megabyte nothing is added. Raises JobLost."""
    line = write_line(LogLine(utc_now(), code, params))
    with writing(services) as session:
        # Locked where a database can: several products of a job may write at once.
        job = session.get(Job, claim.job_id, with_for_update=True)
        if job is None:
            raise JobLost
        if len(job.log) < MAX_LOG_BYTES and not changed_one(
            session, _of(claim.job_id, claim.fencing_token).values(log=job.log + line)
        ):
            raise JobLost
        session.commit()


def hold(session: Session, claim: Claim, *, stage: str = "activate", **values: Any) -> None:
    """Prove inside a transaction that the job is still ours and wanted, and note how far it is (`done` …) with it.

    The row is written, so on every database a rival's claim waits for this transaction or this one fails. Raises
    JobLost, or JobCancelled.
    """
    if not changed_one(
        session,
        _of(claim.job_id, claim.fencing_token)
        .where(col(Job.cancel_requested).is_(False))
        .values(stage=stage, **values),
    ):
        job = session.get(Job, claim.job_id)
        if job is not None and job.fencing_token == claim.fencing_token and job.cancel_requested:
            raise JobCancelled
        raise JobLost


@retried
def finish(services: HasDatabase, claim: Claim, *, state: str, error: AppError | None = None) -> bool:
    """End a running job; return False when it was not ours any more (nothing is changed then)."""
    stored = StoredError.from_error(error) if error is not None else None
    with writing(services) as session:
        ended = changed_one(
            session,
            _of(claim.job_id, claim.fencing_token).values(
                state=state,
                error_code=stored.code if stored else None,
                error_params=dict(stored.params) if stored else {},
                finished_at=utc_now(),
                lease_expires_at=None,
            ),
        )
        session.commit()
        return ended


@retried
def release(services: HasDatabase, claim: Claim, *, counts: bool = False) -> None:
    """Queue the job again for another worker: this one is told to stop. The try does not count, or it `counts`.

    A job that should be canceled ends as canceled: nobody may come to claim it.
    """
    with writing(services) as session:
        session.execute(
            _of(claim.job_id, claim.fencing_token)
            .where(col(Job.cancel_requested).is_(True))
            .values(state="cancelled", finished_at=utc_now(), lease_expires_at=None)
        )
        session.execute(
            _of(claim.job_id, claim.fencing_token).values(
                state="queued",
                stage="",
                worker_id=None,
                lease_expires_at=None,
                attempts=claim.attempt if counts else max(0, claim.attempt - 1),
                fencing_token=claim.fencing_token + 1,
            )
        )
        session.commit()


def reopen_claim(services: HasDatabase, job_id: int, fencing_token: int) -> Claim:
    """Return the claim that a worker passed to its child by id and token. Raises JobLost where it is lost by now."""
    with reading(services) as session:
        job = session.get(Job, job_id)
        if job is None or job.state != "running" or job.fencing_token != fencing_token:
            raise JobLost
        return Claim(job_id, job.kind, fencing_token, JobPayload.from_json(job.payload), job.attempts)
