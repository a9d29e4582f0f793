"""What a curated image may show and be used for."""

from __future__ import annotations

from sqlmodel import Session

from core.errors import BadInput
from core.images.records import Label
from storage.tables import DefectType

IMAGE_TYPES = ("normal", "defect")
SPLITS = ("train", "test")


def check_label(session: Session, product_id: int, *, image_type: str, defect_type_id: int | None, split: str) -> Label:
    """Return the label that was asked for, inside the caller's transaction. Raises BadInput as `add_images` does."""
    if image_type not in IMAGE_TYPES:
        raise BadInput("image_type_unknown")
    if split not in SPLITS:
        raise BadInput("image_split_unknown")
    if image_type == "normal":
        if defect_type_id is not None:
            raise BadInput("defect_type_not_wanted")
        return Label(image_type, split)
    defect_type = None if defect_type_id is None else session.get(DefectType, defect_type_id)
    if defect_type is None or defect_type.product_id != product_id:
        raise BadInput("defect_type_missing")
    return Label(image_type, split, defect_type.id, defect_type.code)
