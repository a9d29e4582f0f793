"""The deployment screens: what would be built, the start, the live job, the versions."""

from __future__ import annotations

import pytest

from core.access import Person
from core.catalog.products import create_product, list_products
from core.jobs import claims, queue, views
from core.models.kinds import MEMORY_BANK
from core.registry.versions import list_versions
from core.services import Services
from pages.components.shared.screens import MEMORY_BANKS, SIMILARITY_INDEX
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import texts


@pytest.mark.parametrize("path", [MEMORY_BANKS, SIMILARITY_INDEX])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_without_products_it_says_what_comes_first(open_app: OpenApp, path: str, language: str) -> None:
    app = open_app(path, language=language)
    assert ("Register one" if language == "en" else "제품을 등록하고") in texts(app)
    assert app.get("page_link")


def test_a_product_without_images_says_what_is_missing(open_app: OpenApp, services: Services, engineer: Person) -> None:
    create_product(services, engineer, name="Casting", code="casting")
    app = open_app(MEMORY_BANKS)
    table = app.dataframe[0].value
    assert table["Product"].tolist() == ["Casting"]
    assert "no normal images" in table["Note"].tolist()[0]
    assert not [button for button in app.button if button.label == "Build memory banks"]


def test_a_job_that_waits_is_shown_with_its_place_and_can_be_cancelled(
    open_deployed: OpenApp, deployed: Services
) -> None:
    product = list_products(deployed)[0].product
    person = _engineer(deployed)
    job_id = queue.submit(deployed, person, kind=MEMORY_BANK, product_ids=[product.id])
    app = open_deployed(MEMORY_BANKS)
    assert "Waiting for the worker" in texts(app)
    app.button(key=f"cancel_{job_id}").click().run()
    assert not app.exception
    assert views.view(deployed, job_id).state == "cancelled"
    app.run()
    assert "Cancelled" in texts(app)


def test_a_running_job_shows_its_stage_and_counts_in_words(open_deployed: OpenApp, deployed: Services) -> None:
    product = list_products(deployed)[0].product
    queue.submit(deployed, _engineer(deployed), kind=MEMORY_BANK, product_ids=[product.id])
    claim = claims.claim_next(deployed, "tests")
    assert claim is not None
    claims.report(deployed, claim, stage="extract", done=7, total=24)
    app = open_deployed(MEMORY_BANKS, language="ko")
    progress = app.get("progress")[0].proto
    assert (progress.text, progress.value) == ("특징 추출 중: 7 / 24", 29)


def test_versions_show_their_figures_and_can_be_rolled_back(open_deployed: OpenApp, deployed: Services) -> None:
    app = open_deployed(MEMORY_BANKS)
    assert "Version 1" in texts(app)
    assert "Image AUROC" in texts(app)
    assert "Finished" in texts(app)
    table = app.dataframe[0].value
    assert table["State"].tolist() == ["Up to date"]


def test_the_start_queues_the_chosen_products(open_deployed: OpenApp, deployed: Services) -> None:
    from core.images.edits import delete_images
    from core.images.library import list_images

    product = list_products(deployed)[0].product
    person = _engineer(deployed)
    first = list_images(deployed, product.id, image_type="normal", split="train").rows[0]
    delete_images(deployed, person, [first.id])
    app = open_deployed(MEMORY_BANKS)
    assert app.dataframe[0].value["State"].tolist() == ["Out of date"]
    assert "1 image removed" in app.dataframe[0].value["Note"].tolist()[0]
    next(button for button in app.button if button.label == "Build memory banks").click().run()
    assert not app.exception
    job = views.running_job(deployed, MEMORY_BANK)
    assert job is not None
    assert job.product_ids == (product.id,)
    assert len(list_versions(deployed, MEMORY_BANK, product.id)) == 1


def _engineer(services: Services) -> Person:
    from core.accounts.people import open_person

    return open_person(services, "engineer")
