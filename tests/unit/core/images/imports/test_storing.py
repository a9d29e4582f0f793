"""A plan is stored as decided: unions of masks, regions, views, splits; broken off and run again, nothing doubles."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from sqlmodel import select

from core.access import Person
from core.catalog.defect_types import create_defect_type, list_defect_types
from core.catalog.products import create_product, find_named_product, list_products
from core.errors import BadInput
from core.images.imports.folder_import import import_path
from core.images.imports.planning import decide, plan_import
from core.images.imports.storing import set_plan_aside, store_plan
from core.images.library import list_images, read_mask_png
from core.images.regions.records import Region
from core.services import Services
from storage.tables import ImageBox
from tests.import_sources import MARKED, PHOTO, SIZE_PX, numbered, plan_of, source_of


def _mask(*columns: int) -> bytes:
    pixels = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
    pixels[:, list(columns)] = 255
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _marked(services: Services, data: bytes | None) -> list[int]:
    assert data is not None
    pixels = np.asarray(PillowImage.open(io.BytesIO(data)))
    return sorted(np.flatnonzero(pixels.any(axis=0)).tolist())


def test_several_masks_of_an_image_are_stored_as_their_union(services: Services, engineer: Person) -> None:
    source = source_of(
        {
            "bag/train/good/0.png": PHOTO,
            "bag/validation/good/1.png": PHOTO,
            "bag/test/logical/7.png": PHOTO,
            "bag/ground_truth/logical/7/000.png": _mask(2, 3),
            "bag/ground_truth/logical/7/001.png": _mask(9),
        }
    )
    outcomes = list(store_plan(services, engineer, source, plan_import(source)))
    assert [(one.name, one.outcome) for one in outcomes if "mask" in one.notes] == [
        ("bag/ground_truth/logical/7/000.png", "added")
    ]
    (summary,) = list_products(services)
    assert (summary.n_normal_train, summary.n_normal_val, summary.n_defect_test) == (1, 1, 1)
    (image,) = list_images(services, summary.product.id, image_type="defect").rows
    assert _marked(services, read_mask_png(services, image)) == [2, 3, 9]


def test_regions_are_stored_with_their_types_and_as_the_mask(services: Services, engineer: Person) -> None:
    source = source_of({"nut/good/0.png": PHOTO, "nut/ng/hole/1.png": PHOTO})
    plan = plan_import(source)
    regions = (
        Region.of_box(2, 0, 2, SIZE_PX, type_name="hole", origin="import"),
        Region.of_polygon([(8, 0), (10, 0), (10, 16), (8, 16)], type_name="긁힘", origin="import"),
    )
    images = tuple(replace(image, regions=regions) if image.kind == "defect" else image for image in plan.images)
    plan = replace(plan, images=images)
    assert {one.outcome for one in store_plan(services, engineer, source, plan)} == {"added"}
    (summary,) = list_products(services)
    types = {row.name_ko: row.id for row in list_defect_types(services, summary.product.id)}
    with services.database.reading() as session:
        rows = session.exec(select(ImageBox).order_by(ImageBox.id)).all()  # type: ignore[arg-type]
    assert [(row.shape, row.defect_type_id, row.origin) for row in rows] == [
        ("box", types["hole"], "import"),
        ("polygon", types["긁힘"], "import"),
    ]
    (image,) = list_images(services, summary.product.id, image_type="defect").rows
    assert set(_marked(services, read_mask_png(services, image))) >= {2, 3, 8, 9}
    again = list(store_plan(services, engineer, source, plan))
    assert {one.outcome for one in again} == {"duplicate"}
    with services.database.reading() as session:
        assert len(session.exec(select(ImageBox)).all()) == 2


def test_regions_that_come_later_than_their_image_are_stored_once(services: Services, engineer: Person) -> None:
    source = source_of({"nut/ng/hole/1.png": PHOTO})
    plan = plan_import(source)
    list(store_plan(services, engineer, source, plan))
    region = Region.of_box(1, 1, 4, 4, type_name="hole", origin="import")
    later = replace(plan, images=(replace(plan.images[0], regions=(region,), view="top"),))
    for _turn in range(2):
        list(store_plan(services, engineer, source, later))
    with services.database.reading() as session:
        assert len(session.exec(select(ImageBox)).all()) == 1
    (image,) = list_images(services, list_products(services)[0].product.id).rows
    assert (image.view, image.mask_key is not None) == ("top", True)


def test_what_is_broken_off_goes_on_and_nothing_is_stored_twice(services: Services, engineer: Person) -> None:
    source = source_of(numbered("nut/good/##.png", 90))
    plan = plan_import(source)
    seen: list[tuple[int, int]] = []
    stop = list(
        store_plan(
            services,
            engineer,
            source,
            plan,
            progress=lambda done, total: seen.append((done, total)),
            should_stop=lambda: bool(seen),
        )
    )
    assert 0 < len(stop) < 90
    rest = list(store_plan(services, engineer, source, plan))
    assert len(rest) == 90
    assert sum(one.outcome == "duplicate" for one in rest) == len(stop)
    assert list_products(services)[0].n_normal_train == 90


def test_a_product_and_its_types_are_found_by_name_and_not_made_twice(services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="캡 A형", code="CAP-A")
    create_defect_type(services, engineer, product_id=product.id, code="D7", name_ko="긁힘", name_en="Scratch")
    source = source_of({"캡 A형/정상/1.png": PHOTO, "캡 A형/불량/scratch/2.png": PHOTO})
    list(store_plan(services, engineer, source, plan_import(source)))
    assert [found.product.code for found in list_products(services)] == ["CAP-A"]
    assert [row.code for row in list_defect_types(services, product.id)] == ["D7"]
    assert find_named_product(services, "캡 a형").id == find_named_product(services, "cap-a").id == product.id


def test_a_file_that_is_gone_since_it_was_planned_is_named(services: Services, engineer: Person) -> None:
    plan = plan_of(["nut/good/1.png", "nut/good/2.png"])
    outcomes = list(store_plan(services, engineer, source_of(["nut/good/1.png"]), plan))
    assert [(one.name, one.outcome) for one in outcomes] == [("nut/good/2.png", "refused"), ("nut/good/1.png", "added")]


def test_further_images_of_a_part_in_validation_go_there_too(services: Services, engineer: Person) -> None:
    first = source_of({"nut/val/good/a_1.png": PHOTO, "l.csv": b"path,part\nnut/val/good/a_1.png,a\n"})
    list(store_plan(services, engineer, first, plan_import(first)))
    more = plan_of({"nut/ok/1.png": PHOTO, "nut/ok/2.png": MARKED, "l.csv": b"path,part\nok/1.png,a\nok/2.png,b\n"})
    aside = set_plan_aside(services, more, share=0.1)
    assert {image.part: image.split for image in aside.images}["a"] == "val"
    with pytest.raises(BadInput):
        set_plan_aside(services, more, share=1.0)


def test_an_import_of_a_folder_says_what_is_asked_and_stores_what_is_certain(
    services: Services, engineer: Person, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    source = source_of(["nut/good/1.png", "nut/zilp/2.png"])
    for path, read in source.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(read())
    planned = import_path(services, engineer, folder, plan_only=True)
    assert (planned.products, len(planned.plan.images), list_products(services)) == ([], 1, [])
    summary = import_path(services, engineer, folder)
    assert (summary.products, len(summary.outcomes)) == (["nut"], 1)
    assert [question.path for question in summary.plan.questions] == ["nut/zilp"]
    decided = import_path(services, engineer, folder, decisions={"nut/zilp": "defect:zilp"})
    assert sorted(one.outcome for one in decided.outcomes) == ["added", "duplicate"]
    assert decide(summary.plan, {"nut/zilp": "skip"}).questions == ()
