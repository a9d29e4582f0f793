"""The screen of the preprocessing, through Home.py, on a deployed product."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import create_product, find_product
from core.preprocessing.stored_options import get_preprocessing, save_preprocessing
from core.services import Services
from inference.vision.images.preprocessing import Preprocessing
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts

SCREEN = "pages/settings/preprocessing.py"


def _set(app: AppTest, product_id: int, name: str, value: object) -> AppTest:
    key = f"preprocessing_{product_id}_w_{name}"
    widgets = [*app.toggle, *app.slider, *app.selectbox, *app.select_slider]
    next(widget for widget in widgets if widget.key == key).set_value(value)
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize(("language", "words"), [("en", "There is no product yet"), ("ko", "제품이 없습니다")])
def test_empty_screen_says_what_to_do(open_app: OpenApp, language: str, words: str) -> None:
    assert words in texts(open_app(SCREEN, language=language))


def test_line_worker_is_kept_out(open_app: OpenApp) -> None:
    app = open_app(SCREEN, role="worker")
    assert len(app.error) == 1
    assert "Preprocessing" not in texts(app)


def test_product_without_images_is_told_to_add_some(open_app: OpenApp, services: Services, engineer: Person) -> None:
    create_product(services, engineer, name="Plate", code="plate")
    app = open_app(SCREEN)
    assert "no images of this kind" in texts(app)
    assert "No model" in texts(app)


def test_options_are_saved_wait_for_deployment_and_are_listed(open_deployed: OpenApp, deployed: Services) -> None:
    product_id = find_product(deployed, "cells").id
    app = open_deployed(SCREEN)
    assert "Deployed" in texts(app)
    app = _set(app, product_id, "clahe", True)
    app = _set(app, product_id, "clahe_clip_limit", 3.5)
    app = press(_set(app, product_id, "smoothing", "median"), "Save")
    saved = get_preprocessing(deployed, product_id)
    assert saved.options == Preprocessing(clahe=True, clahe_clip_limit=3.5, smoothing="median")
    assert "Not yet deployed" in texts(app)
    row = app.dataframe[-1].value.iloc[0]
    assert row["Set"] == "Median smoothing, 3 px · CLAHE, limit 3.5, 8 × 8 fields"
    assert row["In use"] == "None: images as they are"


def test_refused_save_keeps_what_was_set_and_says_what_is_saved(open_deployed: OpenApp, deployed: Services) -> None:
    product_id = find_product(deployed, "cells").id
    app = _set(open_deployed(SCREEN), product_id, "grayscale", True)
    other = open_person(deployed, "admin")
    save_preprocessing(deployed, other, product_id, row_version=0, options=Preprocessing(equalize=True))
    app = press(app, "Save")
    assert other.display_name in app.error[0].value
    assert "Saved now: Histogram equalization" in texts(app)
    assert next(widget for widget in app.toggle if str(widget.key).endswith("_w_grayscale")).value is True
    press(app, "Save")
    assert get_preprocessing(deployed, product_id).options == Preprocessing(grayscale=True)


def test_areas_are_set_in_percent_and_removed(open_deployed: OpenApp, deployed: Services) -> None:
    product_id = find_product(deployed, "cells").id
    app = _set(open_deployed(SCREEN), product_id, "region_on", True)
    app = _set(app, product_id, "region_0", (12.5, 90.0))
    app = press(press(app, "Add an ignored area"), "Add an ignored area")
    app = _set(app, product_id, "ignore_1_0", (20.0, 30.0))
    app.button(key=f"preprocessing_{product_id}_remove_0").click().run()
    press(app, "Save")
    options = get_preprocessing(deployed, product_id).options
    assert options.region_of_interest == (0.125, 0.1, 0.775, 0.8)
    assert options.ignore == ((0.2, 0.4, 0.1, 0.2),)


def test_area_without_width_is_named_and_cannot_be_saved(open_deployed: OpenApp, deployed: Services) -> None:
    product_id = find_product(deployed, "cells").id
    app = _set(open_deployed(SCREEN), product_id, "region_on", True)
    app = _set(app, product_id, "region_0", (40.0, 40.0))
    assert "no area" in app.error[0].value
    assert next(button for button in app.button if button.label == "Save").disabled


def test_reset_and_discard(open_deployed: OpenApp, deployed: Services) -> None:
    product_id = find_product(deployed, "cells").id
    engineer = open_person(deployed, "engineer")
    save_preprocessing(deployed, engineer, product_id, row_version=0, options=Preprocessing(normalize=True))
    app = press(open_deployed(SCREEN), "Reset to none")
    assert "Not saved yet" in texts(app)
    app = press(app, "Discard changes")
    assert "Not saved yet" not in texts(app)
    press(press(app, "Reset to none"), "Save")
    assert get_preprocessing(deployed, product_id).options == Preprocessing()


def test_a_tile_that_holds_the_whole_image_is_advised_against(open_deployed: OpenApp) -> None:
    app = open_deployed(SCREEN)
    [found] = [toggle for toggle in app.toggle if toggle.label == "Inspect in tiles"]
    found.set_value(True).run()
    assert not app.exception
    assert "One tile holds the whole image" in texts(app)


def test_the_bit_depth_and_rectangular_tiles_are_saved(open_deployed: OpenApp, deployed: Services) -> None:
    product_id = find_product(deployed, "cells").id
    app = _set(open_deployed(SCREEN), product_id, "bit_depth", 12)
    app = _set(_set(app, product_id, "tiles_on", True), product_id, "tiles_rectangular", True)
    key = f"preprocessing_{product_id}_w_tile_height_px_of_rectangle"
    app.number_input(key=key).set_value(128).run()
    press(app, "Save")
    saved = get_preprocessing(deployed, product_id).options
    assert saved == Preprocessing(bit_depth=12, tile_size_px=512, tile_height_px=128)
    app = open_deployed(SCREEN)
    assert app.dataframe[-1].value.iloc[0]["Set"] == "12 bits · Tiles of 512 × 128 px"
    assert app.number_input(key=key).value == 128


def test_korean_screen_is_in_korean(open_deployed: OpenApp) -> None:
    app = open_deployed(SCREEN, language="ko")
    assert [title.value for title in app.title] == ["이미지 전처리 설정"]
    assert app.dataframe[-1].value.iloc[0]["설정"] == "없음 (원본 그대로)"


def test_advice_is_measured_on_a_click_and_shown_with_its_figures(open_deployed: OpenApp) -> None:
    app = open_deployed(SCREEN)
    assert "Measured on" not in texts(app)
    app = press(app, "Measure on this product's images")
    assert not app.error
    tried = app.dataframe[0].value
    assert next(iter(tried["Option"])) == "None: images as they are"
    assert all(0.0 <= float(value) <= 1.0 for value in tried["AUROC, light ±30%"])
    assert "Measured on 24 normal and 12 defect images" in texts(app)


def test_the_screen_says_how_the_build_in_use_looks_at_the_images(open_deployed: OpenApp) -> None:
    shown = texts(open_deployed(SCREEN))
    assert "Seen as they are, the images tell 12 labeled defects from 24 good parts with an AUROC of" in shown
