"""Loading the demo data: complete, resumable, and never touching what is not its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pytest
from sqlmodel import col, select

from core.access import Person
from core.catalog import products
from core.catalog.defect_types import list_defect_types
from core.catalog.views import View
from core.demo import loading
from core.demo.images.records import DemoDefect, DemoImage, DemoKind, DemoProduct, DemoView, Split
from core.demo.manuals import DemoManual
from core.errors import Conflict, NotReady
from core.images import edits, library
from core.manuals.library import delete_manual, list_manuals
from core.models.options import DETECTION
from core.registry.choices import choose_among, current_choice
from core.services import Services
from inference.vision.images.encoding import encode_png
from storage.tables import METADATA, DefectType, Job, ProductView, UtcDateTime, utc_now
from tests.databases import sqlite_only
from tests.manual_files import scratch_manual
from tests.stored import stored_keys

SIZE_PX = 16
SPLITS: tuple[Split, Split] = ("train", "val")


def _images(seed: int) -> Iterator[DemoImage]:
    rng = np.random.default_rng(seed)
    mask = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
    mask[2:5, 2:5] = 255
    for number in range(8):
        defect = "hole" if number >= 6 else None
        pixels = rng.integers(0, 256, (SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
        mask_png = encode_png(mask) if defect else None
        yield DemoImage(f"{number}.png", "test" if number % 2 else "train", defect, encode_png(pixels), mask_png)


def _product(code: str, seed: int) -> DemoProduct:
    defect = DemoDefect("hole", "기공", "Pore", "작은 구멍", "A small hole", "major")
    return DemoProduct(code, "시편", "Coupon", "설명", "Text", (defect,), "CC0", "here", lambda: _images(seed))


def _product_of_views(code: str) -> DemoProduct:
    def images() -> Iterator[DemoImage]:
        for image, part in zip(_images(3), range(8), strict=True):
            view, split = ("ct", "rgb")[part % 2], SPLITS[part // 6]
            yield dataclasses.replace(image, part=f"P{part // 2}", view=view, kind="block", split=split)

    views = (
        DemoView("ct", "단면", "Slice", "ct", "internal"),
        DemoView("rgb", "사진", "Photo", "rgb", "external", 448),
    )
    kinds = (DemoKind("block", "블록", "Block", "정상품", "A good one"),)
    return dataclasses.replace(_product(code, 3), make_images=images, kinds=kinds, views=views)


@pytest.fixture(autouse=True)
def _small_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "PRODUCTS", (_product("one", 1), _product("two", 2)))


def _counts(services: Services) -> dict[str, tuple[int, int]]:
    return {found.product.code: (found.n_normal, found.n_defect) for found in products.list_products(services)}


def test_loads_products_types_splits_masks_and_license(services: Services, admin: Person) -> None:
    assert loading.load_demo_data(services, admin) == ["one", "two"]
    assert _counts(services) == {"one": (6, 2), "two": (6, 2)}
    product = products.find_product(services, "one")
    assert "CC0" in product.notice
    defects = library.list_images(services, product.id, image_type="defect").rows
    assert all(image.mask_key for image in defects)
    assert {image.split for image in defects} == {"train", "test"}


def test_each_type_is_shown_by_training_images_of_it(services: Services, admin: Person) -> None:
    loading.load_demo_data(services, admin)
    product = products.list_products(services)[0].product
    (hole,) = list_defect_types(services, product.id)
    examples = library.get_images(services, hole.example_image_ids)
    assert examples
    assert {(image.defect_type_id, image.split) for image in examples} == {(hole.id, "train")}


def test_loads_only_what_is_asked_for(services: Services, admin: Person) -> None:
    assert loading.load_demo_data(services, admin, only=["two"]) == ["two"]
    assert _counts(services) == {"two": (6, 2)}


def test_loads_views_kinds_of_good_and_the_parts_that_tie_the_views(
    services: Services, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "PRODUCTS", (_product_of_views("three"),))
    loading.load_demo_data(services, admin)
    product = products.find_product(services, "three")
    with services.database.reading() as session:
        views = session.exec(select(ProductView).order_by(col(ProductView.place))).all()
        kinds = {row.id: row.code for row in session.exec(select(DefectType).where(DefectType.outcome == "good")).all()}
    assert [(view.code, view.modality, view.found_as) for view in views] == [
        ("ct", "ct", "internal"),
        ("rgb", "rgb", "external"),
    ]
    chosen = [choose_among(current_choice(services, DETECTION), View.from_row(view)) for view in views]
    assert [(one.option.name, one.options) for one in chosen] == [
        ("patchcore-efficientnet_lite0", {}),
        ("patchcore-efficientnet_lite0", {"input_size_px": 448}),
    ]
    rows = library.list_images(services, product.id).rows
    assert {(row.part, row.view) for row in rows} == {(f"P{part}", view) for part in range(4) for view in ("ct", "rgb")}
    assert {kinds.get(row.defect_type_id or 0) for row in rows if row.image_type == "normal"} == {"block"}
    assert {row.split for row in rows} == {"train", "val"}


def test_goes_on_after_an_interruption(services: Services, admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "GROUP_FILES", 2)

    def stop(code: str, done: int) -> None:
        if (code, done) == ("one", 5):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loading.load_demo_data(services, admin, progress=stop)
    assert 0 < _counts(services)["one"][0] < 8
    loading.load_demo_data(services, admin)
    assert _counts(services) == {"one": (6, 2), "two": (6, 2)}


def test_what_people_deleted_does_not_come_back(services: Services, admin: Person) -> None:
    loading.load_demo_data(services, admin)
    product = products.find_product(services, "one")
    image = library.list_images(services, product.id).rows[0]
    edits.delete_images(services, admin, [image.id])
    assert loading.load_demo_data(services, admin) == ["one", "two"]
    assert sum(_counts(services)["one"]) == 7


def test_manuals_come_with_their_product_once_and_go_with_it(
    services: Services, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    manual = DemoManual("one", "시편 매뉴얼", "ko", scratch_manual())
    monkeypatch.setattr("core.demo.manuals.list_demo_manuals", lambda: (manual,))
    loading.load_demo_data(services, admin)
    (view,) = list_manuals(services)
    assert (view.manual.original_name, view.manual.language) == ("시편 매뉴얼.pdf", "ko")
    delete_manual(services, admin, view.manual.id)
    loading.load_demo_data(services, admin)
    assert list_manuals(services) == []
    loading.reset_demo_data(services, admin)
    loading.load_demo_data(services, admin)
    assert len(list_manuals(services)) == 1
    loading.reset_demo_data(services, admin)
    assert (list_manuals(services), stored_keys(services)) == ([], [])


def test_a_product_of_ones_own_is_neither_filled_nor_reset(services: Services, admin: Person) -> None:
    products.create_product(services, admin, name="Mine", code="one")
    assert loading.load_demo_data(services, admin) == ["two"]
    assert loading.reset_demo_data(services, admin) == ["two"]
    assert _counts(services) == {"one": (0, 0)}
    assert stored_keys(services) == []


def _fill_every_table(services: Services, product_id: int, *, admin_id: int) -> int:
    """Put a row into every table that hangs on the product, directly or over others; return how many these are."""
    hanging = {"products": product_id}
    blank: dict[type, Any] = {int: 0, float: 0.0, bool: False, bytes: b"", dict: {}, date: date(2026, 3, 1)}
    with services.database.unit_of_work() as session:
        connection = session.connection()
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        for table in METADATA.sorted_tables:
            parents = {key.parent.name: key.column.table.name for key in table.foreign_keys}
            if not set(parents.values()) & set(hanging):
                continue
            needed = {
                parents[column.name] for column in table.columns if column.name in parents and not column.nullable
            }
            if needed - {*hanging, "users"}:
                continue  # it hangs on something else and only names a row of the product: it outlives that
            values: dict[str, Any] = {}
            for column in table.columns:
                if column.name in parents:
                    values[column.name] = hanging.get(parents[column.name], None if column.nullable else admin_id)
                elif not column.primary_key or len(table.primary_key) > 1:
                    name = f"{table.name}-{column.name}"[: getattr(column.type, "length", None)]
                    is_moment = isinstance(column.type, UtcDateTime)
                    values[column.name] = utc_now() if is_moment else blank.get(column.type.python_type, name)
            if "active_key" in values:
                values["active_key"] = None
            if len(table.primary_key) > 1:
                connection.execute(table.insert().values(values))
                hanging[table.name] = 0  # without a number that others could refer to
                continue
            made = connection.execute(table.insert().values(values).returning(*table.primary_key.columns)).scalar_one()
            hanging.setdefault(table.name, int(made))
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")
        session.commit()
    return len(hanging)


@sqlite_only
def test_reset_deletes_all_that_hangs_on_a_product(services: Services, admin: Person) -> None:
    loading.load_demo_data(services, admin)
    product = products.find_product(services, "one")
    assert _fill_every_table(services, product.id, admin_id=admin.id) > 15
    loading.reset_demo_data(services, admin)
    assert _counts(services) == {}
    with services.database.reading() as session:
        assert session.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []


def test_reset_waits_for_jobs(services: Services, admin: Person) -> None:
    loading.load_demo_data(services, admin)
    product = products.find_product(services, "one")
    with services.database.unit_of_work() as session:
        session.add(Job(kind="memory_bank", payload={"product_ids": [product.id]}))
        session.commit()
    with pytest.raises(Conflict) as caught:
        loading.reset_demo_data(services, admin)
    assert caught.value.code == "demo_busy"
    assert len(_counts(services)) == 2


def test_jobs_that_wait_for_demo_products_alone_are_canceled(services: Services, admin: Person) -> None:
    loading.load_demo_data(services, admin)
    demo, own = products.find_product(services, "one"), products.create_product(services, admin, name="Mine")
    with services.database.unit_of_work() as session:
        for ids in ([demo.id], [demo.id, own.id], [own.id]):
            session.add(Job(kind="memory_bank", payload={"product_ids": ids}))
        session.add(Job(kind="memory_bank", payload={"product_ids": [demo.id]}, state="running"))
        session.commit()
    loading.cancel_waiting_jobs(services, admin)
    with services.database.reading() as session:
        states = session.exec(select(Job.state).order_by(col(Job.id))).all()
    assert states == ["cancelled", "queued", "queued", "running"]


def test_a_missing_dataset_is_a_sentence(services: Services, admin: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Iterator[DemoImage]:
        raise FileNotFoundError("no package")

    monkeypatch.setattr(loading, "PRODUCTS", (dataclasses.replace(_product("three", 3), make_images=missing),))
    with pytest.raises(NotReady) as caught:
        loading.load_demo_data(services, admin)
    assert caught.value.code == "demo_dataset_missing"
