"""Import of a folder or ZIP file in one of the common layouts, with the products and defect types that it needs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.catalog import defect_types, products
from core.errors import BadInput, NotFound
from core.files.archives import is_junk, open_archive
from core.images.exposures.assignment import NamedParts, name_parts
from core.images.exposures.rules import PartRule
from core.images.exposures.splitting import check_share, set_test_images_aside, splits_of_parts
from core.images.ingest import ingest_images
from core.images.layouts import PlannedProduct, plan_import
from core.images.records import FileOutcome, IncomingFile, IngestItem, Label
from core.transactions import reading
from storage.tables import Product

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services


@dataclass(frozen=True)
class ImportSummary:
    """What an import did: the products' codes, one outcome a file, and what no layout knows (path, code of why).

    `parts` is what was known of the parts that the images show.
    """

    products: list[str]
    outcomes: list[FileOutcome]
    unknown: list[tuple[str, str]]
    parts: NamedParts = field(default_factory=NamedParts)


def import_path(
    services: Services,
    person: Person,
    path: Path,
    *,
    product_code: str | None = None,
    part_rule: PartRule | None = None,
    part_list: dict[str, str] | None = None,
    test_share: float = 0.0,
    split_seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> ImportSummary:
    """Import a folder or ZIP file; products and defect types that do not exist yet are made.

    Which part an image shows comes from `part_list` (part by path), else from `part_rule`; without either from folders
    that are one part each. `test_share` of the images whose folders name no split become test images: whole parts,
    drawn by `split_seed`. An image that was imported before gets the name of its part, if that is news. `progress` is
    told how many of how many files are done. Raises NotFound import_path_missing; BadInput test_share_invalid,
    import_not_an_archive, import_nothing_found and those of the archive; AppError when a store fails.
    """
    require_role(services, person, ENGINEER)
    check_share(test_share)
    with _open_source(path) as (files, refused):
        top = path.resolve()
        root_name = top.stem if top.is_file() else top.name
        plan = plan_import(files, root_name=root_name, product_code=product_code)
        if not plan.products and not refused:
            raise BadInput("import_nothing_found", path=str(path))
        total = sum(len(product.images) for product in plan.products)
        planned_images = [image for product in plan.products for image in product.images]
        named = name_parts(
            {image.path: image.label_depth for image in planned_images},
            rule=part_rule,
            listed=part_list,
            root_name=root_name,
        )
        outcomes = list(refused)
        done = 0
        codes: list[str] = []
        for planned in plan.products:
            product = _find_or_create(services, person, planned)
            codes.append(product.code)
            if test_share > 0.0:
                planned = _set_aside(services, product, planned, named, share=test_share, seed=split_seed)
            items, unlabeled = _items(services, person, product, planned, files, named)
            outcomes += unlabeled
            done += len(unlabeled)
            for outcome in ingest_images(services, person, product, items):
                outcomes.append(outcome)
                done += "mask" not in outcome.notes
                if progress is not None:
                    progress(done, total)
    return ImportSummary(codes, outcomes, [(name, code) for name, code in plan.unknown], named)


@contextlib.contextmanager
def _open_source(path: Path) -> Iterator[tuple[dict[str, Callable[[], bytes]], list[FileOutcome]]]:
    """Yield the files by relative POSIX path with their readers, and what was refused already."""
    if path.is_dir():
        yield {name: file.read_bytes for name, file in _walk(path)}, []
    elif not path.exists():
        raise NotFound("import_path_missing", path=str(path))
    elif path.suffix.lower() != ".zip":
        raise BadInput("import_not_an_archive", path=str(path))
    else:
        with open_archive(path, name=path.name) as archive:
            refused = [FileOutcome(fault.name, "refused", error=fault.error) for fault in archive.refusals]
            yield {entry.name: entry.read for entry in archive.entries}, refused


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    # Links are not followed: one could lead in circles, or to files that nobody meant to import.
    top = folder.resolve()
    for parent, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            file = Path(parent, name)
            relative = file.relative_to(top).as_posix()
            if file.is_file() and not file.is_symlink() and not is_junk(relative):
                yield relative, file


def _find_or_create(services: Services, person: Person, planned: PlannedProduct) -> Product:
    try:
        return products.find_product(services, planned.code)
    except NotFound:
        return products.create_product(services, person, name=planned.name, code=planned.code)


def _set_aside(
    services: Services, product: Product, planned: PlannedProduct, named: NamedParts, *, share: float, seed: int
) -> PlannedProduct:
    with reading(services) as session:
        known = splits_of_parts(session, product.id)
    parts = {path: part for path, (part, _source) in named.parts.items()}
    return replace(planned, images=set_test_images_aside(planned.images, parts, known, share=share, seed=seed))


def _items(
    services: Services,
    person: Person,
    product: Product,
    planned: PlannedProduct,
    files: dict[str, Callable[[], bytes]],
    named: NamedParts,
) -> tuple[list[IngestItem], list[FileOutcome]]:
    """Return the images to ingest; and those refused because their defect type cannot be made."""
    product_id = product.id
    types = {
        row.code.lower(): row for row in defect_types.list_defect_types(services, product_id, include_inactive=True)
    }
    items: list[IngestItem] = []
    refused: list[FileOutcome] = []
    for image in planned.images:
        label = Label("normal", image.split)
        if image.defect_code is not None:
            row = types.get(image.defect_code.lower())
            if row is None:
                try:
                    row = defect_types.create_defect_type(
                        services,
                        person,
                        product_id=product_id,
                        code=image.defect_code,
                        name_ko=image.defect_name or image.defect_code,
                    )
                except BadInput as error:
                    refused.append(FileOutcome(image.path, "refused", error=error))
                    continue
                types[image.defect_code.lower()] = row
            label = Label("defect", image.split, row.id, row.code)
        mask = None if image.mask_path is None else IncomingFile(image.mask_path, files[image.mask_path])
        part, part_source = named.parts.get(image.path, ("", ""))
        items.append(IngestItem(IncomingFile(image.path, files[image.path]), label, mask, part, part_source))
    return items, refused
