"""Import of an export gives back what was exported, in every format, whatever the product is like."""

from __future__ import annotations

import io
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from core.access import Person
from core.accounts.people import open_person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product, update_product
from core.catalog.view_edits import add_view, set_view_active
from core.images.exports.making import start_export
from core.images.exports.records import FORMAT_NAMES, ExportChoice, ExportFormat
from core.images.exports.writing import stream_zip, write_folder
from core.images.imports.folder_import import import_path
from core.images.ingest import ingest_images
from core.images.records import IncomingFile, IngestItem, Label
from core.images.regions.records import Region
from core.services import Services
from core.transactions import writing
from storage.tables import DefectType, Product
from tests.exported_products import describe, fresh_services

WIDTH, HEIGHT = 23, 17
FORMATS: tuple[ExportFormat, ...] = tuple(FORMAT_NAMES)
# Codes that a system keeps for devices, that are words for good parts, masks, splits and helper folders.
CODES = ("scratch", "con", "good", "ok", "Mask", "label", "test", "hole_2", "images", "xyz")


def encode(seed: int, ending: str) -> bytes:
    """Return a small image that no other seed gives."""
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, {"jpg": "JPEG"}.get(ending, ending.upper()))
    return out.getvalue()


texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
coordinates = st.floats(0.25, 9.75, width=32)


@st.composite
def regions(draw: st.DrawFn, type_ids: list[int | None]) -> Region:
    about: dict[str, Any] = {
        "defect_type_id": draw(st.sampled_from(type_ids)),
        "origin": draw(st.sampled_from(["person", "import", "model"])),
    }
    shape = draw(st.sampled_from(["box", "polygon", "mask"]))
    if shape == "box":
        return Region.of_box(draw(coordinates), draw(coordinates), draw(coordinates), draw(coordinates), **about)
    if shape == "polygon":
        corners = draw(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=6, unique=True))
        if len({x for x, _ in corners}) == 1 or len({y for _, y in corners}) == 1:
            corners = [(1.0, 1.0), (9.0, 1.0), (9.0, 8.0)]
        return Region.of_polygon(corners, **about)
    seed = draw(st.integers(0, 10_000))
    marked = np.random.default_rng(seed).random((HEIGHT, WIDTH)) > 0.7
    return Region.of_mask(marked, **about)


def make_type(services: Services, person: Person, product: Product, code: str, draw: Any) -> DefectType:
    row = create_defect_type(
        services,
        person,
        product_id=product.id,
        code=code,
        name_ko=draw(texts),
        name_en=draw(st.sampled_from(["", "Long scratch"])),
        severity=draw(st.sampled_from(["minor", "major", "critical"])),
        description=draw(st.sampled_from(["", "깊은 긁힘\n2 mm"])),
    )
    if draw(st.booleans()):
        return row
    with writing(services) as session:  # a kind of good part
        found = session.get(DefectType, row.id)
        assert found is not None
        found.outcome = draw(st.sampled_from(["good", "defect"]))
        session.commit()
        return found


def fill(services: Services, draw: Any) -> str:
    """Make a product with a few images of every kind; return its code."""
    person = open_person(services, "engineer")
    code: str = draw(st.sampled_from(["plate", "AUX", "mask-1", "test"]))
    product = create_product(
        services,
        person,
        name=draw(texts),
        code=code,
        description=draw(st.sampled_from(["", "두께 2 mm"])),
        notice=draw(st.sampled_from(["", "CC BY 4.0"])),
    )
    product = update_product(
        services,
        person,
        product.id,
        row_version=product.row_version,
        name=product.name,
        description=product.description,
        name_en=draw(st.sampled_from(["", "Plate"])),
    )
    types = [
        make_type(services, person, product, name, draw)
        for name in draw(st.lists(st.sampled_from(CODES), unique_by=str.lower, max_size=4))
    ]
    bad = [kind for kind in types if kind.outcome == "defect"]
    views = draw(st.sampled_from([(), (), ("top", "ct")]))
    for one in views:
        view = add_view(
            services,
            person,
            product.id,
            code=one,
            name=draw(texts),
            name_en=draw(st.sampled_from(["", "From above"])),
            modality=draw(st.sampled_from(["rgb", "ct"])),
            is_required=draw(st.booleans()),
        )
        if draw(st.booleans()):
            set_view_active(services, person, view.id, draw(st.booleans()))
    items = []
    for seed in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from([None, *types]))
        split = draw(st.sampled_from(["train", "val", "test"]))
        image_type = "defect" if kind is not None and kind.outcome == "defect" else "normal"
        label = Label(image_type, split, None if kind is None else kind.id, None if kind is None else kind.code)
        ending = draw(st.sampled_from(["png", "jpg", "bmp"]))
        part = draw(st.sampled_from(["", "P-1", "부품 2"]))
        marked: tuple[Region, ...] = ()
        mask = None
        if image_type == "defect":
            marked = tuple(draw(st.lists(regions([None, *[found.id for found in bad]]), max_size=3)))
            mask = None if marked or draw(st.booleans()) else mask_file(seed)
        items.append(
            IngestItem(
                IncomingFile(
                    draw(st.sampled_from([f"사진/{seed}.{ending}", f"a b_{seed}.{ending}"])),
                    partial(encode, seed, ending),
                ),
                label,
                mask,
                part,
                draw(st.sampled_from(["person", "file_name"])) if part else "",
                regions=marked,
                view=draw(st.sampled_from(["", "top", *views])),
                domain=draw(st.sampled_from(["", "studio", "line", "field"])),
            )
        )
    outcomes = list(ingest_images(services, person, product, items))
    assert [outcome for outcome in outcomes if outcome.outcome != "added"] == []
    return code


def mask_file(seed: int) -> IncomingFile:
    marked = np.random.default_rng(seed + 99).random((HEIGHT, WIDTH)) > 0.8
    out = io.BytesIO()
    PillowImage.fromarray(np.where(marked, 255, 0).astype(np.uint8)).save(out, "PNG")
    return IncomingFile(f"{seed}_mask.png", out.getvalue)


def go_round(database_template: Path, data: st.DataObject, export_format: ExportFormat) -> None:
    folder = Path(tempfile.mkdtemp(prefix="geomsa-test-"))
    try:
        with fresh_services(database_template) as services:
            code = fill(services, data.draw)
            person = open_person(services, "engineer")
            before = describe(services, code)
            made = start_export(services, person, services_product(services, code), ExportChoice(export_format))
            if data.draw(st.booleans()):
                target = folder / data.draw(st.sampled_from(["out", "test", "정상"]))
                write_folder(made, target)
            else:
                target = folder / "out.zip"
                target.write_bytes(b"".join(stream_zip(made)))
            assert made.summary.left_out == []
        with fresh_services(database_template) as services:
            summary = import_path(services, open_person(services, "engineer"), target)
            assert summary.plan.questions == ()
            assert summary.plan.left_out == ()
            assert [outcome for outcome in summary.outcomes if outcome.outcome != "added"] == []
            assert describe(services, code) == before
    finally:
        shutil.rmtree(folder)


def services_product(services: Services, code: str) -> int:
    from core.catalog.products import find_product

    return find_product(services, code).id


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data(), export_format=st.sampled_from(FORMATS))
def test_an_import_gives_back_what_was_exported(
    database_template: Path, export_format: ExportFormat, data: st.DataObject
) -> None:
    go_round(database_template, data, export_format)


@pytest.mark.full
@pytest.mark.parametrize("export_format", FORMATS)
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_many_imports_give_back_what_was_exported(
    database_template: Path, export_format: ExportFormat, data: st.DataObject
) -> None:
    go_round(database_template, data, export_format)
