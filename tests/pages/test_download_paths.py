"""Names in the addresses of files lead nowhere but to files of ours."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from core.services import Services, close_kept_services
from pages.server.downloads import download_routes
from pages.server.drawing_pictures import drawing_routes
from pages.server.export_downloads import export_routes
from pages.server.gate import Gate
from pages.server.history_downloads import history_routes
from pages.server.image_downloads import image_routes
from pages.server.pictures import picture_routes
from pages.server.report_downloads import report_routes
from pages.server.trend_downloads import trend_routes

_ROUTES = (
    *picture_routes(), *drawing_routes(), *download_routes(), *history_routes(), *image_routes(), *trend_routes(),
    *report_routes(), *export_routes(),
)  # fmt: skip
_HOSTILE = (
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2fetc%2fpasswd",
    "..%5c..%5cgeomsa.db",
    "%2e%2e",
    "geomsa.db",
    "a%00.csv",
    "a%0d%0aSet-Cookie:%20x=1",
    "1;2",
    "-1",
    "１",
    "9" * 40,
)


def _addresses() -> list[str]:
    """Return the address of every route with a hostile word in the place of each of its parameters."""
    found = []
    for route in _ROUTES:
        names = list(route.param_convertors)
        for hostile in _HOSTILE if names else ():
            for chosen in names:
                filled = route.path
                for name in names:
                    value = hostile if name == chosen else "1"
                    filled = filled.replace("{" + name + "}", value).replace("{" + name + ":path}", value)
                found.append(filled)
    return found


def test_no_route_gives_out_what_a_hostile_name_asks_for(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")
    app = Gate(Starlette(routes=_ROUTES))
    addresses = _addresses()
    assert len(addresses) > 8 * len(_HOSTILE)

    async def ask_all() -> dict[str, httpx.Response]:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8501") as browser:
            return {address: await browser.get(address) for address in addresses}

    try:
        answers = asyncio.run(ask_all())
    finally:
        close_kept_services()
    given = {address: answer.status_code for address, answer in answers.items() if not 400 <= answer.status_code < 500}
    assert given == {}
    assert [address for address, answer in answers.items() if "set-cookie" in answer.headers] == []
    assert [
        address for address, answer in answers.items() if b"SQLite" in answer.content or b"root:" in answer.content
    ] == []
