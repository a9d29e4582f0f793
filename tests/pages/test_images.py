"""The screens of normal and defect images, through Home.py."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as PillowImage
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.catalog.defect_types import create_defect_type, list_defect_types
from core.catalog.products import create_product
from core.datasets.freezing import create_dataset
from core.images.edits import delete_images, relabel_images
from core.images.gallery.filters import GalleryFilter
from core.images.gallery.search import PAGE_SIZE, Asked, count_images, find_all
from core.images.library import get_image, list_images
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.services import Services
from pages.components.gallery.walking import GalleryWalk, ListWalk
from pages.components.shared.dialogs import OpenDialog
from pages.components.shared.screens import DEFECT_IMAGES, NORMAL_IMAGES
from storage.tables import DefectType, Product
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import gallery_tiles, press, texts
from tests.zip_files import make_zip


def make_png(seed: int, *, mask: bool = False) -> bytes:
    """Return a small image that no other seed gives."""
    shape = (24, 32) if mask else (24, 32, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    if mask:
        pixels = np.where(pixels > 200, 255, 0).astype(np.uint8)
    data = io.BytesIO()
    PillowImage.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def upload(app: AppTest, files: dict[str, bytes]) -> AppTest:
    """Upload the files and click the button of the form."""
    app.file_uploader[0].set_value([(name, data, "application/octet-stream") for name, data in files.items()])
    return press(app, "Add the images")


@pytest.fixture
def casting(services: Services, engineer: Person) -> Product:
    """Return a product whose images carry a license."""
    return create_product(services, engineer, name="Casting", code="casting", notice="Photos: CC BY-SA 4.0")


@pytest.fixture
def hole(services: Services, engineer: Person, casting: Product) -> DefectType:
    """Return a defect type of the product."""
    return create_defect_type(
        services, engineer, product_id=casting.id, code="hole", name_ko="기공", name_en="Blow hole"
    )


def fill(services: Services, person: Person, product: Product, count: int, *, split: str = "train") -> None:
    """Add `count` normal images to the product."""
    seed = 1000 if split == "train" else 5000
    files = [IncomingFile(f"n{i}.png", lambda i=i: make_png(seed + i)) for i in range(count)]  # type: ignore[misc]
    found = add_images(services, person, product_id=product.id, image_type="normal", split=split, files=files)
    assert [outcome.outcome for outcome in found] == ["added"] * count


@pytest.mark.parametrize("path", [NORMAL_IMAGES, DEFECT_IMAGES])
@pytest.mark.parametrize(("language", "words"), [("en", "register the product first"), ("ko", "제품을 먼저 등록")])
def test_without_a_product_the_screen_says_what_to_do(open_app: OpenApp, path: str, language: str, words: str) -> None:
    assert words in texts(open_app(path, language=language))


@pytest.mark.parametrize("path", [NORMAL_IMAGES, DEFECT_IMAGES])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_line_worker_is_kept_out(open_app: OpenApp, casting: Product, path: str, language: str) -> None:
    app = open_app(path, role="worker", language=language)
    assert len(app.error) == 1
    assert len(app.file_uploader) == 0
    assert casting.notice not in texts(app)


def test_each_file_is_told_what_became_of_it(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    fill(services, engineer, casting, 1)
    (known,) = list_images(services, casting.id).rows
    app = open_app(NORMAL_IMAGES)
    upload(
        app,
        {
            "good.png": make_png(1),
            "again.png": make_png(1000),
            "empty.png": b"",
            "no image.jpg": b"words",
            "more.zip": make_zip({"a/inside.png": make_png(2)}),
        },
    )
    assert list_images(services, casting.id, split="train").total == 3
    written = texts(app)
    assert "2 added" in written
    assert "1 already there" in written
    assert "2 refused" in written
    assert "no image.jpg" in written
    assert "empty.png" in written
    assert known.stored_name.replace("_", "\\_") in written
    # The bytes are released: the field has a new key and is empty.
    assert not app.file_uploader[0].value
    assert [metric.value for metric in app.metric] == ["3", "0"]


@pytest.mark.parametrize(("language", "words"), [("en", "is not an image"), ("ko", "이미지가 아닙니다")])
def test_refusal_is_in_the_language_of_the_screen(
    open_app: OpenApp, casting: Product, language: str, words: str
) -> None:
    app = open_app(NORMAL_IMAGES, language=language)
    app.file_uploader[0].set_value([("x.jpg", b"words", "image/jpeg")])
    button = next(found for found in app.button if found.label in {"Add the images", "이미지 등록"})
    assert words in texts(button.click().run())


def test_outcome_of_the_first_images_stays_in_sight(open_app: OpenApp, casting: Product) -> None:
    app = open_app(NORMAL_IMAGES)
    assert app.expander[0].proto.expanded
    upload(app, {"a.png": make_png(1)})
    assert app.expander[0].proto.expanded
    press(app, "Close")
    assert not app.expander[0].proto.expanded


def test_pressing_without_files_says_so(open_app: OpenApp, casting: Product) -> None:
    assert "No file is chosen yet" in texts(press(open_app(NORMAL_IMAGES), "Add the images"))


def test_test_images_are_kept_apart(open_app: OpenApp, services: Services, casting: Product) -> None:
    app = open_app(NORMAL_IMAGES)
    app.segmented_control(key="upload_normal_split").set_value("test")
    upload(app, {"a.png": make_png(1)})
    assert list_images(services, casting.id, split="test").total == 1


def test_defect_images_need_a_type_and_take_their_mask_along(
    open_app: OpenApp, services: Services, casting: Product, hole: DefectType
) -> None:
    app = open_app(DEFECT_IMAGES)
    files = {"x.png": make_png(1), "x_mask.png": make_png(2, mask=True)}
    upload(app, files)
    assert "Choose the defect type" in texts(app)
    assert list_images(services, casting.id).total == 0
    app.selectbox(key=f"upload_defect_type_{casting.id}").set_value(hole.id).run()
    upload(app, files)
    (image,) = list_images(services, casting.id).rows
    assert image.defect_type_id == hole.id
    assert image.mask_key is not None
    assert "1 added" in texts(app)
    assert "1 mask set" in texts(app)


def test_defect_type_is_made_on_the_spot(open_app: OpenApp, services: Services, casting: Product) -> None:
    app = open_app(DEFECT_IMAGES)
    app.button(key="image_new_type_open").click().run()
    app.text_input(key="image_new_type_name_ko").set_value("버")
    app.text_input(key="image_new_type_code").set_value("burr")
    press(app, "Register")
    (made,) = list_defect_types(services, casting.id)
    assert made.code == "burr"
    assert app.selectbox(key=f"upload_defect_type_{casting.id}").value == made.id


def test_license_stands_where_the_images_are_shown(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    fill(services, engineer, casting, 2)
    assert "CC BY\\-SA 4.0" in texts(open_app(NORMAL_IMAGES))


def test_only_the_thumbnails_of_the_page_are_there(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    fill(services, engineer, casting, PAGE_SIZE + 2)
    app = open_app(NORMAL_IMAGES)
    assert len(gallery_tiles(app)) == PAGE_SIZE
    app.pagination[0].set_value(2).run()
    assert [tile["name"] for tile in gallery_tiles(app)] == ["Normal 002", "Normal 001"]
    assert app.query_params["page"] == "2"


def test_filter_by_use_starts_on_its_first_page(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    fill(services, engineer, casting, PAGE_SIZE + 2)
    fill(services, engineer, casting, 3, split="test")
    app = open_app(NORMAL_IMAGES)
    app.pagination[0].set_value(2).run()
    app.segmented_control(key="gallery_normal_split").set_value("test").run()
    assert len(gallery_tiles(app)) == 3
    assert "3 images" in texts(app)
    assert {name: app.query_params[name] for name in ("product", "split")} == {
        "product": str(casting.id),
        "split": "test",
    }


def test_chosen_images_are_relabeled_together(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product, hole: DefectType
) -> None:
    fill(services, engineer, casting, 3)
    first, second, third = (row.id for row in list_images(services, casting.id).rows)
    app = open_app(NORMAL_IMAGES)
    app.session_state["gallery_normal_chosen"] = {first: 1, third: 1}
    app.run()
    app.selectbox(key="gallery_normal_relabel_label_0").set_value(hole.id)
    app.segmented_control(key="gallery_normal_relabel_split_0").set_value("test")
    form_button = [button for button in app.button if button.label == "Re-label"][-1]
    form_button.click().run()
    assert [get_image(services, found or 0).defect_type_id for found in (first, second, third)] == [
        hole.id,
        None,
        hole.id,
    ]
    assert get_image(services, first or 0).split == "test"
    assert get_image(services, second or 0).split == "train"
    assert [tile["id"] for tile in gallery_tiles(app)] == [second]


def test_a_choice_that_somebody_changed_meanwhile_is_refused(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    fill(services, engineer, casting, 2)
    first, _second = list_images(services, casting.id).rows
    app = open_app(NORMAL_IMAGES)
    app.button(key="gallery_normal_all").click().run()
    relabel_images(services, engineer, [first.id], split="test")
    app.button(key="gallery_normal_delete").click().run()
    app.button(key="dialog_agree").click().run()
    assert "since you saw it: use “Training” → “Test”" in texts(app)
    assert list_images(services, casting.id).total == 2


def test_who_was_told_of_a_change_decides_again_without_choosing_anew(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    fill(services, engineer, casting, 2)
    first, second = list_images(services, casting.id).rows
    app = open_app(NORMAL_IMAGES)
    app.button(key="gallery_normal_all").click().run()
    relabel_images(services, engineer, [first.id], split="test")
    app.segmented_control(key="gallery_normal_relabel_split_0").set_value("val")
    press(app, "Re-label")
    assert "since you saw it" in texts(app)
    assert app.segmented_control(key="gallery_normal_relabel_split_0").value == "val", "what was chosen is kept"
    press(app, "Re-label")
    assert {get_image(services, number).split for number in (first.id, second.id)} == {"val"}


def test_images_are_deleted_only_after_a_yes(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    fill(services, engineer, casting, 3)
    create_dataset(services, engineer, casting.id)
    app = open_app(NORMAL_IMAGES)
    assert app.button(key="gallery_normal_delete").disabled
    app.button(key="gallery_normal_all").click().run()
    kept = list_images(services, casting.id).rows[0].id
    app.session_state["gallery_normal_chosen"].pop(kept)
    app.button(key="gallery_normal_delete").click().run()
    assert "Dataset version 1 is broken by it" in texts(app)
    assert list_images(services, casting.id).total == 3
    app.button(key="dialog_agree").click().run()
    assert list_images(services, casting.id).total == 1
    assert [metric.value for metric in app.metric] == ["1", "0"]
    assert "2 images are in the trash." in texts(app)
    app.button(key="gallery_undo").click().run()
    assert list_images(services, casting.id).total == 3
    assert "2 images put back." in texts(app)


def test_the_trash_says_who_and_for_how_long_and_only_an_administrator_empties_it(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    fill(services, engineer, casting, 2)
    delete_images(services, engineer, [row.id for row in list_images(services, casting.id).rows])
    app = open_app(NORMAL_IMAGES)
    app.segmented_control(key="gallery_normal_show").set_value("trash").run()
    written = texts(app)
    assert written.count("30 days left") == 2
    assert "Quality engineer" in written
    assert "Only an administrator deletes for good." in written
    app = open_app(NORMAL_IMAGES, role="admin", language="ko")
    app.segmented_control(key="gallery_normal_show").set_value("trash").run()
    app.button(key="gallery_normal_trash_empty").click().run()
    assert app.button(key="dialog_agree").disabled
    app.text_input(key="dialog_typed").set_value("삭제").run()
    app.button(key="dialog_agree").click().run()
    assert "이미지 2장을 영구 삭제했습니다." in texts(app)


def test_choice_of_one_product_is_not_carried_to_another(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    other = create_product(services, engineer, name="Leather", code="leather")
    fill(services, engineer, casting, 2)
    fill(services, engineer, other, 2, split="test")
    app = open_app(NORMAL_IMAGES)
    app.button(key="gallery_normal_all").click().run()
    app.selectbox(key="images_normal_product").set_value(other.id).run()
    assert app.button(key="gallery_normal_delete").disabled


def test_opened_image_shows_what_is_known_of_it(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    fill(services, engineer, casting, 2)
    newest, oldest = list_images(services, casting.id).rows
    app = open_app(NORMAL_IMAGES)
    app.session_state["open_dialog"] = OpenDialog("image_open", {"walk": ListWalk([newest.id, oldest.id], 0)})
    app.run()
    assert newest.original_name in texts(app)
    app.button(key="details_step_1").click().run()
    assert oldest.original_name in texts(app)


def test_next_leads_beyond_the_page_through_all_that_fit_the_filter(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    fill(services, engineer, casting, PAGE_SIZE + 2)
    fill(services, engineer, casting, 2, split="test")
    asked = Asked(casting.id, "normal", GalleryFilter(split="train"))
    found = count_images(services, asked)
    *_newer, last_of_page, first_of_next, _oldest = find_all(services, asked, found, limit=100)
    app = open_app(NORMAL_IMAGES)
    walk = GalleryWalk(asked, found, last_of_page, PAGE_SIZE - 1, found.total)
    app.session_state["open_dialog"] = OpenDialog("image_open", {"walk": walk})
    app.run()
    assert f"{PAGE_SIZE} of {PAGE_SIZE + 2}" in texts(app)
    app.button(key="details_step_1").click().run()
    assert get_image(services, first_of_next).original_name in texts(app)
    assert f"{PAGE_SIZE + 1} of {PAGE_SIZE + 2}" in texts(app)


def test_an_image_that_is_gone_leaves_the_way_to_the_others_open(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    fill(services, engineer, casting, 2)
    newest, oldest = list_images(services, casting.id).rows
    app = open_app(NORMAL_IMAGES)
    delete_images(services, engineer, [newest.id])
    app.session_state["open_dialog"] = OpenDialog("image_open", {"walk": ListWalk([newest.id, oldest.id], 0)})
    app.run()
    assert "not there any more" in texts(app)
    app.button(key="details_step_1").click().run()
    assert oldest.original_name in texts(app)


def test_what_lies_in_the_trash_is_refused_and_put_back_from_there(
    open_app: OpenApp, services: Services, engineer: Person, casting: Product
) -> None:
    app = upload(open_app(NORMAL_IMAGES), {"a.png": make_png(1)})
    (row,) = list_images(services, casting.id).rows
    delete_images(services, engineer, [row.id])
    app = upload(open_app(NORMAL_IMAGES), {"again.png": make_png(1)})
    assert "lies in the trash" in texts(app)
    press(app, "Put back 1 from the trash")
    assert [one.id for one in list_images(services, casting.id).rows] == [row.id]
    assert "Put back 1 from the trash" not in [button.label for button in app.button]


def test_folders_of_several_labels_become_a_plan_without_choosing_the_file_again(
    open_app: OpenApp, services: Services, casting: Product
) -> None:
    files = {f"casting/train/good/{n}.png": make_png(n) for n in range(2)}
    files |= {"casting/test/dent/7.png": make_png(7)}
    app = upload(open_app(NORMAL_IMAGES), {"set.zip": make_zip(files)})
    press(app, "Import it with a plan")
    assert [title.value for title in app.title] == ["Import images"]
    assert {metric.label: metric.value for metric in app.metric}["Will be taken in"] == "3"
    assert not list_images(services, casting.id).rows
