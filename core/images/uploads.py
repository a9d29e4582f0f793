"""Uploads: images, ZIP files of images, and masks, each under the label that was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.access import ENGINEER, require_role
from core.errors import BadInput, Conflict, NotFound
from core.images.exposures.rules import PartRule, read_rule
from core.images.incoming import expand_archives, pair_masks
from core.images.ingest import ingest_images
from core.images.labels import check_label
from core.images.masks import set_mask
from core.images.parts import FILE_NAME
from core.images.preparation import mask_notes
from core.images.records import FileOutcome, IncomingFile, IngestItem, Label
from core.transactions import reading
from storage.tables import Image, Product

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services


def add_images(
    services: Services,
    person: Person,
    *,
    product_id: int,
    image_type: str,
    defect_type_id: int | None = None,
    split: str = "train",
    part_rule: str = "",
    files: Iterable[IncomingFile],
) -> Iterator[FileOutcome]:
    """Ingest images, ZIP files of images, and masks (`x_mask.png` beside x, or later under the image's name).

    `part_rule` (see `core.images.exposures.rules`) reads the part out of each file's name; an image whose name it does
    not fit is a part of its own. Yields the outcome of each file as it is stored; a file that is refused does not stop
    the others. The label and the rule are checked at once: raises BadInput image_type_unknown, image_split_unknown,
    defect_type_missing, defect_type_not_wanted, and those of the rule; NotFound not_found. While iterating: AppError
    when a store fails.
    """
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        product = session.get(Product, product_id)
        if product is None:
            raise NotFound("not_found")
        label = check_label(session, product_id, image_type=image_type, defect_type_id=defect_type_id, split=split)
    rule = read_rule(part_rule) if part_rule.strip() else None
    return _add(services, person, product, label, files, rule)


def _add(
    services: Services,
    person: Person,
    product: Product,
    label: Label,
    files: Iterable[IncomingFile],
    rule: PartRule | None,
) -> Iterator[FileOutcome]:
    with expand_archives(files) as (found, refused):
        yield from refused
        pairs, lone_masks = pair_masks(found)
        yield from ingest_images(services, person, product, (_item(file, label, mask, rule) for file, mask in pairs))
        for mask in lone_masks:
            yield _add_lone_mask(services, person, product, mask)


def _item(file: IncomingFile, label: Label, mask: IncomingFile | None, rule: PartRule | None) -> IngestItem:
    part = "" if rule is None else rule.find(file.name)
    return IngestItem(file, label, mask, part, FILE_NAME if part else "")


def _add_lone_mask(services: Services, person: Person, product: Product, mask: IncomingFile) -> FileOutcome:
    """Set a mask that comes without its image, looked up by its stored, then by its original name."""
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
        share = set_mask(services, person, image.id, mask).share
    except (BadInput, Conflict, NotFound) as failure:
        return FileOutcome(mask.name, "refused", image.id, image.stored_name, failure, ("mask",))
    notes = mask_notes(share)
    return FileOutcome(mask.name, "added", image.id, image.stored_name, notes=notes, mask_share=share)
