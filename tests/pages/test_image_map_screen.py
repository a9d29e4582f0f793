"""The image map, through the front door, with the index of real solar cells."""

from __future__ import annotations

from core.catalog import list_products
from core.image_library import list_images
from core.services import Services
from pages.components.screens import IMAGE_MAP, SIMILARITY_INDEX
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import texts


def test_the_map_shows_the_images_and_opens_one_to_label_it_anew(open_deployed: OpenApp, deployed: Services) -> None:
    app = open_deployed(IMAGE_MAP)
    assert "12 images on the map" in texts(app)
    app.segmented_control(key="image_map_view").set_value("whole").run()
    assert "36 images on the map" in texts(app)
    assert not app.exception

    product = list_products(deployed)[0].product
    normal = list_images(deployed, product.id or 0, image_type="normal", page=1, page_size=1).rows[0]
    from pages.components.dialogs import OpenDialog

    app.session_state["open_dialog"] = OpenDialog("image_map_open", {"ids": [normal.id], "place": 0})
    app.run()
    assert normal.stored_name.replace("_", r"\_").replace("-", r"\-") in texts(app)
    assert [box for box in app.selectbox if box.label == "Shows"]


def test_without_products_or_an_index_it_says_what_to_do(open_app: OpenApp, services: Services) -> None:
    app = open_app(IMAGE_MAP)
    assert "There is no product yet" in texts(app)
    app = open_app(IMAGE_MAP, language="ko")
    assert "이미지 지도" in texts(app)


def test_without_a_clip_the_search_by_words_says_how_to_come_by_it(open_deployed: OpenApp) -> None:
    app = open_deployed(SIMILARITY_INDEX)
    assert "Search by words" in texts(app)
    assert "Possible with a CLIP model" in texts(app)
