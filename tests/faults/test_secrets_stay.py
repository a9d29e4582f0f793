"""Keys and passwords that tell themselves: parts that fail, and nothing of the secrets in anything that is written."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.app_server import ROOT, run_app
from tests.streamlit_client import StreamlitClient

SECRETS = {
    "database": "telling-database-9f3",
    "access": "telling-access-9f3",
    "secret": "telling/secret+9f3",
    "language": "telling-language-9f3",
    "tracking": "telling-tracking-9f3",
    "claude": "sk-ant-telling-9f3-0123456789abcdef",
}


@pytest.fixture(scope="module")
def gossip() -> Iterator[str]:
    """Yield the address of a server that refuses everything and repeats what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the overridden method
            pass

        def _refuse(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            sent = self.rfile.read(length).decode("utf-8", "replace")
            body = f"Incorrect key: {self.path} {dict(self.headers.items())} {sent} {SECRETS}".encode()
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_GET(self) -> None:
            self._refuse()

        def do_POST(self) -> None:
            self._refuse()

        def do_PUT(self) -> None:
            self._refuse()

        def do_HEAD(self) -> None:
            self._refuse()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _environment(folder: Path, gossip: str) -> dict[str, str]:
    return {
        "GEOMSA_DATA_DIR": str(folder),
        "GEOMSA_OBJECT_STORE": "s3",
        "GEOMSA_S3_ENDPOINT": f"http://{gossip}",
        "GEOMSA_S3_BUCKET": "parts",
        "GEOMSA_S3_ACCESS_KEY": SECRETS["access"],
        "GEOMSA_S3_SECRET_KEY": SECRETS["secret"],
        "GEOMSA_LLM_BASE_URL": f"http://{gossip}/v1",
        "GEOMSA_LLM_MODEL": "any",
        "GEOMSA_LLM_API_KEY": SECRETS["language"],
        "ANTHROPIC_API_KEY": SECRETS["claude"],
        "GEOMSA_MLFLOW_URI": f"http://me:{SECRETS['tracking']}@{gossip}",
    }


def _told(text: str) -> list[str]:
    return [name for name, secret in SECRETS.items() if secret in text]


def _written(folder: Path) -> str:
    return "".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


def test_commands_tell_no_secret_when_parts_fail(tmp_path: Path, gossip: str) -> None:
    local = {"GEOMSA_OBJECT_STORE": "local"}
    address = f"mysql+pymysql://geomsa:{SECRETS['database']}@127.0.0.1:9/geomsa"
    for more, command in (
        ({}, ["doctor", "--json"]),
        ({"GEOMSA_DATABASE_URL": address}, ["doctor"]),
        (local, ["migrate"]),
        (local, ["doctor"]),
    ):
        environment = {**os.environ, **_environment(tmp_path / "data", gossip), **more}
        ran = subprocess.run(
            [sys.executable, "-m", "core", *command],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert ran.stdout + ran.stderr != "" or command == ["migrate"]
        assert _told(ran.stdout + ran.stderr) == [], (command, ran.stdout, ran.stderr)
    assert _told(_written(tmp_path)) == []


def test_the_app_tells_no_secret_when_its_store_refuses(tmp_path: Path, gossip: str) -> None:
    environment: dict[str, Any] = dict(_environment(tmp_path / "data", gossip))
    with run_app(tmp_path / "data", tmp_path / "server.log", **environment) as app, StreamlitClient(app) as client:
        client.connect()
        page = client.run()
        api = client.request("GET", "/api/v1/health/ready").text + client.request("GET", "/api/v1/products").text
    assert page
    assert _told(page + api) == []
    assert _told(_written(tmp_path)) == []
