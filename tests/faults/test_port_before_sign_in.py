"""Before sign-in the port does nothing, and after it no browser can act on others: on the app as it is served."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import InvalidStatus

from core.access import Person
from core.accounts.people import command_line_person, create_user
from core.services import build_services
from core.settings import read_settings
from tests.app_server import AppServer, run_app
from tests.streamlit_client import StreamlitClient

pytestmark = [pytest.mark.xdist_group("app"), pytest.mark.skipif(os.name == "nt", reason="needs POSIX processes")]

PASSWORD = "correct horse battery"
MEGABYTE = 1024 * 1024
REFUSED = {401, 403}
PATHS_BEFORE_SIGN_IN = (
    "/",
    "/products",
    "/_stcore/metrics",
    "/_stcore/host-config",
    "/_stcore/bidi-components/a",
    "/_stcore/upload_file/a/b",
    "/media/a.png",
    "/component/a",
    "/static/a.js",
    "/app/static/a",
    "/pictures/inspection/1/part?v=a",
)


def _data_with_people(folder: Path) -> Path:
    services = build_services(read_settings({"GEOMSA_DATA_DIR": str(folder), "GEOMSA_DEVICE": "cpu"}), migrate=True)
    admin: Person = command_line_person(services)
    for login, role in (("kim", "engineer"), ("boss", "admin")):
        create_user(services, admin, login=login, display_name=login, role=role, password=PASSWORD)
    services.database.dispose()
    return folder


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """Yield the app with accounts, and small bounds for uploads."""
    folder = tmp_path_factory.mktemp("accounts")
    _data_with_people(folder / "data")
    with run_app(
        folder / "data", folder / "app.log", GEOMSA_AUTH="accounts", GEOMSA_UPLOAD_MEMORY_GIB="0.25"
    ) as server:
        yield server


def _signed_in(app: AppServer, login: str = "kim") -> StreamlitClient:
    client = StreamlitClient(app)
    assert client.sign_in(login, PASSWORD).status == 303
    return client


@pytest.mark.parametrize("path", PATHS_BEFORE_SIGN_IN)
def test_nothing_but_the_sign_in_page_is_served_before_sign_in(app: AppServer, path: str) -> None:
    response = StreamlitClient(app).request("GET", path)
    if response.status == 303:
        assert response.headers["Location"].startswith("/sign-in")
    else:
        assert response.status in REFUSED


@pytest.mark.parametrize("path", ["/_stcore/agent/interact", "/_stcore/script-health-check"])
def test_what_streamlit_offers_to_programs_is_not_there(app: AppServer, path: str) -> None:
    client = _signed_in(app)
    assert client.request("POST", path, body=b"{}").status == 404


def test_nobody_gets_a_websocket_before_sign_in(app: AppServer) -> None:
    with StreamlitClient(app) as client, pytest.raises(InvalidStatus) as caught:
        client.connect()
    assert caught.value.response.status_code == 403


def test_uploads_before_sign_in_take_no_memory(app: AppServer) -> None:
    client = StreamlitClient(app)
    before = app.memory_bytes()
    statuses = [client.upload(b"x" * (10 * MEGABYTE), session_id="made-up", file_id=str(n)).status for n in range(8)]
    assert set(statuses) <= REFUSED
    assert app.memory_bytes() - before < 40 * MEGABYTE


def test_uploads_are_bounded_for_each_session_and_belong_to_it(app: AppServer) -> None:
    with _signed_in(app) as client, _signed_in(app, "boss") as other:
        client.connect()
        client.run()
        assert client.upload(b"x" * (60 * MEGABYTE), file_id="1").status == 204
        assert client.upload(b"x" * (60 * MEGABYTE), file_id="2").status == 204
        assert client.upload(b"x" * (60 * MEGABYTE), file_id="3").status == 413
        # What is deleted frees its bytes again.
        assert client.request("DELETE", f"/_stcore/upload_file/{client.session_id}/1", headers={
            "X-Xsrftoken": client.cookies["_streamlit_xsrf"]
        }).status == 204  # fmt: skip
        assert client.upload(b"x" * (60 * MEGABYTE), file_id="3").status == 204
        other.connect()
        other.run()
        assert other.upload(b"x", session_id=client.session_id).status == 403


def test_all_uploads_together_are_bounded_too(app: AppServer) -> None:
    clients = [_signed_in(app) for _ in range(3)]
    try:
        statuses = []
        for client in clients:
            client.connect()
            client.run()
            statuses.append(client.upload(b"x" * (100 * MEGABYTE)).status)
        assert statuses[0] == 204
        assert statuses[-1] == 413
    finally:
        for client in clients:
            client.close()


def test_the_metrics_are_for_administrators(app: AppServer) -> None:
    assert _signed_in(app, "kim").request("GET", "/_stcore/metrics").status == 403
    assert _signed_in(app, "boss").request("GET", "/_stcore/metrics").status == 200


@pytest.mark.parametrize("path", ["/", "/sign-in", "/_stcore/health", "/media/a.png"])
@pytest.mark.parametrize("signed_in", [True, False])
def test_every_response_forbids_framing_and_guessing(app: AppServer, path: str, signed_in: bool) -> None:
    client = _signed_in(app) if signed_in else StreamlitClient(app)
    headers = client.request("GET", path).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_the_cookie_of_a_session_is_out_of_reach_of_scripts(app: AppServer) -> None:
    set_cookies = StreamlitClient(app).sign_in("kim", PASSWORD).headers.get_all("Set-Cookie", [])
    own = [cookie for cookie in set_cookies if cookie.startswith("geomsa_session")]
    assert len(own) == 1
    assert "HttpOnly" in own[0]
    assert "samesite=lax" in own[0].lower()


def test_the_form_is_taken_from_its_own_page_only(app: AppServer) -> None:
    client = StreamlitClient(app)
    body = f"login=kim&password={PASSWORD.replace(' ', '+')}".encode()
    for headers in ({}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site", "Origin": app.url}):
        assert client.request("POST", "/sign-in", body=body, headers=headers).status == 403
    assert client.request("POST", "/sign-in", body=b"x" * 20_000, headers={"Origin": app.url}).status == 413


@pytest.mark.parametrize(
    "target", ["//evil.example/", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: x=y"]
)
def test_signing_in_leads_to_this_app_only(app: AppServer, target: str) -> None:
    from urllib.parse import quote

    body = f"login=kim&password={PASSWORD.replace(' ', '+')}".encode()
    client = StreamlitClient(app)
    response = client.request("POST", f"/sign-in?next={quote(target)}", body=body, headers={"Origin": app.url})
    assert (response.status, response.headers["Location"]) == (303, "/")


def test_what_was_typed_as_a_name_comes_back_as_text(app: AppServer) -> None:
    response = StreamlitClient(app).sign_in('"><script>alert(1)</script>', "x" * 12)
    assert response.status == 401
    assert "<script>" not in response.text
    assert "&lt;script&gt;" in response.text
    assert "script-src" not in response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_nobody_takes_up_the_streamlit_session_of_another(app: AppServer) -> None:
    with _signed_in(app, "kim") as client, _signed_in(app, "boss") as other:
        client.connect()
        client.run()
        kept = client.session_id
        client.close()
        other.connect(session_id=kept)
        other.run()
        assert other.session_id != kept
        client.connect(session_id=kept)
        client.run()
        assert client.session_id == kept  # a line that broke off is taken up by its own person


@pytest.mark.parametrize("sign_in", [True, False])
def test_clearing_caches_is_nobodys_right_and_starts_no_worker(tmp_path: Path, sign_in: bool) -> None:
    data = _data_with_people(tmp_path / "data")
    auth = "accounts" if sign_in else "open"
    with run_app(data, tmp_path / "app.log", GEOMSA_AUTH=auth, GEOMSA_WORKER="embedded") as app:
        with _signed_in(app) if sign_in else StreamlitClient(app) as client:
            client.connect()
            client.run()
            for _ in range(4):
                message = BackMsg()
                message.clear_cache = True
                client.send(message)
                client.run()
            assert len(app.workers()) == 1
        with run_app(data, tmp_path / "second.log", GEOMSA_AUTH=auth, GEOMSA_WORKER="embedded") as second:
            with _signed_in(second) if sign_in else StreamlitClient(second) as client:
                client.connect()
                client.run()
                client.run()
            # A second app on the same folder stands by.
            assert len(app.workers()) + len(second.workers()) == 1


@pytest.fixture(scope="module")
def open_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """Yield the app without sign-in."""
    folder = tmp_path_factory.mktemp("open")
    with run_app(folder / "data", folder / "app.log") as server:
        yield server


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "garbage"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Host": "factory"},
        {"X-Real-IP": "10.0.0.5"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"Host": "evil.example"},
    ],
)
def test_open_mode_is_closed_to_whatever_may_come_from_elsewhere(open_app: AppServer, headers: dict[str, str]) -> None:
    client = StreamlitClient(open_app, headers=headers)
    response = client.request("GET", "/")
    assert response.status == 403
    assert "Geomsa is closed here" in response.text
    assert client.request("GET", "/_stcore/metrics").status == 403
    if "Host" not in headers:
        with pytest.raises(InvalidStatus):
            client.connect()


def test_open_mode_lets_this_machine_in(open_app: AppServer) -> None:
    with StreamlitClient(open_app) as client:
        assert client.request("GET", "/").status == 200
        client.connect()
        assert "Inspect a part" in client.run()
        assert client.upload(b"x").status == 204
