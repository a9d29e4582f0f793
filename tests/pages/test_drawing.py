"""Drawing regions: the editor on the page, and what is done with its messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product
from core.errors import NotFound
from core.images.library import get_image
from core.images.records import IncomingFile
from core.images.regions.pictures import drawing_token, read_drawing_picture
from core.images.regions.records import Region
from core.images.regions.run_lengths import encode_runs
from core.images.regions.saving import list_regions, save_regions
from core.images.uploads import add_images
from core.services import Services
from inference.vision.images.decode import decode
from inference.vision.images.encoding import encode_png
from pages.components.gallery.walking import ListWalk
from pages.components.images.drawing.messages import answer
from pages.components.shared.dialogs import OpenDialog
from pages.components.shared.screens import DEFECT_IMAGES, NORMAL_IMAGES
from storage.tables import DefectType, Image, Product
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts

WIDTH, HEIGHT = 60, 40


@pytest.fixture
def plate(services: Services, engineer: Person) -> Product:
    return create_product(services, engineer, name="Plate", code="plate")


@pytest.fixture
def types(services: Services, engineer: Person, plate: Product) -> tuple[DefectType, DefectType]:
    return (
        create_defect_type(services, engineer, product_id=plate.id, code="hole", name_ko="구멍", name_en="Hole"),
        create_defect_type(services, engineer, product_id=plate.id, code="dent", name_ko="찍힘", name_en="Dent"),
    )


Add = Callable[..., Image]


@pytest.fixture
def add(services: Services, engineer: Person, plate: Product) -> Add:
    def add_one(defect_type: DefectType | None = None, *, pixels: np.ndarray | None = None, seed: int = 1) -> Image:
        drawn = np.random.default_rng(seed).integers(60, 90, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        data = encode_png(drawn if pixels is None else pixels)
        (found,) = add_images(
            services,
            engineer,
            product_id=plate.id,
            image_type="normal" if defect_type is None else "defect",
            defect_type_id=None if defect_type is None else defect_type.id,
            files=[IncomingFile(f"{seed}.png", lambda: data)],
        )
        return get_image(services, found.image_id or 0)

    return add_one


def told(app: AppTest) -> dict[str, Any]:
    """Return what the editor on the page is given."""
    (found,) = (one.proto for one in app.get("bidi_component") if "geomsa_region_editor" in one.proto.component_name)
    return dict(json.loads(found.json))


def _open(app: AppTest, image: Image) -> None:
    """Open an image: the gallery tells which in the browser."""
    app.session_state["open_dialog"] = OpenDialog("image_open", {"walk": ListWalk([image.id], 0)})
    app.run()


def draw_on(app: AppTest, image: Image) -> AppTest:
    """Open an image of the gallery, and the editor in it."""
    _open(app, image)
    app.button(key=f"details_draw_{image.id}").click().run()
    assert not app.exception
    return app


@pytest.mark.parametrize(
    ("language", "words", "name"), [("en", "Take the model's regions", "Hole"), ("ko", "모델", "구멍")]
)
def test_editor_is_given_the_image_its_types_and_regions(
    open_app: OpenApp,
    services: Services,
    engineer: Person,
    add: Add,
    types: tuple[DefectType, DefectType],
    language: str,
    words: str,
    name: str,
) -> None:
    image = add(types[0])
    box = Region.of_box(3, 4, 5, 6, defect_type_id=types[1].id)
    saved = save_regions(services, engineer, image.id, [box], row_version=image.row_version)
    seen = told(draw_on(open_app(DEFECT_IMAGES, language=language), image))
    assert seen["image"]["row_version"] == saved.image.row_version
    assert (seen["image"]["width"], seen["image"]["height"]) == (WIDTH, HEIGHT)
    assert seen["image"]["own_type_id"] == types[1].id
    assert [one["shape"] for one in seen["regions"]] == ["box"]
    assert {one["id"]: one["name"] for one in seen["types"]}[types[0].id] == name
    assert len({(one["color"], one["pattern"]) for one in seen["types"]}) == 2
    assert words in seen["words"]["offer"]
    assert seen["has_model"] is False
    assert seen["answer"] is None


def test_normal_images_are_drawn_on_too(open_app: OpenApp, add: Add, types: tuple[DefectType, DefectType]) -> None:
    image = add()
    seen = told(draw_on(open_app(NORMAL_IMAGES), image))
    assert seen["image"]["own_type_id"] is None
    assert len(seen["types"]) == 2


def test_kinds_of_good_parts_and_types_out_of_use_are_not_offered(
    open_app: OpenApp, services: Services, add: Add, types: tuple[DefectType, DefectType], plate: Product
) -> None:
    with services.database.unit_of_work() as session:
        session.add(DefectType(product_id=plate.id, code="cell", name_ko="셀", outcome="good"))
        session.add(DefectType(product_id=plate.id, code="old", name_ko="옛것", is_active=False))
        session.commit()
    image = add(types[0])
    seen = told(draw_on(open_app(DEFECT_IMAGES), image))
    assert {one["id"] for one in seen["types"]} == {one.id for one in types}


def _message(image: Image, **more: Any) -> dict[str, Any]:
    return {"kind": "save", "image_id": image.id, "row_version": image.row_version, **more}


def test_what_changed_is_saved_and_what_did_not_stays(
    services: Services, engineer: Person, add: Add, types: tuple[DefectType, DefectType]
) -> None:
    image, (hole, dent) = add(types[0]), types
    polygon = {"shape": "polygon", "points": [[1, 1], [9, 1], [9, 8.25]], "defect_type_id": hole.id}
    box = {"shape": "box", "x": 20, "y": 20, "width": 3, "height": 3, "defect_type_id": dent.id}
    said = answer(services, engineer, _message(image, regions=[polygon, box]))
    assert said == {"row_version": image.row_version + 1}
    first = list_regions(services, image.id)
    kept = {"kept": 0, "defect_type_id": dent.id}
    marked = np.zeros((HEIGHT, WIDTH), np.bool_)
    marked[30:33, 2:9] = True
    mask = {"shape": "mask", "counts": encode_runs(marked), "defect_type_id": hole.id, "origin": "model"}
    said = answer(services, engineer, _message(first.image, regions=[kept, mask], own_type_id=hole.id))
    found = list_regions(services, image.id)
    assert said == {"row_version": found.image.row_version}
    assert found.regions[0].points == first.regions[0].points
    assert [one.defect_type_id for one in found.regions] == [dent.id, hole.id]
    assert found.regions[1].origin == "model"
    assert found.image.defect_type_id == hole.id


def test_a_save_that_came_too_late_is_answered_with_a_sentence(
    services: Services, engineer: Person, add: Add, types: tuple[DefectType, DefectType]
) -> None:
    image = add(types[0])
    answer(services, engineer, _message(image, regions=[]))
    said = answer(services, engineer, _message(image, regions=[{"kept": 0}]))
    assert said["code"] == "image_changed"
    assert "since you saw it" in said["error"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"regions": "all"}, "region_unreadable"),
        ({"regions": [7]}, "region_unreadable"),
        ({"regions": [{"kept": 5}]}, "region_unreadable"),
        ({"regions": [{"kept": True}]}, "region_unreadable"),
        ({"regions": [{"shape": "box", "x": 0, "y": 0, "width": 99, "height": 2}]}, "region_outside"),
        ({}, "unexpected"),
        ({"regions": [], "row_version": "new"}, "unexpected"),
        ({"regions": [], "image_id": 10**9}, "not_found"),
    ],
)
def test_messages_that_make_no_sense_are_answered_and_change_nothing(
    services: Services,
    engineer: Person,
    add: Add,
    types: tuple[DefectType, DefectType],
    message: dict[str, Any],
    code: str,
) -> None:
    image = add(types[0])
    assert answer(services, engineer, {**_message(image), **message})["code"] == code
    assert list_regions(services, image.id).image.row_version == image.row_version


def test_a_worker_saves_nothing(
    services: Services, worker_person: Person, add: Add, types: tuple[DefectType, DefectType]
) -> None:
    assert answer(services, worker_person, _message(add(types[0]), regions=[]))["code"] == "role_too_low"


def test_a_box_is_drawn_in_to_what_stands_out_inside(
    services: Services, engineer: Person, add: Add, types: tuple[DefectType, DefectType]
) -> None:
    pixels = np.random.default_rng(3).integers(60, 80, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[12:26, 20:34] = (210, 40, 30)
    image = add(types[0], pixels=pixels)
    box = {"shape": "box", "x": 15, "y": 8, "width": 26, "height": 24, "defect_type_id": types[0].id}
    said = answer(services, engineer, {"kind": "tighten", "image_id": image.id, "box": box})
    found = said["region"]
    assert found["shape"] == "mask"
    assert (found["x"], found["y"]) == pytest.approx((20, 12), abs=1)
    assert (found["width"], found["height"]) == pytest.approx((14, 14), abs=2)
    assert found["defect_type_id"] == types[0].id
    whole = {"shape": "box", "x": 0, "y": 0, "width": WIDTH, "height": HEIGHT}
    said = answer(services, engineer, {"kind": "tighten", "image_id": image.id, "box": whole})
    assert said["code"] == "region_not_tightened"


def test_without_a_model_there_is_nothing_to_take(
    services: Services, engineer: Person, add: Add, types: tuple[DefectType, DefectType]
) -> None:
    said = answer(services, engineer, {"kind": "offer", "image_id": add(types[0]).id})
    assert said["code"] == "no_active_memory_bank"


def test_small_pictures_are_sent_as_they_are_and_only_under_their_own_address(
    services: Services, add: Add, types: tuple[DefectType, DefectType]
) -> None:
    image = add(types[0])
    picture = read_drawing_picture(services, image.id, drawing_token(services, image))
    assert picture.content_type == "image/png"
    assert decode(picture.data).pixels.shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(NotFound):
        read_drawing_picture(services, image.id, "0" * 20)


def test_the_way_back_from_the_editor_shows_the_image(
    open_app: OpenApp, add: Add, types: tuple[DefectType, DefectType]
) -> None:
    image = add(types[0])
    app = open_app(DEFECT_IMAGES)
    _open(app, image)
    assert "Draw regions" in [button.label for button in app.button]
    press(app, "Draw regions")
    assert told(app)["image"]["id"] == image.id
    assert "Original name" not in texts(app)
