"""The regions of an image: what is marked in it, and saving what a person has drawn.

The mask object of an image is the union of its regions. An image that has only a mask, uploaded or imported, is shown
as one region of the image's own type; it becomes rows when it is saved.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sqlmodel import Session, col, func, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import BadInput, Conflict, from_lower
from core.files.discarded_objects import discard_objects
from core.images.edits import put_label
from core.images.labels import check_label
from core.images.library import get_image_row, read_mask_png
from core.images.regions.checks import check_regions
from core.images.regions.records import Region, rasterize
from core.images.regions.rows import drop_rows, find_rows
from core.images.row_versions.checking import check_unchanged, mark_changed
from core.transactions import reading, writing
from inference.errors import ImageError
from storage.object_store import ObjectStoreError
from storage.tables import DefectType, Image, ImageBox

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services


@dataclass(frozen=True)
class ImageRegions:
    """An image with what is marked in it; `is_whole_mask` says that it has a mask and nobody said what is in it."""

    image: Image
    regions: tuple[Region, ...]
    is_whole_mask: bool = False


def list_regions(services: Services, image_id: int) -> ImageRegions:
    """Return what is marked in an image. Raises NotFound, Unavailable, and BadInput for a mask that cannot be read."""
    with reading(services) as session:
        image = get_image_row(session, image_id)
        rows = find_rows(session, image_id)
    if rows or image.mask_key is None:
        return ImageRegions(image, tuple(Region.from_row(row) for row in rows))
    return ImageRegions(image, _read_whole_mask(services, image), is_whole_mask=True)


def save_regions(
    services: Services,
    person: Person,
    image_id: int,
    regions: Sequence[Region],
    *,
    row_version: int,
    own_type_id: int | None = None,
    make_defect: bool = False,
) -> ImageRegions:
    """Replace what is marked in an image, and its mask by the union of it; return what is stored now.

    `row_version` is that of the image as the person saw it. A region without a type shows the image's own. The image
    counts as `own_type_id`, which one of its regions must show; None: as its largest region. A normal image becomes
    a defect image with `make_defect` alone. Raises as `check_regions`; Conflict image_changed, image_is_normal;
    BadInput region_type_wrong, own_type_not_marked; NotFound; Unavailable.
    """
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        image = get_image_row(session, image_id)
        check_unchanged(session, [image], {image_id: row_version})
    checked = check_regions(regions, name=image.stored_name, width_px=image.width_px, height_px=image.height_px)
    if image.image_type == "normal" and checked and not make_defect:
        raise Conflict("image_is_normal", name=image.stored_name)
    checked = [
        region if region.defect_type_id else replace(region, defect_type_id=image.defect_type_id) for region in checked
    ]
    key = _put_mask(services, image, checked)
    try:
        with writing(services) as session:
            row = get_image_row(session, image_id)
            check_unchanged(session, [row], {image_id: row_version})
            codes = _check_types(session, row, checked)
            earlier = find_rows(session, image_id)
            type_before = row.defect_type_id
            _count_as(session, row, checked, own_type_id)
            previous, row.mask_key = row.mask_key, key
            _replace_rows(session, person, image_id, earlier, checked)
            mark_changed(row)
            record(
                session,
                person,
                "image.regions_saved",
                "image",
                image_id,
                name=row.stored_name,
                regions=[len(earlier), len(checked)],
                types={
                    code: sum(region.defect_type_id == number for region in checked) for number, code in codes.items()
                },
                defect_type_id=[type_before, row.defect_type_id],
                row_version=row.row_version,
            )
            session.commit()
    except (BadInput, Conflict):
        # Refused before anything was kept. After other failures the object stays for the collection of orphans: a
        # commit whose response was lost may have been kept, and a row must never point at nothing.
        discard_objects(services, [key] if key else [])
        raise
    discard_objects(services, [previous] if previous else [])
    return list_regions(services, image_id)


def count_regions(services: Services, image_id: int) -> dict[int, int]:
    """Return how many regions of an image show each type, by the type's id; none for a mask that nobody divided."""
    with reading(services) as session:
        counted = session.exec(
            select(ImageBox.defect_type_id, func.count())
            .where(ImageBox.image_id == image_id, col(ImageBox.defect_type_id).is_not(None))
            .group_by(col(ImageBox.defect_type_id))
            .order_by(func.min(ImageBox.id))
        ).all()
    return {number: count for number, count in counted if number is not None}


def find_largest_type(regions: Sequence[Region]) -> int | None:
    """Return the type of the largest region; None without any."""
    return max(regions, key=lambda region: region.area).defect_type_id if regions else None


def _read_whole_mask(services: Services, image: Image) -> tuple[Region, ...]:
    from inference.vision.images.decode import decode_mask

    data = read_mask_png(services, image)
    try:
        marked = None if data is None else decode_mask(data)
    except ImageError as error:
        raise from_lower(error, name=image.stored_name) from error
    if marked is None or marked.shape != (image.height_px, image.width_px) or not marked.any():
        return ()
    return (Region.of_mask(marked, defect_type_id=image.defect_type_id, origin="import"),)


def _put_mask(services: Services, image: Image, regions: Sequence[Region]) -> str | None:
    """Put the union of the regions into the object store; None where there is nothing to mark."""
    if not regions:
        return None
    import numpy as np

    from inference.vision.images.encoding import encode_png

    marked = rasterize(regions, width_px=image.width_px, height_px=image.height_px)
    if not marked.any():
        raise BadInput("region_too_small", number=1)
    key = f"{PurePosixPath(image.object_key).parent}/{uuid.uuid4().hex}_mask.png"
    try:
        services.objects.put(key, encode_png(marked.astype(np.uint8) * np.uint8(255)), content_type="image/png")
    except ObjectStoreError as error:
        raise from_lower(error) from error
    return key


def _check_types(session: Session, image: Image, regions: Sequence[Region]) -> dict[int, str]:
    """Return the codes of the types that the regions show, by id. Raises BadInput region_type_wrong."""
    wanted = {region.defect_type_id for region in regions}
    query = select(DefectType).where(
        DefectType.product_id == image.product_id,
        DefectType.outcome == "defect",
        col(DefectType.id).in_([number for number in wanted if number is not None]),
    )
    codes = {row.id: row.code for row in session.exec(query).all()}
    for number, region in enumerate(regions, start=1):
        if region.defect_type_id not in codes:
            raise BadInput("region_type_wrong", number=number)
    return codes


def _count_as(session: Session, image: Image, regions: Sequence[Region], own_type_id: int | None) -> None:
    """Let the image count as the type that was asked for, or as its largest region."""
    if own_type_id is not None and own_type_id not in {region.defect_type_id for region in regions}:
        raise BadInput("own_type_not_marked")
    type_id = own_type_id or find_largest_type(regions)
    if type_id is None or (image.image_type == "defect" and image.defect_type_id == type_id):
        return
    label = check_label(session, image.product_id, image_type="defect", defect_type_id=type_id, split=image.split)
    put_label(session, image, label)


def _replace_rows(
    session: Session, person: Person, image_id: int, earlier: Sequence[ImageBox], regions: Sequence[Region]
) -> None:
    """Replace the rows; a region that was there before keeps who marked it and when."""
    known = {_form(Region.from_row(row)): (row.created_at, row.created_by) for row in earlier}
    drop_rows(session, [image_id])
    image = get_image_row(session, image_id)
    for region in regions:
        row = ImageBox(
            image_id=image_id,
            defect_type_id=region.defect_type_id,
            shape=region.shape,
            x=region.x,
            y=region.y,
            width=region.width,
            height=region.height,
            outline=region.outline(width_px=image.width_px, height_px=image.height_px),
            origin=region.origin,
            created_by=person.id,
        )
        if (before := known.get(_form(region))) is not None:
            row.created_at, row.created_by = before
        session.add(row)
        session.flush()  # their ids are their order


def _form(region: Region) -> Region:
    return replace(region, defect_type_id=None, type_name="")
