"""The rows of backups: one for each that was begun, and what became of it."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, select

from core.backups.archive import temporary_of
from core.backups.making import Made
from core.backups.manifest import BackupKind, Header
from core.errors import AppError
from core.jobs.stored_error import StoredError
from core.transactions import HasDatabase, reading, retried, writing
from storage.json_fields import read_int, read_object, read_text
from storage.tables import Backup, Job, User, utc_now

if TYPE_CHECKING:
    from core.access import Person

# In the figures of a row.
DRILL = "drill"
MANAGED = "managed"


@dataclass(frozen=True)
class Drill:
    """What came of restoring a backup for a trial."""

    at: datetime
    rows: int
    objects: int
    models: int
    seconds: float
    error: AppError | None


@dataclass(frozen=True)
class BackupView:
    """A backup as people look at it. `by_schedule` ones lie in the folder of the schedule, which tidies them up."""

    id: int
    kind: BackupKind
    state: str
    path: Path
    is_encrypted: bool
    byte_size: int
    objects: int
    new_objects: int
    rows: int
    missing: int
    chain: str
    number: int
    seconds: float
    began_at: datetime
    finished_at: datetime | None
    verified_at: datetime | None
    removed_at: datetime | None
    by_schedule: bool
    asked_by: str
    job_id: int | None
    error: AppError | None
    drill: Drill | None


def begin(
    session: Session, header: Header, path: Path, *, person: Person | None, job_id: int | None, by_schedule: bool
) -> Backup:
    """Add the row of a backup that is being made."""
    on = None
    if header.on:
        found = session.exec(select(Backup).where(Backup.state == "done").order_by(col(Backup.id).desc())).all()
        on = next((one.id for one in found if one.figures.get("id") == header.on), None)
    row = Backup(
        kind=header.kind,
        path=str(path)[:700],
        on_id=on,
        job_id=job_id,
        figures={
            "id": header.id,
            "chain": header.chain or header.id,
            "number": header.number,
            MANAGED: by_schedule,
            "host": socket.gethostname()[:64],
            "pid": os.getpid(),
        },
        asked_by=None if person is None else person.id,
    )
    session.add(row)
    session.flush()
    return row


@retried
def note_made(services: HasDatabase, row_id: int, made: Made, *, is_encrypted: bool, seconds: float) -> None:
    """Write what came of a backup that is whole."""
    manifest = made.manifest
    with writing(services) as session:
        row = session.get(Backup, row_id)
        if row is None:
            return
        row.state, row.finished_at = "done", utc_now()
        row.byte_size, row.objects = made.byte_size, manifest.objects
        row.manifest_sha256, row.is_encrypted = made.manifest_sha256, is_encrypted
        row.figures = row.figures | {
            "rows": manifest.rows,
            "tables": len(manifest.tables),
            "object_bytes": manifest.object_bytes,
            "new_objects": manifest.new_objects,
            "new_bytes": manifest.new_bytes,
            "missing": len(manifest.missing),
            "seconds": round(seconds, 1),
        }
        session.add(row)
        session.commit()


@retried
def note_failed(services: HasDatabase, row_id: int, error: AppError) -> None:
    """Write why a backup was not made."""
    stored = StoredError.from_error(error)
    with writing(services) as session:
        row = session.get(Backup, row_id)
        if row is not None and row.state == "running":
            row.state, row.finished_at = "failed", utc_now()
            row.error_code, row.error_params = stored.code, dict(stored.params)
            session.add(row)
            session.commit()


def note_verified(services: HasDatabase, backup_id: str) -> None:
    """Write that a backup (by the id in its file) was read and is whole."""
    _change(services, backup_id, verified_at=utc_now())


def note_drill(services: HasDatabase, backup_id: str, drill: Drill) -> None:
    """Write what came of restoring a backup for a trial."""
    stored = None if drill.error is None else StoredError.from_error(drill.error)
    told = {
        "at": drill.at.isoformat(),
        "rows": drill.rows,
        "objects": drill.objects,
        "models": drill.models,
        "seconds": round(drill.seconds, 1),
        "error_code": None if stored is None else stored.code,
        "error_params": {} if stored is None else dict(stored.params),
    }
    changed = {} if drill.error is not None else {"verified_at": drill.at}
    _change(services, backup_id, drill=told, **changed)


def note_lost(services: HasDatabase, *, job_id: int | None = None) -> int:
    """Let backups fail whose process is gone without a word, and remove what they have begun; return how many.

    Those of the job `job_id`, which begins anew, are among them.
    """
    with reading(services) as session:
        query = select(Backup, Job.state).join(Job, col(Job.id) == col(Backup.job_id), isouter=True)
        running = session.exec(query.where(Backup.state == "running")).all()
    lost = [
        (row, state) for row, state in running if (job_id is not None and row.job_id == job_id) or _is_lost(row, state)
    ]
    for row, state in lost:
        is_wanted = state != "cancelled"
        note_failed(services, row.id, AppError("backup_broken_off") if is_wanted else AppError("backup_cancelled"))
        if row.figures.get("host") == socket.gethostname()[:64]:
            temporary_of(Path(row.path)).unlink(missing_ok=True)
    return len(lost)


def list_backups(services: HasDatabase, *, limit: int = 100, with_removed: bool = False) -> list[BackupView]:
    """Return the newest backups first; those whose files retention has removed only where they are wanted."""
    query = select(Backup, User.display_name).join(User, col(User.id) == col(Backup.asked_by), isouter=True)
    if not with_removed:
        query = query.where(col(Backup.removed_at).is_(None))
    with reading(services) as session:
        return [_view(row, name) for row, name in session.exec(query.order_by(col(Backup.id).desc()).limit(limit))]


def find_row(services: HasDatabase, row_id: int) -> BackupView | None:
    """Return one backup; None where there is none."""
    with reading(services) as session:
        row = session.get(Backup, row_id)
        return None if row is None else _view(row, None)


@retried
def _change(services: HasDatabase, backup_id: str, *, drill: Mapping[str, Any] | None = None, **values: Any) -> None:
    with writing(services) as session:
        for row in session.exec(select(Backup).where(Backup.state == "done").order_by(col(Backup.id).desc())):
            if row.figures.get("id") == backup_id:
                for name, value in values.items():
                    setattr(row, name, value)
                if drill is not None:
                    row.figures = row.figures | {DRILL: dict(drill)}
                session.add(row)
                break
        session.commit()


def _is_lost(row: Backup, job_state: str | None) -> bool:
    if job_state is not None:
        return job_state not in ("queued", "running")
    pid = read_int(row.figures.get("pid")) or 0
    if row.figures.get("host") != socket.gethostname()[:64] or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _view(row: Backup, name: str | None) -> BackupView:
    figures = row.figures
    error = StoredError.from_json(row.error_code, row.error_params)
    return BackupView(
        id=row.id,
        kind="full" if row.kind == "full" else "incremental",
        state=row.state,
        path=Path(row.path),
        is_encrypted=row.is_encrypted,
        byte_size=row.byte_size,
        objects=row.objects,
        new_objects=read_int(figures.get("new_objects")) or 0,
        rows=read_int(figures.get("rows")) or 0,
        missing=read_int(figures.get("missing")) or 0,
        chain=read_text(figures.get("chain")) or "",
        number=read_int(figures.get("number")) or 0,
        seconds=float(figures.get("seconds", 0.0)),
        began_at=row.began_at,
        finished_at=row.finished_at,
        verified_at=row.verified_at,
        removed_at=row.removed_at,
        by_schedule=figures.get(MANAGED) is True,
        asked_by=name or "",
        job_id=row.job_id,
        error=None if error is None else error.to_app_error(),
        drill=_read_drill(read_object(figures.get(DRILL))),
    )


def _read_drill(value: dict[str, Any]) -> Drill | None:
    if "at" not in value:
        return None
    error = StoredError.from_json(value.get("error_code"), read_object(value.get("error_params")))
    return Drill(
        datetime.fromisoformat(value["at"]),
        int(value["rows"]),
        int(value["objects"]),
        int(value["models"]),
        float(value["seconds"]),
        None if error is None else error.to_app_error(),
    )
