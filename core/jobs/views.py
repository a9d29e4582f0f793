"""Looking at jobs: one of them, the newest, the one that runs; place in the queue and remaining time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from core.errors import AppError, NotFound
from core.jobs.outcomes import ProductOutcome
from core.jobs.records import JobPayload, JobProgress, LogLine, read_log
from core.jobs.stored_error import StoredError
from core.transactions import HasDatabase, reading
from storage.tables import Job, User, utc_now

# How long the expectation holds against the job's own pace, as a share of the whole work.
TRUST = 0.1


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
    product_ids: tuple[int, ...]
    current_product_id: int | None
    outcomes: tuple[ProductOutcome, ...]
    error: AppError | None
    log: tuple[LogLine, ...] = field(repr=False)
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    elapsed_s: float
    remaining_s: float | None
    cancel_requested: bool
    created_by_name: str


def view(services: HasDatabase, job_id: int) -> JobView:
    """Return one job with everything the panel shows. Raises NotFound."""
    with reading(services) as session:
        job = session.get(Job, job_id)
        if job is None:
            raise NotFound("not_found")
        return _view(session, job)


def list_jobs(services: HasDatabase, *, kind: str | None = None, limit: int = 20) -> list[JobView]:
    """Return the newest jobs first."""
    query = select(Job).order_by(col(Job.id).desc()).limit(limit)
    if kind is not None:
        query = query.where(Job.kind == kind)
    with reading(services) as session:
        return [_view(session, job) for job in session.exec(query).all()]


def running_job(services: HasDatabase, kind: str) -> JobView | None:
    """Return the running job of this kind, else the first that waits, else None."""
    query = (
        select(Job)
        .where(Job.kind == kind, col(Job.state).in_(("queued", "running")))
        .order_by(col(Job.state).desc(), col(Job.id))
        .limit(1)
    )
    with reading(services) as session:
        job = session.exec(query).first()
        return None if job is None else _view(session, job)


def list_unfinished(services: HasDatabase) -> list[JobView]:
    """Return every job that runs or waits, of any kind, in the order of its turn."""
    query = (
        select(Job)
        .where(col(Job.state).in_(("queued", "running")))
        .order_by(col(Job.state).desc(), col(Job.priority), col(Job.id))
    )
    with reading(services) as session:
        return [_view(session, job) for job in session.exec(query).all()]


def _view(session: Session, job: Job) -> JobView:
    now = utc_now()
    position = None
    if job.state == "queued":
        ahead = session.exec(
            select(func.count())
            .select_from(Job)
            .where(
                col(Job.state).in_(("queued", "running")),
                or_(
                    col(Job.state) == "running",
                    col(Job.priority) < job.priority,
                    (col(Job.priority) == job.priority) & (col(Job.id) < job.id),
                ),
            )
        ).one()
        position = int(ahead) + 1
    author = session.get(User, job.created_by) if job.created_by is not None else None
    progress = JobProgress.from_json(job.result)
    error = StoredError.from_json(job.error_code, job.error_params)
    elapsed_s = ((job.finished_at or now) - job.started_at).total_seconds() if job.started_at else 0.0
    return JobView(
        id=job.id,
        kind=job.kind,
        state=job.state,
        stage=job.stage,
        done=job.done,
        total=job.total,
        position=position,
        product_ids=JobPayload.from_json(job.payload).product_ids,
        current_product_id=progress.current_product_id,
        outcomes=progress.outcomes,
        error=error.to_app_error() if error is not None else None,
        log=read_log(job.log),
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        elapsed_s=elapsed_s,
        remaining_s=_remaining_s(progress, now) if job.state == "running" else None,
        cancel_requested=job.cancel_requested,
        created_by_name=author.display_name if author else "",
    )


def _remaining_s(progress: JobProgress, now: datetime) -> float | None:
    """Return what was expected of the rest of the work, times the pace of this job so far.

    At the start the pace is the expected one, and the more is done the more the job's own counts; a stage that takes
    longer than expected makes the answer grow rather than stand still.
    """
    share, expected_s = progress.share, progress.expected_s
    if not expected_s or progress.work_started_at is None:
        return None
    elapsed_s = (now - progress.work_started_at).total_seconds()
    trust_s = TRUST * expected_s
    pace = (elapsed_s + trust_s) / (share * expected_s + trust_s)
    return max(0.0, (1.0 - share) * expected_s * pace)
