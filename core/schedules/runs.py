"""The reports of schedules: taken up when they fall due, each period once; tried again when one fails; thrown away."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import AppError, Conflict, NotFound
from core.jobs.records import JobPayload
from core.jobs.stored_error import StoredError
from core.jobs.terms import PERIOD_REPORT, changed_one
from core.rollups.calendar import PlantCalendar, read_calendar
from core.schedules.destinations import delete_file
from core.schedules.periods import Period, last_ended, period_before
from core.schedules.records import ScheduleOrder, read_files
from core.schedules.timing import Due, Timing, list_due
from core.transactions import HasDatabase, HasStores, reading, retried, writing
from storage.tables import Job, ReportRun, ReportSchedule, utc_now

if TYPE_CHECKING:
    from core.access import Person

logger = logging.getLogger(__name__)

# A report is wanted soon and costs seconds: it goes before deployments and batches that wait.
PRIORITY = 50
_MOST_WORKERS_LOST = 5
# So long after each failure it is tried again; after the last of them only a person does so.
RETRY_AFTER = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 15, 30, 60, 120, 240, 480))
_MOST_SHIFTS_BACK = 30


def queue_due(services: HasDatabase, *, now: datetime | None = None) -> int:
    """Queue the reports that have fallen due, and those that are to be tried again; return how many.

    Of several periods that ended while nothing was running, only the last has its report made, which says so. Workers
    may do this at the same time: each period of a schedule has one row.
    """
    now = utc_now() if now is None else now
    _note_ended_jobs(services, now)
    queued = 0
    with reading(services) as session:
        ids = session.exec(
            select(ReportSchedule.id).where(
                col(ReportSchedule.is_active).is_(True), col(ReportSchedule.removed_at).is_(None)
            )
        ).all()
        again = session.exec(
            select(ReportRun.id).where(ReportRun.state == "failed", col(ReportRun.next_attempt_at) <= now)
        ).all()
    for schedule_id in ids:
        try:
            queued += _take_up(services, schedule_id, now)
        except Conflict:
            continue  # another worker was faster
    for run_id in again:
        queued += _try_again(services, run_id, now)
    return queued


def run_now(services: HasDatabase, person: Person, schedule_id: int, *, now: datetime | None = None) -> int:
    """Queue the report of the last period that is over, whatever the time; one that there is, is made again.

    Return the number of the report. Raises NotFound, NotAllowed, NotReady report_without_shifts, and Conflict
    report_already_waiting.
    """
    require_role(services, person, ENGINEER)
    now = utc_now() if now is None else now
    with writing(services) as session:
        row = session.get(ReportSchedule, schedule_id)
        if row is None or row.removed_at is not None:
            raise NotFound("not_found")
        period = _last_wanted(ScheduleOrder.from_row(row).timing, read_calendar(session), now)
        run = session.exec(
            select(ReportRun).where(ReportRun.schedule_id == row.id, ReportRun.period_key == period.key)
        ).first()
        if run is not None and run.state == "waiting":
            raise Conflict("report_already_waiting")
        if run is None:
            run = _new_run(row, Due(now, period))
        run.asked_by, run.attempts = person.id, 0
        _queue(session, row, run, now)
        record(session, person, "report_schedule.run", "report_schedule", row.id, period=period.key)
        session.commit()
        return run.id


@retried
def note_made(services: HasDatabase, run_id: int, job_id: int, **values: object) -> bool:
    """Write what came of a report; return whether it is still wanted from this job."""
    with writing(services) as session:
        is_wanted = changed_one(
            session,
            update(ReportRun)
            .where(col(ReportRun.id) == run_id, col(ReportRun.job_id) == job_id, col(ReportRun.state) == "waiting")
            .values(error_code=None, error_params={}, next_attempt_at=None, finished_at=utc_now(), **values),
        )
        session.commit()
    return is_wanted


@retried
def note_failed(
    services: HasDatabase, run_id: int, job_id: int, error: AppError, *, now: datetime | None = None
) -> None:
    """Write why a report failed, and when it is tried again."""
    now = utc_now() if now is None else now
    with writing(services) as session:
        run = session.get(ReportRun, run_id)
        if run is None or run.job_id != job_id or run.state != "waiting":
            return
        _fail(run, error, now)
        session.commit()


def expire_runs(services: HasStores, *, now: datetime | None = None) -> int:
    """Delete the reports whose time is over, with their files; return how many.

    Row first: a file that could not be deleted then is an orphan of the object store, or stays in its folder.
    """
    now = utc_now() if now is None else now
    count = 0
    with reading(services) as session:
        schedules = [(row.id, ScheduleOrder.from_row(row)) for row in session.exec(select(ReportSchedule)).all()]
    for schedule_id, order in schedules:
        if order.keep_days is None:
            continue
        before = now - timedelta(days=order.keep_days)
        with writing(services) as session:
            old = session.exec(
                select(ReportRun).where(
                    ReportRun.schedule_id == schedule_id,
                    col(ReportRun.state) != "waiting",
                    col(ReportRun.due_at) < before,
                    or_(col(ReportRun.finished_at).is_(None), col(ReportRun.finished_at) < before),
                )
            ).all()
            files = [file for run in old for file in read_files(run.files)]
            for run in old:
                session.delete(run)
            session.commit()
        count += len(old)
        for file in files:
            try:
                delete_file(services, file)
            except AppError as error:
                logger.warning("a report's file could not be deleted: %s", error.code)
    return count


@retried
def _take_up(services: HasDatabase, schedule_id: int, now: datetime) -> int:
    with writing(services) as session:
        row = session.get(ReportSchedule, schedule_id)
        if row is None or not row.is_active or row.removed_at is not None:
            return 0
        order = ScheduleOrder.from_row(row)
        after = row.counted_from if row.last_due_at is None else max(row.counted_from, row.last_due_at)
        due = list_due(order.timing, read_calendar(session), after=after, until=now)
        if not due:
            return 0
        last = due[-1]
        known = session.exec(
            select(ReportRun.id).where(ReportRun.schedule_id == row.id, ReportRun.period_key == last.period.key)
        ).first()
        row.last_due_at = last.at
        if known is None:
            run = _new_run(row, last)
            run.skipped = len(due) - 1
            _queue(session, row, run, now)
        session.commit()
    if len(due) > 1:
        logger.warning("schedule %d: %d reports were missed", schedule_id, len(due) - 1)
    return int(known is None)


@retried
def _try_again(services: HasDatabase, run_id: int, now: datetime) -> int:
    with writing(services) as session:
        # By one UPDATE that names the state: of two workers, one does it.
        if not changed_one(
            session,
            update(ReportRun)
            .where(
                col(ReportRun.id) == run_id,
                col(ReportRun.state) == "failed",
                col(ReportRun.next_attempt_at) <= now,
            )
            .values(next_attempt_at=None),
        ):
            return 0
        run = session.get(ReportRun, run_id, populate_existing=True)
        row = session.get(ReportSchedule, run.schedule_id) if run is not None else None
        if run is None or row is None or row.removed_at is not None or not row.is_active:
            session.commit()
            return 0
        _queue(session, row, run, now)
        session.commit()
    return 1


def _note_ended_jobs(services: HasDatabase, now: datetime) -> None:
    """Let reports fail whose job has ended without a word: killed again and again, or canceled."""
    query = (
        select(ReportRun.id, Job.id, Job.error_code, Job.error_params)
        .join(Job, col(Job.id) == col(ReportRun.job_id))
        .where(ReportRun.state == "waiting", col(Job.state).in_(("failed", "cancelled", "succeeded")))
    )
    with reading(services) as session:
        ended = session.exec(query).all()
    for run_id, job_id, code, params in ended:
        stored = StoredError.from_json(code, params)
        error = AppError("report_job_ended") if stored is None else stored.to_app_error()
        note_failed(services, run_id, job_id, error, now=now)


def _new_run(row: ReportSchedule, due: Due) -> ReportRun:
    return ReportRun(schedule_id=row.id, period_key=due.period.key, period=due.period.to_json(), due_at=due.at)


def _queue(session: Session, row: ReportSchedule, run: ReportRun, now: datetime) -> None:
    """Add the job that makes the report to the transaction."""
    job = Job(
        kind=PERIOD_REPORT,
        payload=JobPayload().to_json(),
        priority=PRIORITY,
        max_attempts=_MOST_WORKERS_LOST,
        created_by=run.asked_by or row.created_by,
    )
    session.add(job)
    session.flush()
    run.state, run.job_id, run.created_at = "waiting", job.id, now
    run.next_attempt_at, run.attempts = None, run.attempts + 1
    session.add(run)
    session.flush()


def _fail(run: ReportRun, error: AppError, now: datetime) -> None:
    stored = StoredError.from_error(error)
    run.state, run.finished_at = "failed", now
    run.error_code, run.error_params = stored.code, dict(stored.params)
    place = max(0, run.attempts - 1)
    run.next_attempt_at = now + RETRY_AFTER[place] if place < len(RETRY_AFTER) else None


def _last_wanted(timing: Timing, calendar: PlantCalendar, now: datetime) -> Period:
    period = last_ended(calendar, timing.kind, now)
    for _number in range(_MOST_SHIFTS_BACK):
        if timing.kind != "shift" or not timing.shifts or period.shift in timing.shifts:
            break
        period = period_before(calendar, period)
    return period
