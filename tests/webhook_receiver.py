"""A real HTTP server that receives results, with a script of what it answers."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SLOW = -1


@dataclass
class Receiver:
    """What came in, in order. `script` holds the statuses of the next answers (SLOW: none in time); then 200."""

    port: int = 0
    scheme: str = "http"
    script: list[int] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    accepted: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks/geomsa"

    @property
    def sequences(self) -> list[int]:
        """Return the sequence numbers of what was accepted."""
        return [message["sequence"] for message in self.accepted]


@contextmanager
def receiving(*, port: int = 0, certificate: Path | None = None) -> Iterator[Receiver]:
    """Serve on a free loopback port, over TLS with `certificate` (PEM, key and all)."""
    receiver = Receiver(scheme="http" if certificate is None else "https")
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append((dict(self.headers.items()), body))
            status = receiver.script.pop(0) if receiver.script else 200
            if status == SLOW:
                released.wait(5.0)
                self.close_connection = True
                return
            if 200 <= status < 300:
                receiver.accepted.append(json.loads(body))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def wait_until(condition: Any, *, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.02)
