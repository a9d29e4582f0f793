"""Changing curated images: what they show and are used for, and whether they are there at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import BadInput, Conflict, NotFound
from core.files.discarded_objects import discard_objects
from core.files.file_names import strip_control
from core.images.domains import read_domain
from core.images.labels import check_label
from core.images.naming import name_prefix, number_after
from core.images.placement.keys import Placement, lies_right_for, plan_placement
from core.images.placement.moving import copy_objects
from core.images.records import Label
from core.images.regions.rows import drop_rows, move_rows
from core.images.row_versions.checking import check_unchanged, mark_changed
from core.images.trash.dataset_versions import require_not_in_training
from core.images.trash.records import put_into_trash
from core.images.views.naming import settle_view
from core.transactions import reading, writing
from storage.tables import METADATA, DefectType, Image, Product

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

LONGEST_VIEW = int(getattr(METADATA.tables["images"].columns["view"].type, "length", None) or 0)
_AT_ONCE = 500


def relabel_images(
    services: Services,
    person: Person,
    image_ids: Sequence[int],
    *,
    image_type: str | None = None,
    defect_type_id: int | None = None,
    split: str | None = None,
    view: str | None = None,
    domain: str | None = None,
    row_versions: Mapping[int, int] | None = None,
) -> int:
    """Change what images show (`image_type`, with the type for defects or kinds of good), split, view and domain.

    None keeps each. The stored name and the folder of the objects follow the label: copies are made first, then the
    rows change, then the old objects go. The mask and the regions of an image that becomes normal are dropped, and so
    is what was noted of a normal image that becomes a defect; regions of the type that an image had take its new one.
    `row_versions` are those of the images as the person saw them. Returns how many changed. Raises as `add_images`,
    NotFound where none is there any more, BadInput no_images_chosen, view_too_long, image_view_unknown (the product has
    views, and this is none of them), image_domain_unknown, and Conflict image_changed; then nothing is changed.
    """
    require_role(services, person, ENGINEER)
    wanted = _Wanted(
        image_type,
        defect_type_id,
        split,
        None if view is None else clean_view(view),
        None if domain is None else read_domain(domain),
    )
    with reading(services) as session:
        images = get_images(session, image_ids)
        if not images:
            raise NotFound("not_found")  # all were deleted since they were chosen
        check_unchanged(session, images, row_versions)
        wanted = _settle_view(session, images, wanted)
        planned = [_plan(session, image, wanted) for image in images]
    placements = {one.image_id: one for one in planned if one is not None}
    copy_objects(services, list(placements.values()))
    unused = [new_key for one in placements.values() for _key, new_key in one.copies]
    try:
        with writing(services) as session:
            images = get_images(session, image_ids, lock=True)
            check_unchanged(session, images, row_versions)
            changed, left = _relabel(session, person, images, wanted, placements)
            session.commit()
    except Conflict:
        # Nothing was committed for certain; what fails otherwise may have been, and its copies are left to the tidying.
        discard_objects(services, unused)
        raise
    discard_objects(services, left)
    return changed


@dataclass(frozen=True)
class _Wanted:
    image_type: str | None
    defect_type_id: int | None
    split: str | None
    view: str | None
    domain: str | None

    def label_of(self, session: Session, image: Image) -> Label:
        return check_label(
            session,
            image.product_id,
            image_type=self.image_type or image.image_type,
            defect_type_id=self.defect_type_id if self.image_type is not None else image.defect_type_id,
            split=self.split or image.split,
        )


def _settle_view(session: Session, images: Sequence[Image], wanted: _Wanted) -> _Wanted:
    """Return the same with the code of the view, where the product of the images has views."""
    if wanted.view:
        for product_id in {image.product_id for image in images}:
            wanted = replace(wanted, view=settle_view(session, product_id, wanted.view or ""))
    return wanted


def _plan(session: Session, image: Image, wanted: _Wanted) -> Placement | None:
    label = wanted.label_of(session, image)
    if (label.image_type, label.defect_type_id) == (image.image_type, image.defect_type_id):
        return None
    return plan_placement(image, image_type=label.image_type, defect_type_id=label.defect_type_id)


def _relabel(
    session: Session,
    person: Person,
    images: Sequence[Image],
    wanted: _Wanted,
    placements: Mapping[int, Placement],
) -> tuple[int, list[str]]:
    """Change the rows; return how many changed, and the keys that none of them names any more."""
    numbers: dict[str, int] = {}
    left = [new_key for one in placements.values() for _key, new_key in one.copies]
    changed = 0
    for image in images:
        label = wanted.label_of(session, image)
        before = {
            "image_type": image.image_type,
            "defect_type_id": image.defect_type_id,
            "split": image.split,
            "view": image.view,
            "domain": image.domain,
        }
        after = {
            "image_type": label.image_type,
            "defect_type_id": label.defect_type_id,
            "split": label.split,
            "view": image.view if wanted.view is None else wanted.view,
            "domain": image.domain if wanted.domain is None else wanted.domain,
        }
        if before == after:
            continue
        if (before["image_type"], before["defect_type_id"]) != (label.image_type, label.defect_type_id):
            left += _take_label(session, image, label, placements.get(image.id), numbers)
        image.split, image.view, image.domain = label.split, str(after["view"]), str(after["domain"])
        mark_changed(image)
        changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
        record(
            session,
            person,
            "image.relabelled",
            "image",
            image.id,
            name=image.stored_name,
            row_version=image.row_version,
            changes=changes,
        )
        changed += 1
    session.flush()
    named = {key for image in images for key in (image.object_key, image.mask_key) if key}
    return changed, [key for key in left if key not in named]


def _take_label(
    session: Session, image: Image, label: Label, placement: Placement | None, numbers: dict[str, int]
) -> list[str]:
    """Give the image its new label, and the keys of the copies in the label's folder; return the keys of before."""
    lies_right = placement is None and lies_right_for(image, label.image_type, label.defect_type_id)
    if not lies_right and (placement is None or not placement.is_of(image)):
        raise Conflict("image_changed", name=image.stored_name)
    left = [key for key in (image.object_key, image.mask_key) if key]
    put_label(session, image, label, numbers=numbers)
    if placement is not None:
        image.object_key, image.mask_key = placement.new_key, placement.new_mask
    return left


def put_label(session: Session, image: Image, label: Label, *, numbers: dict[str, int] | None = None) -> list[str]:
    """Let the image show and be used for what the label says, inside the caller's transaction.

    Its objects stay where they are: whoever does not move them leaves that to the worker. `numbers` are the next
    numbers by the beginning of a name, where many are labeled in one transaction. Returns the keys of the objects that
    are not needed any more once it is committed.
    """
    dropped: list[str] = []
    before = image.defect_type_id
    if (image.image_type, before) != (label.image_type, label.defect_type_id):
        _rename(session, image, label, {} if numbers is None else numbers)
        _remove_example(session, image)
    if label.image_type == "normal":
        drop_rows(session, [image.id])
        if image.mask_key is not None:
            dropped.append(image.mask_key)
            image.mask_key = None
    else:
        move_rows(session, image.id, before=before, after=label.defect_type_id)
    if label.image_type != image.image_type:
        image.outlier_state, image.outlier_score, image.outlier_at = "", None, None
    image.image_type, image.defect_type_id, image.split = label.image_type, label.defect_type_id, label.split
    return dropped


def delete_images(
    services: Services, person: Person, image_ids: Sequence[int], *, row_versions: Mapping[int, int] | None = None
) -> int:
    """Put images into the trash, from which they can be put back for thirty days. Returns how many there were.

    Nothing learns from them any more, and dataset versions with them are broken until they are put back; inspections
    keep what they showed. `row_versions` are those of the images as the person saw them. Raises BadInput
    no_images_chosen, Conflict image_changed and dataset_image_in_training.
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        images = get_images(session, image_ids, lock=True)
        check_unchanged(session, images, row_versions)
        require_not_in_training(session, images)
        put_into_trash(session, images, deleted_by=person.id)
        for image in images:
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
        session.commit()
    return len(images)


def clean_view(name: str) -> str:
    """Return the name of a view as it is kept, without control characters and blanks around it; empty for none.

    Raises BadInput view_too_long.
    """
    cleaned = " ".join(strip_control(name.replace("\t", " ")).split())
    if len(cleaned) > LONGEST_VIEW:
        raise BadInput("view_too_long", view=cleaned[:40], highest=LONGEST_VIEW)
    return cleaned


def get_images(session: Session, image_ids: Sequence[int], *, lock: bool = False) -> list[Image]:
    """Return the images of these ids that are there, inside the caller's transaction; locked until its end on demand.

    Raises BadInput no_images_chosen.
    """
    if not image_ids:
        raise BadInput("no_images_chosen")
    images: list[Image] = []
    for start in range(0, len(image_ids), _AT_ONCE):
        query = select(Image).where(col(Image.id).in_(image_ids[start : start + _AT_ONCE])).order_by(col(Image.id))
        images += session.exec(query.with_for_update(key_share=True) if lock else query).all()
    return images


def _rename(session: Session, image: Image, label: Label, numbers: dict[str, int]) -> None:
    product = session.get(Product, image.product_id)
    assert product is not None
    prefix = name_prefix(product, label.defect_code)
    if image.stored_name.startswith(prefix):
        return  # another kind of good part: its name says no more than that it is normal
    if prefix not in numbers:
        numbers[prefix] = number_after(session, prefix)
    ending = PurePosixPath(image.stored_name).suffix
    image.stored_name = f"{prefix}{numbers[prefix]:03d}{ending}"
    numbers[prefix] += 1


def _remove_example(session: Session, image: Image) -> None:
    defect_type = None if image.defect_type_id is None else session.get(DefectType, image.defect_type_id)
    if defect_type is not None and image.id in defect_type.example_image_ids:
        defect_type.example_image_ids = [number for number in defect_type.example_image_ids if number != image.id]
