"""Normal images that do not look like the others: on Normal images, after an upload, and in a deployment's result."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as PillowImage

from core.access import Person
from core.accounts.people import open_person
from core.catalog.defect_types import create_defect_type, list_defect_types
from core.catalog.products import create_product, list_products
from core.images.library import get_image, list_images
from core.images.outliers import KEPT, SUSPECTED, keep, note_suspected
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.jobs import claims, queue
from core.jobs.outcomes import ProductOutcome, SetApartImage
from core.models.kinds import MEMORY_BANK
from core.registry.versions import list_versions
from core.services import Services
from pages.components.shared.screens import MEMORY_BANKS, NORMAL_IMAGES
from storage.tables import DefectType, Product, utc_now
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import gallery_tiles, press, texts


def make_png(seed: int) -> bytes:
    """Return a small image that no other seed gives."""
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    data = io.BytesIO()
    PillowImage.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


@pytest.fixture
def casting(services: Services, engineer: Person) -> Product:
    return create_product(services, engineer, name="Casting", code="casting")


@pytest.fixture
def hole(services: Services, engineer: Person, casting: Product) -> DefectType:
    return create_defect_type(
        services, engineer, product_id=casting.id, code="hole", name_ko="기공", name_en="Blow hole"
    )


@pytest.fixture
def ids(services: Services, engineer: Person, casting: Product) -> list[int]:
    """Return four normal images, of which a build set apart the first two; the second is the strangest."""
    files = [IncomingFile(f"n{i}.png", lambda i=i: make_png(i)) for i in range(4)]  # type: ignore[misc]
    found = list(add_images(services, engineer, product_id=casting.id, image_type="normal", files=files))
    ids = [outcome.image_id for outcome in found if outcome.image_id is not None]
    with services.database.unit_of_work() as session:
        note_suspected(session, casting.id, {ids[0]: 41.5, ids[1]: 50.0}, limit=33.0, now=utc_now())
        session.commit()
    return ids


def _state(services: Services, image_id: int) -> str:
    return get_image(services, image_id).outlier_state


def test_without_strange_images_the_section_is_not_there(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    files = [IncomingFile("n.png", lambda: make_png(1))]
    assert len(list(add_images(services, engineer, product_id=casting.id, image_type="normal", files=files))) == 1
    app = open_app(NORMAL_IMAGES)
    assert "look like the others" not in texts(app)
    assert not [found for found in app.segmented_control if found.label == "Decisions"]


@pytest.mark.parametrize(
    ("language", "title", "score"),
    [
        ("en", "2 images do not look like the others", "Score **50**"),
        ("ko", "이미지 2장이 다른 정상 이미지와 달라 보입니다", "점수 **50**"),
    ],
)
def test_the_strangest_comes_first_with_its_score_and_says_that_a_heat_map_needs_a_model(
    open_app: OpenApp, ids: list[int], language: str, title: str, score: str
) -> None:
    written = texts(open_app(NORMAL_IMAGES, language=language))
    assert title in written
    assert score in written
    assert ("comes with the first model" if language == "en" else "첫 모델을 사용하기 시작하면") in written


def test_keep_makes_way_for_the_next_and_can_be_taken_back(
    open_app: OpenApp, services: Services, ids: list[int]
) -> None:
    app = open_app(NORMAL_IMAGES)
    app.button(key="set_apart_keep").click().run()
    assert not app.exception
    assert (_state(services, ids[1]), _state(services, ids[0])) == (KEPT, SUSPECTED)
    assert "1 image does not look like the others" in texts(app)
    assert "Score **41.5**" in texts(app)
    app.button(key=f"set_apart_take_back_{ids[1]}").click().run()
    assert not app.exception
    assert _state(services, ids[1]) == SUSPECTED


def test_a_person_can_walk_through_the_images(open_app: OpenApp, ids: list[int]) -> None:
    app = open_app(NORMAL_IMAGES)
    assert app.button(key="set_apart_step_-1").disabled
    app.button(key="set_apart_step_1").click().run()
    assert "Score **41.5**" in texts(app)
    assert app.button(key="set_apart_step_1").disabled


def test_an_image_is_moved_to_a_defect_type_that_there_is(
    open_app: OpenApp, services: Services, hole: DefectType, ids: list[int]
) -> None:
    app = open_app(NORMAL_IMAGES)
    app.button(key="set_apart_move").click().run()
    # The only type is chosen already.
    app.button(key="set_apart_move_agree").click().run()
    assert not app.exception
    moved = get_image(services, ids[1])
    assert (moved.image_type, moved.defect_type_id, moved.outlier_state) == ("defect", hole.id, "")
    assert [metric.value for metric in app.metric] == ["3", "0"]


def test_all_images_are_moved_to_a_type_that_is_registered_on_the_spot(
    open_app: OpenApp, services: Services, casting: Product, ids: list[int]
) -> None:
    app = open_app(NORMAL_IMAGES)
    app.button(key="set_apart_move_all").click().run()
    app.text_input(key="set_apart_new_name_ko").set_value("찍힘")
    app.text_input(key="set_apart_new_code").set_value("dent")
    press(app, "Register and move")
    (dent,) = list_defect_types(services, casting.id)
    assert [get_image(services, found).defect_type_id for found in ids] == [dent.id, dent.id, None, None]


def test_an_image_is_deleted_only_after_a_yes(
    open_app: OpenApp, services: Services, casting: Product, ids: list[int]
) -> None:
    app = open_app(NORMAL_IMAGES)
    app.button(key="set_apart_delete").click().run()
    assert list_images(services, casting.id).total == 4
    app.button(key="dialog_agree").click().run()
    assert not app.exception
    assert {row.id for row in list_images(services, casting.id).rows} == {ids[0], ids[2], ids[3]}


def test_all_images_are_kept_at_once(open_app: OpenApp, services: Services, ids: list[int]) -> None:
    app = open_app(NORMAL_IMAGES)
    app.button(key="set_apart_keep_all").click().run()
    assert not app.exception
    assert [_state(services, found) for found in ids] == [KEPT, KEPT, "", ""]
    assert "do not look like the others" not in texts(app)


def test_a_decision_that_came_too_late_is_told(
    open_app: OpenApp, services: Services, engineer: Person, ids: list[int]
) -> None:
    app = open_app(NORMAL_IMAGES)
    keep(services, engineer, [ids[1]])
    app.button(key="set_apart_keep").click().run()
    assert not app.exception
    assert "since you saw it: decision “Set apart” → “kept as good”" in texts(app)
    assert _state(services, ids[0]) == SUSPECTED


def test_the_gallery_shows_only_those_that_wait_and_marks_them(open_app: OpenApp, ids: list[int]) -> None:
    app = open_app(NORMAL_IMAGES)
    flags = [["flag", "Unlike the others"] in tile["marks"] for tile in gallery_tiles(app)]
    assert sum(flags) == 2
    app.segmented_control(key="gallery_normal_outlier_state").set_value(SUSPECTED).run()
    assert [tile["id"] for tile in gallery_tiles(app)] == [ids[1], ids[0]]


def test_an_upload_is_compared_with_the_model_in_use(open_deployed: OpenApp, deployed: Services) -> None:
    app = open_deployed(NORMAL_IMAGES)
    app.file_uploader[0].set_value([("noise.png", make_png(7), "image/png")])
    press(app, "Add the images")
    (product,) = (summary.product for summary in list_products(deployed))
    noted = list_images(deployed, product.id, outlier_state=SUSPECTED).rows
    assert "noise.png" in {row.original_name for row in noted}
    written = texts(app)
    assert "1 of 1 image does not look like the others" in written
    assert "Found when it was added" in written
    # The picture and the heat map of the image, and the thumbnails of the gallery.
    assert len(app.get("imgs")) + len(app.get("image")) >= 2


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "1 normal image was set apart: it does not look like the others: cells\\_normal\\_007"),
        ("ko", "다른 정상 이미지와 달라 보이는 1장을 학습에서 제외했습니다: cells\\_normal\\_007"),
    ],
)
def test_a_deployment_names_what_it_set_apart_and_leads_there(
    open_deployed: OpenApp, deployed: Services, language: str, words: str
) -> None:
    (product,) = (summary.product for summary in list_products(deployed))
    person = open_person(deployed, "engineer")
    queue.submit(deployed, person, kind=MEMORY_BANK, product_ids=[product.id])
    claim = claims.claim_next(deployed, "tests")
    assert claim is not None
    apart = (SetApartImage("cells_normal_007.jpg", 7, 44.5),)
    outcome = ProductOutcome(product.id, product.code, "activated", set_apart=apart)
    claims.report(deployed, claim, result={"outcomes": [outcome.to_json()]})
    assert claims.finish(deployed, claim, state="succeeded")
    app = open_deployed(MEMORY_BANKS, language=language)
    assert words in texts(app)
    links = [str(link.proto.page) for link in app.get("page_link")]
    assert any("normal_images" in link for link in links)


def test_a_version_names_the_images_that_it_set_apart(open_deployed: OpenApp, deployed: Services) -> None:
    (product,) = (summary.product for summary in list_products(deployed))
    (version,) = list_versions(deployed, MEMORY_BANK, product.id)
    first = list_images(deployed, product.id, image_type="normal").rows[0]
    with deployed.database.unit_of_work() as session:
        row = session.get(type(version), version.id)
        assert row is not None
        row.sources = {**row.sources, "set_apart": {str(first.id): 44.5}, "set_apart_at": 33.0}
        session.commit()
    app = open_deployed(MEMORY_BANKS)
    name = first.stored_name.rsplit(".", 1)[0].replace("_", "\\_")
    assert f"1 normal image was set apart: it does not look like the others: {name}" in texts(app)
