"""What lies in a product's trash: what it was, who deleted it and when, and for how long it can be put back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlmodel import col, func, select

from core.access import ENGINEER, require_role
from core.images.trash.records import TRASH_DAYS
from core.transactions import HasDatabase, reading
from storage.tables import TrashedImage, User, utc_now

if TYPE_CHECKING:
    from core.access import Person

PAGE_SIZE = 48


@dataclass(frozen=True)
class TrashLine:
    """One image in the trash. `id` is its place there, `image_id` the number that it had and will have again.

    `deleted_by` is empty where nobody is known; `days_left` counts down to 0: it goes with the next tidying.
    """

    id: int
    image_id: int
    stored_name: str
    image_type: str
    defect_type_id: int | None
    split: str
    part: str
    content_sha256: str
    deleted_at: datetime
    deleted_by: str
    days_left: int


@dataclass(frozen=True)
class TrashPage:
    """One page of a product's trash, the last deleted first; `page` counts from 1."""

    lines: tuple[TrashLine, ...]
    total: int
    page: int

    @property
    def n_pages(self) -> int:
        """Pages in all, at least one."""
        return max(1, -(-self.total // PAGE_SIZE))


def count_trash(services: HasDatabase, product_id: int) -> int:
    """Return how many images of the product lie in the trash."""
    with reading(services) as session:
        query = select(func.count()).select_from(TrashedImage).where(TrashedImage.product_id == product_id)
        return int(session.exec(query).one())


def list_trash(services: HasDatabase, person: Person, product_id: int, *, page: int = 1) -> TrashPage:
    """Return one page of a product's trash; the last one where there is no such page. Needs an engineer."""
    require_role(services, person, ENGINEER)
    total = count_trash(services, product_id)
    page = min(max(1, page), max(1, -(-total // PAGE_SIZE)))
    now = utc_now()
    with reading(services) as session:
        query = (
            select(TrashedImage, User.display_name)
            .join(User, col(User.id) == col(TrashedImage.deleted_by), isouter=True)
            .where(TrashedImage.product_id == product_id)
            .order_by(col(TrashedImage.deleted_at).desc(), col(TrashedImage.id).desc())
            .offset((page - 1) * PAGE_SIZE)
            .limit(PAGE_SIZE)
        )
        lines = tuple(_line(row, name or "", now) for row, name in session.exec(query).all())
    return TrashPage(lines, total, page)


def find_trashed(services: HasDatabase, image_ids: Sequence[int]) -> list[int]:
    """Return the places in the trash of those of these images that lie there: to put back what was just deleted."""
    found: list[int] = []
    with reading(services) as session:
        for start in range(0, len(image_ids), 400):
            some = list(image_ids[start : start + 400])
            found += session.exec(select(TrashedImage.id).where(col(TrashedImage.image_id).in_(some))).all()
    return found


def days_left(deleted_at: datetime, now: datetime) -> int:
    """Return for how many more days, begun ones included, what was deleted then can be put back."""
    return max(0, math.ceil((deleted_at + timedelta(days=TRASH_DAYS) - now) / timedelta(days=1)))


def _line(row: TrashedImage, deleted_by: str, now: datetime) -> TrashLine:
    kind = row.row.get("defect_type_id")
    return TrashLine(
        id=row.id,
        image_id=row.image_id,
        stored_name=row.stored_name,
        image_type=str(row.row.get("image_type", "")),
        defect_type_id=kind if isinstance(kind, int) else None,
        split=str(row.row.get("split", "")),
        part=str(row.row.get("part", "")),
        content_sha256=str(row.row.get("content_sha256", "")),
        deleted_at=row.deleted_at,
        deleted_by=deleted_by,
        days_left=days_left(row.deleted_at, now),
    )
