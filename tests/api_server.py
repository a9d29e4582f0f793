"""The REST interface on a free port of this machine, in a thread of the test, and a client for it."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from core.accounts.api_keys import create_key
from core.accounts.people import command_line_person
from core.api.application import build_application
from core.api.mounting import UnderRoot
from core.services import Services


@dataclass(frozen=True)
class Answer:
    """What came back: `headers` by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the JSON value of the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class ApiClient:
    """Sends requests with a key; each over a connection of its own, so that threads may share it."""

    port: int
    key: str = ""

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        chunked: bool = False,
    ) -> Answer:
        """Send one request to a path under /api; a body that is no bytes is sent as JSON."""
        sent = dict(headers or {})
        if self.key:
            sent.setdefault("Authorization", f"Bearer {self.key}")
        if body is not None and not isinstance(body, bytes) and not chunked:
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, f"/api{path}", body=body, headers=sent, encode_chunked=chunked)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """Send a GET."""
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def send_form(
        self,
        path: str,
        fields: Mapping[str, str],
        files: Sequence[tuple[str, str, bytes]],
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """POST a form; `files` are form field, file name and content."""
        border = uuid.uuid4().hex
        parts = [
            f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        for name, file_name, data in files:
            head = f'Content-Disposition: form-data; name="{name}"; filename="{file_name}"'
            parts.append(f"--{border}\r\n{head}\r\nContent-Type: image/png\r\n\r\n".encode() + data + b"\r\n")
        body = b"".join(parts) + f"--{border}--\r\n".encode()
        sent = {**(headers or {}), "Content-Type": f"multipart/form-data; boundary={border}"}
        return self.ask("POST", path, body=body, headers=sent)

    def inspect(self, product: str, name: str, data: bytes, *, once: str | None = None, **fields: str) -> Answer:
        """Inspect one image by form."""
        headers = {"Idempotency-Key": once} if once is not None else {}
        return self.send_form(
            "/v1/inspections", {"product": product, **fields}, [("image", name, data)], headers=headers
        )


@contextmanager
def serve_api(services: Services) -> Iterator[int]:
    """Serve these services until the block ends; yield the port."""
    app = build_application(services)
    config = uvicorn.Config(UnderRoot(app), host="127.0.0.1", port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="api-server")
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
            assert thread.is_alive()
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(30)
        app.interface.close()


def make_client(services: Services, port: int, role: str = "engineer") -> ApiClient:
    """Return a client with a new key of this role."""
    made = create_key(services, command_line_person(services), name=f"test {role}", role=role)
    return ApiClient(port, made.text)
