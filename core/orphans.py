"""Objects that no row names: left by a crash between the two stores, and collected when they are a day old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.audit import record
from core.errors import from_lower
from core.roles import ADMIN, require_role
from core.transactions import reading, writing
from storage.object_store import ObjectInfo, ObjectStoreError
from storage.tables import Image, Inspection, Manual, ModelVersion, utc_now

if TYPE_CHECKING:
    from core.accounts import Person
    from core.services import Services

# Younger ones may belong to a row that is about to be committed.
MIN_AGE = timedelta(days=1)
_FOLDERS = ("images/", "thumbnails/", "inspections/", "manuals/", "models/")


def find_orphans(services: Services, *, min_age: timedelta = MIN_AGE) -> Iterator[ObjectInfo]:
    """The objects of our own folders that are older than `min_age` and named by no row. Raises AppError."""
    before = utc_now() - min_age
    try:
        old = [info for folder in _FOLDERS for info in services.objects.list(folder) if info.modified_at < before]
    except ObjectStoreError as error:
        raise from_lower(error) from error
    # The rows are read after the listing, so that whatever was committed in between counts as named.
    keys, prefixes = _named(services) if old else (set(), ())
    for info in old:
        if info.key not in keys and not info.key.startswith(prefixes):
            yield info


def collect_orphans(services: Services, *, min_age: timedelta = MIN_AGE) -> int:
    """Delete the orphans; returns how many there were. Raises AppError when a store fails."""
    count = 0
    for info in find_orphans(services, min_age=min_age):
        try:
            services.objects.delete(info.key)
        except ObjectStoreError as error:
            raise from_lower(error) from error
        count += 1
    return count


def clean_up(services: Services, person: Person, *, min_age: timedelta = MIN_AGE) -> int:
    """As `collect_orphans`, when a person asks for it: needs an administrator, and is recorded."""
    require_role(person.role, ADMIN)
    count = collect_orphans(services, min_age=min_age)
    with writing(services) as session:
        record(session, person, "orphans.collected", "system", None, count=count)
        session.commit()
    return count


def _named(services: Services) -> tuple[set[str], tuple[str, ...]]:
    columns = (
        col(Image.object_key),
        col(Image.thumbnail_key),
        col(Image.mask_key),
        col(Inspection.image_key),
        col(Inspection.thumbnail_key),
        col(Inspection.heat_map_key),
        col(Manual.object_key),
    )
    with reading(services) as session:
        keys = {key for column in columns for key in session.exec(select(column)) if key}
        prefixes = {prefix.rstrip("/") + "/" for prefix in session.exec(select(ModelVersion.object_prefix)) if prefix}
    return keys, tuple(sorted(prefixes))
