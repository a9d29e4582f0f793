"""A data folder with a product that can be inspected: real solar cells, their memory bank and their indexes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

from core.accounts.people import open_person
from core.services import build_services
from core.settings import read_settings

# Image type, split, how many: enough for sound thresholds, few enough for a build of a few seconds.
_PARTS = (("normal", "train", 24), ("defect", "train", 12), ("normal", "test", 3), ("defect", "test", 3))


def _reader(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def build_deployed_product(folder: Path, **environment: str) -> None:
    """Fill `folder`, and what `environment` names, with the product "cells" and deploy it, along a worker's path."""
    from core.catalog.defect_types import create_defect_type
    from core.catalog.products import create_product
    from core.demo.images.solar_cells import DEFECT_CODE, cell_images
    from core.deployments import pipeline
    from core.images.records import IncomingFile
    from core.images.uploads import add_images
    from core.jobs import claims, queue
    from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX

    variables = {"GEOMSA_DATA_DIR": str(folder), "GEOMSA_DEVICE": "cpu", **environment}
    built = build_services(read_settings(variables), migrate=True)
    person = open_person(built, "engineer")
    product = create_product(built, person, name="Solar cell", code="cells", notice="CC BY-NC-SA 4.0")
    defect = create_defect_type(
        built, person, product_id=product.id, code=DEFECT_CODE, name_ko="셀 결함", name_en="Cell defect"
    )
    cells = list(cell_images("mono"))
    for image_type, split, count in _PARTS:
        is_normal = image_type == "normal"
        wanted = (cell for cell in cells if cell.split == split and (cell.defect_code is None) == is_normal)
        outcomes = add_images(
            built,
            person,
            product_id=product.id,
            image_type=image_type,
            defect_type_id=None if is_normal else defect.id,
            split=split,
            files=[IncomingFile(cell.name, _reader(cell.content)) for cell in islice(wanted, count)],
        )
        assert all(outcome.outcome == "added" for outcome in outcomes)
    for kind in (MEMORY_BANK, SIMILARITY_INDEX):
        queue.submit(built, person, kind=kind, product_ids=[product.id])
        claim = claims.claim_next(built, "tests")
        assert claim is not None
        assert pipeline.work_off(built, claim) is None
        assert claims.finish(built, claim, state="succeeded")
    built.database.dispose()
