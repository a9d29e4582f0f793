"""Purging a product: what goes, who may, what refuses it, and what is left."""

from __future__ import annotations

import pytest
from sqlalchemy import select as sa_select
from sqlmodel import select

from core.access import Person
from core.catalog import products
from core.catalog.view_edits import add_view
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.removal.pending import finish_removals
from core.removal.products import purge_product, weigh_purge
from core.services import Services
from core.worker.tidying import tidy
from storage.object_store import ObjectStoreError
from storage.tables import METADATA, AuditLog, Inspection, InspectionView, Job, Product, ProductView, UserBinding
from tests.databases import ON_SERVER
from tests.filled_tables import descend_from, fill_tables, name_objects
from tests.inspected_part import add_inspected_part
from tests.stored import stored_keys


@pytest.fixture
def bracket(services: Services, engineer: Person) -> Product:
    add_inspected_part(services, engineer)
    return products.find_product(services, "bracket")


def _add_pictured(services: Services, product: Product) -> None:
    """Add the picture of a view to the inspection that is there, with its object."""
    services.objects.put("inspections/top.png", b"top")
    with services.database.unit_of_work() as session:
        inspection = session.exec(select(Inspection).where(Inspection.product_id == product.id)).one()
        row = InspectionView(
            inspection_id=inspection.id,
            view="top",
            original_name="top.png",
            image_key="inspections/top.png",
            image_sha256="0" * 64,
            width_px=1,
            height_px=1,
            verdict="ok",
        )
        session.add(row)
        session.commit()


def test_everything_of_the_product_goes_and_nothing_of_another(
    services: Services, engineer: Person, admin: Person, bracket: Product
) -> None:
    other = products.create_product(services, engineer, name="other", code="other")
    add_view(services, engineer, bracket.id, code="top")
    kept = add_view(services, engineer, other.id, code="top")
    _add_pictured(services, bracket)
    shown, weight = weigh_purge(services, admin, bracket.id)
    assert (shown.code, weight.inspections, weight.defect_types, weight.manuals) == ("bracket", 1, 1, 2)
    assert services.objects.exists("inspections/part.png")
    gone = purge_product(services, admin, bracket.id, row_version=bracket.row_version, typed_code=" bracket ")
    assert gone == weight
    assert [one.product.id for one in products.list_products(services, include_inactive=True)] == [other.id]
    assert not services.objects.exists("inspections/part.png")
    assert not services.objects.exists("inspections/top.png")
    with services.database.reading() as session:
        assert session.exec(select(Inspection)).all() == []
        assert session.exec(select(InspectionView)).all() == []
        assert session.exec(select(ProductView.id)).all() == [kept.id]
        if not ON_SERVER:  # the servers look at each statement
            assert session.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []
        told = session.exec(select(AuditLog).where(AuditLog.action == "product.purged")).one()
    assert (told.user_id, told.details["code"], told.details["inspections"]) == (admin.id, "bracket", 1)
    with pytest.raises(NotFound):
        purge_product(services, admin, bracket.id, row_version=1, typed_code="bracket")


def test_only_an_administrator_who_typed_the_code_of_what_is_there_now(
    services: Services, engineer: Person, admin: Person, bracket: Product
) -> None:
    with pytest.raises(NotAllowed):
        weigh_purge(services, engineer, bracket.id)
    with pytest.raises(NotAllowed):
        purge_product(services, engineer, bracket.id, row_version=bracket.row_version, typed_code="bracket")
    for typed in ("", "Bracket", "brackets"):
        with pytest.raises(BadInput) as caught:
            purge_product(services, admin, bracket.id, row_version=bracket.row_version, typed_code=typed)
        assert caught.value.code == "purge_not_confirmed"
    products.set_product_active(services, engineer, bracket.id, False)
    with pytest.raises(Conflict) as stale:
        purge_product(services, admin, bracket.id, row_version=bracket.row_version, typed_code="bracket")
    assert stale.value.code == "stale_save"
    assert products.get_product(services, bracket.id)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_job_on_the_product_refuses_it(services: Services, admin: Person, bracket: Product, state: str) -> None:
    with services.database.unit_of_work() as session:
        session.add(Job(kind="memory_bank", state=state, payload={"product_ids": [bracket.id, 4711]}))
        session.commit()
    with pytest.raises(Conflict) as caught:
        purge_product(services, admin, bracket.id, row_version=bracket.row_version, typed_code="bracket")
    assert caught.value.code == "purge_busy"


def test_what_a_store_that_fails_or_a_kill_leaves_is_deleted_by_the_next_tidying(
    services: Services, admin: Person, bracket: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise ObjectStoreError("object_store_unavailable", reason="io")

    with monkeypatch.context() as patch:
        patch.setattr(type(services.objects), "delete", fail)
        patch.setattr(type(services.objects), "delete_prefix", fail)
        purge_product(services, admin, bracket.id, row_version=bracket.row_version, typed_code="bracket")
        assert products.list_products(services, include_inactive=True) == []
    assert services.objects.exists("inspections/part.png")
    tidy(services)
    assert stored_keys(services) == []
    assert finish_removals(services) == 0


def test_no_row_and_no_object_of_the_product_is_left_in_any_table_or_folder(services: Services, admin: Person) -> None:
    gone, kept = fill_tables(services, "gone"), fill_tables(services, "kept")
    product = products.get_product(services, gone["products"]["id"])
    purge_product(services, admin, product.id, row_version=product.row_version, typed_code=product.code)
    left = []
    with services.database.reading() as session:
        for name, row in gone.items():
            table = METADATA.tables[name]
            mine = [table.c[key.name] == row[key.name] for key in table.primary_key]
            if session.execute(sa_select(*table.primary_key).where(*mine)).first() is not None:
                left.append(name)
        if not ON_SERVER:  # the servers look at each statement
            assert session.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []
        for name, row in kept.items():
            table = METADATA.tables[name]
            mine = [table.c[key.name] == row[key.name] for key in table.primary_key]
            assert session.execute(sa_select(*table.primary_key).where(*mine)).first() is not None, name
    # What was said in a conversation, and which backups were made, is not the product's; a binding is to nothing now.
    assert set(left) & (descend_from("products") | {"products"}) == {"conversation_turns", "backups", "user_bindings"}
    assert stored_keys(services) == sorted(set(name_objects(kept, "kept")))


def test_an_account_bound_to_nothing_else_is_not_let_into_everything(
    services: Services, engineer: Person, admin: Person, bracket: Product
) -> None:
    with services.database.unit_of_work() as session:
        session.add(UserBinding(user_id=engineer.id, kind="product", product_id=bracket.id))
        session.commit()
    with pytest.raises(Conflict) as caught:
        purge_product(services, admin, bracket.id, row_version=bracket.row_version, typed_code="bracket")
    assert (caught.value.code, caught.value.params["names"]) == ("purge_bound", engineer.login)
