"""The filtered history as a file: what is in it, and who gets it."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import openpyxl
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from core.access import Person
from core.history.filters import HistoryFilter
from core.services import Services, close_kept_services
from pages.server.gate import Gate
from pages.server.history_downloads import history_path, history_routes
from storage.tables import Product
from tests.history_rows import add_product, add_rows, type_id

Fetch = Callable[..., httpx.Response]


@pytest.fixture
def fetch(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetch]:
    """Yield a function that asks the routes behind the gate, from this machine unless `client` says otherwise."""
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")

    def fetch_one(path: str, *, client: str = "127.0.0.1") -> httpx.Response:
        app = Starlette(routes=history_routes(), middleware=[Middleware(Gate)])
        transport = httpx.ASGITransport(app, client=(client, 50_000))

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8501") as browser:
                return await browser.get(path)

        return asyncio.run(ask())

    yield fetch_one
    close_kept_services()


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


def _path(ending: str, wanted: HistoryFilter, *, language: str = "en", zone: str = "Asia/Seoul") -> str:
    return history_path(ending, wanted, language=language, zone=zone)


def test_a_csv_file_has_every_inspection_that_fits_and_no_other(
    services: Services, engineer: Person, product: Product, fetch: Fetch
) -> None:
    scratch = type_id(services, product, "scratch")
    ids = add_rows(
        services,
        engineer,
        product,
        1_203,
        verdict="reject",
        final_verdict="reject",
        suggested_defect_type_id=scratch,
        line="=L1",
    )
    add_rows(services, engineer, product, 5)
    response = fetch(_path("csv", HistoryFilter(verdict="reject")))
    assert response.status_code == 200
    assert "attachment" in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [row["Inspection no."] for row in rows] == [
        f"http://localhost:8501/inspection_history?inspection={number}" for number in ids[::-1]
    ]
    assert {row["Defect type"] for row in rows} == {"Scratch"}
    assert {row["Line"] for row in rows} == {"'=L1"}  # never a formula


def test_an_excel_file_is_typed_and_in_the_language_asked_for(
    services: Services, engineer: Person, product: Product, fetch: Fetch
) -> None:
    add_rows(services, engineer, product, 3, score=12.5)
    response = fetch(_path("xlsx", HistoryFilter(product=product.id), language="ko"))
    assert response.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
    titles = [cell.value for cell in sheet[1]]
    assert titles[4] == "판정"
    assert sheet.max_row == 4
    assert sheet.cell(2, titles.index("점수") + 1).value == 12.5


def test_no_file_of_an_export_is_left_behind(
    services: Services,
    engineer: Person,
    product: Product,
    fetch: Fetch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(tmp_path.glob("geomsa-*"))
    add_rows(services, engineer, product)
    assert fetch(_path("xlsx", HistoryFilter())).status_code == 200
    assert set(tmp_path.glob("geomsa-*")) == before


def test_words_that_are_not_understood_are_left_out_and_another_zone_is_utc(
    services: Services, engineer: Person, product: Product, fetch: Fetch
) -> None:
    add_rows(services, engineer, product, 2)
    response = fetch(_path("csv", HistoryFilter(), zone="../etc/passwd") + "&verdict=perhaps")
    assert response.status_code == 200
    assert len(response.content.decode().splitlines()) == 3


def test_nobody_gets_it_from_outside_in_open_mode(services: Services, fetch: Fetch) -> None:
    assert fetch(_path("csv", HistoryFilter()), client="192.0.2.7").status_code == 403
