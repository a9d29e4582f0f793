"""The REST interface in the app's own process, behind the gate: its own keys in every mode, and never a cookie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.accounts.api_keys import create_key
from core.accounts.people import command_line_person, create_user
from core.services import build_services
from core.settings import read_settings
from tests.api_server import ApiClient
from tests.app_server import run_app
from tests.streamlit_client import StreamlitClient

pytestmark = [pytest.mark.xdist_group("app"), pytest.mark.skipif(os.name == "nt", reason="needs POSIX processes")]

PASSWORD = "correct horse battery"


def _make_folder(folder: Path) -> str:
    """Fill a data folder with an account and a key; return the key."""
    services = build_services(read_settings({"GEOMSA_DATA_DIR": str(folder), "GEOMSA_DEVICE": "cpu"}), migrate=True)
    admin = command_line_person(services)
    create_user(services, admin, login="boss", display_name="Boss", role="admin", password=PASSWORD)
    key = create_key(services, admin, name="line 3", role="engineer").text
    services.database.dispose()
    return key


@pytest.mark.parametrize("auth", [pytest.param("open", marks=pytest.mark.full), "accounts"])
def test_the_app_serves_the_interface_to_keys_alone(tmp_path: Path, auth: str) -> None:
    key = _make_folder(tmp_path / "data")
    with run_app(tmp_path / "data", tmp_path / "app.log", GEOMSA_AUTH=auth) as server:
        stranger, program = ApiClient(server.port), ApiClient(server.port, key)
        assert stranger.get("/v1/health/live").json() == {"status": "live"}
        refused = stranger.get("/v1/products")
        assert (refused.status, refused.json()["code"]) == (401, "api_key_missing")
        assert refused.headers["x-frame-options"] == "DENY"
        made = program.ask("POST", "/v1/products", body={"name": "Bracket"})
        assert made.status == 201, made.body
        assert made.headers["location"] == f"/api/v1/products/{made.json()['id']}"
        assert program.get("/v1/openapi.json").json()["servers"] == [{"url": "/api"}]
        assert stranger.get("/v1/docs").status == 200
        forwarded = program.get("/v1/products", x_forwarded_for="10.0.0.9")
        assert forwarded.status == (403 if auth == "open" else 200)
        if auth == "accounts":
            with StreamlitClient(server) as browser:
                assert browser.sign_in("boss", PASSWORD).status == 303
                # A page of another site could send a browser's cookie: it must open nothing here.
                assert browser.request("GET", "/api/v1/products").status == 401
        # The key opens the interface, and no way from there to the screens.
        assert program.ask("GET", "/../_stcore/metrics").status == 400
