"""A large product goes out in every format and comes back whole: types, regions, masks, parts, views, splits, names."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from core.accounts.people import open_person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product, update_product
from core.catalog.view_edits import add_view
from core.images.exports.making import start_export
from core.images.exports.records import FORMAT_NAMES, ExportChoice, ExportFormat
from core.images.exports.writing import write_folder, write_zip
from core.images.imports.folder_import import import_path
from core.images.ingest import ingest_images
from core.images.records import IncomingFile, IngestItem, Label
from core.images.regions.records import Region
from core.services import Services
from tests.exported_products import describe, fresh_services

N_IMAGES = 1_200
WIDTH, HEIGHT = 48, 32
SPLITS = ("train", "train", "train", "val", "test")
VIEWS = ("top", "ct")
DOMAINS = ("", "studio", "line", "field")
TYPES = (("scratch", "긁힘", "Scratch"), ("good", "기공", "Pore"), ("b-7", "버", ""))


def encode(seed: int) -> bytes:
    """Return a picture that no other seed gives, in one of three formats."""
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, ("PNG", "JPEG", "BMP")[seed % 3])
    return out.getvalue()


def marks(seed: int, types: list[int]) -> tuple[Region, ...]:
    """Return up to three regions of several types: a box, a polygon, a mask with a hole."""
    rng = np.random.default_rng(seed + 10_000)
    left, top = (float(value) for value in rng.uniform(1, 12, 2))
    painted = np.zeros((HEIGHT, WIDTH), dtype=bool)
    painted[16:28, 20:40] = rng.random((12, 20)) > 0.4
    box = Region.of_box(left, top, 9.25, 6.5, defect_type_id=types[seed % 3], origin="person")
    polygon = Region.of_polygon(
        [(2.0, 20.0), (12.5, 19.25), (8.0, 30.0)], defect_type_id=types[(seed + 1) % 3], origin="import"
    )
    mask = Region.of_mask(painted, defect_type_id=types[(seed + 2) % 3], origin="model")
    return (box, polygon, mask)[: 1 + seed % 3]


def fill(services: Services) -> str:
    """Make the product; return its code."""
    person = open_person(services, "engineer")
    product = create_product(
        services, person, name="주조 하우징", code="housing", description="알루미늄 다이캐스팅", notice="CC BY 4.0"
    )
    product = update_product(
        services,
        person,
        product.id,
        row_version=product.row_version,
        name=product.name,
        description=product.description,
        name_en="Cast housing",
    )
    for code, name, modality in (("top", "윗면", "rgb"), ("ct", "단층", "ct")):
        add_view(services, person, product.id, code=code, name=name, name_en=code.upper(), modality=modality)
    kinds = [
        create_defect_type(services, person, product_id=product.id, code=code, name_ko=korean, name_en=english)
        for code, korean, english in TYPES
    ]
    good = create_defect_type(
        services, person, product_id=product.id, code="module", name_ko="모듈", name_en="Module", outcome="good"
    )
    ids = [kind.id for kind in kinds]

    def item(seed: int) -> IngestItem:
        # Five images show one part, in both views; a whole part is in one split.
        part = seed // 5
        split = SPLITS[part % len(SPLITS)]
        label = Label("normal", split)
        regions: tuple[Region, ...] = ()
        if seed % 4 == 1:
            label = Label("normal", split, good.id, good.code)
        elif seed % 2 == 0:
            kind = kinds[seed % 3]
            label = Label("defect", split, kind.id, kind.code)
            regions = marks(seed, ids) if seed % 10 else ()
        ending = ("png", "jpg", "bmp")[seed % 3]
        return IngestItem(
            IncomingFile(f"{2026 + seed % 2}/촬영 {seed:05d}.{ending}", partial(encode, seed)),
            label,
            None,
            f"부품 {part:04d}",
            "list",
            regions=regions,
            view=VIEWS[seed % 2],
            domain=DOMAINS[seed % 4],
        )

    outcomes = list(ingest_images(services, person, product, map(item, range(N_IMAGES))))
    assert [one for one in outcomes if one.outcome != "added"] == []
    return product.code


@pytest.mark.full
def test_a_large_product_comes_back_whole_in_every_format(database_template: Path, tmp_path: Path) -> None:
    with fresh_services(database_template) as services:
        code = fill(services)
        person = open_person(services, "engineer")
        before = describe(services, code)
        exported: dict[ExportFormat, Path] = {}
        for name in FORMAT_NAMES:
            made = start_export(services, person, _id_of(services, code), ExportChoice(name))
            # An archive takes 10,000 files: those of all formats fit.
            target = tmp_path / (f"{name}.zip" if name in {"coco", "csv"} else name)
            (write_zip if target.suffix else write_folder)(made, target)
            assert (made.summary.n_images, made.summary.left_out) == (N_IMAGES, [])
            exported[name] = target
    for name, target in exported.items():
        with fresh_services(database_template) as services:
            summary = import_path(services, open_person(services, "engineer"), target)
            assert (name, summary.plan.questions, summary.plan.left_out) == (name, (), ())
            assert {one.outcome for one in summary.outcomes} == {"added"}
            after = describe(services, code)
        differ = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
        assert (name, differ) == (name, [])


def _id_of(services: Services, code: str) -> int:
    from core.catalog.products import find_product

    return find_product(services, code).id
