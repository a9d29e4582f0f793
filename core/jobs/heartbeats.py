"""The heartbeats of the workers, and which workers are alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import col, select

from core.transactions import HasDatabase, reading, retried, writing
from storage.tables import Worker, utc_now

WORKER_SILENT_AFTER_S = 20.0


@dataclass(frozen=True)
class WorkerView:
    """A worker that is (or was) there; `job_id` is what it works on."""

    id: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    job_id: int | None
    is_alive: bool


@retried
def beat(services: HasDatabase, worker_id: str, *, host: str, pid: int, job_id: int | None) -> None:
    """Write a worker's heartbeat."""
    with writing(services) as session:
        row = session.get(Worker, worker_id)
        if row is None:
            session.add(Worker(id=worker_id, host=host, pid=pid, job_id=job_id))
        else:
            row.heartbeat_at = utc_now()
            row.job_id = job_id
            session.add(row)
        session.commit()


@retried
def remove_heartbeat(services: HasDatabase, worker_id: str) -> None:
    """Remove the heartbeat of a worker that ends in good order."""
    with writing(services) as session:
        row = session.get(Worker, worker_id)
        if row is not None:
            session.delete(row)
        session.commit()


def list_workers(services: HasDatabase) -> list[WorkerView]:
    """Return every worker that has not ended in good order, the latest heartbeat first; one that was killed stays."""
    since = utc_now() - timedelta(seconds=WORKER_SILENT_AFTER_S)
    with reading(services) as session:
        rows = session.exec(select(Worker).order_by(col(Worker.heartbeat_at).desc())).all()
    return [
        WorkerView(
            row.id, row.host, row.pid, row.started_at, row.heartbeat_at, row.job_id, is_alive=row.heartbeat_at >= since
        )
        for row in rows
    ]


def workers_alive(services: HasDatabase) -> int:
    """Return how many workers had a heartbeat in the last 20 s."""
    since = utc_now() - timedelta(seconds=WORKER_SILENT_AFTER_S)
    with reading(services) as session:
        return int(
            session.exec(select(func.count()).select_from(Worker).where(col(Worker.heartbeat_at) >= since)).one()
        )
