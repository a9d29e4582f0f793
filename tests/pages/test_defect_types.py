"""The screen of defect types, through Home.py."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as PillowImage

from core.access import Person
from core.catalog.defect_types import create_defect_type, get_defect_type, list_defect_types, update_defect_type
from core.catalog.products import create_product
from core.services import Services
from storage.tables import DefectType
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts

SCREEN = "pages/catalog/defect_types.py"


@pytest.fixture
def hole(services: Services, engineer: Person) -> DefectType:
    """Return a defect type `hole` of a product `casting`."""
    product = create_product(services, engineer, name="주조A형", code="casting")
    return create_defect_type(
        services, engineer, product_id=product.id, code="hole", name_ko="기공", name_en="Blow hole"
    )


@pytest.mark.parametrize(("language", "words"), [("en", "register the product first"), ("ko", "제품을 먼저 등록")])
def test_empty_screen_says_what_to_do(open_app: OpenApp, language: str, words: str) -> None:
    assert words in texts(open_app(SCREEN, language=language))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_line_worker_is_kept_out(open_app: OpenApp, hole: DefectType, language: str) -> None:
    app = open_app(SCREEN, role="worker", language=language)
    assert len(app.error) == 1
    assert hole.code not in texts(app)


@pytest.mark.parametrize(("language", "name"), [("en", "**Blow hole**"), ("ko", "**기공**")])
def test_names_are_in_the_language_of_the_screen(open_app: OpenApp, hole: DefectType, language: str, name: str) -> None:
    assert name in texts(open_app(SCREEN, language=language))


def test_refused_type_keeps_what_was_typed_and_is_then_registered(
    open_app: OpenApp, services: Services, hole: DefectType
) -> None:
    app = open_app(SCREEN)
    app.button(key="defect_type_new").click().run()
    app.text_input(key="defect_type_create_name_ko").set_value("버")
    app.text_input(key="defect_type_create_code").set_value("normal")
    app.segmented_control(key="defect_type_create_severity").set_value("minor")
    press(app, "Register")
    assert "stands for images without a defect" in app.error[0].value
    assert app.text_input(key="defect_type_create_name_ko").value == "버"
    app.text_input(key="defect_type_create_code").set_value("burr")
    press(app, "Register")
    found = {row.code: row for row in list_defect_types(services, hole.product_id)}
    assert found["burr"].name_ko == "버"
    assert found["burr"].severity == "minor"
    assert "`burr`" in texts(app)


def test_stale_save_is_refused_and_then_made_knowingly(
    open_app: OpenApp, services: Services, admin: Person, hole: DefectType
) -> None:
    app = open_app(SCREEN)
    app.button(key=f"defect_type_edit_{hole.id}").click().run()
    update_defect_type(
        services, admin, hole.id, row_version=1, name_ko="핀홀", name_en="", description="", severity="major"
    )
    app.text_input(key="defect_type_edit_name_ko").set_value("기공(대)")
    press(app, "Save")
    assert "핀홀" in app.error[0].value
    assert app.text_input(key="defect_type_edit_name_ko").value == "기공(대)"
    press(app, "Save")
    assert [row.name_ko for row in list_defect_types(services, hole.product_id)] == ["기공(대)"]


def test_type_is_deactivated_only_after_a_yes_and_can_be_brought_back(
    open_app: OpenApp, services: Services, hole: DefectType
) -> None:
    app = open_app(SCREEN)
    app.button(key=f"defect_type_active_{hole.id}").click().run()
    assert len(list_defect_types(services, hole.product_id)) == 1
    app.button(key="dialog_agree").click().run()
    assert list_defect_types(services, hole.product_id) == []
    app.toggle(key="defect_type_inactive").set_value(True).run()
    app.button(key=f"defect_type_active_{hole.id}").click().run()
    assert len(list_defect_types(services, hole.product_id)) == 1


def test_a_good_kind_is_registered_and_listed_apart(open_app: OpenApp, services: Services, hole: DefectType) -> None:
    app = open_app(SCREEN)
    app.button(key="defect_type_new").click().run()
    app.segmented_control(key="defect_type_create_outcome").set_value("good")
    app.text_input(key="defect_type_create_name_ko").set_value("흑색")
    app.text_input(key="defect_type_create_code").set_value("black")
    press(app, "Register")
    assert [row.code for row in list_defect_types(services, hole.product_id, outcome="good")] == ["black"]
    app.segmented_control(key="defect_type_outcome").set_value("good").run()
    assert "`black`" in texts(app)
    assert "`hole`" not in texts(app)


def test_examples_are_picked_among_the_images_of_the_type(
    open_app: OpenApp, services: Services, engineer: Person, hole: DefectType
) -> None:
    from core.images.records import IncomingFile
    from core.images.uploads import add_images
    from tests.plates import plate

    files = [IncomingFile(f"{seed}.png", lambda seed=seed: _png(plate(seed))) for seed in range(2)]  # type: ignore[misc]
    added = list(
        add_images(
            services,
            engineer,
            product_id=hole.product_id,
            image_type="defect",
            defect_type_id=hole.id,
            files=files,
        )
    )
    chosen = added[0].image_id
    app = open_app(SCREEN)
    assert "**2** images" in texts(app)
    app.button(key=f"defect_type_edit_{hole.id}").click().run()
    app.checkbox(key=f"defect_type_example_{chosen}").set_value(True)
    press(app, "Save")
    assert get_defect_type(services, hole.id).example_image_ids == [chosen]


def _png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def test_a_switch_on_a_state_that_is_gone_is_refused(
    open_app: OpenApp, services: Services, admin: Person, hole: DefectType
) -> None:
    app = open_app(SCREEN)
    app.button(key=f"defect_type_active_{hole.id}").click().run()
    update_defect_type(
        services, admin, hole.id, row_version=1, name_ko="핀홀", name_en="", description="", severity="major"
    )
    app.button(key="dialog_agree").click().run()
    assert "핀홀" in app.error[0].value
    assert get_defect_type(services, hole.id).is_active
    app.button(key="dialog_agree").click().run()
    assert not get_defect_type(services, hole.id).is_active


def test_after_registering_the_next_step_is_offered_until_it_is_closed(
    open_app: OpenApp, services: Services, hole: DefectType
) -> None:
    app = open_app(SCREEN)
    app.text_input(key="defect_type_search").set_value("hole").run()
    app.button(key="defect_type_new").click().run()
    app.text_input(key="defect_type_create_name_ko").set_value("버")
    app.text_input(key="defect_type_create_code").set_value("burr")
    press(app, "Register")
    assert "is registered with the code `burr`" in texts(app)
    assert "`burr`" in texts(app).split("is registered with the code `burr`")[1], "listed, whatever is searched for"
    assert "1. Add images of this type" in [link.proto.label for link in app.get("page_link")]
    app.button(key="defect_type_next_close").click().run()
    assert "`burr`" not in texts(app)
    assert "`hole`" in texts(app)
