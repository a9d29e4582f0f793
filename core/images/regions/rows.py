"""The rows of regions: read, moved to another type and dropped with their image, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, delete, select, update

from core.images.regions.records import Region
from storage.tables import ImageBox

_AT_ONCE = 400


def find_rows(session: Session, image_id: int) -> list[ImageBox]:
    """Return the rows of an image in the order in which they were marked."""
    return list(session.exec(select(ImageBox).where(ImageBox.image_id == image_id).order_by(col(ImageBox.id))).all())


def find_mixed(session: Session, image_ids: Sequence[int]) -> dict[int, list[Region]]:
    """Return by id the regions of those images that show several defect types, each region with a type of its own."""
    found: dict[int, list[Region]] = {}
    for start in range(0, len(image_ids), _AT_ONCE):
        query = (
            select(ImageBox)
            .where(col(ImageBox.image_id).in_(list(image_ids[start : start + _AT_ONCE])))
            .order_by(col(ImageBox.id))
        )
        for row in session.exec(query).all():
            found.setdefault(row.image_id, []).append(Region.from_row(row))
    return {number: regions for number, regions in found.items() if len({one.defect_type_id for one in regions}) > 1}


def drop_rows(session: Session, image_ids: Sequence[int]) -> None:
    """Delete the regions of these images."""
    for start in range(0, len(image_ids), _AT_ONCE):
        session.execute(delete(ImageBox).where(col(ImageBox.image_id).in_(list(image_ids[start : start + _AT_ONCE]))))


def move_rows(session: Session, image_id: int, *, before: int | None, after: int | None) -> None:
    """Let the regions that show what the image counted as (`before`) show what it counts as now; others stay."""
    if before is not None and after is not None and before != after:
        moved = update(ImageBox).where(col(ImageBox.image_id) == image_id, col(ImageBox.defect_type_id) == before)
        session.execute(moved.values(defect_type_id=after))
