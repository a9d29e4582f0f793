"""The schedule of backups: when one is made, which of them are full, how many chains are kept, where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from core.access import ADMIN, require_role
from core.audit import find_changes, record, stale_save
from core.errors import BadInput
from core.rollups.calendar import PlantCalendar, read_calendar
from core.settings import Settings
from core.transactions import HasDatabase, reading, writing
from storage.json_fields import read_int, read_object, read_text
from storage.tables import SystemConfig, utc_now

if TYPE_CHECKING:
    from core.access import Person

KEY = "backup_schedule"
# What was taken up last, apart from what people set: it changes under no one's hands.
STATE_KEY = "backup_schedule_state"
EVERY = ("day", "week")
MOST_FULL_EVERY = 60
MOST_CHAINS = 52
MOST_DRILL_DAYS = 366
_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class BackupSchedule:
    """When and how backups are made by themselves. `at` is the plant's local time, `weekday` 0 for Monday.

    Of every `full_every` backups the first is full and the others stand on it; the newest `keep_chains` such chains are
    kept. `folder` is a place below GEOMSA_BACKUP_DIR, empty for that folder itself. The newest one is restored for a
    trial every `drill_days` days (0: never).
    """

    is_active: bool = False
    every: str = "day"
    weekday: int = 6
    at: time = time(2)
    full_every: int = 7
    keep_chains: int = 4
    folder: str = ""
    drill_days: int = 30
    row_version: int = 0

    @property
    def period(self) -> timedelta:
        """Return the time between two backups."""
        return timedelta(days=_DAYS[self.every])

    @classmethod
    def from_json(cls, value: Mapping[str, Any], row_version: int = 0) -> BackupSchedule:
        """Return the schedule of its row; what cannot be read has its default."""
        default = cls()
        every = read_text(value.get("every")) or ""
        return cls(
            value.get("is_active") is True,
            every if every in EVERY else default.every,
            read_int(value.get("weekday")) or 0,
            time.fromisoformat(read_text(value.get("at")) or "02:00"),
            read_int(value.get("full_every")) or default.full_every,
            read_int(value.get("keep_chains")) or default.keep_chains,
            read_text(value.get("folder")) or "",
            number if (number := read_int(value.get("drill_days"))) is not None else default.drill_days,
            row_version,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "is_active": self.is_active,
            "every": self.every,
            "weekday": self.weekday,
            "at": self.at.strftime("%H:%M"),
            "full_every": self.full_every,
            "keep_chains": self.keep_chains,
            "folder": self.folder,
            "drill_days": self.drill_days,
        }

    def check(self, settings: Settings) -> None:
        """Raise BadInput for what cannot be: backup_schedule_every, backup_schedule_number, backup_folder_outside."""
        if self.every not in EVERY or not 0 <= self.weekday <= 6:
            raise BadInput("backup_schedule_every")
        for value, lowest, highest in (
            (self.full_every, 1, MOST_FULL_EVERY),
            (self.keep_chains, 1, MOST_CHAINS),
            (self.drill_days, 0, MOST_DRILL_DAYS),
        ):
            if not lowest <= value <= highest:
                raise BadInput("backup_schedule_number", lowest=lowest, highest=highest)
        folder_of(settings, self.folder)


def backup_root(settings: Settings) -> Path:
    """Return the folder that all backups by schedule lie in or below."""
    return settings.backup_dir or settings.data_dir / "backups"


def folder_of(settings: Settings, folder: str) -> Path:
    """Return the folder that a schedule names, below the root of backups. Raises BadInput backup_folder_outside."""
    root = backup_root(settings).resolve()
    try:
        found = (root / folder.strip()).resolve()
    except (OSError, ValueError) as error:  # a character that no path has
        raise BadInput("backup_folder_outside", folder=str(root)) from error
    if found != root and root not in found.parents:
        raise BadInput("backup_folder_outside", folder=str(root))
    return found


def load_schedule(services: HasDatabase) -> BackupSchedule:
    """Return the schedule as it is; one that is switched off where none was ever saved."""
    with reading(services) as session:
        return read_schedule(session)


def read_schedule(session: Session) -> BackupSchedule:
    """Return the schedule as the session sees it."""
    row = session.get(SystemConfig, KEY)
    return BackupSchedule() if row is None else BackupSchedule.from_json(read_object(row.value), row.row_version)


def save_schedule(
    services: HasDatabase, person: Person, settings: Settings, wanted: BackupSchedule, *, row_version: int
) -> BackupSchedule:
    """Save the schedule as the person saw it at `row_version`; needs an administrator.

    What fell due before is not made up for. Raises BadInput as `BackupSchedule.check`, Conflict stale_save.
    """
    require_role(services, person, ADMIN)
    wanted.check(settings)
    with writing(services) as session:
        row = session.get(SystemConfig, KEY, with_for_update=True)
        known = 0 if row is None else row.row_version
        if known != row_version:
            raise stale_save(session, subject_type="backup_schedule", subject_id=0, row_version=row_version)
        before = read_schedule(session).to_json()
        if row is None:
            row = SystemConfig(key=KEY, row_version=0)
        row.value, row.updated_at, row.updated_by = wanted.to_json(), utc_now(), person.id
        row.row_version = known + 1
        session.add(row)
        write_state(session, {**read_state(session), "counted_from": utc_now().isoformat()})
        record(
            session, person, "backup_schedule.save", "backup_schedule", 0, row_version=row.row_version,
            changes=find_changes(before, wanted.to_json()),
        )  # fmt: skip
        session.commit()
        return BackupSchedule.from_json(row.value, row.row_version)


def read_state(session: Session, *, lock: bool = False) -> dict[str, Any]:
    """Return what was taken up last; with `lock` nobody else takes anything up until the transaction ends."""
    row = session.get(SystemConfig, STATE_KEY, with_for_update=lock)
    return {} if row is None else read_object(row.value)


def write_state(session: Session, value: Mapping[str, Any]) -> None:
    """Keep what was taken up last, inside the caller's transaction."""
    row = session.get(SystemConfig, STATE_KEY)
    if row is None:
        row = SystemConfig(key=STATE_KEY)
    row.value, row.updated_at = dict(value), utc_now()
    session.add(row)


def last_due(schedule: BackupSchedule, calendar: PlantCalendar, now: datetime) -> datetime:
    """Return the last moment (UTC), not after `now`, at which a backup fell due by the plant's clocks."""
    day = now.astimezone(calendar.zone).date()
    for back in range(9):
        one = day - timedelta(days=back)
        if schedule.every == "week" and one.weekday() != schedule.weekday:
            continue
        due = datetime.combine(one, schedule.at, tzinfo=calendar.zone).astimezone(UTC)
        if due <= now:
            return due
    raise AssertionError("a week has seven days")


def next_due(services: HasDatabase, schedule: BackupSchedule, now: datetime) -> datetime | None:
    """Return the moment (UTC) of the next backup; None while the schedule is switched off."""
    if not schedule.is_active:
        return None
    with reading(services) as session:
        calendar = read_calendar(session)
    day = now.astimezone(calendar.zone).date()
    for ahead in range(9):
        one = day + timedelta(days=ahead)
        due = datetime.combine(one, schedule.at, tzinfo=calendar.zone).astimezone(UTC)
        if due > now and (schedule.every == "day" or one.weekday() == schedule.weekday):
            return due
    return None
