"""Parts on the image screens: the rule of an upload, a split that divides a part, a proposal, and a name by hand."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as PillowImage
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.catalog.products import create_product
from core.images.library import list_images
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.services import Services
from pages.components.shared.screens import MEMORY_BANKS, NORMAL_IMAGES
from storage.tables import Product
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts
from tests.plates import encode, plate


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    """Return a product without images."""
    return create_product(services, engineer, name="Plate", code="plate")


def png(seed: int) -> bytes:
    """Return a small image that no other seed gives."""
    data = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    PillowImage.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def add(services: Services, person: Person, product: Product, files: dict[str, bytes], *, split: str = "train") -> None:
    """Add normal images whose part is read by `{part}_{n}`."""
    incoming = [IncomingFile(name, lambda data=data: data) for name, data in files.items()]  # type: ignore[misc]
    list(
        add_images(
            services,
            person,
            product_id=product.id,
            image_type="normal",
            split=split,
            part_rule="{part}_{n}",
            files=incoming,
        )
    )


def choose_files(app: AppTest, files: dict[str, bytes]) -> AppTest:
    """Put files into the field of the upload."""
    app.file_uploader[0].set_value([(name, data, "image/png") for name, data in files.items()])
    return app.run()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_rule_shows_what_it_reads_before_anything_is_stored(
    open_app: OpenApp, services: Services, product: Product, language: str
) -> None:
    app = open_app(NORMAL_IMAGES, language=language)
    app = choose_files(app, {"IMG_0012_3.png": png(1), "IMG_0012_4.png": png(2), "x.png": png(3)})
    app.text_input(key="upload_normal_part_rule").set_value("{part}_{n}").run()
    assert not app.exception
    assert "**IMG\\_0012**" in texts(app)
    assert ("1 name" if language == "en" else "이름 1개") in texts(app)
    assert list_images(services, product.id).total == 0
    press(app, "Add the images" if language == "en" else "이미지 등록")
    rows = {row.original_name: row.part for row in list_images(services, product.id).rows}
    assert rows == {"IMG_0012_3.png": "IMG_0012", "IMG_0012_4.png": "IMG_0012", "x.png": ""}


def test_a_wrong_rule_is_said_and_nothing_can_be_added(open_app: OpenApp, product: Product) -> None:
    app = open_app(NORMAL_IMAGES)
    app.text_input(key="upload_normal_part_rule").set_value("{n}_{*}").run()
    assert "{part}" in app.error[0].value
    assert next(button for button in app.button if button.label == "Add the images").disabled


@pytest.mark.parametrize(("key", "split"), [("Move all to training", "train"), ("Move all to test", "test")])
def test_a_part_in_training_and_test_is_moved_by_one_key(
    open_app: OpenApp, services: Services, engineer: Person, product: Product, key: str, split: str
) -> None:
    add(services, engineer, product, {"p1_1.png": png(1), "p2_1.png": png(2)})
    add(services, engineer, product, {"p1_2.png": png(3)}, split="test")
    app = open_app(NORMAL_IMAGES)
    assert "1 part in training and test both" in texts(app)
    app = press(app, key)
    assert "in training and test both" not in texts(app)
    assert {row.split for row in list_images(services, product.id).rows if row.part == "p1"} == {split}


def test_before_a_deployment_a_divided_part_is_named(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    add(services, engineer, product, {"p1_1.png": png(1)})
    add(services, engineer, product, {"p1_2.png": png(3)}, split="test")
    app = open_app(MEMORY_BANKS)
    assert any("1 part has training and test images both" in found.value for found in app.warning)


def test_images_that_look_like_one_part_are_proposed_and_accepted(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    shots = {f"{number}.png": encode(plate(number, width_px=200, height_px=200)) for number in range(10)}
    twin = (plate(4, width_px=200, height_px=200) * 0.85).astype(np.uint8)
    add(services, engineer, product, {**shots, "twin.png": encode(twin)})
    app = press(open_app(NORMAL_IMAGES), "Look for images of one part")
    assert "2 images look like 1 part" in texts(app)
    assert {row.part for row in list_images(services, product.id).rows} == {""}
    app = press(app, "These 2 images are one part")
    named = {row.original_name for row in list_images(services, product.id).rows if row.part}
    assert named == {"4.png", "twin.png"}


def test_what_is_refused_is_not_proposed_again(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    shots = {f"{number}.png": encode(plate(number, width_px=200, height_px=200)) for number in range(8)}
    twin = (plate(4, width_px=200, height_px=200) * 0.85).astype(np.uint8)
    add(services, engineer, product, {**shots, "twin.png": encode(twin)})
    app = press(open_app(NORMAL_IMAGES), "Look for images of one part")
    app = press(app, "Different parts")
    app = press(app, "Look for images of one part")
    assert "No images stand out" in texts(app)


def test_chosen_images_get_a_part_by_hand(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    add(services, engineer, product, {"a.png": png(1), "b.png": png(2)})
    app = press(open_app(NORMAL_IMAGES), "This page")
    app.text_input(key="gallery_normal_part_name_0").set_value("piece 7")
    app = press(app, "Set the part")
    assert {(row.part, row.part_source) for row in list_images(services, product.id).rows} == {("piece 7", "person")}


def test_what_is_not_ticked_stays_out_of_the_part_also_when_all_are_accepted(
    open_app: OpenApp, services: Services, engineer: Person, product: Product
) -> None:
    shots = {f"{number}.png": encode(plate(number, width_px=200, height_px=200)) for number in range(8)}
    base = plate(4, width_px=200, height_px=200)
    twins = {f"twin{n}.png": encode((base * light).astype(np.uint8)) for n, light in enumerate((0.85, 0.7))}
    add(services, engineer, product, {**shots, **twins})
    app = press(open_app(NORMAL_IMAGES), "Look for images of one part")
    (out,) = [row.id for row in list_images(services, product.id).rows if row.original_name == "twin1.png"]
    app.checkbox(key=f"parts_normal_member_{out}").uncheck().run()
    press(app, "Accept all")
    named = {row.original_name for row in list_images(services, product.id).rows if row.part}
    assert named == {"4.png", "twin0.png"}
