"""The masks of defect images: set, replaced, removed. A mask takes the place of the regions that were marked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import BadInput, from_lower
from core.files.discarded_objects import discard_objects
from core.images.library import get_image, get_image_row
from core.images.preparation import read_mask
from core.images.records import IncomingFile, Label
from core.images.regions.rows import drop_rows
from core.images.row_versions.checking import check_unchanged, mark_changed
from core.transactions import writing
from storage.object_store import ObjectStoreError
from storage.tables import Image

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services


@dataclass(frozen=True)
class SetMask:
    """An image whose mask was set, and the share of it that the mask covers; None without a mask."""

    image: Image
    share: float | None = None


def set_mask(
    services: Services, person: Person, image_id: int, mask: IncomingFile | None, *, row_version: int | None = None
) -> SetMask:
    """Set the mask of a defect image, or remove it (None).

    `row_version` is that of the image as the person saw it; None for whoever saw none. Raises as `read_mask`; NotFound
    not_found; Conflict image_changed.
    """
    require_role(services, person, ENGINEER)
    image = get_image(services, image_id)
    if mask is None:
        return SetMask(store_mask(services, person, image_id, None, row_version=row_version))
    label = Label(image.image_type, image.split)
    read = read_mask(mask, label=label, width_px=image.width_px, height_px=image.height_px)
    image = store_mask(services, person, image_id, read.png, name=mask.name, row_version=row_version)
    return SetMask(image, read.share)


def store_mask(
    services: Services,
    person: Person,
    image_id: int,
    mask_png: bytes | None,
    *,
    name: str = "",
    row_version: int | None = None,
) -> Image:
    """Put a mask that was already checked beside its image.

    Raises BadInput mask_of_normal_image; NotFound; Conflict image_changed as `set_mask`.
    """
    require_role(services, person, ENGINEER)
    key = None
    if mask_png is not None:
        folder = PurePosixPath(get_image(services, image_id).object_key).parent
        key = f"{folder}/{uuid.uuid4().hex}_mask.png"
        try:
            services.objects.put(key, mask_png, content_type="image/png")
        except ObjectStoreError as error:
            raise from_lower(error) from error
    with writing(services) as session:
        image = get_image_row(session, image_id)
        check_unchanged(session, [image], None if row_version is None else {image_id: row_version})
        if key is not None and image.image_type != "defect":
            raise BadInput("mask_of_normal_image", name=name)
        drop_rows(session, [image_id])
        previous, image.mask_key = image.mask_key, key
        mark_changed(image)
        record(
            session,
            person,
            "image.mask_set",
            "image",
            image_id,
            name=image.stored_name,
            removed=key is None,
            row_version=image.row_version,
        )
        session.commit()
    discard_objects(services, [previous] if previous else [])
    return image
