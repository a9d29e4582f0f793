"""Local HTTP servers that speak Claude's Messages API and OpenAI's chat completions, and misbehave when told to."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Response = str | Callable[["Asked"], str]


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """Everything that was sent, as text."""
        return json.dumps(self.body, ensure_ascii=False)


@dataclass
class LanguageServer:
    """A server of both interfaces. Change `response`, `status` or `fault` between requests.

    `fault`: "slow" drips and never ends, "silent" sends nothing, "broken" ends in the middle, "overloaded" sends an
    error inside the stream, "garbage" is no event stream, "endless" never stops writing, "cut" ends for its length,
    "declined" with a refusal, "no_schema" refuses a request with a JSON Schema. `statuses` come before `status`, one
    for each request.
    """

    url: str
    response: Response = ""
    status: int = 200
    fault: str = ""
    statuses: list[int] = field(default_factory=list)
    retry_after: str = "30"
    models: tuple[str, ...] = ("claude-opus-4-5", "claude-haiku-4-5")
    asked: list[Asked] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def written(self, asked: Asked) -> str:
        """Return what the model writes for this request."""
        return self.response(asked) if callable(self.response) else self.response


@contextmanager
def language_server() -> Iterator[LanguageServer]:
    """Yield a server on a free local port."""
    described = LanguageServer("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the overridden method
            pass

        def do_GET(self) -> None:
            described.asked.append(Asked(self.path, dict(self.headers.items()), {}))
            if described.status != 200:
                self._send_error(described.status)
                return
            listed = [
                {"id": name, "type": "model", "object": "model", "display_name": name, "created": 1, "owned_by": "x"}
                | {"created_at": "2026-01-01T00:00:00Z"}
                for name in described.models
            ]
            self._send_json({"object": "list", "data": listed, "has_more": False, "first_id": None, "last_id": None})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = Asked(self.path, dict(self.headers.items()), body)
            described.asked.append(asked)
            status = described.statuses.pop(0) if described.statuses else described.status
            if described.fault == "no_schema" and {"response_format", "output_config"} & body.keys():
                status = 400
            if status != 200:
                self._send_error(status)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the other side had enough
                self._stream(asked)

        def _stream(self, asked: Asked) -> None:
            if described.fault == "silent":
                described.stopping.wait(30)
                return
            if described.fault == "garbage":
                self._write("data: {not json\n\nevent: ???\n\n")
                return
            claude = asked.path.endswith("/messages")
            text = described.written(asked)
            pieces = [text[i : i + 7] for i in range(0, len(text), 7)]
            if claude:
                self._start_claude(asked)
            for number, piece in enumerate(pieces):
                if number == len(pieces) // 2 and described.fault == "broken":
                    return
                if number == len(pieces) // 2 and described.fault == "overloaded":
                    error = {"type": "overloaded_error", "message": "Overloaded"}
                    self._event("error", {"type": "error", "error": error} if claude else {"error": error})
                    return
                self._piece(piece, claude=claude)
                if described.fault == "slow" and described.stopping.wait(0.2):
                    return
            while described.fault in {"slow", "endless"} and not described.stopping.is_set():
                self._piece("and so on " * 40, claude=claude)
                time.sleep(0.2 if described.fault == "slow" else 0.0)
            self._end(claude=claude)

        def _start_claude(self, asked: Asked) -> None:
            message = {
                "id": "msg_1", "type": "message", "role": "assistant", "model": asked.body["model"], "content": [],
                "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 321, "output_tokens": 1},
            }  # fmt: skip
            self._event("message_start", {"type": "message_start", "message": message})
            block = {"type": "text", "text": ""}
            self._event("content_block_start", {"type": "content_block_start", "index": 0, "content_block": block})
            self._event("ping", {"type": "ping"})

        def _piece(self, text: str, *, claude: bool) -> None:
            if claude:
                delta = {"type": "text_delta", "text": text}
                self._event("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta})
                return
            self._chunk([{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}])

        def _end(self, *, claude: bool) -> None:
            if claude:
                self._event("content_block_stop", {"type": "content_block_stop", "index": 0})
                stop = {"cut": "max_tokens", "declined": "refusal"}.get(described.fault, "end_turn")
                delta = {"stop_reason": stop, "stop_sequence": None}
                usage = {"output_tokens": 45}
                self._event("message_delta", {"type": "message_delta", "delta": delta, "usage": usage})
                self._event("message_stop", {"type": "message_stop"})
                return
            stop = {"cut": "length", "declined": "content_filter"}.get(described.fault, "stop")
            self._chunk([{"index": 0, "delta": {}, "finish_reason": stop}])
            self._chunk([], usage={"prompt_tokens": 321, "completion_tokens": 45, "total_tokens": 366})
            self._write("data: [DONE]\n\n")

        def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> None:
            chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
            self._write(f"data: {json.dumps(chunk | more, ensure_ascii=False)}\n\n")

        def _event(self, name: str, data: dict[str, Any]) -> None:
            self._write(f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n")

        def _write(self, text: str) -> None:
            self.wfile.write(text.encode())
            self.wfile.flush()

        def _send_error(self, status: int) -> None:
            kinds = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}
            error = {"type": kinds.get(status, "api_error"), "message": "no"}
            self._send_json({"type": "error", "error": error}, status=status)

        def _send_json(self, value: dict[str, Any], *, status: int = 200) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if status == 429:
                self.send_header("retry-after", described.retry_after)
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    described.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield described
    finally:
        described.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
