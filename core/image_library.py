"""The image library: take in, list, read, re-label and delete the curated images of a product."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sqlmodel import Session, col, func, select

from core.audit import record
from core.errors import BadInput, Conflict, NotFound, from_lower
from core.image_intake import FileOutcome, IncomingFile, IntakeItem, Label, read_mask, take_in
from core.image_storing import discard_objects, name_prefix, number_after
from core.incoming import expand_archives, pair_masks
from core.roles import ENGINEER, require_role
from core.transactions import reading, writing
from storage.object_store import ObjectStoreError
from storage.tables import DefectType, Image, Product, utc_now

if TYPE_CHECKING:
    from core.accounts import Person
    from core.services import Services

__all__ = [
    "FileOutcome",
    "IncomingFile",
    "Page",
    "add_images",
    "delete_images",
    "get_image",
    "list_images",
    "read_image",
    "read_thumbnails",
    "relabel_images",
    "set_mask",
    "store_mask",
]

IMAGE_TYPES = ("normal", "defect")
SPLITS = ("train", "test")
_AT_ONCE = 500


@dataclass(frozen=True)
class Page:
    """One page of a listing; `page` counts from 1 and is the last one where a later was asked for."""

    rows: list[Image]
    total: int
    page: int
    page_size: int

    @property
    def n_pages(self) -> int:
        """Pages in all, at least one."""
        return max(1, -(-self.total // self.page_size))


def add_images(
    services: Services,
    person: Person,
    *,
    product_id: int,
    image_type: str,
    defect_type_id: int | None = None,
    split: str = "train",
    files: Iterable[IncomingFile],
) -> Iterator[FileOutcome]:
    """Take in images, ZIP files of images, and masks (`x_mask.png` beside x, or later under the image's name).

    Yields the outcome of each file as it is stored; a file that is refused does not stop the others. The label is
    checked at once: raises BadInput image_type_unknown, image_split_unknown, defect_type_missing,
    defect_type_not_wanted; NotFound not_found. While iterating: AppError when a store fails.
    """
    require_role(person.role, ENGINEER)
    with reading(services) as session:
        product = session.get(Product, product_id)
        if product is None:
            raise NotFound("not_found")
        label = _check_label(session, product_id, image_type=image_type, defect_type_id=defect_type_id, split=split)
    return _add(services, person, product, label, files)


def list_images(
    services: Services,
    product_id: int,
    *,
    image_type: str | None = None,
    defect_type_id: int | None = None,
    split: str | None = None,
    page: int = 1,
    page_size: int = 48,
) -> Page:
    """One page of a product's images, newest first."""
    conditions = [col(Image.product_id) == product_id]
    if image_type is not None:
        conditions.append(col(Image.image_type) == image_type)
    if defect_type_id is not None:
        conditions.append(col(Image.defect_type_id) == defect_type_id)
    if split is not None:
        conditions.append(col(Image.split) == split)
    with reading(services) as session:
        total = session.exec(select(func.count()).select_from(Image).where(*conditions)).one()
        page = min(max(1, page), max(1, -(-total // page_size)))
        newest = select(Image).where(*conditions).order_by(col(Image.id).desc())
        rows = session.exec(newest.offset((page - 1) * page_size).limit(page_size)).all()
    return Page(list(rows), total, page, page_size)


def get_image(services: Services, image_id: int) -> Image:
    """The image's row. Raises NotFound not_found."""
    with reading(services) as session:
        return _get_image(session, image_id)


def read_image(services: Services, image: Image) -> bytes:
    """The file as it was taken in. Raises NotFound object_missing, Unavailable."""
    return _read_object(services, image.object_key, image.stored_name)


def read_mask_png(services: Services, image: Image) -> bytes | None:
    """The image's mask (grey PNG of 0 and 255), None where it has none. Raises as `read_image`."""
    return None if image.mask_key is None else _read_object(services, image.mask_key, image.stored_name)


def read_thumbnails(services: Services, images: Sequence[Image]) -> dict[int, bytes | None]:
    """Thumbnails (WebP) by image id; None for one that cannot be read now."""
    found = services.objects.get_many([image.thumbnail_key for image in images])
    return {
        image.id or 0: None if isinstance(data, ObjectStoreError) else data
        for image, (_key, data) in zip(images, found, strict=True)
    }


def relabel_images(
    services: Services,
    person: Person,
    image_ids: Sequence[int],
    *,
    image_type: str | None = None,
    defect_type_id: int | None = None,
    split: str | None = None,
) -> int:
    """Change what images show (`image_type`, with the type for defects), their split, or both; None keeps it.

    The stored name follows the label; the object keeps its key, because only the row says what it is. The mask of an
    image that becomes normal is dropped. Returns how many changed. Raises as `add_images`, and BadInput
    no_images_chosen.
    """
    require_role(person.role, ENGINEER)
    dropped: list[str] = []
    changed = 0
    with writing(services) as session:
        for image in _get_images(session, image_ids):
            label = _check_label(
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
                _forget_example(session, image)
            if label.image_type == "normal" and image.mask_key is not None:
                dropped.append(image.mask_key)
                image.mask_key = None
            image.image_type, image.defect_type_id, image.split = label.image_type, label.defect_type_id, label.split
            _touch(image)
            changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
            record(session, person, "image.relabelled", "image", image.id, name=image.stored_name, changes=changes)
            session.flush()
            changed += 1
        session.commit()
    discard_objects(services, dropped)
    return changed


def delete_images(services: Services, person: Person, image_ids: Sequence[int]) -> int:
    """Delete images: the rows, then their files. Inspections keep what they showed. Returns how many there were."""
    require_role(person.role, ENGINEER)
    keys: list[str] = []
    with writing(services) as session:
        images = _get_images(session, image_ids)
        for image in images:
            keys += [key for key in (image.object_key, image.thumbnail_key, image.mask_key) if key]
            _forget_example(session, image)
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


def set_mask(services: Services, person: Person, image_id: int, mask: IncomingFile | None) -> Image:
    """Set the mask of a defect image, or remove it (None). Raises as `read_mask`; NotFound not_found."""
    require_role(person.role, ENGINEER)
    image = get_image(services, image_id)
    if mask is None:
        return store_mask(services, person, image_id, None)
    label = Label(image.image_type, image.split)
    data = read_mask(mask, label=label, width_px=image.width_px, height_px=image.height_px)
    return store_mask(services, person, image_id, data, name=mask.name)


def store_mask(services: Services, person: Person, image_id: int, mask_png: bytes | None, *, name: str = "") -> Image:
    """Put a mask that was already checked beside its image. Raises BadInput mask_of_normal_image; NotFound."""
    key = None
    if mask_png is not None:
        folder = PurePosixPath(get_image(services, image_id).object_key).parent
        key = f"{folder}/{uuid.uuid4().hex}_mask.png"
        try:
            services.objects.put(key, mask_png, content_type="image/png")
        except ObjectStoreError as error:
            raise from_lower(error) from error
    with writing(services) as session:
        image = _get_image(session, image_id)
        if key is not None and image.image_type != "defect":
            raise BadInput("mask_of_normal_image", name=name)
        previous, image.mask_key = image.mask_key, key
        _touch(image)
        record(session, person, "image.mask_set", "image", image_id, name=image.stored_name, removed=key is None)
        session.commit()
    discard_objects(services, [previous] if previous else [])
    return image


def _add(
    services: Services, person: Person, product: Product, label: Label, files: Iterable[IncomingFile]
) -> Iterator[FileOutcome]:
    with expand_archives(files) as (found, refused):
        yield from refused
        pairs, lone_masks = pair_masks(found)
        yield from take_in(services, person, product, (IntakeItem(file, label, mask) for file, mask in pairs))
        for mask in lone_masks:
            yield _add_lone_mask(services, person, product, mask)


def _add_lone_mask(services: Services, person: Person, product: Product, mask: IncomingFile) -> FileOutcome:
    """A mask that comes without its image: the image is looked up by its stored, then by its original name."""
    stem = PurePosixPath(mask.name).name.rsplit(".", 1)[0][: -len("_mask")]
    with reading(services) as session:
        own = select(Image).where(Image.product_id == product.id).order_by(col(Image.id).desc()).limit(20)
        found: list[Image] = []
        for attribute in ("stored_name", "original_name"):
            name = getattr(Image, attribute)
            rows = session.exec(own.where(col(name).startswith(f"{stem}.", autoescape=True))).all()
            found += [row for row in rows if PurePosixPath(getattr(row, attribute)).stem == stem]
    if not found:
        error = BadInput("mask_without_image", name=mask.name)
        return FileOutcome(mask.name, "refused", error=error, notes=("mask",))
    image = found[0]
    try:
        set_mask(services, person, image.id or 0, mask)
    except (BadInput, Conflict, NotFound) as failure:
        return FileOutcome(mask.name, "refused", image.id, image.stored_name, failure, ("mask",))
    return FileOutcome(mask.name, "added", image.id, image.stored_name, notes=("mask",))


def _check_label(
    session: Session, product_id: int, *, image_type: str, defect_type_id: int | None, split: str
) -> Label:
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


def _rename(session: Session, image: Image, label: Label) -> None:
    product = session.get(Product, image.product_id)
    assert product is not None
    prefix = name_prefix(product, label.defect_code)
    ending = PurePosixPath(image.stored_name).suffix
    image.stored_name = f"{prefix}{number_after(session, prefix):03d}{ending}"


def _forget_example(session: Session, image: Image) -> None:
    defect_type = None if image.defect_type_id is None else session.get(DefectType, image.defect_type_id)
    if defect_type is not None and image.id in defect_type.example_image_ids:
        defect_type.example_image_ids = [number for number in defect_type.example_image_ids if number != image.id]


def _touch(image: Image) -> None:
    image.row_version += 1
    image.updated_at = utc_now()


def _get_image(session: Session, image_id: int) -> Image:
    image = session.get(Image, image_id)
    if image is None:
        raise NotFound("not_found")
    return image


def _get_images(session: Session, image_ids: Sequence[int]) -> list[Image]:
    if not image_ids:
        raise BadInput("no_images_chosen")
    images: list[Image] = []
    for start in range(0, len(image_ids), _AT_ONCE):
        images += session.exec(select(Image).where(col(Image.id).in_(image_ids[start : start + _AT_ONCE]))).all()
    return images


def _read_object(services: Services, key: str, name: str) -> bytes:
    try:
        return services.objects.get(key)
    except ObjectStoreError as error:
        raise from_lower(error, name=name) from error
