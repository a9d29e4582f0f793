"""The request of a program that jobs are queued for: its stored answer names them in the transaction that adds them.

Whoever is killed between the job and the answer leaves a trace by which the same request, sent again, finds its job.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlmodel import Session

from storage.tables import ApiAnswer

_PREFIX = "jobs:"
_answer_id: ContextVar[int | None] = ContextVar("answer_id", default=None)


@contextmanager
def answering(answer_id: int) -> Iterator[None]:
    """Let the jobs that are added inside the block be named by this stored answer."""
    token = _answer_id.set(answer_id)
    try:
        yield
    finally:
        _answer_id.reset(token)


def note_job(session: Session, job_id: int) -> None:
    """Name a new job in the stored answer of the request that is being worked on, if there is one."""
    answer_id = _answer_id.get()
    row = None if answer_id is None else session.get(ApiAnswer, answer_id)
    if row is not None:
        row.location = write_jobs([*read_jobs(row.location), job_id])
        session.add(row)


def write_jobs(job_ids: list[int]) -> str:
    """Return the text by which a stored answer names jobs."""
    return _PREFIX + ",".join(str(one) for one in job_ids)


def read_jobs(location: str) -> list[int]:
    """Return the jobs that a stored answer names; none where it names something else."""
    return [int(one) for one in location.removeprefix(_PREFIX).split(",")] if location.startswith(_PREFIX) else []
