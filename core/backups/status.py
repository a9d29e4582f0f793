"""Whether the system is backed up as it should be: for `doctor`, the system status and the screen of backups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.backups.records import BackupView, list_backups
from core.backups.schedule import BackupSchedule, read_schedule, read_state
from core.errors import AppError
from core.transactions import HasDatabase, reading
from storage.tables import utc_now

# Nothing is broken, but a lost disk takes data along that nothing brings back.
UNPROTECTED = frozenset({"check_backup_none", "check_backup_unscheduled"})


@dataclass(frozen=True)
class BackupStanding:
    """The last backup that is whole (None: there is none), the last try where it failed, and whether that is old.

    It is old when it was made longer ago than twice the time of an active schedule.
    """

    schedule: BackupSchedule
    last: BackupView | None
    failed: BackupView | None
    is_old: bool
    age: timedelta | None


def find_backup_standing(services: HasDatabase, *, now: datetime | None = None) -> BackupStanding:
    """Return how old the last backup is beside its schedule."""
    now = utc_now() if now is None else now
    found = list_backups(services)
    last = next((one for one in found if one.state == "done"), None)
    # One that a person has stopped says nothing of the others.
    over = (one for one in found if one.state != "running" and getattr(one.error, "code", "") != "backup_cancelled")
    tried = next(over, None)
    with reading(services) as session:
        schedule, state = read_schedule(session), read_state(session)
    since = last.began_at if last is not None else _moment(state.get("counted_from"))
    age = None if last is None else now - last.began_at
    is_old = schedule.is_active and since is not None and now - since > 2 * schedule.period
    return BackupStanding(schedule, last, tried if tried is not None and tried.state == "failed" else None, is_old, age)


def check_backup(services: HasDatabase) -> tuple[bool, str, dict[str, object], AppError | None]:
    """Return the finding of `doctor`: whether it is fine, its code, its parameters, and the error behind it."""
    found = find_backup_standing(services)
    if found.failed is not None and found.failed.error is not None:
        return False, "check_backup_failed", {"reason": str(found.failed.error)}, found.failed.error
    if found.last is None or found.age is None:
        return not found.is_old, "check_backup_never" if found.is_old else "check_backup_none", {}, None
    params: dict[str, object] = {"when": f"{found.last.began_at:%Y-%m-%d %H:%M}", "age": found.age.days}
    if found.is_old:
        return False, "check_backup_old", params, None
    return True, "check_backup" if found.schedule.is_active else "check_backup_unscheduled", params, None


def _moment(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
