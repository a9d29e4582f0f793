"""Uploads: images, ZIP files of images, and masks, each under the label that was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.access import ENGINEER, require_role
from core.errors import BadInput, Conflict, NotFound
from core.images.domains import read_domain
from core.images.exposures.rules import PartRule, read_rule
from core.images.imports.file_names import mask_owner
from core.images.imports.planning import plan_import
from core.images.imports.sources import source_of
from core.images.incoming import expand_archives
from core.images.ingest import ingest_images
from core.images.labels import check_label
from core.images.masks import set_mask
from core.images.parts import FILE_NAME
from core.images.preparation import mask_notes
from core.images.records import BY_UPLOAD, FileOutcome, IncomingFile, IngestItem, Label
from core.images.views.naming import settle_view
from core.transactions import reading
from storage.tables import Image, Product

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

# One product is planned, whatever the folders call it.
_THE_PRODUCT = "product"


def add_images(
    services: Services,
    person: Person,
    *,
    product_id: int,
    image_type: str,
    defect_type_id: int | None = None,
    split: str = "train",
    part_rule: str = "",
    view: str = "",
    domain: str = "",
    files: Iterable[IncomingFile],
    origin: str = BY_UPLOAD,
) -> Iterator[FileOutcome]:
    """Ingest images, ZIP files of images, and masks (`x_mask.png` beside x, or later under the image's name).

    All images get the label that was chosen, whatever their folders are called; masks and what is no picture of a part
    are recognized as in an import (see `core.images.imports.planning`).

    `part_rule` (see `core.images.exposures.rules`) reads the part out of each file's name; an image whose name it does
    not fit is a part of its own. `view` is the view that all of them show, and `domain` where all were taken; without
    them names of files and folders may say one. `origin` is kept with each image. Yields the outcome of each file as it
    is stored; a file that is refused does not stop the others. The label and the rule are checked at once: raises
    BadInput image_type_unknown, image_split_unknown, defect_type_missing, defect_type_not_wanted, image_view_unknown,
    image_domain_unknown, and those of the rule; NotFound not_found. While iterating: AppError when a store fails.
    """
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        product = session.get(Product, product_id)
        if product is None:
            raise NotFound("not_found")
        label = check_label(session, product_id, image_type=image_type, defect_type_id=defect_type_id, split=split)
        code = settle_view(session, product_id, view)
    rule = read_rule(part_rule) if part_rule.strip() else None
    return _add(services, person, product, label, files, rule, origin, code, read_domain(domain))


def _add(
    services: Services,
    person: Person,
    product: Product,
    label: Label,
    files: Iterable[IncomingFile],
    rule: PartRule | None,
    origin: str,
    view: str,
    domain: str,
) -> Iterator[FileOutcome]:
    with expand_archives(files) as (found, refused):
        yield from refused
        items, left_out, lone_masks = _pair(found, label, rule, origin, view, domain)
        yield from ingest_images(services, person, product, items)
        yield from left_out
        for mask in lone_masks:
            yield _add_lone_mask(services, person, product, mask)


def _pair(
    found: Sequence[IncomingFile], label: Label, rule: PartRule | None, origin: str, view: str, domain: str
) -> tuple[list[IngestItem], list[FileOutcome], list[IncomingFile]]:
    """Return the images with their masks in the order of the files, what is left out, and masks without an image."""
    source, paths = source_of(found)
    files = dict(zip(paths, found, strict=True))
    plan = plan_import(source, product=_THE_PRODUCT, decisions={"": label.image_type})
    masks = {image.path: image.masks for image in plan.images}
    views = {image.path: image.view for image in plan.images}
    domains = {image.path: image.domain for image in plan.images}
    reasons = {one.path: one for one in plan.left_out if one.path in files}
    items: list[IngestItem] = []
    left_out: list[FileOutcome] = []
    lone: list[IncomingFile] = []
    for path, file in files.items():
        one = reasons.get(path)
        if one is not None and one.reason == "mask_without_image":
            lone.append(file)
        elif one is not None and one.reason in {"mask_of_normal_blank", "mask_of_left_out"}:
            continue
        elif one is not None and one.reason != "import_not_an_image":
            error = BadInput(one.reason, **{**one.params, "name": file.name})
            left_out.append(FileOutcome(file.name, "refused", error=error, notes=_notes(one.reason)))
        elif path in masks or one is not None or path in plan.listing.about:
            # What is no image is refused by name when it is read.
            part = "" if rule is None else rule.find(file.name)
            own = [files[mask] for mask in masks.get(path, ())]
            items.append(
                IngestItem(
                    file,
                    label,
                    own[0] if own else None,
                    part,
                    FILE_NAME if part else "",
                    more_masks=tuple(own[1:]),
                    view=view or views.get(path, ""),
                    origin=origin,
                    domain=domain or domains.get(path, ""),
                )
            )
    return items, left_out, lone


def _notes(reason: str) -> tuple[str, ...]:
    return ("mask",) if reason.startswith("mask_") else ()


def _add_lone_mask(services: Services, person: Person, product: Product, mask: IncomingFile) -> FileOutcome:
    """Set a mask that comes without its image, looked up by its stored, then by its original name."""
    name = PurePosixPath(mask.name).name.rsplit(".", 1)[0]
    stem = mask_owner(name) or name
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
