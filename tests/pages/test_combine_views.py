"""Combining views on the screen, and a part inspected by views: the rule that is saved, each view's evidence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from core.accounts.people import open_person
from core.catalog.products import find_product
from core.fusion.in_force import read_fusion
from core.inspections.by_view.inspection import inspect_views
from core.services import Services, build_services
from pages.components.capture import inspecting
from pages.components.capture.camera import Picture
from pages.components.shared.screens import COMBINE_VIEWS, INSPECT_PART
from storage.tables import Inspection, Product
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts
from tests.plates import copy_data, folder_settings
from tests.toy_models import build_toy_folder, use_toy_models
from tests.viewed_plates import GOOD, SPOT, inspect_plate, with_views


@pytest.fixture(scope="module")
def toy_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy") / "data"
    build_toy_folder(folder)
    return folder


@pytest.fixture
def services(toy_template: Path, tmp_path: Path) -> Iterator[Services]:
    """Yield services with toy models, in the place of the empty ones."""
    built = build_services(folder_settings(copy_data(toy_template, tmp_path / "toy-data")))
    yield use_toy_models(built)
    built.database.dispose()


@pytest.fixture
def product(services: Services) -> Product:
    found = find_product(services, "plate")
    with_views(services, found)
    return found


def _key(services: Services, product: Product, name: str) -> str:
    return f"fusion_{product.id}_{read_fusion(services, product.id).entry.id}_{name}"


def test_without_views_the_screen_says_what_to_do(services: Services, open_app: OpenApp) -> None:
    app = open_app(COMBINE_VIEWS)
    assert "No product has views yet" in texts(app)


def test_the_default_is_said_and_another_rule_is_saved(services: Services, product: Product, open_app: OpenApp) -> None:
    app = open_app(COMBINE_VIEWS)
    assert "Nobody has chosen yet" in texts(app)
    assert [one.label for one in app.metric] == ["Escape", "Overkill", "Good parts to a person", "Named rightly"]
    app.button_group(key=_key(services, product, "method")).set_value("weighted_average").run()
    app.number_input(key=_key(services, product, "weight_ct")).set_value(0.8).run()
    app.text_input(key=_key(services, product, "reason")).set_value("CT tells more").run()
    press(app, "Save this rule")
    assert not app.exception
    saved = read_fusion(services, product.id).entry
    assert (saved.rule.method, saved.rule.weights["ct"], saved.reason) == ("weighted_average", 0.8, "CT tells more")


def test_a_rule_that_lets_a_part_pass_is_refused_while_it_is_typed(
    services: Services, product: Product, open_app: OpenApp
) -> None:
    app = open_app(COMBINE_VIEWS)
    app.button_group(key=_key(services, product, "method")).set_value("rule_based").run()
    app.text_area(key=_key(services, product, "rules")).set_value("if ct >= 0.5 then internal").run()
    assert any("rgb is certain of a defect" in one.value for one in app.error)
    press(app, "Write the usual rules")
    assert not app.error
    assert "then combined" in str(app.text_area(key=_key(services, product, "rules")).value)


def test_workers_do_not_combine(services: Services, product: Product, open_app: OpenApp) -> None:
    app = open_app(COMBINE_VIEWS, role="worker")
    assert not app.metric


@pytest.mark.parametrize(("language", "words"), [("en", "NG · Internal defect"), ("ko", "불량 · 내부불량")])
def test_a_result_shows_the_combined_verdict_and_each_view(
    services: Services, product: Product, open_app: OpenApp, language: str, words: str
) -> None:
    record = inspect_plate(services, product, open_person(services, "engineer"), ct=SPOT, rgb=GOOD)
    app = open_app(language=language)
    app.query_params["inspection"] = str(record.id)
    app.switch_page(INSPECT_PART).run()
    assert not app.exception
    shown = texts(app)
    assert words in shown
    for name in ("CT slice", "Photograph") if language == "en" else ("CT 단면", "외관 사진"):
        assert name in shown
    viewers = [one for one in app.get("bidi_component") if "heat_viewer" in one.proto.component_name]
    assert len(viewers) == 2


def test_a_product_with_views_has_a_slot_for_each(services: Services, product: Product, open_app: OpenApp) -> None:
    app = open_app()
    assert not app.exception
    shown = texts(app)
    assert "CT slice" in shown
    assert "required" in shown
    assert app.button(key="inspect_views_go").disabled


def _take(app: AppTest, identity: str, data: bytes) -> None:
    # What the browser would send once somebody presses the camera's button.
    app.session_state["camera_taken"] = Picture(identity, data, f"{identity}.png")
    app.run()
    assert not app.exception


def test_the_camera_takes_one_view_after_the_other_and_the_part_is_inspected(
    services: Services, product: Product, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server of the test has no toy models: the services that have them inspect in its place.
    monkeypatch.setattr(
        inspecting, "inspect_views", lambda _served, who, **given: inspect_views(services, who, **given)
    )
    app = open_app()
    app.button_group(key="inspect_source").set_value("camera").run()
    assert app.button_group(key="inspect_camera_view").value == "ct"
    _take(app, "first", SPOT)
    assert app.button_group(key="inspect_camera_view").value == "rgb"
    assert "first.png" in texts(app)
    _take(app, "second", GOOD)
    app.button(key="inspect_views_go").click().run()
    assert not app.exception
    with services.database.reading() as session:
        assert session.exec(select(Inspection)).one().source == "camera"


def test_a_discarded_picture_of_the_camera_is_taken_again(product: Product, open_app: OpenApp) -> None:
    app = open_app()
    app.button_group(key="inspect_source").set_value("camera").run()
    _take(app, "first", SPOT)
    app.button(key="discard_first").click().run()
    assert app.button_group(key="inspect_camera_view").value == "ct"
    assert "first.png" not in texts(app)
    assert app.button(key="inspect_views_go").disabled
