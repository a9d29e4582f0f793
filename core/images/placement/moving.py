"""Moving objects to the folder of their label: the copy first, then the row, then the old object goes.

A crash in between leaves a copy that no row names, which is collected as an orphan; a row never points at nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.access import ADMIN, require_role
from core.audit import record
from core.errors import from_lower
from core.files.discarded_objects import discard_objects
from core.images.placement.keys import Placement, are_in, folder_of, plan_placement
from core.transactions import HasDatabase, HasStores, reading, writing
from storage.object_store import ObjectStoreError, transfer_in_parallel
from storage.tables import Image

if TYPE_CHECKING:
    from core.access import Person

_AT_ONCE = 200


def copy_objects(services: HasStores, placements: Sequence[Placement]) -> None:
    """Copy the objects to their new keys, all or none. Raises AppError (object_missing, or of a store that fails)."""
    pairs = [pair for placement in placements for pair in placement.copies]
    failed: ObjectStoreError | None = None
    for _pair, outcome in transfer_in_parallel(lambda pair: services.objects.copy(*pair), pairs):
        if isinstance(outcome, ObjectStoreError):
            failed = failed or outcome
    if failed is not None:
        discard_objects(services, [new_key for _key, new_key in pairs])
        raise from_lower(failed)


def list_misplaced(services: HasDatabase, *, limit: int | None = None) -> list[int]:
    """Return the images whose objects do not lie in the folder of their label, in order of id, at most `limit`."""
    wrong = []
    with reading(services) as session:
        query = select(
            Image.id, Image.product_id, Image.image_type, Image.defect_type_id, Image.object_key, Image.mask_key
        ).order_by(col(Image.id))  # type: ignore[call-overload]
        for number, product_id, image_type, type_id, key, mask in session.exec(query):
            mask = mask if image_type == "defect" else None
            if not are_in(folder_of(image_type, product_id, type_id), key, mask):
                wrong.append(number)
                if limit is not None and len(wrong) >= limit:
                    break
    return wrong


def follow_labels(services: HasStores, person: Person | None, *, limit: int | None = None) -> int:
    """Move the objects of misplaced images (at most `limit`) to the folders of their labels; return how many images.

    A person who asks for it must be an administrator; None is the worker's own tidying. One whose file is missing, or
    whose row changes meanwhile, stays for the next time. Raises AppError when a store fails.
    """
    if person is not None:
        require_role(services, person, ADMIN)
    wrong = list_misplaced(services, limit=limit)
    moved = 0
    for start in range(0, len(wrong), _AT_ONCE):
        moved += _move(services, wrong[start : start + _AT_ONCE])
    if moved:
        with writing(services) as session:
            record(session, person, "images.moved_to_folders", "system", None, count=moved)
            session.commit()
    return moved


def _move(services: HasStores, ids: Sequence[int]) -> int:
    with reading(services) as session:
        rows = session.exec(select(Image).where(col(Image.id).in_(list(ids)))).all()
    planned = [
        found
        for row in rows
        if (found := plan_placement(row, image_type=row.image_type, defect_type_id=row.defect_type_id)) is not None
    ]
    copied: list[Placement] = []
    failed: ObjectStoreError | None = None
    for placement, outcome in transfer_in_parallel(lambda one: _copy_one(services, one), planned):
        if not isinstance(outcome, ObjectStoreError):
            copied.append(placement)
        elif outcome.code != "object_missing":
            failed = failed or outcome
    if failed is not None:
        discard_objects(services, [key for one in copied for _old, key in one.copies])
        raise from_lower(failed)
    unused: list[str] = []
    moved = 0
    with writing(services) as session:
        by_id = {one.image_id: one for one in copied}
        for image in session.exec(select(Image).where(col(Image.id).in_(list(by_id)))).all():
            placement = by_id.pop(image.id)
            if not placement.is_of(image):
                unused += [key for _old, key in placement.copies]
                continue
            # Not `mark_changed`: what the image shows is as it was, and no model is out of date by it.
            image.object_key = placement.new_key
            image.mask_key = placement.new_mask or image.mask_key
            unused += [key for key, _new in placement.copies]
            moved += 1
        session.commit()
    unused += [key for placement in by_id.values() for _old, key in placement.copies]
    discard_objects(services, unused)
    return moved


def _copy_one(services: HasStores, placement: Placement) -> None:
    for key, new_key in placement.copies:
        services.objects.copy(key, new_key)
