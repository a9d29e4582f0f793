"""An image on its way into the trash and back: its row and regions as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from storage.tables import DefectType, Image, ImageBox, TrashedImage, utc_now

# For so many whole days an image can be put back.
TRASH_DAYS = 30
# Beside the columns of the row: whether the image was one of its type's examples.
_WAS_EXAMPLE = "was_example"
_AT_ONCE = 400


def put_into_trash(session: Session, images: Sequence[Image], *, deleted_by: int | None) -> list[TrashedImage]:
    """Move rows with their regions into the trash, inside the caller's transaction; the objects stay where they are."""
    boxes: dict[int, list[dict[str, Any]]] = {}
    ids = [image.id for image in images]
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        for box in session.exec(select(ImageBox).where(col(ImageBox.image_id).in_(some)).order_by(col(ImageBox.id))):
            boxes.setdefault(box.image_id, []).append(_to_json(box))
        session.execute(delete(ImageBox).where(col(ImageBox.image_id).in_(some)))
    now = utc_now()
    trashed = [
        TrashedImage(
            image_id=image.id,
            product_id=image.product_id,
            stored_name=image.stored_name,
            object_key=image.object_key,
            thumbnail_key=image.thumbnail_key,
            mask_key=image.mask_key,
            row={**_to_json(image), _WAS_EXAMPLE: _leave_examples(session, image)},
            boxes=boxes.get(image.id, []),
            deleted_at=now,
            deleted_by=deleted_by,
        )
        for image in images
    ]
    for image in images:
        session.delete(image)
    session.add_all(trashed)
    session.flush()
    return trashed


def image_of(trashed: TrashedImage) -> Image:
    """Return the row as it was, under its id; what later versions have beside it is at its default."""
    values = _from_json(Image, trashed.row)
    # The keys of now: objects may have been moved while their image lay in the trash.
    return Image(
        **{
            **values,
            "id": trashed.image_id,
            "product_id": trashed.product_id,
            "object_key": trashed.object_key,
            "thumbnail_key": trashed.thumbnail_key,
            "mask_key": trashed.mask_key,
        }
    )


def boxes_of(trashed: TrashedImage) -> list[ImageBox]:
    """Return the regions as they were, under new ids."""
    return [
        ImageBox(**{**_from_json(ImageBox, box), "id": None, "image_id": trashed.image_id}) for box in trashed.boxes
    ]


def was_example(trashed: TrashedImage) -> bool:
    """Return whether the image was one of its defect type's examples."""
    return trashed.row.get(_WAS_EXAMPLE) is True


def _leave_examples(session: Session, image: Image) -> bool:
    defect_type = None if image.defect_type_id is None else session.get(DefectType, image.defect_type_id)
    if defect_type is None or image.id not in defect_type.example_image_ids:
        return False
    defect_type.example_image_ids = [number for number in defect_type.example_image_ids if number != image.id]
    return True


def _to_json(row: Image | ImageBox) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in type(row).model_fields}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _from_json(table: type[Image | ImageBox], data: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in data.items() if name in table.model_fields}
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") and isinstance(value, str) else value
        for name, value in known.items()
    }
