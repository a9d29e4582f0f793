"""The restore drill: the newest backup is restored into a folder of its own, looked through, and thrown away."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.backups.archive import look_at
from core.backups.making import Progress, say_nothing
from core.backups.records import Drill, note_drill
from core.backups.restoring import restore_backup
from core.errors import AppError, Conflict, from_lower
from core.identity import FOLDERS
from core.named_objects import MANIFEST, read_named
from core.services import build_services
from core.settings import Settings
from core.transactions import reading
from storage.database import Database, DatabaseError
from storage.object_store import ObjectStoreError
from storage.tables import ModelVersion, utc_now

if TYPE_CHECKING:
    from core.services import Services

_SHOWN_FINDINGS = 3


def run_drill(services: Services, path: Path, *, progress: Progress = say_nothing) -> Drill:
    """Restore a backup into an empty SQLite database and a local store, and prove that both are whole.

    What came of it is kept with the backup, also where it failed. Raises only what `progress` raises, and BadInput for
    a file that is no backup.
    """
    backup_id = look_at(path).id
    began = time.monotonic()
    rows = objects = models = 0
    error: AppError | None = None
    try:
        with _empty_place(services.settings) as settings:
            done = restore_backup(settings, path, settings.backup_key, progress=progress)
            rows, objects = done.rows, done.objects
            models = _look_through(settings, path)
    except (AppError, DatabaseError, ObjectStoreError, OSError) as found:
        error = from_lower(found)
    drill = Drill(utc_now(), rows, objects, models, time.monotonic() - began, error)
    note_drill(services, backup_id, drill)
    return drill


def _look_through(settings: Settings, path: Path) -> int:
    """Prove that the database is undamaged, that every named file is there, and every model in use is its own.

    Return how many models are in use. Raises Conflict drill_damaged and drill_missing.
    """
    database = Database(settings.database_url)
    try:
        findings = database.check_integrity(full=True)
    finally:
        database.dispose()
    if findings:
        raise Conflict("drill_damaged", file=path.name, findings="; ".join(findings[:_SHOWN_FINDINGS]))
    services = build_services(settings)
    try:
        there = {info.key for folder in FOLDERS for info in services.objects.list(folder)}
        with reading(services) as session:
            named = read_named(session)
            active = session.exec(select(ModelVersion).where(col(ModelVersion.active_key).is_not(None))).all()
        wanted = [one.key + (MANIFEST if one.key.endswith("/") else "") for one in (*named.objects, *named.bundles)]
        missing = [key for key in wanted if key not in there]
        for version in active:
            key = f"{version.object_prefix.rstrip('/')}/{MANIFEST}"
            if key in there and hashlib.sha256(services.objects.get(key)).hexdigest() != version.manifest_sha256:
                missing.append(key)
    finally:
        services.database.dispose()
    if missing:
        raise Conflict("drill_missing", file=path.name, count=len(missing), key=missing[0])
    return len(active)


@contextmanager
def _empty_place(settings: Settings) -> Iterator[Settings]:
    settings.cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="drill-", dir=settings.cache_dir) as folder:
        place = Path(folder)
        yield replace(
            settings, data_dir=place, database_url=f"sqlite:///{place / 'geomsa.db'}", object_store="local", s3=None
        )
