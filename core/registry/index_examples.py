"""What an index is made of: the training images of a product, and the inspected parts whose defect people confirmed.

A confirmed inspection is an example like a defect image, marked by a negative id. One whose file is a curated image of
the product already is none: it would count twice, or bring a test image into the index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy import select as sqlalchemy_select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, select

from core.images.bit_depth import find_bit_depth
from core.images.parts import part_key, part_of_trace
from core.images.training import load_pixels, training_rows
from core.services import Services
from inference.errors import ImageError
from inference.vision.images.bit_depth import BY_IMAGE, Reading
from storage.objects import ObjectStore, ObjectStoreError
from storage.tables import Image, Inspection, InspectionView

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Example:
    """One image of an index. `id` is that of the image, or the negative one of the inspection; `load` gives RGB uint8.

    `part` is what all exposures of one part share. `load` reads it by `bit_depth`, and raises ImageError, also for a
    missing object.
    """

    id: int
    name: str
    content_sha256: str
    defect_type_id: int | None
    load: Callable[[], NDArray[np.uint8]] = field(repr=False)
    part: str = ""
    bit_depth: Reading = BY_IMAGE


def image_examples(services: Services, rows: list[Image], *, bit_depth: Reading) -> list[Example]:
    """Return the training images as examples, in their order, to be read by this bit depth."""

    def loader(row: Image) -> Callable[[], NDArray[np.uint8]]:
        return lambda: load_pixels(services, row, bit_depth=bit_depth)

    def defect_type(row: Image) -> int | None:
        # A kind of good part is no type that anything votes for.
        return row.defect_type_id if row.image_type == "defect" else None

    return [
        Example(row.id, row.stored_name, row.content_sha256, defect_type(row), loader(row), part_key(row), bit_depth)
        for row in rows
    ]


def list_examples(
    services: Services, session: Session, product_id: int, image_type: str, view: str = ""
) -> list[Example]:
    """Return all examples of a kind: the images in order of id, then (of defects) the confirmed inspections.

    Of one view where it is given, of the product otherwise.
    """
    depth = find_bit_depth(session, product_id, view)
    found = image_examples(services, training_rows(session, product_id, image_type, view), bit_depth=depth)
    if image_type == "defect":
        found += [_inspected(services.objects, row, depth) for row in confirmed_inspections(session, product_id, view)]
    return found


def confirmed_inspections(session: Session, product_id: int, view: str = "") -> list[Inspection]:
    """Return the inspections with a confirmed defect type that stay NG or in review, one for each image, in order.

    With a `view` only those whose verdict its picture decided.
    """
    query = select(Inspection).where(Inspection.product_id == product_id, *_confirmed())
    if view:
        query = query.where(exists().where(col(InspectionView.view) == view, *_decided()))
    rows = session.exec(query.order_by(col(Inspection.id))).all()
    newest = {row.image_sha256: row for row in rows}
    return sorted(newest.values(), key=lambda row: row.id)


def confirmation_stamps(session: Session, product_ids: list[int] | None) -> dict[int, list[int | str]]:
    """Return count, sums of ids and types, and last confirmation of each product with confirmed inspections."""
    curated = _curated_inspections()
    query = (
        sqlalchemy_select(
            col(Inspection.product_id),
            func.count(),
            func.sum(col(Inspection.id)),
            func.sum(col(Inspection.final_defect_type_id)),
            func.max(col(Inspection.confirmed_at)),
        )
        # All columns stand in this index. Which of them are images is asked from the side of the images, which are few.
        .with_hint(Inspection, "INDEXED BY ix_inspections_confirmed", "sqlite")
        .outerjoin(curated, curated.c.id == col(Inspection.id))
        .where(*_is_confirmed(Inspection), curated.c.id.is_(None))
        .group_by(col(Inspection.product_id))
    )
    if product_ids is not None:
        query = query.where(col(Inspection.product_id).in_(product_ids))
    stamps: dict[int, list[int | str]] = {}
    for product_id, count, id_sum, type_sum, confirmed_at in session.execute(query).all():
        moment: datetime = confirmed_at
        stamps[product_id] = [int(count), int(id_sum), int(type_sum), moment.isoformat()]
    return stamps


def view_confirmation_stamps(session: Session, product_ids: list[int]) -> dict[tuple[int, str], list[int | str]]:
    """Return the same for the views of these products: each inspection counts for the view that decided it."""
    curated = _curated_inspections()
    query = (
        sqlalchemy_select(
            col(Inspection.product_id),
            col(InspectionView.view),
            func.count(),
            func.sum(col(Inspection.id)),
            func.sum(col(Inspection.final_defect_type_id)),
            func.max(col(Inspection.confirmed_at)),
        )
        .join(InspectionView, and_(*_decided()))
        .outerjoin(curated, curated.c.id == col(Inspection.id))
        .where(*_is_confirmed(Inspection), curated.c.id.is_(None), col(Inspection.product_id).in_(product_ids))
        .group_by(col(Inspection.product_id), col(InspectionView.view))
    )
    return {
        (product_id, view): [int(count), int(id_sum), int(type_sum), confirmed_at.isoformat()]
        for product_id, view, count, id_sum, type_sum, confirmed_at in session.execute(query).all()
    }


def _decided() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a view's row is the one whose picture an inspection shows as its own."""
    return (
        col(InspectionView.inspection_id) == col(Inspection.id),
        col(InspectionView.image_sha256) == col(Inspection.image_sha256),
    )


def _is_confirmed(inspections: type[Inspection]) -> tuple[ColumnElement[bool], ...]:
    return (
        col(inspections.confirmed_at).is_not(None),
        col(inspections.final_defect_type_id).is_not(None),
        col(inspections.final_verdict) != "ok",
    )


def _curated_inspections() -> Any:
    """Return a table of the confirmed inspections whose file is an image of their product; 0 stands among them.

    To be joined, and not asked by NOT IN, for which MariaDB would go through all images once for every inspection.
    """
    curated = aliased(Inspection)
    same_file = and_(
        col(Image.content_sha256) == col(curated.image_sha256),
        col(Image.product_id) == col(curated.product_id),
        *_is_confirmed(curated),
    )
    # An outer join is walked from the images on; the other way round a million inspections would be looked at.
    found = func.coalesce(col(curated.id), 0).label("id")
    query = sqlalchemy_select(found).select_from(Image).outerjoin(curated, same_file).distinct()
    return query.with_hint(curated, "INDEXED BY ix_inspections_image_sha256", "sqlite").subquery()


def _confirmed() -> tuple[ColumnElement[bool], ...]:
    curated = exists().where(
        col(Image.product_id) == col(Inspection.product_id), col(Image.content_sha256) == col(Inspection.image_sha256)
    )
    return (*_is_confirmed(Inspection), ~curated)


def _inspected(objects: ObjectStore, row: Inspection, bit_depth: Reading) -> Example:
    from inference.vision.images.decode import decode

    name = row.original_name or f"#{row.id}"

    def load() -> NDArray[np.uint8]:
        try:
            return decode(objects.get(row.image_key), bit_depth=bit_depth).pixels
        except ObjectStoreError as error:
            if error.code == "object_missing":
                raise ImageError("image_object_missing", name=name) from error
            raise

    part = part_of_trace(lot=row.lot, serial=row.serial) or f"inspection:{row.id}"
    return Example(-row.id, name, row.image_sha256, row.final_defect_type_id, load, part, bit_depth)
