"""The one composition root: for Home.py, the worker, the command line and the tests."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from core import identity
from core.errors import AppError, from_lower
from core.files.kept_bytes import KeptBytes
from core.models.cache import ModelCache
from core.rollups.rebuilding import ensure_counts
from core.settings import S3Settings, Settings, read_settings
from storage.database import BUSY_TIMEOUT_S, PATIENT_TIMEOUT_S, Database, DatabaseError
from storage.objects import LocalObjects, ObjectStore, S3Objects

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """What every use case may call upon. Shared by all sessions of a process: each part is safe for threads."""

    settings: Settings
    database: Database
    objects: ObjectStore
    models: ModelCache
    pictures: KeptBytes = field(default_factory=KeptBytes, repr=False)


def open_objects(settings: Settings) -> ObjectStore:
    """Return the object store that the settings name."""
    return LocalObjects(settings.objects_folder) if settings.s3 is None else open_bucket(settings.s3)


def open_bucket(s3: S3Settings) -> ObjectStore:
    """Return the object store in a bucket."""
    return S3Objects(
        endpoint=s3.endpoint,
        bucket=s3.bucket,
        region=s3.region,
        access_key=s3.access_key,
        secret_key=s3.secret_key,
    )


def build_services(
    settings: Settings | None = None, *, migrate: bool = False, verify_store: bool = True, patient: bool = False
) -> Services:
    """Wire the parts together. With `migrate`, bring the database up to date; otherwise refuse one that is not.

    `migrate` is how the application starts: where the last process was killed, the database is checked first, and what
    an older version stored is counted.
    `patient` is for work that nobody sits in front of: it waits longer for a database that another program holds.

    Raises BadSetting for a wrong environment value and AppError for a database that cannot be used, or whose object
    store is another's (`core.identity`; not looked at without `verify_store`).
    """
    settings = read_settings() if settings is None else settings
    database = Database(settings.database_url, busy_timeout_s=PATIENT_TIMEOUT_S if patient else BUSY_TIMEOUT_S)
    try:
        if migrate:
            _refuse_damaged(database)
            database.migrate()
        database.check()
    except DatabaseError as error:
        database.dispose()
        raise from_lower(error) from error
    objects = open_objects(settings)
    models = ModelCache(
        objects=objects,
        folder=settings.cache_dir / "models",
        device=settings.device,
        check_runtimes=settings.check_runtimes,
        weights_dir=settings.weights_dir,
    )
    services = Services(settings=settings, database=database, objects=objects, models=models)
    if verify_store:
        try:
            identity.verify_at_start(services)
        except AppError:
            database.dispose()
            raise
    if migrate:
        try:
            ensure_counts(services)
        except AppError as error:
            if error.code != "database_busy":
                database.dispose()
                raise
            # Figures come from the inspections themselves until the worker finds a quieter moment.
            logger.info("the inspections are counted later: another program holds the database")
    return services


_kept: dict[Settings, Services] = {}
_kept_lock = threading.Lock()


def keep_services(settings: Settings | None = None) -> Services:
    """Return the one set of services that this process keeps for `settings`, built (and migrated) at first use.

    It outlives every cache that a browser or a page can empty. Raises as `build_services`; the next call tries again.
    """
    settings = read_settings() if settings is None else settings
    with _kept_lock:
        if settings not in _kept:
            _kept[settings] = build_services(settings, migrate=True)
        return _kept[settings]


def kept_already(settings: Settings) -> Services | None:
    """Return what `keep_services` keeps for `settings`, None where nothing is built yet."""
    return _kept.get(settings)


def close_kept_services() -> None:
    """Close what `keep_services` keeps: for the end of the process, and between tests."""
    with _kept_lock:
        while _kept:
            _kept.popitem()[1].database.dispose()


def _refuse_damaged(database: Database) -> None:
    """Stop the start on a database that a power cut has damaged: every write would make it worse.

    The check leaves the write-ahead log, so a second try finds the same.
    """
    if not database.ended_uncleanly():
        return
    logger.warning("the database was not closed by the last process; checking it")
    findings = database.check_integrity(full=False)
    if findings:
        logger.error("the database is damaged: %s", "; ".join(findings))
        raise DatabaseError("database_damaged", reason="corrupt")
