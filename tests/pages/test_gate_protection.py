"""What every response of the gate carries, whose word it takes for an address, and which pages may drive a session."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from core.accounts.people import command_line_person, create_user
from core.api.mounting import LazyInterface
from core.api.origins import comes_from_here
from core.api.proxies import see_through
from core.errors import BadSetting
from core.services import Services, close_kept_services
from core.settings import read_settings
from pages.server.gate import Gate
from pages.server.headers import CONTENT_POLICY, SECURITY_HEADERS

PASSWORD = "correct horse battery"
ROOT = Path(__file__).resolve().parents[2]
Ask = Callable[..., httpx.Response]


async def _page(request: Request) -> Response:
    response = HTMLResponse("<p>here</p>", headers={"Cache-Control": "no-cache"})
    response.set_cookie("_streamlit_xsrf", "2|a|b|1", samesite="lax")
    return response


async def _told(request: Request) -> Response:
    client = request.client
    return JSONResponse(
        {
            "address": client.host if client else None,
            "scheme": request.url.scheme,
            "host": request.headers["host"],
            "cookies": sorted(request.cookies),
        }
    )


async def _script(request: Request) -> Response:
    return PlainTextResponse("1", media_type="text/javascript", headers={"Cache-Control": "public, immutable"})


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


def _add_person(services: Services) -> None:
    admin = command_line_person(services)
    create_user(services, admin, login="kim", display_name="Kim", role="admin", password=PASSWORD)


def _application() -> Starlette:
    return Starlette(
        routes=[
            Route("/", _page),
            Route("/static/told", _told),
            Route("/static/a.js", _script),
            Route("/_stcore/health", _told),
            WebSocketRoute("/_stcore/stream", _socket),
            Mount("/api", app=LazyInterface()),
        ],
        middleware=[Middleware(Gate)],
    )


@pytest.fixture
def ask(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Yield a function that asks a small application behind the gate; `client` is the address it comes from."""
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")

    def ask_one(
        path: str,
        *,
        client: str = "127.0.0.1",
        base: str = "http://localhost:8501",
        method: str = "GET",
        headers: dict[str, str] | None = None,
        **settings: str,
    ) -> httpx.Response:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        transport = httpx.ASGITransport(_application(), client=(client, 50_000))
        data = {"login": "kim", "password": PASSWORD} if method == "POST" else None

        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url=base) as browser:
                return await browser.request(method, path, headers=headers, data=data)

        return asyncio.run(send())

    yield ask_one
    close_kept_services()


def test_every_kind_of_response_carries_the_headers(ask: Ask) -> None:
    plain = {"/": 200, "/static/a.js": 200, "/_stcore/health": 200, "/_stcore/agent/x": 404, "/nowhere": 404}
    for path, status in plain.items():
        found = ask(path, headers={"Accept": "text/html"})
        assert found.status_code == status, path
        for name, value in SECURITY_HEADERS.items():
            if name != "Content-Security-Policy" or path != "/nowhere":
                assert found.headers[name] == value, (path, name)
        assert "strict-transport-security" not in found.headers
    refused = ask("/", client="10.1.2.3", headers={"Accept": "text/html"})
    assert refused.status_code == 403
    for found in (refused, ask("/nowhere", headers={"Accept": "text/html"})):
        # Our own pages run nothing at all.
        assert found.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert "script" not in found.headers["content-security-policy"]
    told = ask("/api/v1/products")
    assert (told.status_code, told.headers["cache-control"]) == (401, "no-store")
    assert told.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert told.headers["x-content-type-options"] == "nosniff"


def test_pages_are_not_kept_and_files_without_data_may_be(ask: Ask) -> None:
    assert ask("/").headers["cache-control"] == "no-store"
    assert ask("/static/told").headers["cache-control"] == "no-store"
    assert ask("/static/a.js").headers["cache-control"] == "public, immutable"


def test_the_policy_runs_nothing_that_is_written_into_a_page() -> None:
    rules = dict(rule.split(" ", 1) for rule in CONTENT_POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "data:"} & set(rules["script-src"].split())
    assert "'sha256-" in rules["script-src"]
    assert not [value for value in rules.values() if "*" in value.split() or "http" in value]
    # What runs on the page is a component of ours: nothing is written in to be run.
    written = [path for path in (ROOT / "pages").rglob("*.py") if "unsafe_allow_javascript" in path.read_text("utf-8")]
    assert written == []


def test_tls_is_kept_and_cookies_belong_to_it(ask: Ask, services: Services) -> None:
    _add_person(services)
    origin = {"Origin": "https://app.factory"}
    entered = ask("/sign-in", base="https://app.factory", method="POST", headers=origin, GEOMSA_AUTH="accounts")
    assert entered.status_code == 303
    assert entered.headers["strict-transport-security"] == "max-age=31536000"
    cookies = entered.headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        parts = [part.strip().lower() for part in cookie.split(";")]
        assert parts[0].startswith("__host-geomsa_")
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= set(parts)
        assert not [part for part in parts if part.startswith("domain")]
    name, _, value = cookies[0].split(";")[0].partition("=")
    page = {"Accept": "text/html", "Cookie": f"{name}={value}"}
    here = ask("/", base="https://app.factory", headers=page)
    assert here.status_code == 200
    assert "; Secure" in here.headers["set-cookie"]
    # Set from elsewhere, by a neighbor under the same domain: no session of ours.
    tossed = {"Accept": "text/html", "Cookie": f"{name.removeprefix('__Host-')}={value}"}
    assert ask("/", base="https://app.factory", headers=tossed).status_code == 303


@pytest.mark.parametrize(
    ("forwarded", "seen"),
    [
        ({"X-Forwarded-For": "203.0.113.7"}, "203.0.113.7"),
        ({"X-Forwarded-For": "1.1.1.1, 203.0.113.7"}, "203.0.113.7"),
        ({"X-Forwarded-For": "203.0.113.7, 10.0.0.9"}, "203.0.113.7"),
        ({"X-Forwarded-For": "[2001:db8::7]:4711"}, "2001:db8::7"),
        ({"X-Forwarded-For": "203.0.113.7:4711"}, "203.0.113.7"),
        ({"X-Forwarded-For": "::ffff:203.0.113.7"}, "203.0.113.7"),
        ({"X-Forwarded-For": "203.0.113.7, unknown"}, "10.0.0.5"),
        ({"X-Forwarded-For": "<script>"}, "10.0.0.5"),
        ({"X-Forwarded-For": ""}, "10.0.0.5"),
        ({"X-Real-IP": "203.0.113.7"}, "10.0.0.5"),
    ],
)
def test_a_trusted_proxy_says_who_asks(ask: Ask, forwarded: dict[str, str], seen: str) -> None:
    settings = {"GEOMSA_TRUSTED_PROXIES": "10.0.0.0/24, ::1", "GEOMSA_AUTH": "accounts"}
    found = ask("/_stcore/health", client="10.0.0.5", headers=forwarded, **settings)
    assert found.json()["address"] == seen


def test_a_trusted_proxy_says_by_which_address_and_scheme(ask: Ask) -> None:
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "app.factory:8443", "X-Forwarded-For": "203.0.113.7"}
    settings = {"GEOMSA_TRUSTED_PROXIES": "10.0.0.5", "GEOMSA_AUTH": "accounts"}
    found = ask("/_stcore/health", client="10.0.0.5", headers=told, **settings)
    assert (found.json()["scheme"], found.json()["host"]) == ("https", "app.factory:8443")
    assert "strict-transport-security" in found.headers
    for wrong in (
        {"X-Forwarded-Proto": "gopher"},
        {"X-Forwarded-Host": "evil.example/path"},
        {"X-Forwarded-Host": "a b"},
    ):
        found = ask("/_stcore/health", client="10.0.0.5", headers=wrong, **settings)
        assert (found.json()["scheme"], found.json()["host"]) == ("http", "localhost:8501")


def test_nobody_else_is_believed(ask: Ask) -> None:
    told = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    for settings in ({}, {"GEOMSA_TRUSTED_PROXIES": "10.0.0.5"}):
        found = ask("/_stcore/health", client="10.0.0.6", headers=told, GEOMSA_AUTH="accounts", **settings)
        assert found.json() | {"cookies": []} == {
            "address": "10.0.0.6",
            "scheme": "http",
            "host": "localhost:8501",
            "cookies": [],
        }
        assert "strict-transport-security" not in found.headers


def test_open_mode_stays_closed_behind_a_proxy_that_is_trusted(ask: Ask) -> None:
    here = {"Accept": "text/html"}
    assert ask("/", headers=here).status_code == 200
    forwarded = {**here, "X-Forwarded-For": "127.0.0.1"}
    assert ask("/", headers=forwarded).status_code == 403
    settings = {"GEOMSA_TRUSTED_PROXIES": "127.0.0.1,10.0.0.5"}
    for client in ("127.0.0.1", "10.0.0.5"):
        for headers in (here, forwarded, {**here, "X-Forwarded-For": "::1", "X-Forwarded-Host": "localhost"}):
            assert ask("/", client=client, headers=headers, **settings).status_code == 403
            assert ask("/api/v1/health/live", client=client, headers=headers, **settings).status_code == 403


def test_a_websocket_is_seen_through_the_same_way() -> None:
    scope: dict[str, Any] = {
        "type": "websocket",
        "scheme": "ws",
        "client": ("10.0.0.5", 1),
        "headers": [(b"host", b"inside"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-for", b"203.0.113.7")],
    }
    seen = see_through(scope, ["10.0.0.5"])
    assert (seen["scheme"], seen["client"][0]) == ("wss", "203.0.113.7")
    assert not comes_from_here(HTTPConnection(seen))
    assert see_through(scope, []) is scope


@pytest.mark.parametrize(
    "value", ["proxy.factory", "10.0.0.5/8", "10.0.0.300", "0.0.0.0/0", "::/0", "10.0.0.5;10.0.0.6"]
)
def test_proxies_that_are_no_addresses_stop_the_start(tmp_path: Path, value: str) -> None:
    with pytest.raises(BadSetting) as stopped:
        read_settings({"GEOMSA_DATA_DIR": str(tmp_path), "GEOMSA_TRUSTED_PROXIES": value})
    assert "GEOMSA_TRUSTED_PROXIES" in str(stopped.value)
    assert re.search("[가-힣]", stopped.value.sentence("ko"))


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        ("http://localhost:8501", True),
        (None, True),
        ("http://localhost:9999", False),
        ("http://127.0.0.1:8501", False),
        ("https://evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_our_own_page_opens_a_websocket(ask: Ask, origin: str | None, is_let_in: bool) -> None:
    ask("/_stcore/health")  # sets the environment
    headers = [(b"host", b"localhost:8501")] + ([] if origin is None else [(b"origin", origin.encode())])
    scope = {
        "type": "websocket",
        "path": "/_stcore/stream",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "scheme": "ws",
        "subprotocols": [],
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(event: Any) -> None:
        sent.append(event)

    asyncio.run(_application()(scope, receive, send))
    assert sent[0]["type"] == ("websocket.accept" if is_let_in else "websocket.close")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:8501"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8501"},
        {},
    ],
)
def test_a_form_of_another_site_signs_nobody_in(ask: Ask, services: Services, headers: dict[str, str]) -> None:
    _add_person(services)
    assert ask("/sign-in", method="POST", headers=headers, GEOMSA_AUTH="accounts").status_code == 403


def test_a_session_of_the_screens_opens_nothing_of_the_interface(ask: Ask, services: Services) -> None:
    _add_person(services)
    origin = {"Origin": "http://localhost:8501"}
    entered = ask("/sign-in", method="POST", headers=origin, GEOMSA_AUTH="accounts")
    cookie = entered.headers.get_list("set-cookie")[0].split(";")[0]
    assert ask("/", headers={"Cookie": cookie, "Accept": "text/html"}).status_code == 200
    assert ask("/api/v1/products", headers={"Cookie": cookie}).status_code == 401
