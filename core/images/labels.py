"""What a curated image may show and be used for."""

from __future__ import annotations

from sqlmodel import Session

from core.errors import BadInput
from core.images.records import Label
from storage.tables import DefectType

IMAGE_TYPES = ("normal", "defect")
SPLITS = ("train", "val", "test")


def check_label(session: Session, product_id: int, *, image_type: str, defect_type_id: int | None, split: str) -> Label:
    """Return the label that was asked for, inside the caller's transaction. Raises BadInput as `add_images` does.

    A normal image may name a kind of good part; a defect image names a kind of defect.
    """
    if image_type not in IMAGE_TYPES:
        raise BadInput("image_type_unknown")
    if split not in SPLITS:
        raise BadInput("image_split_unknown")
    if image_type == "normal" and defect_type_id is None:
        return Label(image_type, split)
    found = None if defect_type_id is None else session.get(DefectType, defect_type_id)
    kind = found if found is not None and found.product_id == product_id else None
    if image_type == "normal":
        if kind is None or kind.outcome != "good":
            raise BadInput("defect_type_not_wanted")
        return Label(image_type, split, kind.id)
    if kind is None or kind.outcome != "defect":
        raise BadInput("defect_type_missing")
    return Label(image_type, split, kind.id, kind.code)
