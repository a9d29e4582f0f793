"""Looking at the reports of schedules: the newest, one of them, and what is wrong with which schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, func, select

from core.errors import AppError, NotFound
from core.jobs.stored_error import StoredError
from core.schedules.destinations import read_file
from core.schedules.periods import Period
from core.schedules.records import MadeFile, ScheduleOrder, read_files
from core.transactions import HasDatabase, HasStores, reading
from storage.tables import ReportRun, ReportSchedule

# A report that waits for its job for longer is late: said, so that nobody takes it for one of its own time.
LATE_AFTER = timedelta(minutes=30)


@dataclass(frozen=True)
class Run:
    """The report of one period of a schedule.

    `state` is waiting, made, empty or failed; `skipped` periods before it have no report. `next_attempt_at` is when a
    failed one is tried again, None when only a person does so.
    """

    id: int
    schedule_id: int
    schedule_name: str
    order: ScheduleOrder
    period: Period
    state: str
    due_at: datetime
    finished_at: datetime | None
    next_attempt_at: datetime | None
    skipped: int
    files: tuple[MadeFile, ...]
    error: AppError | None
    asked_by: int | None
    job_id: int | None

    @property
    def is_late(self) -> bool:
        """Return whether it was made well after it fell due."""
        return self.finished_at is not None and self.finished_at - self.due_at > LATE_AFTER


@dataclass(frozen=True)
class Problem:
    """A schedule whose newest report failed, and why."""

    schedule_name: str
    error: AppError


def list_runs(
    services: HasDatabase, *, schedule_id: int | None = None, offset: int = 0, limit: int = 20
) -> tuple[list[Run], int]:
    """Return reports, the last due first, and how many there are of the schedule, or of all."""
    conditions: list[Any] = [] if schedule_id is None else [col(ReportRun.schedule_id) == schedule_id]
    with reading(services) as session:
        total = session.scalar(select(func.count()).select_from(ReportRun).where(*conditions)) or 0
        rows = session.exec(
            select(ReportRun, ReportSchedule)
            .join(ReportSchedule, col(ReportSchedule.id) == col(ReportRun.schedule_id))
            .where(*conditions)
            .order_by(col(ReportRun.due_at).desc(), col(ReportRun.id).desc())
            .offset(offset)
            .limit(limit)
        ).all()
    return [_view(run, schedule) for run, schedule in rows], total


def last_runs(services: HasDatabase) -> dict[int, Run]:
    """Return the newest report of each schedule, by the schedule's id."""
    newest = (
        select(col(ReportRun.schedule_id).label("schedule_id"), func.max(col(ReportRun.due_at)).label("due_at"))
        .group_by(col(ReportRun.schedule_id))
        .subquery()
    )
    with reading(services) as session:
        rows = session.exec(
            select(ReportRun, ReportSchedule)
            .join(ReportSchedule, col(ReportSchedule.id) == col(ReportRun.schedule_id))
            .join(
                newest,
                (newest.c.schedule_id == col(ReportRun.schedule_id)) & (newest.c.due_at == col(ReportRun.due_at)),
            )
            .where(col(ReportSchedule.removed_at).is_(None))
            .order_by(col(ReportRun.id))
        ).all()
    return {schedule.id: _view(run, schedule) for run, schedule in rows}


def get_run(services: HasDatabase, run_id: int) -> Run:
    """Return one report. Raises NotFound."""
    with reading(services) as session:
        run = session.get(ReportRun, run_id)
        schedule = session.get(ReportSchedule, run.schedule_id) if run is not None else None
        if run is None or schedule is None:
            raise NotFound("not_found")
        return _view(run, schedule)


def find_run_of_job(services: HasDatabase, job_id: int) -> Run | None:
    """Return the report that a job is to make; None where it is not wanted any more."""
    with reading(services) as session:
        found = session.exec(
            select(ReportRun, ReportSchedule)
            .join(ReportSchedule, col(ReportSchedule.id) == col(ReportRun.schedule_id))
            .where(ReportRun.job_id == job_id)
        ).first()
        if found is None or found[1].removed_at is not None:
            return None
        return _view(*found)


def read_run_file(services: HasStores, run_id: int, name: str) -> bytes:
    """Return a file of a report by its name. Raises NotFound as `read_file`, and for another name; AppError."""
    file = next((one for one in get_run(services, run_id).files if one.name == name), None)
    if file is None:
        raise NotFound("report_file_gone", name=name)
    return read_file(services, file)


def list_problems(services: HasDatabase) -> list[Problem]:
    """Return the schedules in use whose newest report failed."""
    return [
        Problem(run.schedule_name, run.error)
        for run in last_runs(services).values()
        if run.state == "failed" and run.error is not None
    ]


def _view(run: ReportRun, schedule: ReportSchedule) -> Run:
    error = StoredError.from_json(run.error_code, run.error_params)
    return Run(
        id=run.id,
        schedule_id=schedule.id,
        schedule_name=schedule.name,
        order=ScheduleOrder.from_row(schedule),
        period=Period.from_json(run.period),
        state=run.state,
        due_at=run.due_at,
        finished_at=run.finished_at,
        next_attempt_at=run.next_attempt_at,
        skipped=run.skipped,
        files=read_files(run.files),
        error=None if error is None else error.to_app_error(),
        asked_by=run.asked_by,
        job_id=run.job_id,
    )
