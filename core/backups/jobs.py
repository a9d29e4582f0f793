"""Backups as jobs of the worker: made and proven, by schedule or at once; checked; restored for a trial."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, select

from core.access import ADMIN, Person, as_person, require_role
from core.backups import records
from core.backups.backing_up import make
from core.backups.drilling import run_drill
from core.backups.making import Progress
from core.backups.retention import remove_old_chains
from core.backups.schedule import (
    BackupSchedule,
    folder_of,
    last_due,
    load_schedule,
    read_schedule,
    read_state,
    write_state,
)
from core.backups.verifying import verify_backup
from core.errors import AppError, Conflict, NotFound, NotReady, from_lower
from core.jobs import claims
from core.jobs.queue import add_job
from core.jobs.records import JobPayload
from core.jobs.terms import BACKUP, BACKUP_ATTEMPTS, BACKUP_CHECK, BACKUP_KINDS
from core.rollups.calendar import read_calendar
from core.transactions import HasDatabase, reading, writing
from storage.json_fields import read_int, read_text
from storage.tables import Job, User, utc_now

if TYPE_CHECKING:
    from core.jobs.terms import Claim
    from core.services import Services

logger = logging.getLogger(__name__)

# It goes before deployments that wait, and after reports.
PRIORITY = 60
RETRY_AFTER, MOST_TRIES = timedelta(hours=1), 3
_REPORT_EVERY_S = 0.5
VERIFY, DRILL = "verify", "drill"


def start_backup(services: HasDatabase, person: Person, *, full: bool) -> int:
    """Queue a backup into the schedule's folder; return the id of the job. Needs an administrator.

    One that is not `full` stands on the newest where it can. Raises Conflict backup_waiting.
    """
    require_role(services, person, ADMIN)
    with writing(services) as session:
        _refuse_second(session)
        job_id = _add(session, person, BACKUP, {"full": full})
        session.commit()
        return job_id


def start_check(services: HasDatabase, person: Person, *, how: str, row_id: int | None = None) -> int:
    """Queue the check of a backup (None: the newest): `verify` reads it, `drill` restores it for a trial.

    Return the id of the job. Needs an administrator. Raises NotFound backup_none and Conflict backup_waiting.
    """
    require_role(services, person, ADMIN)
    chosen = _choose(services, row_id)
    with writing(services) as session:
        _refuse_second(session)
        job_id = _add(session, person, BACKUP_CHECK, {"how": how, "row": chosen.id})
        session.commit()
        return job_id


def queue_due(services: HasDatabase, *, now: datetime | None = None) -> int:
    """Queue the backup that has fallen due, and the trial restoration; return how many. Several workers may ask.

    Of several that were missed while nothing was running, one is made. One that failed is tried again after an hour,
    twice at most: a store that was away for a while costs no day without a backup.
    """
    now = utc_now() if now is None else now
    # Most looks end here, without a lock.
    schedule = load_schedule(services)
    if not schedule.is_active:
        return 0
    with reading(services) as session:
        tries_again = _tries_again(session, read_state(session), now)
        if not (tries_again or _is_due(session, schedule, now) or _wants_drill(services, schedule, now)):
            return 0
    records.note_lost(services)
    queued = 0
    with writing(services) as session:
        schedule = read_schedule(session)
        state = read_state(session, lock=True)
        if not schedule.is_active or _is_waiting(session):
            return 0
        is_due = _is_due(session, schedule, now)
        if is_due or _tries_again(session, state, now):
            tries = 1 if is_due else (read_int(state.get("tries")) or 1) + 1
            job_id = _add(session, None, BACKUP, {"full": _wants_full(services, schedule), "scheduled": True})
            state |= {"job_id": job_id, "tries": tries}
            if is_due:
                state |= {"last_due_at": last_due(schedule, read_calendar(session), now).isoformat()}
            queued = 1
        elif _wants_drill(services, schedule, now):
            state |= {"last_drill_at": now.isoformat()}
            chosen = _newest(services)
            if chosen is not None:
                _add(session, None, BACKUP_CHECK, {"how": DRILL, "row": chosen.id})
                queued = 1
        write_state(session, state)
        session.commit()
    return queued


def work_off(services: Services, claim: Claim) -> AppError | None:
    """Make or check the backup of the job; return the error to end it with. Raises JobLost and JobCancelled."""
    task = claim.payload.task
    report = _Reporting(services, claim)
    try:
        if claim.kind == BACKUP:
            return _make(services, claim, task, report)
        chosen = _choose(services, read_int(task.get("row")))
        if read_text(task.get("how")) == DRILL:
            return run_drill(services, chosen.path, progress=report).error
        _verify(services, chosen.path, report)
    except (AppError, OSError) as error:
        return from_lower(error)
    return None


def _make(services: Services, claim: Claim, task: Mapping[str, Any], report: Progress) -> AppError | None:
    schedule = load_schedule(services)
    folder = folder_of(services.settings, schedule.folder)
    # Nobody else on the machine needs to look into it.
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = make(
        services,
        _asked_by(services, claim.job_id),
        folder,
        incremental=task.get("full") is not True,
        job_id=claim.job_id,
        by_schedule=True,
        progress=report,
    )
    _verify(services, made.made.path, report)
    removed = remove_old_chains(services, folder, keep=schedule.keep_chains)
    if removed:
        logger.info("%d files of old backups deleted", removed)
    return None


def _verify(services: Services, path: Path, report: Progress) -> None:
    for one in verify_backup(path, services.settings.backup_key, progress=report).files:
        records.note_verified(services, one.header.id)


class _Reporting:
    """Writes progress into the job's row, not more often than it can be read; raises when the job is to stop."""

    def __init__(self, services: HasDatabase, claim: Claim) -> None:
        self._services, self._claim = services, claim
        self._stage, self._at = "", 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage == self._stage and now - self._at < _REPORT_EVERY_S:
            return
        values: dict[str, Any] = {"stage": stage, "done": done, "total": total}
        if stage != self._stage:
            values["stage_started_at"] = utc_now()
        self._stage, self._at = stage, now
        claims.report(self._services, self._claim, **values)


def _add(session: Session, person: Person | None, kind: str, task: Mapping[str, Any]) -> int:
    return add_job(
        session, person, kind=kind, payload=JobPayload(task=task), max_attempts=BACKUP_ATTEMPTS, priority=PRIORITY
    )


def _is_waiting(session: Session) -> bool:
    query = select(Job.id).where(col(Job.kind).in_(BACKUP_KINDS), col(Job.state).in_(("queued", "running")))
    return session.exec(query.limit(1)).first() is not None


def _refuse_second(session: Session) -> None:
    if _is_waiting(session):
        raise Conflict("backup_waiting")


def _is_due(session: Session, schedule: BackupSchedule, now: datetime) -> bool:
    state = read_state(session)
    due = last_due(schedule, read_calendar(session), now)
    after = [state.get("counted_from"), state.get("last_due_at")]
    return all(due > datetime.fromisoformat(one) for one in after if isinstance(one, str))


def _tries_again(session: Session, state: Mapping[str, Any], now: datetime) -> bool:
    """Return whether the last backup of the schedule failed an hour ago, and may be tried once more."""
    job_id = read_int(state.get("job_id"))
    job = session.get(Job, job_id) if job_id is not None else None
    if job is None or job.state != "failed" or job.finished_at is None:
        return False
    return (read_int(state.get("tries")) or 1) < MOST_TRIES and now - job.finished_at >= RETRY_AFTER


def _wants_full(services: HasDatabase, schedule: BackupSchedule) -> bool:
    newest = _newest(services, by_schedule=True)
    return newest is None or newest.number + 1 >= schedule.full_every


def _wants_drill(services: HasDatabase, schedule: BackupSchedule, now: datetime) -> bool:
    if not schedule.drill_days:
        return False
    newest = _newest(services)
    if newest is None:
        return False
    with reading(services) as session:
        last = read_state(session).get("last_drill_at")
    return not isinstance(last, str) or now - datetime.fromisoformat(last) >= timedelta(days=schedule.drill_days)


def _newest(services: HasDatabase, *, by_schedule: bool = False) -> records.BackupView | None:
    found = (one for one in records.list_backups(services) if one.state == "done")
    return next((one for one in found if one.by_schedule or not by_schedule), None)


def _choose(services: HasDatabase, row_id: int | None) -> records.BackupView:
    chosen = _newest(services) if row_id is None else records.find_row(services, row_id)
    if chosen is None or chosen.state != "done" or chosen.removed_at is not None:
        raise NotFound("backup_none")
    if not chosen.path.exists():
        raise NotReady("backup_file_unreadable", file=str(chosen.path), reason="ENOENT")
    return chosen


def _asked_by(services: HasDatabase, job_id: int) -> Person | None:
    with reading(services) as session:
        job = session.get(Job, job_id)
        user = session.get(User, job.created_by) if job is not None and job.created_by is not None else None
        return None if user is None else as_person(user)


__all__ = ["DRILL", "VERIFY", "queue_due", "start_backup", "start_check", "work_off"]
