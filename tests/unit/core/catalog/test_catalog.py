"""Products and defect types: codes, counts, stale saves and roles."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import event
from sqlmodel import select

from core.access import Person
from core.catalog import defect_types, products
from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound, describe
from core.services import Services
from storage.tables import AuditLog, Image, Manual, Product
from tests.databases import sqlite_only


def _image(product: Product, number: int, *, defect_type_id: int | None = None, split: str = "train") -> Image:
    name = f"{product.code}_{number}.png"
    return Image(
        product_id=product.id,
        image_type="normal" if defect_type_id is None else "defect",
        defect_type_id=defect_type_id,
        split=split,
        stored_name=name,
        original_name=name,
        object_key=name,
        thumbnail_key=name,
        content_sha256=name,
        pixel_sha256=name,
        byte_size=1,
        width_px=1,
        height_px=1,
        file_format="PNG",
    )


def test_summary_counts_images_manuals_and_types(services: Services, engineer: Person) -> None:
    product = products.create_product(services, engineer, name="Casting A", code="casting")
    hole = defect_types.create_defect_type(services, engineer, product_id=product.id, code="hole", name_ko="기공")
    burr = defect_types.create_defect_type(services, engineer, product_id=product.id, code="burr", name_ko="버")
    defect_types.set_defect_type_active(services, engineer, burr.id, False)
    with services.database.unit_of_work() as session:
        for number in range(3):
            session.add(_image(product, number))
        session.add(_image(product, 3, split="test"))
        session.add(_image(product, 4, defect_type_id=hole.id))
        session.add(_image(product, 5, defect_type_id=hole.id, split="test"))
        session.add(
            Manual(
                product_id=product.id,
                title="m",
                original_name="m.pdf",
                object_key="m",
                byte_size=1,
                content_sha256="m",
            )
        )
        session.commit()
    (summary,) = products.list_products(services)
    assert (summary.n_normal_train, summary.n_normal_test) == (3, 1)
    assert (summary.n_defect_train, summary.n_defect_test) == (1, 1)
    assert (summary.n_normal, summary.n_defect, summary.n_manual, summary.n_defect_types) == (4, 2, 1, 1)


def test_listing_asks_the_database_no_more_for_more_products(services: Services, engineer: Person) -> None:
    statements: list[str] = []

    def count(n_products: int) -> int:
        for number in range(n_products):
            products.create_product(services, engineer, name=f"Part {n_products} {number}")
        statements.clear()
        products.list_products(services)
        return sum(text.startswith("SELECT") for text in statements)

    with services.database.reading() as session:
        engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    assert count(1) == count(12) == 4


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Casting A", "casting-a"),
        ("  Pump (320 px) ", "pump-320-px"),
        ("Café", "cafe"),
        ("주조A형", "product-001"),
        ("!!!", "product-001"),
    ],
)
def test_code_is_made_from_a_latin_name_and_by_number_otherwise(
    services: Services, engineer: Person, name: str, code: str
) -> None:
    assert products.create_product(services, engineer, name=name).code == code


def test_made_codes_do_not_collide(services: Services, engineer: Person) -> None:
    codes = [products.create_product(services, engineer, name=name).code for name in ("A b", "a B", "가죽", "격자")]
    assert codes == ["a-b", "a-b-2", "product-001", "product-002"]


@pytest.mark.parametrize("code", ["-a", "a b", "a/b", "..", "가", "a" * 65, "a\nb", "a.b"])
def test_codes_outside_the_rule_are_refused(services: Services, engineer: Person, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        products.create_product(services, engineer, name="x", code=code)
    assert caught.value.code == "code_invalid"


def test_product_code_is_unique_and_found_ignoring_case(services: Services, engineer: Person) -> None:
    product = products.create_product(services, engineer, name="x", code="Grid_1")
    with pytest.raises(Conflict) as caught:
        products.create_product(services, engineer, name="y", code="gRID_1")
    assert caught.value.code == "product_code_taken"
    assert products.find_product(services, "grid_1").id == product.id
    with pytest.raises(NotFound) as missing:
        products.find_product(services, "nothing")
    assert '"nothing"' in str(missing.value)


@pytest.mark.parametrize(
    ("name", "code"), [("", "product_name_missing"), (" \t\n", "product_name_missing"), ("가" * 191, "name_too_long")]
)
def test_names_must_say_something_and_fit(services: Services, engineer: Person, name: str, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        products.create_product(services, engineer, name=name, code="x")
    assert caught.value.code == code


def test_names_are_one_line_in_composed_form(services: Services, engineer: Person) -> None:
    product = products.create_product(services, engineer, name="가\x00나\n다", code="x")
    assert product.name == "가 나 다"


def test_stale_save_says_who_changed_what(services: Services, engineer: Person, admin: Person) -> None:
    product = products.create_product(services, engineer, name="Old", code="x")
    seen = product.row_version
    products.update_product(services, admin, product.id, row_version=seen, name="New", description="")
    with pytest.raises(Conflict) as caught:
        products.update_product(services, engineer, product.id, row_version=seen, name="Mine", description="")
    assert caught.value.code == "stale_save"
    assert admin.display_name in str(caught.value)
    assert "Name “Old” → “New”" in str(caught.value)
    assert "이름 “Old” → “New”" in describe(caught.value.code, caught.value.params, "ko")
    assert products.get_product(services, product.id).name == "New"


def test_a_stale_save_names_a_switch(services: Services, engineer: Person, admin: Person) -> None:
    product = products.create_product(services, engineer, name="x", code="x")
    products.set_product_active(services, admin, product.id, False)
    with pytest.raises(Conflict) as caught:
        products.update_product(
            services, engineer, product.id, row_version=product.row_version, name="Mine", description=""
        )
    assert "Active ✓ → ✗" in str(caught.value)


def test_saving_without_a_change_changes_nothing(services: Services, engineer: Person) -> None:
    product = products.create_product(services, engineer, name="Same", code="x")
    again = products.update_product(
        services, engineer, product.id, row_version=product.row_version, name="Same", description=""
    )
    assert again.row_version == product.row_version
    with services.database.reading() as session:
        assert session.exec(select(AuditLog).where(AuditLog.action == "product.changed")).all() == []


def test_a_deactivated_product_is_hidden_but_not_lost(services: Services, engineer: Person) -> None:
    product = products.create_product(services, engineer, name="x", code="x")
    products.set_product_active(services, engineer, product.id, False)
    assert products.list_products(services) == []
    assert products.list_products_in_use(services) == []
    assert [s.product.code for s in products.list_products(services, include_inactive=True)] == ["x"]
    assert products.set_product_active(services, engineer, product.id, True).is_active


def test_defect_type_lives_within_its_product(services: Services, engineer: Person) -> None:
    one = products.create_product(services, engineer, name="one", code="one")
    two = products.create_product(services, engineer, name="two", code="two")
    defect_types.create_defect_type(services, engineer, product_id=one.id, code="hole", name_ko="기공")
    defect_types.create_defect_type(services, engineer, product_id=two.id, code="hole", name_ko="구멍")
    with pytest.raises(Conflict) as caught:
        defect_types.create_defect_type(services, engineer, product_id=one.id, code="HOLE", name_ko="기공")
    assert caught.value.code == "defect_code_taken"
    assert [row.name_ko for row in defect_types.list_defect_types(services, one.id)] == ["기공"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"code": "Normal"}, "defect_code_reserved"),
        ({"code": "a b"}, "code_invalid"),
        ({"name_ko": " "}, "defect_name_missing"),
        ({"severity": "awful"}, "severity_unknown"),
    ],
)
def test_defect_type_is_checked(services: Services, engineer: Person, values: dict[str, str], code: str) -> None:
    product = products.create_product(services, engineer, name="x", code="x")
    with pytest.raises(BadInput) as caught:
        defect_types.create_defect_type(
            services, engineer, product_id=product.id, **{"code": "hole", "name_ko": "기공", **values}
        )
    assert caught.value.code == code


def test_defect_type_edit_is_guarded_by_its_version(services: Services, engineer: Person) -> None:
    product = products.create_product(services, engineer, name="x", code="x")
    row = defect_types.create_defect_type(services, engineer, product_id=product.id, code="hole", name_ko="기공")

    def save(name_ko: str, row_version: int) -> None:
        defect_types.update_defect_type(
            services,
            engineer,
            row.id,
            row_version=row_version,
            name_ko=name_ko,
            name_en="Pore",
            description="",
            severity="critical",
        )

    save("기포", 1)
    with pytest.raises(Conflict) as caught:
        save("구멍", 1)
    assert "“기공” → “기포”" in str(caught.value)


def test_examples_must_be_the_types_own(services: Services, engineer: Person) -> None:
    product = products.create_product(services, engineer, name="x", code="x")
    row = defect_types.create_defect_type(services, engineer, product_id=product.id, code="hole", name_ko="기공")
    with services.database.unit_of_work() as session:
        own, other = _image(product, 1, defect_type_id=row.id), _image(product, 2)
        session.add_all([own, other])
        session.commit()
    assert defect_types.set_defect_examples(services, engineer, row.id, [own.id]).example_image_ids == [own.id]
    for ids, code in (([other.id], "example_of_other_type"), (list(range(6)), "too_many_examples")):
        with pytest.raises(BadInput) as caught:
            defect_types.set_defect_examples(services, engineer, row.id, ids)
        assert caught.value.code == code


def test_a_worker_may_register_a_defect_type_but_not_edit_the_catalog(
    services: Services, engineer: Person, worker_person: Person
) -> None:
    product = products.create_product(services, engineer, name="x", code="x")
    row = defect_types.create_defect_type(services, worker_person, product_id=product.id, code="new", name_ko="새 불량")
    forbidden: list[Callable[[], object]] = [
        lambda: products.create_product(services, worker_person, name="y"),
        lambda: products.update_product(services, worker_person, product.id, row_version=1, name="y", description=""),
        lambda: products.set_product_active(services, worker_person, product.id, False),
        lambda: defect_types.set_defect_type_active(services, worker_person, row.id, False),
    ]
    for call in forbidden:
        with pytest.raises(NotAllowed):
            call()


@sqlite_only
def test_the_database_error_leaves_as_a_sentence(services: Services) -> None:
    services.database.dispose()
    (services.settings.data_dir / "geomsa.db").unlink()
    with pytest.raises(AppError) as caught:
        products.list_products(services)
    assert caught.value.code == "database_not_migrated"


def test_trigger_and_code_rule_are_saved_under_the_row_version_and_recorded(
    services: Services, engineer: Person
) -> None:
    product = products.create_product(services, engineer, name="Casting", code="casting")
    assert (product.inspection_trigger, product.code_rule) == ("at_once", "")

    def save(row_version: int, **changes: str) -> Product:
        return products.update_product(
            services, engineer, product.id, row_version=row_version, name="Casting", description="", **changes
        )

    saved = save(1, inspection_trigger="on_click", code_rule=" AUTO ")
    assert (saved.inspection_trigger, saved.code_rule, saved.row_version) == ("on_click", "auto", 2)
    untouched = save(2)
    assert (untouched.inspection_trigger, untouched.code_rule, untouched.row_version) == ("on_click", "auto", 2)
    with pytest.raises(Conflict):
        save(1, inspection_trigger="at_once")
    with pytest.raises(BadInput) as refused:
        save(2, inspection_trigger="sometimes")
    assert refused.value.code == "inspection_trigger_unknown"
    with pytest.raises(BadInput):
        save(2, code_rule="{nothing}")
    with services.database.reading() as session:
        changes = session.exec(select(AuditLog).where(AuditLog.action == "product.changed")).one().details["changes"]
    assert changes == {"inspection_trigger": ["at_once", "on_click"], "code_rule": ["", "auto"]}
