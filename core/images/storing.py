"""One group of prepared images into the object store and the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlmodel import Session, col, or_, select

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import AppError, Conflict, from_lower
from core.files.discarded_objects import discard_objects
from core.files.file_names import clean_file_name
from core.images.masks import store_mask
from core.images.naming import name_prefix, number_after
from core.images.parts import may_replace
from core.images.placement.keys import folder_of
from core.images.preparation import mask_notes
from core.images.records import FileOutcome, PreparedImage
from core.images.regions.records import Region
from core.images.row_versions.checking import mark_changed
from core.images.trash.meeting import refuse_deleted
from core.transactions import reading, writing
from storage.tables import Image, ImageBox, Product

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

_ATTEMPTS = 5
_LOOKED_UP_AT_ONCE = 400  # SQLite takes no more than 999 values in the oldest versions still met
ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "TIFF": ".tif", "WEBP": ".webp"}
CONTENT_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}


class _Known:
    """The product's images by content and by pixels, as far as a group can meet them."""

    def __init__(self, images: Sequence[Image] = ()) -> None:
        self._by_hash: dict[str, Image] = {}
        for image in images:
            self.add(image)

    def add(self, image: Image) -> None:
        self._by_hash.setdefault(image.content_sha256, image)
        self._by_hash.setdefault(image.pixel_sha256, image)

    def find(self, prepared: PreparedImage) -> Image | None:
        return self._by_hash.get(prepared.content_sha256) or self._by_hash.get(prepared.pixel_sha256)


# Writes, in the transaction of new images, what belongs to them; called again where the transaction is repeated.
Along = Callable[[Session, Sequence[tuple[PreparedImage, Image]]], None]


def store_group(
    services: Services,
    person: Person,
    product: Product,
    group: Sequence[PreparedImage | FileOutcome],
    *,
    along: Along | None = None,
) -> Iterator[FileOutcome]:
    """Store a group and yield the outcome of each of its files. Raises AppError when a store fails.

    An image that lies in the product's trash is refused (`image_in_trash`): put back, it has its labels, mask and
    regions again. What `along` raises ends the transaction: none of the group is stored then.
    """
    require_role(services, person, ENGINEER)
    prepared = [entry for entry in group if isinstance(entry, PreparedImage)]
    with reading(services) as session:
        known = _look_up(session, product, prepared)
        deleted = refuse_deleted(session, product.id, [entry for entry in prepared if known.find(entry) is None])
    prepared = [entry for entry in prepared if entry.token not in deleted]
    new: list[PreparedImage] = []
    seen: set[str] = set()
    for entry in prepared:
        if known.find(entry) is None and not seen & {entry.content_sha256, entry.pixel_sha256}:
            new.append(entry)
            seen |= {entry.content_sha256, entry.pixel_sha256}
    added: dict[str, Image] = {}
    if new or any(_brings_news(entry, known.find(entry)) for entry in prepared):
        _put_objects(services, product, new)
        # When the database fails, the objects stay for the collection of orphans: a commit whose response was lost may
        # have been kept, and a row must never point at nothing.
        known, added = _commit(services, person, product, new, everything=prepared, along=along)
        unused = [key for entry in new if entry.token not in added for key in _keys(product, entry).values()]
        discard_objects(services, unused)
    for member in group:
        if isinstance(member, FileOutcome):
            yield member
        elif member.token in deleted:
            yield deleted[member.token]
        else:
            yield from _outcomes(services, person, member, added.get(member.token), known.find(member))


def _outcomes(
    services: Services, person: Person, entry: PreparedImage, image: Image | None, existing: Image | None
) -> Iterator[FileOutcome]:
    name = entry.item.file.name
    if image is not None:
        yield FileOutcome(name, "added", image.id, image.stored_name, notes=entry.notes)
    else:
        assert existing is not None
        error = Conflict("image_duplicate", name=name, existing=existing.stored_name)
        yield FileOutcome(
            name, "duplicate", existing.id, existing.stored_name, error, entry.notes, existing.stored_name
        )
    mask = entry.item.mask
    if mask is None:
        if image is None and existing is not None and existing.mask_key is None and entry.mask_png is not None:
            # Its regions come later than the image.
            store_mask(services, person, existing.id, entry.mask_png, name=name)
        return
    target = image or existing
    assert target is not None
    if entry.mask_error is not None:
        yield FileOutcome(mask.name, "refused", target.id, target.stored_name, entry.mask_error, ("mask",))
        return
    if image is None and entry.mask_png is not None:
        # The image was here before, its mask comes later.
        try:
            store_mask(services, person, target.id, entry.mask_png, name=mask.name)
        except AppError as failure:
            yield FileOutcome(mask.name, "refused", target.id, target.stored_name, failure, ("mask",))
            return
    notes = mask_notes(entry.mask_share)
    yield FileOutcome(mask.name, "added", target.id, target.stored_name, notes=notes, mask_share=entry.mask_share)


def _look_up(session: Session, product: Product, prepared: Sequence[PreparedImage]) -> _Known:
    found: list[Image] = []
    for start in range(0, len(prepared), _LOOKED_UP_AT_ONCE):
        part = prepared[start : start + _LOOKED_UP_AT_ONCE]
        same = or_(
            col(Image.content_sha256).in_([entry.content_sha256 for entry in part]),
            col(Image.pixel_sha256).in_([entry.pixel_sha256 for entry in part]),
        )
        found += session.exec(select(Image).where(Image.product_id == product.id, same)).all()
    return _Known(found)


def _keys(product: Product, entry: PreparedImage) -> dict[str, str]:
    label = entry.item.label
    stem = f"{folder_of(label.image_type, product.id, label.defect_type_id)}/{entry.token}"
    keys = {"image": stem + ENDINGS[entry.format], "thumbnail": f"thumbnails/{product.id}/{entry.token}.jpg"}
    if entry.mask_png is not None:
        keys["mask"] = f"{stem}_mask.png"
    return keys


def _put_objects(services: Services, product: Product, new: Sequence[PreparedImage]) -> None:
    by_type: dict[str, list[tuple[str, bytes]]] = {}
    for entry in new:
        keys = _keys(product, entry)
        by_type.setdefault(CONTENT_TYPES[entry.format], []).append((keys["image"], entry.data))
        by_type.setdefault("image/jpeg", []).append((keys["thumbnail"], entry.thumbnail))
        if entry.mask_png is not None:
            by_type.setdefault("image/png", []).append((keys["mask"], entry.mask_png))
    for content_type, items in by_type.items():
        failed = services.objects.put_many(items, content_type=content_type)
        if failed:
            discard_objects(services, [key for part in by_type.values() for key, _data in part if key not in failed])
            raise from_lower(next(iter(failed.values())))


def _commit(
    services: Services,
    person: Person,
    product: Product,
    new: Sequence[PreparedImage],
    *,
    everything: Sequence[PreparedImage],
    along: Along | None,
) -> tuple[_Known, dict[str, Image]]:
    """Store the rows of `new` and return them by token, without those that somebody else stored meanwhile."""
    attempt = 1
    while True:
        try:
            with writing(services) as session:
                known = _look_up(session, product, everything)
                added = _add_rows(session, person, product, new, known)
                _bring_parts(session, person, everything, known)
                _bring_regions(session, person, everything, known, added)
                if along is not None:
                    along(session, [(entry, added[entry.token]) for entry in new if entry.token in added])
                session.commit()
        except Conflict:
            # Two processes took the same number or the same content; look again.
            if attempt == _ATTEMPTS:
                raise
            attempt += 1
        else:
            return known, added


def _brings_part(entry: PreparedImage, existing: Image | None) -> bool:
    """Return whether the name of the part is news for an image that was here before."""
    item = entry.item
    if existing is None or not item.part or existing.part == item.part:
        return False
    return may_replace(item.part_source, earlier=existing.part_source)


def _brings_news(entry: PreparedImage, existing: Image | None) -> bool:
    return _brings_part(entry, existing) or bool(
        existing is not None and (entry.item.regions or entry.item.view or entry.item.domain)
    )


def _bring_parts(session: Session, person: Person, everything: Sequence[PreparedImage], known: _Known) -> None:
    """Name the part of images that were here before, where it is named only now."""
    for entry in everything:
        image = known.find(entry)
        if image is None or not _brings_part(entry, image):
            continue
        item = entry.item
        changes = {"part": [image.part, item.part], "part_source": [image.part_source, item.part_source]}
        record(session, person, "image.part", "image", image.id, name=image.stored_name, changes=changes)
        image.part, image.part_source = item.part, item.part_source
        mark_changed(image)


def _bring_regions(
    session: Session, person: Person, everything: Sequence[PreparedImage], known: _Known, added: Mapping[str, Image]
) -> None:
    """Store the regions of new images, and regions, view and domain of images that were here before and have none."""
    for entry in everything:
        item, image = entry.item, known.find(entry)
        if image is None:
            continue
        is_new = entry.token in added
        if not is_new and item.view and not image.view:
            image.view = item.view
            mark_changed(image)
        if not is_new and item.domain and not image.domain:
            image.domain = item.domain
            mark_changed(image)
        if not item.regions or image.image_type != "defect":
            continue
        if not is_new:
            has_some = session.exec(select(ImageBox.id).where(ImageBox.image_id == image.id).limit(1)).first()
            if has_some is not None:
                continue
            mark_changed(image)
            record(session, person, "image.regions", "image", image.id, name=image.stored_name, count=len(item.regions))
        session.add_all(_region_row(region, image, person) for region in item.regions)


def _region_row(region: Region, image: Image, person: Person) -> ImageBox:
    return ImageBox(
        image_id=image.id,
        defect_type_id=region.defect_type_id or image.defect_type_id,
        shape=region.shape,
        x=region.x,
        y=region.y,
        width=region.width,
        height=region.height,
        outline=region.outline(width_px=image.width_px, height_px=image.height_px),
        origin=region.origin,
        created_by=person.id,
    )


def _add_rows(
    session: Session, person: Person, product: Product, new: Sequence[PreparedImage], known: _Known
) -> dict[str, Image]:
    numbers: dict[str, int] = {}
    added: dict[str, Image] = {}
    for entry in new:
        if known.find(entry) is not None:
            continue
        label, keys = entry.item.label, _keys(product, entry)
        prefix = name_prefix(product, label.defect_code)
        if prefix not in numbers:
            numbers[prefix] = number_after(session, prefix)
        image = Image(
            product_id=product.id,
            image_type=label.image_type,
            defect_type_id=label.defect_type_id,
            split=label.split,
            stored_name=f"{prefix}{numbers[prefix]:03d}{ENDINGS[entry.format]}",
            original_name=clean_file_name(entry.item.original_name or entry.item.file.name, with_folders=True),
            object_key=keys["image"],
            thumbnail_key=keys["thumbnail"],
            mask_key=keys.get("mask"),
            content_sha256=entry.content_sha256,
            pixel_sha256=entry.pixel_sha256,
            byte_size=len(entry.data),
            width_px=entry.width_px,
            height_px=entry.height_px,
            file_format=entry.format,
            notes=list(entry.notes),
            part=entry.item.part,
            part_source=entry.item.part_source,
            view=entry.item.view,
            domain=entry.item.domain,
            origin=entry.item.origin,
            quality=entry.quality,
            blur_score=entry.blur_score,
            difference_hash=entry.difference_hash,
            inspection_id=entry.item.inspection_id,
            created_by=person.id,
        )
        numbers[prefix] += 1
        added[entry.token] = image
        known.add(image)
    session.add_all(added.values())
    session.flush()
    if added:
        names = [image.stored_name for image in added.values()]
        record(
            session,
            person,
            "images.added",
            "product",
            product.id,
            count=len(names),
            first=names[0],
            last=names[-1],
        )
    for image in added.values():
        if image.inspection_id is not None:
            record(
                session,
                person,
                "inspection.to_images",
                "inspection",
                image.inspection_id,
                image_id=image.id,
                name=image.stored_name,
                image_type=image.image_type,
            )
    return added
