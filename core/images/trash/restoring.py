"""Putting images back from the trash: under the same number and name, unless something stands in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import Session, col, or_, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import AppError, BadInput, Conflict, NotFound, from_lower
from core.images.trash.records import boxes_of, image_of, was_example
from core.transactions import HasStores, writing
from storage.object_store import ObjectStoreError, transfer_in_parallel
from storage.tables import DefectType, Image, Product, TrashedImage, utc_now

if TYPE_CHECKING:
    from core.access import Person

_AT_ONCE = 400
# As many as a defect type shows.
_MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Restored:
    """What came of one image: back where `error` is None, else it stays in the trash for that reason."""

    image_id: int
    name: str
    error: AppError | None = None


def restore_images(services: HasStores, person: Person, trash_ids: Sequence[int]) -> list[Restored]:
    """Put images back with their labels, masks and regions; each is told what stands in its way.

    Raises BadInput no_images_chosen, NotFound where none lies in the trash any more, Unavailable.
    """
    require_role(services, person, ENGINEER)
    if not trash_ids:
        raise BadInput("no_images_chosen")
    outcomes: list[Restored] = []
    for start in range(0, len(trash_ids), _AT_ONCE):
        some = list(trash_ids[start : start + _AT_ONCE])
        with writing(services) as session:
            query = select(TrashedImage).where(col(TrashedImage.id).in_(some)).order_by(col(TrashedImage.id))
            rows = list(session.exec(query).all())
            gone = _without_objects(services, rows)
            outcomes += [_restore(session, person, row, is_gone=row.id in gone) for row in rows]
            session.commit()
    if not outcomes:
        raise NotFound("not_found")
    return outcomes


def _restore(session: Session, person: Person, row: TrashedImage, *, is_gone: bool) -> Restored:
    image = image_of(row)
    error = Conflict("trash_file_gone", name=row.stored_name) if is_gone else _find_obstacle(session, image)
    if error is not None:
        return Restored(row.image_id, row.stored_name, error)
    # It was away: whoever saw it before must look again, and a model that learned without it is out of date.
    image.row_version += 1
    image.updated_at = utc_now()
    boxes = boxes_of(row)
    for box in boxes:
        if box.defect_type_id is not None and session.get(DefectType, box.defect_type_id) is None:
            box.defect_type_id = None
    session.add(image)
    session.delete(row)
    session.flush()
    session.add_all(boxes)
    kind = None if image.defect_type_id is None else session.get(DefectType, image.defect_type_id)
    if was_example(row) and kind is not None and len(kind.example_image_ids) < _MOST_EXAMPLES:
        kind.example_image_ids = [*kind.example_image_ids, image.id]
    record(session, person, "image.restored", "image", image.id, name=image.stored_name, product_id=image.product_id)
    session.flush()
    return Restored(image.id, image.stored_name)


def _find_obstacle(session: Session, image: Image) -> AppError | None:
    name = image.stored_name
    product = session.get(Product, image.product_id)
    if product is None or not product.is_active:
        return Conflict("trash_product_inactive", name=name, product=product.name if product else "?")
    if image.defect_type_id is not None:
        kind = session.get(DefectType, image.defect_type_id)
        if kind is None or kind.product_id != image.product_id:
            return Conflict("trash_type_gone", name=name)
        if not kind.is_active:
            return Conflict("trash_type_inactive", name=name, type=kind.name_ko)
        if (kind.outcome == "good") != (image.image_type == "normal"):
            return Conflict("trash_type_gone", name=name)
    same = or_(
        col(Image.content_sha256) == image.content_sha256,
        col(Image.pixel_sha256) == image.pixel_sha256,
    )
    there = session.exec(select(Image.stored_name).where(Image.product_id == image.product_id, same)).first()
    if there is not None:
        return Conflict("trash_same_content", name=name, existing=there)
    taken = select(Image.id).where(or_(col(Image.stored_name) == name, col(Image.id) == image.id))
    if session.exec(taken).first() is not None:
        return Conflict("trash_name_taken", name=name)
    return None


def _without_objects(services: HasStores, rows: Sequence[TrashedImage]) -> set[int]:
    """Return the rows whose file or mask is not there any more: they must not come back to point at nothing."""
    wanted = [(row.id, key) for row in rows for key in (row.object_key, row.mask_key) if key]
    gone = set()
    for (number, _key), outcome in transfer_in_parallel(lambda pair: services.objects.exists(pair[1]), wanted):
        if isinstance(outcome, ObjectStoreError):
            raise from_lower(outcome) from outcome
        if not outcome:
            gone.add(number)
    return gone
