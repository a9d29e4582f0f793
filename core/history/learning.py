"""Learning from inspections: a confirmed part becomes a normal or a defect image, its regions the mask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.access import ENGINEER, Person, require_role
from core.errors import BadInput, Conflict, NotFound, from_lower
from core.images.ingest import ingest_images
from core.images.labels import check_label
from core.images.parts import INSPECTION, part_of_trace
from core.images.records import BY_INSPECTION, FileOutcome, IncomingFile, IngestItem
from core.inspections.records import InspectionRecord, load_record
from core.transactions import HasDatabase, reading
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import Image, Inspection, Product, User

if TYPE_CHECKING:
    from core.services import Services


@dataclass(frozen=True)
class LearnedImage:
    """A curated image that came from an inspection: its name, what it is used as, by whom and when (UTC)."""

    image_id: int
    stored_name: str
    image_type: str
    person_name: str
    created_at: datetime


def find_learned(services: HasDatabase, inspection_id: int) -> LearnedImage | None:
    """Return the curated image that came from an inspection; None where there is none (any more)."""
    query = (
        select(Image, User.display_name)
        .outerjoin(User, col(User.id) == col(Image.created_by))
        .where(Image.inspection_id == inspection_id)
        .order_by(col(Image.id).desc())
    )
    with reading(services) as session:
        found = session.exec(query).first()
    if found is None:
        return None
    image, name = found
    return LearnedImage(image.id, image.stored_name, image.image_type, name or "", image.created_at)


def add_to_images(
    services: Services, person: Person, inspection_id: int, *, defect_type_id: int | None = None
) -> FileOutcome:
    """Take the picture of an inspection into the training images of its product, and return what became of it.

    A part that is OK becomes a normal image, one that is NG a defect image of its confirmed type (or of
    `defect_type_id`), with the places that the inspection found as its mask. Its trace names the part.

    Raises NotAllowed; NotFound; Conflict(`learning_not_decided`, `learning_not_confirmed`, `learning_image_changed`,
    `image_duplicate` with the name of the image that is there already); BadInput(`defect_type_missing`); and AppError
    when a store fails.
    """
    require_role(services, person, ENGINEER)
    inspected = load_record(services, inspection_id)
    decision = inspected.decision
    if decision.verdict == "review":
        raise Conflict("learning_not_decided", number=inspection_id)
    if decision.review_state == "waiting":
        raise Conflict("learning_not_confirmed", number=inspection_id)
    is_defect = decision.verdict == "reject"
    with reading(services) as session:
        product, row = session.get(Product, inspected.product.id), session.get(Inspection, inspection_id)
        if product is None or row is None:
            raise NotFound("not_found")
        label = check_label(
            session,
            product.id,
            image_type="defect" if is_defect else "normal",
            defect_type_id=(defect_type_id or decision.defect_type_id) if is_defect else None,
            split="train",
        )
    part = part_of_trace(lot=inspected.part.lot, serial=inspected.part.serial)
    data = _read_picture(services, inspected, sha256=row.image_sha256)
    item = IngestItem(
        file=IncomingFile(inspected.original_name, lambda: data),
        label=label,
        mask=_mask_of(services, inspected) if is_defect else None,
        part=part,
        part_source=INSPECTION if part else "",
        inspection_id=inspection_id,
        origin=BY_INSPECTION,
    )
    outcome = next(iter(list(ingest_images(services, person, product, [item]))))
    if outcome.outcome != "added":
        raise outcome.error or BadInput("image_unreadable", name=inspected.original_name)
    return outcome


def _read_picture(services: Services, inspected: InspectionRecord, *, sha256: str) -> bytes:
    from inference.vision.images.decode import content_hash

    try:
        data = services.objects.get(inspected.image_key)
    except ObjectStoreError as error:
        raise from_lower(error, name=inspected.original_name) from error
    if content_hash(data) != sha256:
        raise Conflict("learning_image_changed", number=inspected.id)
    return data


def _mask_of(services: Services, inspected: InspectionRecord) -> IncomingFile | None:
    """Return the regions of an inspection as a mask file; None where it found no region or its map cannot be read."""
    from inference.vision.detection.regions import draw_region_mask
    from inference.vision.images.decode import decode_map
    from inference.vision.images.encoding import encode_png

    if not inspected.regions:
        return None
    try:
        mask = draw_region_mask(
            decode_map(services.objects.get(inspected.heat_map_key)),
            threshold=inspected.review_at,
            image_size_px=(inspected.width_px, inspected.height_px),
            boxes=[(region.x, region.y, region.w, region.h) for region in inspected.regions],
        )
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error, name=inspected.original_name) from error
    png = encode_png((mask * 255).astype("uint8"))
    return IncomingFile(f"{inspected.original_name}_mask.png", lambda: png)
