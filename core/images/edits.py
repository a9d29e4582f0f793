"""Changing curated images: what they show and are used for, and whether they are there at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import BadInput, Conflict, NotFound
from core.files.discarded_objects import discard_objects
from core.images.labels import check_label
from core.images.naming import name_prefix, number_after
from core.images.records import Label
from core.transactions import writing
from storage.tables import DefectType, Image, Product, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

_AT_ONCE = 500


def relabel_images(
    services: Services,
    person: Person,
    image_ids: Sequence[int],
    *,
    image_type: str | None = None,
    defect_type_id: int | None = None,
    split: str | None = None,
    row_versions: Mapping[int, int] | None = None,
) -> int:
    """Change what images show (`image_type`, with the type for defects), their split, or both; None keeps it.

    The stored name follows the label; the object keeps its key, because only the row says what it is. The mask of an
    image that becomes normal is dropped, and so is what was noted of a normal image that becomes a defect.
    `row_versions` are those of the images as the person saw them. Returns how many changed. Raises as `add_images`,
    NotFound where none is there any more, BadInput no_images_chosen, and Conflict image_changed.
    """
    require_role(services, person, ENGINEER)
    dropped: list[str] = []
    changed = 0
    with writing(services) as session:
        images = get_images(session, image_ids)
        if not images:
            raise NotFound("not_found")  # all were deleted since they were chosen
        check_unchanged(images, row_versions)
        for image in images:
            label = check_label(
                session,
                image.product_id,
                image_type=image_type or image.image_type,
                defect_type_id=defect_type_id if image_type is not None else image.defect_type_id,
                split=split or image.split,
            )
            before = {"image_type": image.image_type, "defect_type_id": image.defect_type_id, "split": image.split}
            after = {"image_type": label.image_type, "defect_type_id": label.defect_type_id, "split": label.split}
            if before == after:
                continue
            if (before["image_type"], before["defect_type_id"]) != (label.image_type, label.defect_type_id):
                _rename(session, image, label)
                _remove_example(session, image)
            if label.image_type == "normal" and image.mask_key is not None:
                dropped.append(image.mask_key)
                image.mask_key = None
            if label.image_type != image.image_type:
                image.outlier_state, image.outlier_score, image.outlier_at = "", None, None
            image.image_type, image.defect_type_id, image.split = label.image_type, label.defect_type_id, label.split
            mark_changed(image)
            changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
            record(session, person, "image.relabelled", "image", image.id, name=image.stored_name, changes=changes)
            session.flush()
            changed += 1
        session.commit()
    discard_objects(services, dropped)
    return changed


def delete_images(
    services: Services, person: Person, image_ids: Sequence[int], *, row_versions: Mapping[int, int] | None = None
) -> int:
    """Delete images: the rows, then their files. Inspections keep what they showed. Returns how many there were.

    `row_versions` are those of the images as the person saw them. Raises Conflict image_changed.
    """
    require_role(services, person, ENGINEER)
    keys: list[str] = []
    with writing(services) as session:
        images = get_images(session, image_ids)
        check_unchanged(images, row_versions)
        for image in images:
            keys += [key for key in (image.object_key, image.thumbnail_key, image.mask_key) if key]
            _remove_example(session, image)
            record(
                session,
                person,
                "image.deleted",
                "image",
                image.id,
                name=image.stored_name,
                original_name=image.original_name,
                product_id=image.product_id,
                content_sha256=image.content_sha256,
            )
            session.delete(image)
        session.commit()
    discard_objects(services, keys)
    return len(images)


def mark_changed(image: Image) -> None:
    """Let the row tell that it is not as it was read before."""
    image.row_version += 1
    image.updated_at = utc_now()


def check_unchanged(images: Sequence[Image], row_versions: Mapping[int, int] | None) -> None:
    """Refuse to go on where an image is not as a person saw it: `row_versions` by image id; None refuses nothing.

    Raises Conflict image_changed.
    """
    for image in images:
        if row_versions is not None and row_versions.get(image.id, image.row_version) != image.row_version:
            raise Conflict("image_changed", name=image.stored_name)


def get_images(session: Session, image_ids: Sequence[int]) -> list[Image]:
    """Return the images of these ids that are there, inside the caller's transaction.

    Raises BadInput no_images_chosen.
    """
    if not image_ids:
        raise BadInput("no_images_chosen")
    images: list[Image] = []
    for start in range(0, len(image_ids), _AT_ONCE):
        images += session.exec(select(Image).where(col(Image.id).in_(image_ids[start : start + _AT_ONCE]))).all()
    return images


def _rename(session: Session, image: Image, label: Label) -> None:
    product = session.get(Product, image.product_id)
    assert product is not None
    prefix = name_prefix(product, label.defect_code)
    ending = PurePosixPath(image.stored_name).suffix
    image.stored_name = f"{prefix}{number_after(session, prefix):03d}{ending}"


def _remove_example(session: Session, image: Image) -> None:
    defect_type = None if image.defect_type_id is None else session.get(DefectType, image.defect_type_id)
    if defect_type is not None and image.id in defect_type.example_image_ids:
        defect_type.example_image_ids = [number for number in defect_type.example_image_ids if number != image.id]
