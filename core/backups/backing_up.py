"""Backing up, as people and jobs ask for it: where to, on which earlier one, and what the table says of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.access import ADMIN, require_role
from core.audit import record
from core.backups import records
from core.backups.archive import ENDING, Archive
from core.backups.chains import BackupFile, find_newest
from core.backups.making import Made, Progress, say_nothing, write_backup
from core.backups.manifest import FULL, INCREMENTAL, PROGRAM_VERSION, Header
from core.errors import AppError, BadInput, Conflict, from_lower
from core.identity import require_pair
from core.transactions import writing
from storage.schema import head_revision
from storage.tables import utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services


@dataclass(frozen=True)
class BackedUp:
    """A backup that was made: its row, its file, and why it is a full one where an incremental one was wanted."""

    id: int
    made: Made
    header: Header
    instead: AppError | None = None


def back_up(
    services: Services,
    person: Person,
    target: Path,
    *,
    incremental: bool = False,
    progress: Progress = say_nothing,
) -> BackedUp:
    """Make a backup as a file, or under a name of its own in a folder that is there. Needs an administrator.

    An incremental one stands on the newest backup beside it; where there is none that can be used, it is a full one.
    Raises BadInput backup_exists, backup_folder_missing and as `write_backup`; what fails is kept in the table.
    """
    require_role(services, person, ADMIN)
    return make(services, person, target, incremental=incremental, progress=progress)


def make(
    services: Services,
    person: Person | None,
    target: Path,
    *,
    incremental: bool,
    job_id: int | None = None,
    by_schedule: bool = False,
    progress: Progress = say_nothing,
) -> BackedUp:
    """Make a backup for whoever may ask for it; see `back_up`."""
    records.note_lost(services, job_id=job_id)
    installation = require_pair(services).id
    folder = target if target.is_dir() else target.parent
    if not folder.is_dir():
        raise BadInput("backup_folder_missing", folder=str(folder))
    passphrase = services.settings.backup_key
    base, header, instead = _choose_base(folder, installation, passphrase, incremental=incremental)
    path = target / _name(header) if target.is_dir() else target
    if path.suffix != ENDING:
        path = path.with_name(path.name + ENDING)
    if path.exists():
        raise BadInput("backup_exists", file=str(path))
    with writing(services) as session:
        row = records.begin(session, header, path, person=person, job_id=job_id, by_schedule=by_schedule)
        session.commit()
        row_id = row.id
    began = time.monotonic()
    try:
        made = write_backup(services, path, header, passphrase, base=base, progress=progress)
    except Exception as error:
        records.note_failed(services, row_id, _shape(error))
        raise
    seconds = time.monotonic() - began
    records.note_made(services, row_id, made, is_encrypted=passphrase is not None, seconds=seconds)
    with writing(services) as session:
        record(
            session, person, "backup.made", "backup", row_id, kind=header.kind, file=str(path),
            rows=made.manifest.rows, objects=made.manifest.objects, encrypted=passphrase is not None,
        )  # fmt: skip
        session.commit()
    return BackedUp(row_id, made, header, instead)


def _choose_base(
    folder: Path, installation: str, passphrase: str | None, *, incremental: bool
) -> tuple[Path | None, Header, AppError | None]:
    """Return the file to stand on (None: none), the header, and why none was used where one was wanted."""
    schema = head_revision()
    instead: AppError | None = None
    if incremental:
        newest = find_newest(folder, installation)
        if newest is None:
            instead = AppError("backup_no_base", folder=str(folder))
        else:
            try:
                return newest.path, _stand_on(newest, installation, schema, passphrase), None
            except AppError as error:
                instead = error
    return None, Header(FULL, installation, schema, PROGRAM_VERSION), instead


def _stand_on(newest: BackupFile, installation: str, schema: str, passphrase: str | None) -> Header:
    if newest.header.is_encrypted != (passphrase is not None):
        raise Conflict("backup_key_changed", file=newest.path.name)
    with Archive(newest.path, passphrase) as archive:
        before = archive.header
        return Header(
            INCREMENTAL,
            installation,
            schema,
            PROGRAM_VERSION,
            chain=before.chain,
            number=before.number + 1,
            on=before.id,
            on_manifest_sha256=archive.manifest_sha256,
        )


def _name(header: Header) -> str:
    # The moment, so that names sort; the beginning of the id, so that two of one second differ.
    return f"geomsa-{utc_now():%Y%m%d-%H%M%S}-{header.kind}-{header.id[:6]}{ENDING}"


def _shape(error: Exception) -> AppError:
    from core.jobs.terms import JobCancelled, JobLost

    if isinstance(error, JobCancelled):
        return AppError("backup_cancelled")
    if isinstance(error, JobLost):
        return AppError("backup_broken_off")
    return from_lower(error)
