"""A local HTTP server that speaks Claude's and OpenAI's streaming interfaces, with scripted tool calls and faults."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Step:
    """What the model does in one request: says `text`, then calls `tools` (name and arguments)."""

    text: str = ""
    tools: tuple[tuple[str, dict[str, Any]], ...] = ()


@dataclass
class ToolServer:
    """The server: `steps` are taken one a request, the last one again and again; `asked` are the bodies it was sent.

    `fault`: "garbage" is no event stream, "broken" ends in the middle, "silent" sends nothing; `status` other than 200
    is an error.
    """

    url: str = ""
    steps: list[Step] = field(default_factory=list)
    fault: str = ""
    status: int = 200
    asked: list[dict[str, Any]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def next_step(self) -> Step:
        """Return what the model does now."""
        return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0] if self.steps else Step("…")

    @property
    def sent(self) -> str:
        """Return everything that was sent here, as text."""
        return json.dumps(self.asked, ensure_ascii=False)


@contextmanager
def tool_server(*steps: Step) -> Iterator[ToolServer]:
    """Yield a server on a free local port."""
    made = ToolServer(steps=list(steps))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the overridden method
            pass

        def do_POST(self) -> None:
            made.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if made.status != 200:
                data = b'{"error": {"type": "api_error", "message": "no"}}'
                self.send_response(made.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                if made.fault == "silent":
                    made.stopping.wait(20)
                elif made.fault == "garbage":
                    self._write("data: {not json\n\n")
                elif self.path.endswith("/messages"):
                    self._claude(made.next_step())
                else:
                    self._openai(made.next_step())

        def _claude(self, step: Step) -> None:
            message: dict[str, Any] = {
                "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
                "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 1},
            }  # fmt: skip
            self._event("message_start", {"message": message})
            place = 0
            if step.text:
                self._event("content_block_start", {"index": place, "content_block": {"type": "text", "text": ""}})
                for piece in _pieces(step.text):
                    delta = {"type": "text_delta", "text": piece}
                    self._event("content_block_delta", {"index": place, "delta": delta})
                    if made.fault == "broken":
                        return
                self._event("content_block_stop", {"index": place})
                place += 1
            for name, arguments in step.tools:
                block: dict[str, Any] = {"type": "tool_use", "id": f"toolu_{place}", "name": name, "input": {}}
                self._event("content_block_start", {"index": place, "content_block": block})
                for piece in _pieces(json.dumps(arguments, ensure_ascii=False)):
                    delta = {"type": "input_json_delta", "partial_json": piece}
                    self._event("content_block_delta", {"index": place, "delta": delta})
                self._event("content_block_stop", {"index": place})
                place += 1
            ending = {"stop_reason": "tool_use" if step.tools else "end_turn", "stop_sequence": None}
            self._event("message_delta", {"delta": ending, "usage": {"output_tokens": 9}})
            self._event("message_stop", {})

        def _openai(self, step: Step) -> None:
            for piece in _pieces(step.text):
                self._chunk({"role": "assistant", "content": piece})
                if made.fault == "broken":
                    self._write('data: {"id": "c1", "object": "chat.comp')
                    return
            for place, (name, arguments) in enumerate(step.tools):
                called = {"name": name, "arguments": ""}
                self._chunk(
                    {"tool_calls": [{"index": place, "id": f"call_{place}", "type": "function", "function": called}]}
                )
                for piece in _pieces(json.dumps(arguments, ensure_ascii=False)):
                    self._chunk({"tool_calls": [{"index": place, "function": {"arguments": piece}}]})
            self._chunk({}, finish="tool_calls" if step.tools else "stop")
            self._write("data: [DONE]\n\n")

        def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
            self._write(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n")

        def _event(self, name: str, data: dict[str, Any]) -> None:
            self._write(f"event: {name}\ndata: {json.dumps({'type': name, **data}, ensure_ascii=False)}\n\n")

        def _write(self, text: str) -> None:
            self.wfile.write(text.encode())
            self.wfile.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def _pieces(text: str) -> list[str]:
    return [text[start : start + 9] for start in range(0, len(text), 9)]
