"""Objects that no row names: left by a crash between the two stores, and put into the trash when they are a day old.

The trash is a prefix of the store: `trash/{yyyymmdd}/{key}`. What lies there for GEOMSA_TRASH_DAYS whole days is
deleted for good. Nothing is moved or deleted unless the identity of both stores was read and agrees (`core.identity`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from core.access import ADMIN, require_role
from core.audit import record
from core.errors import AppError, NotReady, from_lower
from core.identity import TRASH, Installation, require_pair
from core.operations.stored_objects import Stock, take_stock
from core.transactions import HasStores, writing
from storage.object_store import ObjectInfo, ObjectStore, ObjectStoreError, transfer_in_parallel
from storage.tables import utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

logger = logging.getLogger(__name__)

# Younger ones may belong to a row that is about to be committed.
MIN_AGE = timedelta(days=1)
# More than this share of a store has never been left by crashes: then the rows are missing, and a person must look.
MOST_PERCENT = 5
# The clocks of the database's machine and of the store may differ by so much.
_CLOCKS = timedelta(minutes=1)


def list_orphans(stock: Stock, *, min_age: timedelta = MIN_AGE, now: datetime | None = None) -> list[ObjectInfo]:
    """Return the objects of our own folders that are older than `min_age` and named by no row."""
    before = (utc_now() if now is None else now) - min_age
    return [info for info in stock.objects.values() if info.modified_at < before and not stock.names(info.key)]


def are_too_many(stock: Stock, orphans: Sequence[ObjectInfo]) -> bool:
    """Return whether so many orphans go only when a person says so."""
    return len(orphans) * 100 > len(stock.objects) * MOST_PERCENT


def require_collectable(services: HasStores, stock: Stock) -> Installation:
    """Return the identity if these orphans may be collected at all, by whomever.

    Raises as `core.identity.require_pair`, and NotReady store_has_older when the database began after objects that
    are in the store, and nobody has adopted them.
    """
    found = require_pair(services)
    began = found.began_at - _CLOCKS
    if found.adopted_at is None and any(info.modified_at < began for info in stock.objects.values()):
        raise NotReady("store_has_older")
    return found


def collect_orphans(services: Services, *, min_age: timedelta = MIN_AGE, now: datetime | None = None) -> int:
    """Put the orphans into the trash, and delete what has lain there long enough; return how many were put there.

    Nobody looks on, so it does nothing where the two stores do not agree, and leaves all orphans when they are more
    than MOST_PERCENT of the store, and those that were there when somebody adopted the store: the log says so.
    Raises AppError when a store fails while it works.
    """
    now = utc_now() if now is None else now
    stock = take_stock(services)
    try:
        found = require_collectable(services, stock)
    except AppError as error:
        logger.warning("nothing is collected: %s", error)
        return 0
    orphans = list_orphans(stock, min_age=min_age, now=now)
    if are_too_many(stock, orphans):
        logger.warning(
            "nothing is collected: %d of %d stored files are named by no row, which is more than %d %%; "
            'look at them with "python -m core doctor --repair"',
            len(orphans),
            len(stock.objects),
            MOST_PERCENT,
        )
        orphans = []
    elif found.adopted_at is not None:
        adopted_at = found.adopted_at
        orphans = [info for info in orphans if info.modified_at > adopted_at]
    count = _put_into_trash(services.objects, orphans, now)
    _empty_trash(services, stock, now)
    return count


def clean_up(services: HasStores, person: Person, *, min_age: timedelta = MIN_AGE, stock: Stock | None = None) -> int:
    """Put all orphans into the trash, because a person asks for it: needs an administrator, and is recorded.

    Returns how many. Raises as `require_collectable`.
    """
    require_role(services, person, ADMIN)
    stock = take_stock(services) if stock is None else stock
    require_collectable(services, stock)
    now = utc_now()
    count = _put_into_trash(services.objects, list_orphans(stock, min_age=min_age, now=now), now)
    with writing(services) as session:
        record(session, person, "orphans.collected", "system", None, count=count)
        session.commit()
    return count


def original_key(trashed: str) -> str:
    """Return the key that an object in the trash had, "" for one that was not put there by us."""
    parts = trashed.removeprefix(TRASH).split("/", 1)
    return parts[1] if len(parts) == 2 and _day(parts[0]) is not None else ""


def _put_into_trash(objects: ObjectStore, orphans: Sequence[ObjectInfo], now: datetime) -> int:
    folder = f"{TRASH}{now.astimezone(UTC):%Y%m%d}/"
    keys = [info.key for info in orphans]
    count = 0
    for key, outcome in transfer_in_parallel(lambda key: objects.move(key, folder + key), keys):
        if not isinstance(outcome, ObjectStoreError):
            count += 1
        elif outcome.code == "object_key_invalid":
            # Somebody else's file in our folder, under a name that we never give.
            logger.warning("%s stays where it is: its name is not one of ours", key)
        elif outcome.code != "object_missing":  # another process was faster
            raise from_lower(outcome) from outcome
    return count


def _empty_trash(services: Services, stock: Stock, now: datetime) -> None:
    """Delete what has lain in the trash for the whole of its days; never what a row names again."""
    today = now.astimezone(UTC).date()
    over = []
    for key in stock.trash:
        original, day = original_key(key), _day(key.removeprefix(TRASH).split("/", 1)[0])
        if day is None or not original or stock.names(original):
            continue
        if (today - day).days > services.settings.trash_days:
            over.append(key)
    for _key, outcome in transfer_in_parallel(services.objects.delete, over):
        if isinstance(outcome, ObjectStoreError):
            raise from_lower(outcome) from outcome


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date() if len(text) == 8 else None
    except ValueError:
        return None
