"""Storing an upload as planned and decided: the images, their masks, and the defect types that they need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.catalog.products import get_product
from core.errors import BadInput, Conflict
from core.images.imports.storing import DefectTypes
from core.images.ingest import ingest_images
from core.images.records import FileOutcome, IncomingFile, IngestItem, Label
from core.images.upload_plans.plan import GOOD, LEFT_OUT, PlannedFolder, UploadPlan, open_sources

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from storage.tables import Product


def store_upload(
    services: Services, person: Person, product_id: int, files: Sequence[IncomingFile], plan: UploadPlan
) -> Iterator[FileOutcome]:
    """Store the images of the folders that are used, yielding the outcome of each file as it is stored.

    `files` are those that the plan was made of; defect types that do not exist yet are made. What the plan leaves out
    comes first, refused by name. Raises at once BadInput `upload_undecided` (folders) and NotFound; while iterating,
    AppError when a store fails: what was yielded before is stored.
    """
    require_role(services, person, ENGINEER)
    if plan.undecided:
        raise BadInput("upload_undecided", folders=", ".join(folder.path for folder in plan.undecided))
    return _store(services, person, get_product(services, product_id), files, plan)


def _store(
    services: Services, person: Person, product: Product, files: Sequence[IncomingFile], plan: UploadPlan
) -> Iterator[FileOutcome]:
    yield from plan.left_out
    labels = _Labels(services, person, product.id)
    for source, found, _refused in open_sources(files):
        items: list[IngestItem] = []
        for folder in plan.folders:
            if folder.source != source or folder.use is None or folder.use.kind == LEFT_OUT:
                continue
            try:
                label = labels.of(folder)
            except (BadInput, Conflict) as refusal:
                yield from (FileOutcome(file.name, "refused", error=refusal) for file in folder.files)
                continue
            for file in folder.files:
                masks = [found[position] for position in file.mask_positions]
                if folder.use.kind == GOOD:
                    for mask in masks:
                        error = BadInput("mask_of_normal_image", name=mask.name)
                        yield FileOutcome(mask.name, "refused", error=error, notes=("mask",))
                    masks = []
                items.append(
                    IngestItem(
                        found[file.position],
                        label,
                        masks[0] if masks else None,
                        file.part,
                        file.part_source,
                        more_masks=tuple(masks[1:]),
                        view=file.view,
                        domain=file.domain,
                        regions=labels.types.of_regions(file.regions) if label.image_type == "defect" else (),
                    )
                )
        yield from ingest_images(services, person, product, items)


class _Labels:
    """The labels of the folders."""

    def __init__(self, services: Services, person: Person, product_id: int) -> None:
        self.types = DefectTypes(services, person, product_id)

    def of(self, folder: PlannedFolder) -> Label:
        """Return the label of a folder's images. Raises BadInput and Conflict of `create_defect_type`."""
        assert folder.use is not None
        if folder.use.kind == GOOD:
            return Label("normal", folder.split)
        return self.types.label_of(folder.use.defect_name, folder.split)
