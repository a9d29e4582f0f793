"""Storing an import as it was planned: its products, defect types, images, masks and regions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlmodel import select

from core.access import ENGINEER, require_role
from core.catalog import defect_types, products
from core.catalog.outcomes import DEFECT as DEFECT_TYPE
from core.catalog.outcomes import GOOD as GOOD_KIND
from core.catalog.outcomes import check_is_defect
from core.errors import AppError, BadInput, NotFound
from core.images.exports.facts import ProductFacts
from core.images.exports.restoring import restore_product, restore_types, restore_views
from core.images.exposures.splitting import check_share, set_test_images_aside, splits_of_parts
from core.images.imports.names import make_type_code
from core.images.imports.records import DEFECT, ImportPlan, PlannedImage
from core.images.imports.sources import ImportSource
from core.images.ingest import ingest_images
from core.images.records import BY_IMPORT, FileOutcome, IngestItem, Label
from core.images.regions.records import Region
from core.images.views.naming import make_views
from core.transactions import reading
from storage.tables import Image

if TYPE_CHECKING:
    from core.access import Person
    from core.images.storing import Along
    from core.services import Services
    from storage.tables import DefectType, Product


def store_plan(
    services: Services,
    person: Person,
    source: ImportSource,
    plan: ImportPlan,
    *,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    product: Product | None = None,
    along: Along | None = None,
    origin: str = BY_IMPORT,
) -> Generator[FileOutcome]:
    """Store the images that are planned, yielding the outcome of each file as it is stored, its masks' after it.

    `source` is what was planned, opened again; the name of an outcome is the path in it. Products and defect types that
    do not exist are made, and so are the views that images name (`make_views`); with `product` everything is stored for
    that one. It can be run again after it was broken
    off: an image that is stored is known by its content, and is an outcome "duplicate". `progress` is told how many of
    how many images are done; where `should_stop` says so, no further file is read. What the plan leaves out is not
    among the outcomes. `along` writes in the transaction of each group of new images, and `origin` is kept with them.
    Raises AppError when a store fails; what was yielded before is stored.
    """
    require_role(services, person, ENGINEER)
    by_product: dict[str, list[PlannedImage]] = defaultdict(list)
    for image in plan.images:
        by_product[image.product].append(image)
    done, total = 0, len(plan.images)
    for name in sorted(by_product):
        row = product or find_or_create_product(services, person, plan, name)
        types = DefectTypes(services, person, row.id, facts=_facts_of(plan, name))
        make_views(services, person, row.id, (image.view for image in by_product[name]))
        items, refused = _items(source, by_product[name], types, should_stop, origin)
        for outcome in refused:
            done += 1
            yield outcome
        for outcome in ingest_images(services, person, row, items, along=along):
            if "mask" not in outcome.notes:
                done += 1
                if progress is not None:
                    progress(done, total)
            yield outcome
        if should_stop is not None and should_stop():
            return


def find_or_create_product(services: Services, person: Person, plan: ImportPlan, name: str) -> Product:
    """Return the product of a planned name: by code, else by name; made where there is none.

    Raises BadInput and Conflict of `create_product`, BadInput product_name_ambiguous.
    """
    require_role(services, person, ENGINEER)
    code, facts = plan.names.get(name, name), _facts_of(plan, name)
    for given in dict.fromkeys((code, name)):
        try:
            row = products.find_named_product(services, given)
        except NotFound:
            continue
        # Made a moment ago by an import that was killed before it had come to the views, as far as anybody can tell.
        return row if facts is None or _has_images(services, row.id) else _restore(services, person, row, facts)
    if facts is None:
        return products.create_product(services, person, name=name, code=code)
    row = products.create_product(
        services, person, name=facts.name, code=code, description=facts.description, notice=facts.notice
    )
    return _restore(services, person, row, facts)


def _restore(services: Services, person: Person, row: Product, facts: ProductFacts) -> Product:
    """Give a product without images what it was; one that is pictured in one way would ask for views from now on."""
    restore_views(services, person, row.id, facts)
    return row if row.name_en else restore_product(services, person, row, facts)


def _has_images(services: Services, product_id: int) -> bool:
    with reading(services) as session:
        return session.exec(select(Image.id).where(Image.product_id == product_id).limit(1)).first() is not None


def set_plan_aside(services: Services, plan: ImportPlan, *, share: float, seed: int = 0) -> ImportPlan:
    """Return the plan with `share` of the images as test images, of those for which nothing names a split.

    Whole parts are drawn by `seed`; further images of a part go where its others are, also those that are stored
    already. Raises BadInput test_share_invalid.
    """
    check_share(share)
    if share == 0.0:
        return plan
    by_product: dict[str, list[PlannedImage]] = defaultdict(list)
    for image in plan.images:
        by_product[image.product].append(image)
    images: list[PlannedImage] = []
    for name, own in by_product.items():
        known: dict[str, str] = {}
        try:
            row = products.find_named_product(services, plan.names.get(name, name))
        except (NotFound, BadInput):
            row = None
        if row is not None:
            with reading(services) as session:
                known = splits_of_parts(session, row.id)
        parts = {image.path: image.part for image in own if image.part}
        images += set_test_images_aside(own, parts, known, share=share, seed=seed)
    return replace(plan, images=tuple(images))


class DefectTypes:
    """The defect types of a product, looked up by code and by name; one that there is not is made."""

    def __init__(
        self, services: Services, person: Person, product_id: int, *, facts: ProductFacts | None = None
    ) -> None:
        self._services, self._person, self._product_id = services, person, product_id
        if facts is not None:
            restore_types(services, person, product_id, facts)
        self._rows: dict[str, DefectType] = {}
        rows = defect_types.list_defect_types(services, product_id, include_inactive=True)
        for row in rows:
            self._rows.setdefault(row.code.casefold(), row)
        # A name that was typed finds its type whatever the type's code is.
        for row in rows:
            for name in (row.name_ko, row.name_en):
                if name.strip():
                    self._rows.setdefault(name.strip().casefold(), row)

    def of(self, name: str, *, outcome: str = DEFECT_TYPE) -> DefectType:
        """Return the type of this name; `outcome` is that of one that is made.

        Raises BadInput and Conflict of `create_defect_type`.
        """
        name = name.strip()
        if not name:
            raise BadInput("defect_name_missing")
        code = make_type_code(name)
        row = self._rows.get(name.casefold()) or self._rows.get(code)
        if row is None:
            row = defect_types.create_defect_type(
                self._services, self._person, product_id=self._product_id, code=code, name_ko=name, outcome=outcome
            )
            self._rows |= {code: row, name.casefold(): row}
        return row

    def label_of(self, name: str, split: str) -> Label:
        """Return what images of this kind show: of a kind of good part, normal ones. Raises as `of`."""
        row = self.of(name)
        if row.outcome == GOOD_KIND:
            return Label("normal", split, row.id)
        return Label("defect", split, row.id, row.code)

    def label_of_good(self, name: str, split: str) -> Label:
        """Return what good parts of this kind show: a kind that there is not is made. Raises as `of`."""
        row = self.of(name, outcome=GOOD_KIND)
        return Label("normal", split, row.id if row.outcome == GOOD_KIND else None)

    def of_regions(self, regions: Sequence[Region]) -> tuple[Region, ...]:
        """Return regions with the types that they name. Raises as `of`, and BadInput for a kind of good part."""
        typed = []
        for region in regions:
            if region.type_name:
                row = self.of(region.type_name)
                check_is_defect(row)
                region = replace(region, defect_type_id=row.id)
            typed.append(region)
        return tuple(typed)


def _facts_of(plan: ImportPlan, name: str) -> ProductFacts | None:
    """Return what an export says of the product, where the images are those of one."""
    own = {image.path for image in plan.images if image.product == name}
    codes = {told.product.casefold() for path in own for told in plan.listing.told.get(path, ()) if told.is_sure}
    found = [facts for facts in plan.listing.products if facts.code.casefold() in codes]
    return found[0] if len(found) == 1 else None


def _items(
    source: ImportSource,
    images: Sequence[PlannedImage],
    types: DefectTypes,
    should_stop: Callable[[], bool] | None,
    origin: str,
) -> tuple[Iterator[IngestItem], list[FileOutcome]]:
    """Return the images to ingest; and those that are gone, or whose defect type cannot be made."""
    ready: list[tuple[PlannedImage, Label, tuple[Region, ...]]] = []
    refused: list[FileOutcome] = []
    for image in images:
        try:
            if image.path not in source.files:
                raise NotFound("path_not_found", path=image.path)
            label = Label("normal", image.split)
            if image.kind == DEFECT:
                label = types.label_of(image.defect_name, image.split)
            elif image.good_kind:
                label = types.label_of_good(image.good_kind, image.split)
            regions = types.of_regions(image.regions) if label.image_type == "defect" else ()
        except AppError as error:
            refused.append(FileOutcome(image.path, "refused", error=error))
            continue
        ready.append((image, label, regions))

    def items() -> Iterator[IngestItem]:
        for image, label, regions in ready:
            if should_stop is not None and should_stop():
                return
            masks = tuple(source.incoming(path) for path in image.masks if path in source.files)
            yield IngestItem(
                source.incoming(image.path),
                label,
                masks[0] if masks else None,
                image.part,
                image.part_source,
                more_masks=masks[1:],
                regions=regions,
                view=image.view,
                original_name=image.original_name,
                domain=image.domain,
                origin=origin,
            )

    return items(), refused
