"""Objects of rows that are gone for good: which they are is kept with the deletion of the rows, until all are gone.

A process that is killed between the two, or a store that is away, leaves the list; the next tidying goes on with it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select

from core.errors import from_lower
from core.identity import TRASH
from core.transactions import HasStores, reading, writing
from storage.json_fields import read_object, read_texts
from storage.object_store import ObjectStoreError, transfer_in_parallel
from storage.tables import SystemConfig

logger = logging.getLogger(__name__)

_PREFIX = "removal:"
# A row of the list stays far below what a database takes in one statement.
_KEYS_AT_ONCE = 5000


def note_removal(session: Session, ids: Sequence[int], keys: Sequence[str], prefixes: Sequence[str]) -> None:
    """Keep what is to be deleted from the store, inside the transaction that deletes the rows of the products."""
    parts: list[dict[str, Any]] = [{"keys": list(some)} for some in _split(keys)]
    parts += [{"prefixes": list(some)} for some in _split(prefixes)]
    # What lay in the product's own folders, and has been put into the trash of the store before.
    folders = [(f"manuals/{one}/", f"images/normal/{one}/", f"images/defect/{one}_") for one in ids]
    parts.append({"trashed": [folder for some in folders for folder in some]})
    for place, part in enumerate(parts):
        session.add(SystemConfig(key=f"{_PREFIX}{ids[0]}:{place}", value=part))


def finish_removals(services: HasStores) -> int:
    """Delete the objects that are still to be deleted; return how many lists are done. Harmless beside another.

    Raises AppError when a store fails; what is left stays noted.
    """
    with reading(services) as session:
        keys = list(session.exec(select(SystemConfig.key).where(col(SystemConfig.key).startswith(_PREFIX))).all())
    for key in keys:
        with reading(services) as session:
            row = session.get(SystemConfig, key)
        if row is None:
            continue
        try:
            _delete(services, read_object(row.value))
        except ObjectStoreError as error:
            raise from_lower(error) from error
        with writing(services) as session:
            found = session.get(SystemConfig, key)
            if found is not None:
                session.delete(found)
            session.commit()
    return len(keys)


def _delete(services: HasStores, part: dict[str, Any]) -> None:
    for _key, outcome in transfer_in_parallel(services.objects.delete, read_texts(part.get("keys"))):
        # A name that the store never gave is one under which nothing can lie.
        if isinstance(outcome, ObjectStoreError) and outcome.code != "object_key_invalid":
            raise outcome
    for prefix in read_texts(part.get("prefixes")):
        services.objects.delete_prefix(prefix)
    if trashed := read_texts(part.get("trashed")):
        # Below the day on which it was put there.
        found = (info.key for info in services.objects.list(TRASH))
        gone = [key for key in found if key.removeprefix(TRASH).partition("/")[2].startswith(trashed)]
        for key in gone:
            services.objects.delete(key)


def _split(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[start : start + _KEYS_AT_ONCE] for start in range(0, len(values), _KEYS_AT_ONCE)]
