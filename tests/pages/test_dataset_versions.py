"""Dataset versions on screen: made, listed, opened, browsed, deleted; broken ones say why."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.datasets.freezing import create_dataset
from core.datasets.reading import list_datasets, load_dataset
from core.images.edits import delete_images
from core.services import Services
from tests.curated_images import add_image, add_product, type_ids
from tests.pages.screen_reading import press, texts

OpenApp = Callable[..., AppTest]
SCREEN = "pages/training/dataset_versions.py"


@pytest.fixture
def product_id(services: Services) -> int:
    product = add_product(services)
    types = type_ids(services, product)
    for number in range(30):
        add_image(services, product, number, part=f"p{number}", domain="studio" if number % 2 else "field")
    for number in range(30, 40):
        add_image(services, product, number, part=f"p{number}", defect_type_id=types["hole"], domain="studio")
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), (90, 120, 150)).save(picture, "PNG")
    for number in range(40):
        services.objects.put(f"thumbnails/{product}/file{number}.jpg", picture.getvalue())
    return product


def _open(open_app: OpenApp, language: str = "en", role: str = "engineer", **words: str) -> AppTest:
    app = open_app(SCREEN, language=language, role=role)
    for word, value in words.items():
        app.query_params[word] = value
    app.run()
    assert not app.exception
    return app


def test_a_version_is_made_opened_and_found_in_the_list(open_app: OpenApp, services: Services, product_id: int) -> None:
    app = open_app(SCREEN)
    assert "There is no dataset version yet." in texts(app)
    app.number_input(key="datasets_dataset_least").set_value(50)
    app.multiselect(key="datasets_dataset_domains").set_value(["studio"])
    press(app, "Freeze the images")
    assert "Dataset version 1 is made." in texts(app)
    assert "Some labels have fewer training images than asked for" in texts(app)
    head = list_datasets(services, product_id)[0]
    assert (head.rule.domains, head.report.n_images) == (("studio",), 25)
    press(app, "All versions")
    assert "dataset" not in app.query_params
    assert "**Version 1**" in texts(app)
    press(app, "Details")
    assert app.query_params["dataset"] in ("1", ["1"])
    assert "This screen is not open to you" in texts(open_app(SCREEN, role="worker"))


def test_its_images_are_shown_by_split_and_type(
    open_app: OpenApp, services: Services, engineer: Person, product_id: int
) -> None:
    head = create_dataset(services, engineer, product_id)
    app = _open(open_app, dataset=str(head.id))
    assert "40 images" in texts(app)
    assert "Page 1 of 2" in texts(app)
    press(app, "Next page")
    assert "Page 2 of 2" in texts(app)
    n_test = head.report.counts["test"]["hole"]
    app = _open(open_app, dataset=str(head.id), split="test", label="hole")
    assert f"{n_test} image" in texts(app)
    assert "Page 1" not in texts(app)


def test_a_broken_version_says_why_and_is_deleted(
    open_app: OpenApp, services: Services, engineer: Person, product_id: int
) -> None:
    head = create_dataset(services, engineer, product_id, name="first")
    delete_images(services, engineer, [load_dataset(services, head.id).images[0].image_id])
    assert "삭제" in texts(_open(open_app, language="ko", dataset=str(head.id)))
    app = _open(open_app, dataset=str(head.id))
    assert "Dataset version 1 is broken: an image of it has been deleted." in texts(app)
    assert "deleted" in texts(app)
    # Deleting for good is the administrator's.
    assert "dataset_delete" not in {button.key for button in app.button}
    app = _open(open_app, role="admin", dataset=str(head.id))
    app.button(key="dataset_delete").click().run()
    assert "Its images stay." in texts(app)
    app.button(key="dialog_agree").click().run()
    assert "Dataset version 1 is deleted." in texts(app)
    assert list_datasets(services, product_id) == []
    assert "The dataset version of this link is not there." in texts(_open(open_app, dataset="1"))
    assert "The dataset version of this link is not there." in texts(_open(open_app, dataset="one"))
