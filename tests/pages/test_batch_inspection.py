"""Batch inspection, through Home.py, with a real model on real solar cells; and the files that are taken away."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Callable, Iterator
from functools import partial

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.accounts.people import open_person
from core.batches.overview import list_batches, view_batch
from core.batches.starting import BatchOrder, start_with_files
from core.batches.working import work_off
from core.catalog.products import create_product, find_product
from core.images.library import list_images, read_image
from core.images.records import IncomingFile
from core.inspections.part_details import PartDetails
from core.jobs import claims
from core.services import Services, close_kept_services
from pages.components.shared.screens import BATCH_INSPECTION, MEMORY_BANKS
from pages.server.downloads import FILES, batch_file_path, download_routes
from pages.server.gate import Gate
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts

Fetch = Callable[..., httpx.Response]


def _files(services: Services) -> list[IncomingFile]:
    product = find_product(services, "cells")
    images = [
        *list_images(services, product_id=product.id, image_type="normal").rows[:3],
        *list_images(services, product_id=product.id, image_type="defect").rows[:3],
    ]
    files = [IncomingFile(f"LINE3_{image.id:03d}.png", partial(read_image, services, image)) for image in images]
    return [*files, IncomingFile("note.txt", lambda: b"hello")]


def _start(services: Services, role: str = "worker") -> int:
    order = BatchOrder(find_product(services, "cells").id, PartDetails(line="L3"), "LINE3_{part}", title="cells.zip")
    return start_with_files(services, open_person(services, role), order, _files(services))


def _work_off(services: Services) -> None:
    claim = claims.claim_next(services, "tests", lease_s=600.0)
    assert claim is not None
    assert work_off(services, claim) is None
    claims.finish(services, claim, state="succeeded")


@pytest.fixture
def batch_id(deployed: Services) -> int:
    """Return a batch of six cells and a note, worked off."""
    found = _start(deployed)
    _work_off(deployed)
    return found


def _open(open_app: OpenApp, batch: int | None = None, **options: str) -> AppTest:
    app = open_app(**options)
    if batch is not None:
        app.query_params["batch"] = str(batch)
    app = app.switch_page(BATCH_INSPECTION).run()
    assert not app.exception
    return app


def _metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


@pytest.mark.parametrize(("role", "words"), [("worker", "Ask a quality engineer"), ("engineer", "Register a product")])
def test_without_products_it_says_who_does_what(open_app: OpenApp, role: str, words: str) -> None:
    assert words in texts(_open(open_app, role=role))


def test_without_a_model_no_batch_is_begun(open_app: OpenApp, services: Services, engineer: Person) -> None:
    create_product(services, engineer, name="Casting *A*", code="casting")
    app = _open(open_app, role="worker")
    assert r"Casting \*A\*" in texts(app)
    assert not app.get("file_uploader")
    assert "There is no batch yet" in texts(app)


def test_pressed_without_files_it_says_what_is_missing(open_deployed: OpenApp) -> None:
    app = _open(open_deployed, role="worker")
    assert "Choose images or a ZIP file first." in texts(press(app, "Inspect them all"))


def test_uploaded_files_become_a_batch_with_their_details(open_deployed: OpenApp, deployed: Services) -> None:
    app = _open(open_deployed, role="worker")
    app.text_input(key="detail_line").set_value("L3")
    app.text_input(key="detail_lot").set_value("LOT-7")
    app.text_input(key="batch_serial_rule").set_value("LINE3_{part}")
    app.file_uploader[0].set_value([(one.name, one.read(), "image/png") for one in _files(deployed)])
    app = app.run()
    app = press(app, "Inspect them all")
    (found,) = list_batches(deployed)
    assert (found.line, found.lot, found.serial_rule, found.n_files) == ("L3", "LOT-7", "LINE3_{part}", 7)
    assert app.query_params["batch"] == str(found.job.id)
    assert "Waiting for the worker" in " ".join(str(one.proto) for one in app.get("progress"))
    _work_off(deployed)
    app = app.run()
    assert _metrics(app)["Refused"] == "1"
    assert _metrics(app)["Not inspected"] == "0"


def test_a_rule_or_a_detail_that_will_not_do_keeps_what_was_typed(open_deployed: OpenApp, deployed: Services) -> None:
    app = _open(open_deployed, role="worker")
    app = app.text_input(key="batch_serial_rule").set_value("no field").run()
    assert app.error
    assert app.button(key="batch_start").disabled
    assert app.text_input(key="batch_serial_rule").value == "no field"
    assert list_batches(deployed) == []


def test_a_folder_of_the_object_store_is_looked_into_and_inspected(open_deployed: OpenApp, deployed: Services) -> None:
    for one in _files(deployed):
        deployed.objects.put(f"incoming/line3/{one.name}", one.read())
    app = _open(open_deployed, role="worker")
    app = app.segmented_control(key="batch_source").set_value("folder").run()
    app = app.text_input(key="batch_folder").set_value("models").run()
    assert "belongs to Geomsa itself" in texts(app)
    app = app.text_input(key="batch_folder").set_value("incoming/line3").run()
    assert "6 images" in texts(app)
    assert "1 other file is left alone" in texts(app)
    press(app, "Inspect them all")
    (found,) = list_batches(deployed)
    assert (found.n_files, found.title) == (6, "incoming/line3/")


def test_a_batch_that_is_over_shows_counts_scores_and_parts(
    open_deployed: OpenApp, deployed: Services, batch_id: int
) -> None:
    app = _open(open_deployed, batch_id, role="worker")
    found = view_batch(deployed, batch_id)
    assert _metrics(app)["NG"] == str(found.verdicts["reject"])
    assert len(app.get("plotly_chart")) == 1
    table = app.dataframe[0].value
    assert len(table) == 7
    assert table["picture"].str.startswith("data:image/jpeg;base64,").sum() == 6
    assert table["serial"].iloc[0] != ""
    assert table["open"].dropna().str.contains(r"/\?inspection=\d+&role=worker").all()
    app = app.segmented_control(key=f"batch_kind_{batch_id}").set_value("failed").run()
    assert list(app.dataframe[0].value["name"]) == ["note.txt"]
    assert "note.txt" in app.dataframe[0].value["reason"].iloc[0]
    app.segmented_control(key=f"batch_kind_{batch_id}").set_value("")
    app = app.text_input(key=f"batch_name_{batch_id}").set_value("nowhere").run()
    assert "No part of this batch fits" in texts(app)


def test_other_thresholds_are_tried_and_nothing_is_stored(
    open_deployed: OpenApp, deployed: Services, batch_id: int
) -> None:
    before = view_batch(deployed, batch_id).verdicts
    app = _open(open_deployed, batch_id)
    app = app.toggle(key=f"batch_try_{batch_id}").set_value(True).run()
    app = app.number_input(key=f"batch_review_{batch_id}").set_value(0.001).run()
    app = app.number_input(key=f"batch_reject_{batch_id}").set_value(0.002).run()
    assert f"**{before['ok'] + before['review'] + before['reject']}**" in texts(app)
    app = app.segmented_control(key=f"batch_kind_{batch_id}").set_value("changed").run()
    assert len(app.dataframe[0].value) == before["ok"] + before["review"]
    assert MEMORY_BANKS.rsplit("/", 1)[1].removesuffix(".py") in str([link.proto for link in app.get("page_link")])
    # Crossed thresholds are refused in a sentence.
    app = app.number_input(key=f"batch_review_{batch_id}").set_value(1.0).run()
    assert "NG must not begin before Review" in texts(app)
    assert view_batch(deployed, batch_id).verdicts == before


def test_a_running_batch_is_canceled_only_after_a_question(open_deployed: OpenApp, deployed: Services) -> None:
    batch = _start(deployed)
    app = _open(open_deployed, batch, role="worker")
    app = press(app, "Yes, stop it")
    assert view_batch(deployed, batch).job.state == "cancelled"
    assert _metrics(app.run())["Not inspected"] == "7"


def test_another_workers_batch_offers_no_cancel(open_deployed: OpenApp, deployed: Services) -> None:
    batch = _start(deployed, role="engineer")
    app = _open(open_deployed, batch, role="worker")
    assert "Yes, stop it" not in [button.label for button in app.button]


def test_a_batch_that_failed_goes_on(open_deployed: OpenApp, deployed: Services) -> None:
    batch = _start(deployed)
    claim = claims.claim_next(deployed, "tests")
    assert claim is not None
    from core.errors import Unavailable

    claims.finish(deployed, claim, state="failed", error=Unavailable("disk_full"))
    app = _open(open_deployed, batch, role="worker")
    assert app.error
    press(app, "Continue the batch")
    assert view_batch(deployed, batch).job.state == "queued"


def test_the_list_leads_to_each_batch(open_deployed: OpenApp, batch_id: int) -> None:
    app = _open(open_deployed, role="worker", language="ko")
    assert "cells.zip" in texts(app)
    app = app.button(key=f"batch_open_{batch_id}").click().run()
    assert app.query_params["batch"] == str(batch_id)
    assert app.title[0].value == f"일괄 검사 {batch_id}번"


@pytest.mark.parametrize("asked", ["999", "x", "9" * 40, "-1"])
def test_a_link_to_no_batch_says_so(open_deployed: OpenApp, asked: str) -> None:
    app = open_deployed()
    app.query_params["batch"] = asked
    app = app.switch_page(BATCH_INSPECTION).run()
    assert not app.exception
    assert "not there" in texts(app)


def test_deployment_screens_say_what_else_is_in_the_queue(open_deployed: OpenApp, deployed: Services) -> None:
    _start(deployed)
    app = open_deployed(MEMORY_BANKS)
    assert "**Batch inspection**" in texts(app)


@pytest.fixture
def fetch(deployed: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetch]:
    """Yield a function that asks the routes behind the gate, from this machine unless `client` says otherwise."""
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(deployed.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")

    def fetch_one(path: str, *, client: str = "127.0.0.1") -> httpx.Response:
        app = Starlette(routes=download_routes(), middleware=[Middleware(Gate)])
        transport = httpx.ASGITransport(app, client=(client, 50_000))

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8501") as browser:
                return await browser.get(path)

        return asyncio.run(ask())

    yield fetch_one
    close_kept_services()


def test_files_are_made_as_they_are_fetched(fetch: Fetch, deployed: Services, batch_id: int) -> None:
    table, book, rejected = (fetch(batch_file_path(batch_id, name, language="ko", zone="Asia/Seoul")) for name in FILES)
    assert [one.status_code for one in (table, book, rejected)] == [200, 200, 200]
    assert table.content.startswith(b"\xef\xbb\xbf")
    assert "검사 (Asia/Seoul)" in table.text or "(Asia/Seoul)" in table.text
    assert "http://localhost:8501/?inspection=" in table.text
    assert "attachment" in table.headers["content-disposition"]
    assert table.headers["x-content-type-options"] == "nosniff"
    assert zipfile.ZipFile(io.BytesIO(book.content)).testzip() is None
    names = zipfile.ZipFile(io.BytesIO(rejected.content)).namelist()
    assert (
        len([name for name in names if name.startswith("overlays/")])
        == view_batch(deployed, batch_id).verdicts["reject"]
    )


@pytest.mark.parametrize(
    "path", ["batch/999/table.csv", "batch/x/table.csv", "batch/1/secret.txt", f"batch/{'9' * 40}/ng.zip"]
)
def test_what_is_not_there_is_said(fetch: Fetch, batch_id: int, path: str) -> None:
    assert fetch(f"/download/{path}").status_code == 404


def test_another_machine_gets_nothing(fetch: Fetch, batch_id: int) -> None:
    path = batch_file_path(batch_id, FILES[0], language="en", zone="nowhere/else")
    assert fetch(path).status_code == 200
    assert fetch(path, client="10.0.0.5").status_code == 403
