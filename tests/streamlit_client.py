"""A browser without a screen: speaks Streamlit's own protocol over its WebSocket, and plain HTTP beside it."""

from __future__ import annotations

import http.client
import time
import urllib.parse
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Origin, Subprotocol
from websockets.sync.client import ClientConnection, connect

from tests.app_server import AppServer

RUN_TIMEOUT_S = 90.0


class HttpResponse:
    """Status, headers and body of one response; redirections are not followed."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that were set, without their attributes."""
        pairs = (value.split(";")[0].split("=", 1) for value in self.headers.get_all("Set-Cookie", []))
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


class StreamlitClient:
    """One browser: its cookies, its headers, and at most one open WebSocket."""

    def __init__(self, server: AppServer, *, headers: dict[str, str] | None = None) -> None:
        self._server = server
        self._headers = headers or {}
        self.cookies: dict[str, str] = {}
        self._open = ExitStack()
        self._socket: ClientConnection | None = None
        self.session_id = ""
        self._page_hash = ""
        self.messages: list[ForwardMsg] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> HttpResponse:
        """Send one HTTP request with this browser's cookies."""
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=60)
        sent = {"Host": f"localhost:{self._server.port}", "Accept": "text/html,*/*", **self._headers, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = self._cookie_header()
        try:
            connection.request(method, path, body=body, headers=sent)
            response = HttpResponse(connection.getresponse())
        finally:
            connection.close()
        for name, value in response.cookies.items():
            self.cookies[name] = value
        return response

    def sign_in(self, login: str, password: str) -> HttpResponse:
        """Fill in and send the sign-in form."""
        form = urllib.parse.urlencode({"login": login, "password": password}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self._server.url}
        return self.request("POST", "/sign-in", body=form, headers=headers)

    def connect(self, *, session_id: str = "") -> None:
        """Open the WebSocket; raises what `websockets` raises when the server refuses."""
        self.request("GET", "/_stcore/health")  # brings the XSRF cookie, as for every browser
        entries = ["streamlit", self.cookies.get("_streamlit_xsrf", "")]
        entries += [session_id] if session_id else []
        headers = {**self._headers, "Cookie": self._cookie_header()}
        opening = connect(
            f"ws://localhost:{self._server.port}/_stcore/stream",
            additional_headers=headers,
            origin=Origin(self._server.url),
            subprotocols=[Subprotocol(entry) for entry in entries],
            max_size=None,
            proxy=None,
        )
        self._socket = self._open.enter_context(opening)

    def close(self) -> None:
        """Close the WebSocket."""
        self._open.close()
        self._socket = None

    def send(self, message: BackMsg) -> None:
        """Send one message."""
        assert self._socket is not None
        self._socket.send(message.SerializeToString())

    def run(self, *, query: str = "", fragment_id: str = "", page: str = "", widgets: Any = None) -> str:
        """Ask for a run, wait until it has finished, and return the page as text (English, for looking words up)."""
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.fragment_id = fragment_id
        message.rerun_script.page_name = page
        if not page:
            message.rerun_script.page_script_hash = self._page_hash
        if widgets is not None:
            message.rerun_script.widget_states.CopyFrom(widgets)
        self.send(message)
        return self.read_run()

    def read_run(self) -> str:
        """Read until a run has finished; the text of what it drew."""
        assert self._socket is not None
        drawn: list[ForwardMsg] = []
        deadline = time.monotonic() + RUN_TIMEOUT_S
        while time.monotonic() < deadline:
            data = self._socket.recv(timeout=max(0.1, deadline - time.monotonic()))
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            self.messages.append(message)
            if message.WhichOneof("type") == "new_session":
                self.session_id = message.new_session.initialize.session_id or self.session_id
            if message.WhichOneof("type") == "navigation":
                self._page_hash = message.navigation.page_script_hash
            drawn.append(message)
            if message.WhichOneof("type") == "script_finished":
                return "\n".join(str(one) for one in drawn)
        raise AssertionError("the run did not finish")

    def upload(self, data: bytes, *, session_id: str = "", file_id: str = "1") -> HttpResponse:
        """Upload a file as the widget in the browser does."""
        boundary = "geomsa-test-boundary"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n'.encode()
        body = head + data + f"\r\n--{boundary}--\r\n".encode()
        path = f"/_stcore/upload_file/{session_id or self.session_id}/{file_id}"
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "X-Xsrftoken": self.cookies.get("_streamlit_xsrf", ""),
        }
        return self.request("PUT", path, body=body, headers=headers)

    def _cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())
