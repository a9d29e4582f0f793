"""The one composition root: for Home.py, the worker, the command line and the tests."""

from __future__ import annotations

from dataclasses import dataclass

from core.model_cache import ModelCache
from core.settings import Settings, read_settings
from storage.database import Database
from storage.objects import LocalObjects, ObjectStore, S3Objects


@dataclass(frozen=True)
class Services:
    """What every use case may call upon. Shared by all sessions of a process: each part is safe for threads."""

    settings: Settings
    database: Database
    objects: ObjectStore
    models: ModelCache


def open_objects(settings: Settings) -> ObjectStore:
    """The object store that the settings name."""
    if settings.s3 is None:
        return LocalObjects(settings.data_dir / "objects")
    return S3Objects(
        endpoint=settings.s3.endpoint,
        bucket=settings.s3.bucket,
        region=settings.s3.region,
        access_key=settings.s3.access_key,
        secret_key=settings.s3.secret_key,
    )


def build_services(settings: Settings | None = None, *, migrate: bool = False) -> Services:
    """Wire the parts together. With `migrate`, bring the database up to date; otherwise refuse one that is not.

    Raises BadSetting for a wrong environment value and AppError for a database that cannot be used.
    """
    from core.errors import from_lower
    from storage.database import DatabaseError

    settings = read_settings() if settings is None else settings
    database = Database(settings.database_url)
    try:
        if migrate:
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
    return Services(settings=settings, database=database, objects=objects, models=models)
