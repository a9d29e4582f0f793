"""What a person decides when database and object store do not belong together: take the files, or begin anew."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from core import identity
from core.access import ADMIN, require_role
from core.audit import record
from core.errors import AppError, Conflict, from_lower
from core.identity import Installation, Mark
from core.operations.orphans import list_orphans
from core.operations.stored_objects import take_stock
from core.services import open_objects
from core.transactions import writing
from storage.atomic_files import sync_folder
from storage.local_objects import LocalObjects
from storage.object_store import ObjectStoreError
from storage.tables import SystemConfig, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services


@dataclass(frozen=True)
class Adoption:
    """What was adopted: all objects, and those among them that no row names."""

    objects: int
    unnamed: int


def adopt_store(services: Services, person: Person) -> Adoption:
    """Make the database and the object store a pair as they are. What no row names stays until a person cleans up.

    Needs an administrator, and is recorded. Raises AppError when a store fails.
    """
    require_role(services, person, ADMIN)
    stock = take_stock(services)
    now = utc_now()
    found = Adoption(len(stock.objects), len(list_orphans(stock, min_age=timedelta(0), now=now)))
    row, (mark, _holds) = identity.read_row(services), _look(services)
    known = row.id if row is not None and row.id else mark.id if mark is not None and mark.id else uuid.uuid4().hex
    _begin(
        services, person, "store.adopted", known, _next(row, mark), adopted=True, objects=found.objects,
        unnamed=found.unnamed,
    )  # fmt: skip
    return found


def begin_new_store(services: Services, person: Person) -> Path | None:
    """Go on with an empty object store; return the folder in which the files that were found now lie untouched.

    Needs an administrator, and is recorded. Raises Conflict store_agrees when the files are this database's own,
    new_store_bucket for a bucket that is not empty, new_store_kept for a folder that cannot be renamed.
    """
    require_role(services, person, ADMIN)
    try:
        identity.establish(services)
    except AppError as error:
        if error.code not in {identity.FOREIGN, identity.EMPTY}:
            raise
    else:
        if identity.names_objects(services):
            raise Conflict("store_agrees")
    row, (mark, holds) = identity.read_row(services), _look(services)
    is_own = mark is None or (row is not None and row.id == mark.id)
    set_aside = None
    if holds or not is_own:
        if not isinstance(services.objects, LocalObjects):
            raise Conflict("new_store_bucket", where=services.objects.describe())
        set_aside = _set_aside(services.settings.objects_folder)
        services = replace(services, objects=open_objects(services.settings))
    known = row.id if row is not None and row.id else uuid.uuid4().hex
    _begin(
        services, person, "store.begun", known, _next(row, mark), adopted=False,
        set_aside=set_aside.name if set_aside else "",
    )  # fmt: skip
    return set_aside


def _begin(
    services: Services, person: Person, action: str, known: str, generation: int, *, adopted: bool, **details: Any
) -> None:
    with writing(services) as session:
        row = _row(session)
        now = utc_now()
        began = identity.earliest_moment(session)
        row.value = identity.to_value(Installation(known, generation, began, now if adopted else None))
        row.updated_at = now
        row.updated_by = person.id
        record(session, person, action, "system", None, installation=known, generation=generation, **details)
        session.commit()
    # The row first: a crash in between leaves a pair that does not agree, and the command can be given again.
    identity.write_mark(services, Mark(known, generation))


def _row(session: Session) -> SystemConfig:
    row = session.get(SystemConfig, identity.KEY, with_for_update=True)
    if row is None:
        row = SystemConfig(key=identity.KEY)
        session.add(row)
    return row


def _next(row: Installation | None, mark: Mark | None) -> int:
    return max(row.generation if row is not None else 0, mark.generation if mark is not None else 0) + 1


def _look(services: Services) -> tuple[Mark | None, bool]:
    """Return the store's identity, and whether it holds any object."""
    try:
        return identity.read_mark(services), identity.holds_objects(services)
    except ObjectStoreError as error:
        raise from_lower(error) from error


def _set_aside(folder: Path) -> Path:
    """Rename the store's folder; a second store set aside in the same second would be refused as not empty."""
    target = folder.with_name(f"{folder.name}-set-aside-{utc_now():%Y%m%d-%H%M%S}")
    try:
        folder.rename(target)
        sync_folder(folder.parent)
    except OSError as error:
        raise Conflict("new_store_kept", folder=str(folder), reason=error.strerror or "") from error
    return target
