"""The views of a product on its screens, through Home.py."""

from __future__ import annotations

from core.access import Person
from core.catalog.products import create_product
from core.catalog.view_edits import add_view
from core.catalog.views import list_views
from core.preprocessing.stored_options import get_preprocessing
from core.services import Services
from pages.components.shared.screens import PREPROCESSING, PRODUCTS
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts


def test_a_view_is_added_and_what_comes_next_is_said(open_app: OpenApp, services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Cell", code="cell")
    add_view(services, engineer, product.id, code="rgb", name="Photograph")
    app = open_app(PRODUCTS)
    app.button(key=f"product_views_{product.id}").click().run()
    app.text_input(key="view_add_0_code").set_value("ct")
    app.text_input(key="view_add_0_name").set_value("Slice")
    app.selectbox(key="view_add_0_modality").set_value("ct")
    press(app, "Add the view")
    added = list_views(services, product.id)[1]
    assert (added.code, added.name, added.modality, added.found_as) == ("ct", "Slice", "ct", "internal")
    assert "then deploy" in texts(app)


def test_a_refused_view_keeps_what_was_typed(open_app: OpenApp, services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Cell", code="cell")
    add_view(services, engineer, product.id, code="rgb")
    app = open_app(PRODUCTS)
    app.button(key=f"product_views_{product.id}").click().run()
    app.text_input(key="view_add_0_code").set_value("RGB")
    app.text_input(key="view_add_0_name").set_value("Once more")
    press(app, "Add the view")
    assert "already has a view" in app.error[0].value
    assert app.text_input(key="view_add_0_name").value == "Once more"
    assert len(list_views(services, product.id)) == 1


def test_a_view_is_edited_and_moved_up(open_app: OpenApp, services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Cell", code="cell")
    add_view(services, engineer, product.id, code="rgb")
    ct = add_view(services, engineer, product.id, code="ct", modality="ct")
    app = open_app(PRODUCTS)
    app.button(key=f"product_views_{product.id}").click().run()
    app.button(key=f"view_edit_{ct.id}").click().run()
    app.text_input(key="view_edit_name").set_value("Tomography")
    press(app, "Save")
    app.button(key=f"view_up_{ct.id}").click().run()
    assert [(view.code, view.name) for view in list_views(services, product.id)] == [
        ("ct", "Tomography"),
        ("rgb", "rgb"),
    ]


def test_preprocessing_is_set_for_the_chosen_view_alone(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    product = create_product(services, engineer, name="Cell", code="cell")
    for code in ("ct", "rgb"):
        add_view(services, engineer, product.id, code=code)
    app = open_app(PREPROCESSING)
    app.selectbox(key=f"preprocessing_view_{product.id}").set_value("rgb").run()
    app.toggle(key=f"preprocessing_{product.id}_rgb_w_clahe").set_value(True).run()
    app.button(key=f"preprocessing_{product.id}_rgb_save").click().run()
    assert get_preprocessing(services, product.id, "rgb").options.clahe
    assert not get_preprocessing(services, product.id, "ct").options.clahe
