"""Exporting images from their screen: what can be chosen, and the file that the button leads to."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from core.access import Person
from core.catalog.products import create_product
from core.images.exports.records import ExportChoice
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.services import Services, close_kept_services
from pages.components.shared.screens import NORMAL_IMAGES
from pages.server.export_downloads import export_path, export_routes
from pages.server.gate import Gate
from storage.tables import Product
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import texts
from tests.plates import encode, plate

Fetch = Callable[..., httpx.Response]


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    made = create_product(services, engineer, name="Plate", code="plate")
    for split, seed in (("train", 0), ("val", 1)):
        file = IncomingFile(f"{seed}.png", lambda seed=seed: encode(plate(seed)))  # type: ignore[misc]
        list(add_images(services, engineer, product_id=made.id, image_type="normal", split=split, files=[file]))
    return made


@pytest.fixture
def fetch(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetch]:
    """Yield a function that asks the routes behind the gate."""
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")

    def fetch_one(path: str) -> httpx.Response:
        app = Starlette(routes=export_routes(), middleware=[Middleware(Gate)])
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50_000))

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8501") as browser:
                return await browser.get(path)

        return asyncio.run(ask())

    yield fetch_one
    close_kept_services()


def test_the_button_leads_to_what_was_chosen(open_app: OpenApp, product: Product) -> None:
    app = open_app(NORMAL_IMAGES)
    key = "images_normal_export"
    app.selectbox(key=f"{key}_format").set_value("yolo")
    app.multiselect(key=f"{key}_splits").set_value(["val"]).run()
    (link,) = [element.proto.url for element in app.get("link_button") if "/download/images/" in element.proto.url]
    assert link == export_path(product.id, ExportChoice("yolo", ("val",)), language="en")
    assert "1 image · " in texts(app)
    app.multiselect(key=f"{key}_splits").set_value(["test"]).run()
    assert "No image fits" in texts(app)


def test_the_file_has_the_images_that_were_chosen(fetch: Fetch, product: Product) -> None:
    sent = fetch(export_path(product.id, ExportChoice("csv", ("val",), "normal"), language="ko"))
    assert (sent.status_code, sent.headers["content-type"]) == (200, "application/zip")
    assert sent.headers["content-disposition"].endswith("plate_csv.zip")
    with zipfile.ZipFile(io.BytesIO(sent.content)) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("geomsa-export.json"))["counts"]["images"] == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/download/images/{id}/zip.zip", 400),
        ("/download/images/{id}/csv.zip?split=x", 400),
        ("/download/images/{id}/csv.zip?split=test", 400),
        ("/download/images/999/csv.zip", 404),
        ("/download/images/x1/csv.zip", 404),
    ],
)
def test_an_address_that_means_nothing_is_refused_in_a_sentence(
    fetch: Fetch, product: Product, path: str, status: int
) -> None:
    sent = fetch(path.format(id=product.id))
    assert sent.status_code == status
    assert sent.headers["content-type"].startswith("text/plain")
    assert sent.text.endswith(".")


def test_a_store_that_fails_at_once_is_an_answer_and_not_half_a_file(
    fetch: Fetch, product: Product, services: Services
) -> None:
    services.settings.data_dir.joinpath("objects").rename(services.settings.data_dir / "elsewhere")
    sent = fetch(export_path(product.id, ExportChoice(), language="en"))
    assert sent.status_code == 503
