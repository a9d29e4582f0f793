"""The image map, through Home.py, with the index of real solar cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.catalog.products import list_products
from core.images.library import get_image, list_images
from core.services import Services
from core.similarity.image_map import MapImage
from pages.components.gallery.walking import ListWalk
from pages.components.images.map_chart import draw_map
from pages.components.shared.dialogs import OpenDialog
from pages.components.shared.screens import IMAGE_MAP, SIMILARITY_INDEX
from storage.tables import DefectType
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import texts

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from storage.tables import Image


def test_the_map_shows_the_images_and_opens_one_to_label_it_anew(open_deployed: OpenApp, deployed: Services) -> None:
    app = open_deployed(IMAGE_MAP)
    assert "12 images on the map" in texts(app)
    app.segmented_control(key="image_map_view").set_value("whole").run()
    assert "36 images on the map" in texts(app)
    assert not app.exception

    product = list_products(deployed)[0].product
    normal = list_images(deployed, product.id, image_type="normal", page=1, page_size=1).rows[0]
    app.session_state["open_dialog"] = OpenDialog("image_map_open", {"walk": ListWalk([normal.id], 0)})
    app.run()
    assert normal.stored_name.replace("_", r"\_").replace("-", r"\-") in texts(app)
    assert [box for box in app.selectbox if box.label == "Shows"]


def _open_defects(app: AppTest, deployed: Services, *, place: int = 0) -> list[Image]:
    """Open the product's two newest defect images from the map."""
    product = list_products(deployed)[0].product
    rows = list_images(deployed, product.id, image_type="defect", split="train", page_size=2).rows
    app.session_state["open_dialog"] = OpenDialog("image_map_open", {"walk": ListWalk([row.id for row in rows], place)})
    app.run()
    return rows


def _relabel(app: AppTest, label: int | str) -> None:
    next(box for box in app.selectbox if box.label == "Shows").set_value(label)
    [button for button in app.button if button.label == "Re-label"][-1].click().run()


def test_images_opened_from_the_map_are_labeled_anew_one_after_the_other(
    open_deployed: OpenApp, deployed: Services
) -> None:
    app = open_deployed(IMAGE_MAP)
    first, second = _open_defects(app, deployed)
    _relabel(app, "normal")
    assert [toast.value for toast in app.toast] == ["1 image re-labelled."]
    assert get_image(deployed, first.id).image_type == "normal"
    assert "2 of 2" in texts(app)
    assert second.stored_name.replace("_", r"\_").replace("-", r"\-") in texts(app)
    assert next(box for box in app.selectbox if box.label == "Shows").value == "keep"

    # A second thought: back to the first, and to what it was.
    app.button(key="details_step_-1").click().run()
    _relabel(app, first.defect_type_id or 0)
    assert get_image(deployed, first.id).defect_type_id == first.defect_type_id
    _relabel(app, "normal")
    assert get_image(deployed, second.id).image_type == "normal"
    assert "2 of 2" not in texts(app)
    assert not app.exception


def test_a_label_that_is_there_already_is_not_called_a_change(open_deployed: OpenApp, deployed: Services) -> None:
    app = open_deployed(IMAGE_MAP)
    first, _second = _open_defects(app, deployed)
    _relabel(app, first.defect_type_id or 0)
    assert "Nothing was changed" in texts(app)
    assert [toast.value for toast in app.toast] == []
    assert get_image(deployed, first.id).row_version == first.row_version


def test_the_types_keep_their_colors_when_an_image_is_labeled_anew(deployed: Services) -> None:
    row = list_images(deployed, list_products(deployed)[0].product.id, page_size=1).rows[0]
    types = [
        DefectType(id=number, product_id=1, code=f"type-{number}", name_ko=f"유형 {number}") for number in (4, 7, 9)
    ]
    of_each = [MapImage(row, found, 0.0, 0.0) for found in types]

    def colors(images: list[MapImage]) -> dict[str, str]:
        return {trace.name: trace.marker.color for trace in draw_map(images, types).data}

    alone = [colors([image]) for image in of_each]
    together = colors([*of_each, MapImage(row, None, 1.0, 1.0)])
    assert {name: color for found in alone for name, color in found.items()}.items() <= together.items()
    assert len(set(together.values())) == len(types) + 1


def test_the_map_is_not_open_to_line_workers(open_deployed: OpenApp) -> None:
    app = open_deployed()
    app.session_state["role"] = "worker"
    app.run()
    app.switch_page(IMAGE_MAP).run()
    assert not [box for box in app.selectbox if box.label == "Shows"]
    assert "What is compared" not in texts(app)


def test_without_products_or_an_index_it_says_what_to_do(open_app: OpenApp, services: Services) -> None:
    app = open_app(IMAGE_MAP)
    assert "There is no product yet" in texts(app)
    app = open_app(IMAGE_MAP, language="ko")
    assert "이미지 지도" in texts(app)


def test_without_a_clip_the_search_by_words_says_how_to_come_by_it(open_deployed: OpenApp) -> None:
    app = open_deployed(SIMILARITY_INDEX)
    assert "Search by words" in texts(app)
    assert "Possible with a CLIP model" in texts(app)
