"""A small tracking server over HTTP: as much of MLflow's own interface as its client asks for, in memory."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

API = "/api/2.0/mlflow/"
FILES = "/api/2.0/mlflow-artifacts/artifacts/"
_FILTER = re.compile(r"tags\.`([^`]+)` = '([^']*)'")


@dataclass
class TrackingServer:
    """What it was told. `refuses` is the status and error code of every response."""

    port: int = 0
    artifacts: str = "mlflow-artifacts:/"
    refuses: tuple[int, str] | None = None
    experiments: dict[str, str] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    authorizations: list[str | None] = field(default_factory=list)
    asked: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer to one question, None where nothing is known of it."""
        known: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
            "experiments/get-by-name": self._get_experiment,
            "experiments/create": self._create_experiment,
            "runs/search": self._search,
            "runs/create": self._create_run,
            "runs/get": lambda asked: {"run": self._shown(asked["run_id"])},
            "runs/log-batch": self._log_batch,
            "runs/update": self._update,
        }
        step = known.get(path)
        return None if step is None else step(body)

    def _get_experiment(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        number = self.experiments.get(asked["experiment_name"])
        if number is None:
            return {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such experiment"}
        return {"experiment": {"experiment_id": number, "name": asked["experiment_name"], "lifecycle_stage": "active"}}

    def _create_experiment(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.experiments[asked["name"]] = str(len(self.experiments) + 1)
        return {"experiment_id": self.experiments[asked["name"]]}

    def _search(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = _FILTER.search(asked.get("filter", ""))
        name, value = found.groups() if found else ("", "")
        return {"runs": [self._shown(number) for number, run in self.runs.items() if run["tags"].get(name) == value]}

    def _create_run(self, asked: dict[str, Any]) -> dict[str, Any]:
        number = f"{len(self.runs) + 1:032x}"
        tags = {tag["key"]: tag["value"] for tag in asked.get("tags", [])}
        self.runs[number] = {
            "experiment": asked["experiment_id"], "tags": tags, "params": {}, "metrics": [], "status": "RUNNING",
        }  # fmt: skip
        return {"run": self._shown(number)}

    def _log_batch(self, asked: dict[str, Any]) -> dict[str, Any]:
        run = self.runs[asked["run_id"]]
        run["metrics"] += [(one["key"], one["value"], int(one.get("step", 0))) for one in asked.get("metrics", [])]
        run["params"] |= {one["key"]: one["value"] for one in asked.get("params", [])}
        run["tags"] |= {one["key"]: one["value"] for one in asked.get("tags", [])}
        return {}

    def _update(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.runs[asked["run_id"]]["status"] = asked.get("status", "RUNNING")
        return {"run_info": self._shown(asked["run_id"])["info"]}

    def _shown(self, number: str) -> dict[str, Any]:
        run = self.runs[number]
        return {
            "info": {
                "run_id": number, "run_uuid": number, "experiment_id": run["experiment"], "status": run["status"],
                "artifact_uri": f"{self.artifacts}{run['experiment']}/{number}/artifacts", "lifecycle_stage": "active",
            },
            "data": {
                "params": [{"key": key, "value": value} for key, value in run["params"].items()],
                "tags": [{"key": key, "value": value} for key, value in run["tags"].items()],
            },
        }  # fmt: skip


@contextmanager
def tracking_server(told: TrackingServer, *, port: int = 0) -> Iterator[TrackingServer]:
    """Serve on a loopback port: what it was told is in `told`, also when it comes up a second time."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply(dict(parse_qsl(urlsplit(self.path).query)))

        def do_POST(self) -> None:
            self._reply(json.loads(self._body() or b"{}"))

        def do_PUT(self) -> None:
            told.files[urlsplit(self.path).path.removeprefix(FILES)] = self._body()
            self._send(200, {})

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _reply(self, body: dict[str, Any]) -> None:
            told.asked += 1
            told.authorizations.append(self.headers.get("Authorization"))
            if told.refuses is not None:
                status, reason = told.refuses
                self._send(status, {"error_code": reason, "message": "refused"})
                return
            found = told.answer(urlsplit(self.path).path.removeprefix(API), body)
            if found is None:
                self._send(404, {"error_code": "ENDPOINT_NOT_FOUND", "message": "unknown"})
            else:
                self._send(404 if "error_code" in found else 200, found)

        def _send(self, status: int, answer: dict[str, Any]) -> None:
            written = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named so by its base
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
