"""A proxy on loopback between us and a server that speaks S3: it refuses, cuts, delays, damages, and forgets to answer.

Requests pass as they came, so that their signatures stay right. `choose` is asked for each one what to do with it.
"""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

# Never handed on by a proxy.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}


@dataclass(frozen=True)
class Request:
    """What came: `number` counts from 1 over all of them."""

    number: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def is_copy(self) -> bool:
        return "x-amz-copy-source" in self.headers


@dataclass(frozen=True)
class Answer:
    """What the server said, or the proxy in its place."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Fault:
    """What is done with a request.

    before      error (with `status` and `code`), drop, cut_upload, delay (for `seconds`, then nothing): never applied
    after       drop, delay, error, error_in_200: the server has done what was asked
    download    cut (in the midst of the body), flip (one bit), short (a shorter body whose length says so)
    """

    kind: str
    status: int = 503
    code: str = "SlowDown"
    seconds: float = 0.0


Choose = Callable[[Request], Fault | None]


def refuse_as_naver(request: Request) -> Fault | None:
    """Refuse what Naver Cloud's Object Storage does not know.

    By its API guide it has no ListObjectsV2 and lists at most 1,000 objects; a request with one of the newer checksums
    is answered 403 AccessDenied (aws/aws-cli issue 9274). It has no conditional writes, and no calls beyond those of
    its guide are let through here either: deletion of many demands a checksum, so it must not be used.
    """
    names = set(request.headers)
    newer = [name for name in names if name.startswith(("x-amz-checksum-", "x-amz-sdk-checksum"))]
    if newer or names & {"x-amz-trailer", "x-amz-decoded-content-length"}:
        return Fault("error", 403, "AccessDenied")
    if "aws-chunked" in request.headers.get("content-encoding", ""):
        return Fault("error", 403, "AccessDenied")
    if not re.fullmatch("[0-9a-f]{64}", request.headers.get("x-amz-content-sha256", "")):
        return Fault("error", 403, "AccessDenied")
    if "list-type" in request.query or names & {"if-match", "if-none-match"}:
        return Fault("error", 501, "NotImplemented")
    if "delete" in request.query or request.method not in {"GET", "HEAD", "PUT", "DELETE"}:
        return Fault("error", 501, "NotImplemented")
    if int(request.query.get("max-keys", ["1000"])[0]) > 1000:
        return Fault("error", 400, "InvalidArgument")
    return None


class FaultyProxy:
    """Listens at `endpoint` and forwards to the server at `port`, each request as `choose` says."""

    def __init__(self, port: int, choose: Choose = lambda _request: None) -> None:
        self.port = port
        self.choose = choose
        self.done: Counter[str] = Counter()
        self._number = 0
        self._lock = threading.Lock()
        proxy = self

        class _Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                proxy.serve(self)

            do_HEAD = do_PUT = do_DELETE = do_POST = do_GET  # noqa: N815 - http.server looks for these names

            def log_message(self, *_arguments: object) -> None:
                """Say nothing: the tests look at what came of it."""

        class _Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: object, client_address: object) -> None:
                """Say nothing: connections that break are what it is for."""

        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def serve(self, client: BaseHTTPRequestHandler) -> None:
        """Read a request, and do with it what was chosen."""
        body = client.rfile.read(int(client.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in client.headers.items()}
        with self._lock:
            self._number += 1
            request = Request(self._number, client.command, client.path, headers, body)
            fault = self.choose(request)
            self.done[fault.kind if fault else "passed"] += 1
        if fault is None:
            return _send(client, self._forward(request))
        if fault.kind in {"drop", "delay", "cut_upload", "error"}:
            if fault.kind == "cut_upload":
                self._forward_half(request)
            time.sleep(fault.seconds)
            return _send(client, _refusal(fault)) if fault.kind == "error" else _hang_up(client)
        answer = self._forward(request)
        if fault.kind == "error_in_200":
            return _send(client, Answer(200, [("Content-Type", "application/xml")], _refusal(fault).body))
        if fault.kind == "error_after":
            return _send(client, _refusal(fault))
        if fault.kind in {"drop_after", "delay_after"}:
            time.sleep(fault.seconds)
            return _hang_up(client)
        if fault.kind == "flip" and answer.body:
            middle = len(answer.body) // 2
            flipped = bytes([answer.body[middle] ^ 1])
            return _send(
                client,
                Answer(answer.status, answer.headers, answer.body[:middle] + flipped + answer.body[middle + 1 :]),
            )
        if fault.kind == "short" and answer.body:
            return _send(client, Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2]))
        _send(client, answer, cut=fault.kind == "cut")
        if fault.kind == "cut":
            _hang_up(client)
        return None

    def _forward(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name not in _HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.putheader("content-length", str(len(request.body)))
            connection.endheaders(request.body)
            response = connection.getresponse()
            headers = [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP]
            if request.method == "HEAD":
                headers.append(("Content-Length", response.getheader("Content-Length") or "0"))
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()

    def _forward_half(self, request: Request) -> None:
        """Give the server half of what was announced, and hang up."""
        head = [f"{request.method} {request.target} HTTP/1.1"]
        head += [f"{name}: {value}" for name, value in request.headers.items() if name not in _HOP_BY_HOP]
        head += [f"content-length: {len(request.body)}", "", ""]
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as server:
            server.sendall("\r\n".join(head).encode("latin-1") + request.body[: len(request.body) // 2])


def _refusal(fault: Fault) -> Answer:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{fault.code}</Code><Message>no</Message></Error>"
    return Answer(fault.status, [("Content-Type", "application/xml")], body.encode())


def _send(client: BaseHTTPRequestHandler, answer: Answer, *, cut: bool = False) -> None:
    is_head = client.command == "HEAD"
    client.send_response_only(answer.status)
    for name, value in answer.headers:
        client.send_header(name, value)
    if not any(name == "Content-Length" for name, _value in answer.headers):
        client.send_header("Content-Length", str(len(answer.body)))
    client.end_headers()
    if not is_head:
        client.wfile.write(answer.body[: len(answer.body) // 2] if cut else answer.body)
    client.wfile.flush()


def _hang_up(client: BaseHTTPRequestHandler) -> None:
    client.close_connection = True
    # At once, with what was sent so far: the other side must not wait for more.
    client.connection.shutdown(socket.SHUT_RDWR)
