"""Where the defect of an image is: marked by a mask, else its most anomalous place, as the index was built with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sqlmodel import Session, col, select

from core.catalog.views import built_views
from core.images.bit_depth import find_bit_depth, read_bit_depth
from core.models.kinds import SIMILARITY_INDEX
from core.models.sources import IndexSources
from core.registry.versions import active_version
from core.similarity.embedding_store import Box, find_boxes, name_maker
from core.transactions import HasDatabase, reading
from inference.vision.images.bit_depth import BY_IMAGE, Reading
from storage.json_fields import read_int, read_objects
from storage.tables import Image, Inspection, ModelVersion


@dataclass(frozen=True)
class Place:
    """The defective place in the image `object_key`, which people know as `name`.

    `mask_key` is the object of its mask, `box` (x, y, w, h) in pixels the most anomalous place. Each may be missing.
    `bit_depth` is what the image is read with.
    """

    object_key: str
    name: str
    mask_key: str | None = None
    box: Box | None = None
    bit_depth: Reading = BY_IMAGE

    @property
    def is_known(self) -> bool:
        """Return whether there is a place to cut out."""
        return self.mask_key is not None or self.box is not None


def find_places(services: HasDatabase, ids: Collection[int]) -> dict[int, Place]:
    """Return the place of each image, by id: that of a curated image, or the negative one of an inspection.

    What was deleted is not among them. Normal images, and those that no index of defective places holds, have no place.
    """
    with reading(services) as session:
        images = session.exec(select(Image).where(col(Image.id).in_([found for found in ids if found > 0]))).all()
        inspected = session.exec(
            select(Inspection).where(col(Inspection.id).in_([-found for found in ids if found < 0]))
        ).all()
        hashes: dict[int, set[str]] = {}
        for image in images:
            if image.image_type == "defect" and image.mask_key is None:
                hashes.setdefault(image.product_id, set()).add(image.content_sha256)
        for row in inspected:
            hashes.setdefault(row.product_id, set()).add(row.image_sha256)
        finders = {product_id: _find_finders(session, product_id) for product_id in hashes}
        depths = {own: find_bit_depth(session, *own) for own in {(row.product_id, row.view) for row in images}}
    boxes: dict[tuple[int, str], Box] = {}
    for product_id, finder in ((product_id, one) for product_id, own in finders.items() for one in own):
        found = find_boxes(services, finder, hashes[product_id])
        boxes |= {(product_id, sha256): box for sha256, box in found.items()}
    places = {image.id: _place_in_image(image, boxes, depths[image.product_id, image.view]) for image in images}
    return places | {-row.id: _place_in_part(row, boxes) for row in inspected}


def _find_finders(session: Session, product_id: int) -> list[str]:
    """Return the names of the memory banks that found the defective places of the indexes in use, of each view."""
    found = (_find_finder(session, product_id, view) for view in built_views(session, product_id))
    return [name for name in found if name is not None]


def _find_finder(session: Session, product_id: int, view: str) -> str | None:
    version = active_version(session, SIMILARITY_INDEX, product_id, "region", view)
    bank_id = IndexSources.from_json(version.sources).bank_version_id if version is not None else None
    bank = session.get(ModelVersion, bank_id) if bank_id is not None else None
    return name_maker(bank.manifest_sha256, read_bit_depth(bank.preprocessing)) if bank is not None else None


def _place_in_image(image: Image, boxes: Mapping[tuple[int, str], Box], bit_depth: Reading) -> Place:
    if image.image_type != "defect":
        return Place(image.object_key, image.stored_name, bit_depth=bit_depth)
    box = boxes.get((image.product_id, image.content_sha256))
    return Place(image.object_key, image.stored_name, image.mask_key, box, bit_depth)


def _place_in_part(row: Inspection, boxes: Mapping[tuple[int, str], Box]) -> Place:
    # Of a part that is in no index yet: the region that its inspection found to differ most.
    box = boxes.get((row.product_id, row.image_sha256)) or next(_read_boxes(row.regions), None)
    return Place(row.image_key, row.original_name, box=box, bit_depth=read_bit_depth(row.preprocessing))


def _read_boxes(value: object) -> Iterator[Box]:
    """Yield the boxes of the regions in an inspection's row, the highest score first, as they are stored."""
    for one in read_objects(value):
        x, y, w, h = (read_int(one.get(name)) for name in ("x", "y", "w", "h"))
        if x is not None and y is not None and w is not None and h is not None:
            yield (x, y, w, h)
