"""The products screen, through Home.py."""

from __future__ import annotations

import pytest

from core.access import Person
from core.catalog.products import create_product, get_product, list_products, set_product_active, update_product
from core.services import Services
from pages.components.shared.screens import PRODUCTS
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts


@pytest.mark.parametrize(("language", "words"), [("en", "There is no product yet"), ("ko", "등록된 제품이 없습니다")])
def test_empty_screen_says_what_to_do(open_app: OpenApp, language: str, words: str) -> None:
    app = open_app(PRODUCTS, language=language)
    assert words in texts(app)
    assert [button.key for button in app.button if button.key == "product_new"] == ["product_new"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_line_worker_is_kept_out(open_app: OpenApp, language: str, services: Services, engineer: Person) -> None:
    create_product(services, engineer, name="Secret casting", code="casting")
    app = open_app(PRODUCTS, role="worker", language=language)
    assert len(app.error) == 1
    assert "Secret casting" not in texts(app)
    assert all(button.key != "product_new" for button in app.button)


def test_product_is_registered_with_a_code_made_from_its_name(open_app: OpenApp, services: Services) -> None:
    app = open_app(PRODUCTS)
    app.button(key="product_new").click().run()
    app.text_input(key="product_create_name").set_value("Casting A")
    press(app, "Register")
    assert [summary.product.code for summary in list_products(services)] == ["casting-a"]
    assert "Casting A" in texts(app)
    assert not app.text_input(key="product_search").value


def test_refused_product_keeps_what_was_typed(open_app: OpenApp, services: Services, engineer: Person) -> None:
    create_product(services, engineer, name="First", code="casting")
    app = open_app(PRODUCTS)
    app.button(key="product_new").click().run()
    app.text_input(key="product_create_name").set_value("Second")
    app.text_input(key="product_create_code").set_value("CASTING")
    app.text_area(key="product_create_description").set_value("Sand-cast")
    press(app, "Register")
    assert "There is already a product with the code" in app.error[0].value
    assert app.text_input(key="product_create_name").value == "Second"
    assert app.text_area(key="product_create_description").value == "Sand-cast"
    assert len(list_products(services)) == 1


def test_stale_save_is_refused_and_then_made_knowingly(
    open_app: OpenApp, services: Services, engineer: Person, admin: Person
) -> None:
    product = create_product(services, engineer, name="Casting", code="casting")
    app = open_app(PRODUCTS)
    app.button(key=f"product_edit_{product.id}").click().run()
    update_product(
        services, admin, product.id, row_version=product.row_version, name="Casting B", description="changed"
    )
    app.text_input(key="product_edit_name").set_value("Casting C")
    press(app, "Save")
    assert "Administrator" in app.error[0].value
    assert "Casting B" in app.error[0].value
    assert app.text_input(key="product_edit_name").value == "Casting C"
    assert get_product(services, product.id).name == "Casting B"
    press(app, "Save")
    assert get_product(services, product.id).name == "Casting C"


def test_product_is_deactivated_only_after_a_yes(open_app: OpenApp, services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Casting", code="casting")
    app = open_app(PRODUCTS)
    app.menu_button(key=f"product_menu_{product.id}").click("active").run()
    assert get_product(services, product.id).is_active
    app.button(key="dialog_agree").click().run()
    assert not get_product(services, product.id).is_active
    assert "Casting" not in [value.strip("*") for value in texts(app).splitlines()]


def test_deactivated_product_can_be_brought_back(open_app: OpenApp, services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Casting", code="casting")
    set_product_active(services, engineer, product.id, False)
    app = open_app(PRODUCTS)
    app.toggle(key="product_inactive").set_value(True).run()
    app.menu_button(key=f"product_menu_{product.id}").click("active").run()
    assert get_product(services, product.id).is_active


def test_search_leaves_the_products_that_fit(open_app: OpenApp, services: Services, engineer: Person) -> None:
    create_product(services, engineer, name="주조A형", code="casting")
    create_product(services, engineer, name="가죽", code="leather")
    app = open_app(PRODUCTS)
    app.text_input(key="product_search").set_value("주조").run()
    assert "주조A형" in texts(app)
    assert "가죽" not in texts(app)


def test_name_is_shown_as_typed_and_never_as_markup(open_app: OpenApp, services: Services, engineer: Person) -> None:
    create_product(services, engineer, name="<b>Bad</b> [x](http://x) :red[y]", code="odd")
    written = texts(open_app(PRODUCTS))
    assert "<b>" not in written
    assert "[x](http" not in written
    assert ":red[" not in written


def test_an_engineer_sets_when_an_inspection_starts_and_how_codes_are_read(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    product = create_product(services, engineer, name="Casting", code="casting")
    app = open_app(PRODUCTS)
    app.button(key=f"product_edit_{product.id}").click().run()
    assert app.radio(key="product_edit_trigger").value == "at_once"
    app.radio(key="product_edit_trigger").set_value("on_click")
    app.radio(key="product_edit_codes").set_value("pattern")
    press(app, "Save")
    assert "No pattern is typed." in app.error[0].value
    assert get_product(services, product.id).row_version == product.row_version
    app.text_input(key="product_edit_pattern").set_value("{lot}{serial}")
    press(app, "Save")
    assert "side by side" in app.error[0].value
    app.text_input(key="product_edit_pattern").set_value("{lot}-{serial}")
    press(app, "Save")
    saved = get_product(services, product.id)
    assert (saved.inspection_trigger, saved.code_rule) == ("on_click", "{lot}-{serial}")
    app.button(key=f"product_edit_{product.id}").click().run()
    assert app.radio(key="product_edit_codes").value == "pattern"
    app.radio(key="product_edit_codes").set_value("")
    press(app, "Save")
    assert get_product(services, product.id).code_rule == ""


@pytest.mark.parametrize(
    ("language", "name", "other"), [("en", "Casting A", "주조A형"), ("ko", "주조A형", "Casting A")]
)
def test_the_name_is_that_of_the_language_and_both_are_found(
    open_app: OpenApp, services: Services, engineer: Person, language: str, name: str, other: str
) -> None:
    product = create_product(services, engineer, name="주조A형", name_en="Casting A", code="casting")
    app = open_app(PRODUCTS, language=language)
    shown = texts(app)
    assert f"**{name}**" in shown
    assert f"`casting` · {'No. 1' if language == 'en' else '1번'} · {other}" in shown
    assert product.created_at.strftime("%Y-%m") in shown
    app.text_input(key="product_search").set_value(other).run()
    assert f"**{name}**" in texts(app)


def test_a_product_is_purged_after_its_code_was_typed(open_app: OpenApp, services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Casting", code="casting")
    app = open_app(PRODUCTS, role="admin")
    app.menu_button(key=f"product_menu_{product.id}").click("purge").run()
    assert "0 images · 0 manuals" in texts(app)
    app.text_input(key="product_purge_code").set_value("cast")
    press(app, "Delete for good")
    assert "type the code" in app.error[-1].value
    assert app.text_input(key="product_purge_code").value == "cast"
    app.text_input(key="product_purge_code").set_value("casting")
    press(app, "Delete for good")
    assert list_products(services, include_inactive=True) == []


def test_a_switch_on_a_state_that_is_gone_says_who_changed_it(
    open_app: OpenApp, services: Services, engineer: Person, admin: Person
) -> None:
    product = create_product(services, engineer, name="Casting", code="casting")
    app = open_app(PRODUCTS)
    app.menu_button(key=f"product_menu_{product.id}").click("active").run()
    update_product(services, admin, product.id, row_version=product.row_version, name="Casting B", description="")
    app.button(key="dialog_agree").click().run()
    assert "Casting B" in app.error[0].value
    assert get_product(services, product.id).is_active
    app.button(key="dialog_agree").click().run()
    assert not get_product(services, product.id).is_active
