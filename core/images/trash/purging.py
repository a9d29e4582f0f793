"""Deleting for good what lies in the trash: by an administrator, and by itself after thirty days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.access import ADMIN, require_role
from core.audit import record
from core.errors import BadInput, NotFound
from core.files.discarded_objects import discard_objects
from core.images.trash.records import TRASH_DAYS
from core.transactions import HasStores, reading, writing
from storage.tables import TrashedImage, utc_now

if TYPE_CHECKING:
    from core.access import Person

_AT_ONCE = 400
_MOST_NAMED = 20


def purge_images(services: HasStores, person: Person, trash_ids: Sequence[int]) -> int:
    """Delete images in the trash for good: the rows, then their files. Needs an administrator; returns how many.

    Raises BadInput no_images_chosen, NotFound where none lies there any more.
    """
    require_role(services, person, ADMIN)
    if not trash_ids:
        raise BadInput("no_images_chosen")
    count = sum(
        _purge(services, person, list(trash_ids[start : start + _AT_ONCE]))
        for start in range(0, len(trash_ids), _AT_ONCE)
    )
    if not count:
        raise NotFound("not_found")
    return count


def empty_trash(services: HasStores, person: Person, product_id: int) -> int:
    """Delete everything in a product's trash for good. Needs an administrator; returns how many there were."""
    require_role(services, person, ADMIN)
    with reading(services) as session:
        ids = list(session.exec(select(TrashedImage.id).where(TrashedImage.product_id == product_id)).all())
    return purge_images(services, person, ids) if ids else 0


def purge_expired(services: HasStores, *, now: datetime | None = None) -> int:
    """Delete for good what has lain in the trash for its thirty days; return how many. The worker does so hourly."""
    before = (utc_now() if now is None else now) - timedelta(days=TRASH_DAYS)
    count = 0
    while True:
        with reading(services) as session:
            query = select(TrashedImage.id).where(col(TrashedImage.deleted_at) < before).limit(_AT_ONCE)
            ids = list(session.exec(query).all())
        if not ids:
            return count
        count += _purge(services, None, ids)


def _purge(services: HasStores, person: Person | None, ids: Sequence[int]) -> int:
    keys: list[str] = []
    with writing(services) as session:
        rows = session.exec(select(TrashedImage).where(col(TrashedImage.id).in_(list(ids)))).all()
        for row in rows:
            keys += [key for key in (row.object_key, row.thumbnail_key, row.mask_key) if key]
            session.delete(row)
        _record(session, person, rows)
        session.commit()
    discard_objects(services, keys)
    return len(rows)


def _record(session: Session, person: Person | None, rows: Sequence[TrashedImage]) -> None:
    by_product: dict[int, list[TrashedImage]] = {}
    for row in rows:
        by_product.setdefault(row.product_id, []).append(row)
    for product_id, some in by_product.items():
        names = [row.stored_name for row in some[:_MOST_NAMED]]
        record(session, person, "images.purged", "product", product_id, count=len(some), names=names)
