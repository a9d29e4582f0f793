"""Programs that upload, inspect, decide, batch, deploy and train without end, and remember what was acknowledged.

Each sends a request again, with the same idempotency key, until it is answered: what a careful client does.
"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.api_server import Answer, ApiClient
from tests.plates import encode, plate

PLATE, POOL, SPOTS = "plate", "pool", "spots"
BATCH_FILES = 6
# What is queued must be worked off in the end: a child process each.
BATCH_EVERY_S, DEPLOY_EVERY_S, TRAIN_EVERY_S = 10.0, 10.0, 60.0


@dataclass
class Acknowledged:
    """What the installation has said it has done."""

    uploads: list[str] = field(default_factory=list)
    inspections: dict[str, int] = field(default_factory=dict)
    overrides: dict[str, int] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    jobs: list[int] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    problems: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Clients:
    """One thread for each kind of work, until `stop`; `ports` are those of the programs that answer."""

    def __init__(self, key: str, ports: tuple[int, ...], done: Acknowledged) -> None:
        self._clients = [ApiClient(port, key) for port in ports]
        self._done = done
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(work,), name=work.__name__, daemon=True)
            for work in (self._upload, self._inspect, self._override, self._batch, self._deploy, self._train)
        ]

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin nothing more, and wait for what is on the way: its answer counts."""
        self._over.set()
        for thread in self._threads:
            thread.join(240)
            assert not thread.is_alive(), f"{thread.name} is never answered"

    def _run(self, work: Any) -> None:
        try:
            for _ in work():
                if self._over.is_set():
                    return
        except Exception as error:  # noqa: BLE001 - the test that started the thread reports it
            self._done.faults.append(f"{work.__name__}: {error!r}")

    def ask(self, send: Any) -> Answer:
        """Send until it is answered with something that another try would not better."""
        turn = itertools.cycle(self._clients)
        deadline = time.monotonic() + 200
        while True:
            assert time.monotonic() < deadline, "never answered"
            try:
                answer: Answer = send(next(turn))
            except (OSError, http.client.HTTPException) as error:
                self._done.problems[type(error).__name__] += 1
                time.sleep(0.1)
                continue
            if answer.status < 300:
                return answer
            code = self._note(answer)
            if answer.status in {429, 503} or code == "idempotency_in_progress":
                time.sleep(0.1)
                continue
            return answer

    def _note(self, answer: Answer) -> str:
        try:
            code = str(answer.json().get("code", ""))
        except ValueError:
            code = "no JSON"
        self._done.problems[f"{answer.status} {code}"] += 1
        if answer.status >= 500 and answer.status != 503:
            self._done.faults.append(f"{answer.status} {code} {answer.body[:200]!r}")
        return code

    def _upload(self) -> Iterator[None]:
        for number in itertools.count():
            name = f"{uuid.uuid4().hex}.png"
            pixels = plate(number)
            pixels[0, :16] = [[b, b, b] for b in uuid.uuid4().bytes]
            data, once = encode(pixels), uuid.uuid4().hex
            answer = self.ask(
                lambda client, data=data, name=name, once=once: client.send_form(
                    "/v1/images",
                    {"product": POOL, "image_type": "normal"},
                    [("files", name, data)],
                    {"Idempotency-Key": once},
                )
            )
            if answer.status < 300:
                # A first try whose answer was lost has stored it already.
                outcome = answer.json()["outcomes"][0]["outcome"]
                if outcome in {"added", "duplicate"}:
                    self._done.uploads.append(name)
                else:
                    self._done.faults.append(f"upload: {answer.body[:300]!r}")
            yield

    def _inspect_one(self, serial: str) -> Answer:
        data, once = encode(plate(7, "spot")), uuid.uuid4().hex
        return self.ask(lambda client: client.inspect(PLATE, f"{serial}.png", data, once=once, serial=serial))

    def _inspect(self) -> Iterator[None]:
        while True:
            serial = uuid.uuid4().hex
            answer = self._inspect_one(serial)
            if answer.status < 300:
                self._done.inspections[serial] = answer.json()["id"]
            yield

    def _override(self) -> Iterator[None]:
        serial = uuid.uuid4().hex
        found = self._inspect_one(serial).json()["id"]
        self._done.inspections[serial] = found
        for number in itertools.count():
            reason = uuid.uuid4().hex
            while True:
                now = self.ask(lambda client: client.get(f"/v1/inspections/{found}")).json()["decision"]
                if now["override_reason"] == reason:
                    break  # an earlier try was kept, and its answer lost
                body = {
                    "row_version": now["row_version"],
                    "verdict": ("ok", "reject")[number % 2],
                    "reason": reason,
                }
                answer = self.ask(
                    lambda client, body=body: client.ask("PUT", f"/v1/inspections/{found}/verdict", body=body)
                )
                if answer.status < 300:
                    break
            self._done.overrides[reason] = found
            yield

    def _batch(self) -> Iterator[None]:
        while True:
            once = uuid.uuid4().hex
            files = [("files", f"{once}-{n}.png", encode(plate(n, "spot"))) for n in range(BATCH_FILES)]
            answer = self.ask(
                lambda client, files=files, once=once: client.send_form(
                    "/v1/batches", {"product": PLATE, "title": once}, files, {"Idempotency-Key": once}
                )
            )
            if answer.status < 300:
                self._done.batches.append(answer.json()["id"])
            yield
            self._over.wait(BATCH_EVERY_S)

    def _deploy(self) -> Iterator[None]:
        while True:
            once = uuid.uuid4().hex
            body = {"kind": "memory_bank", "products": [PLATE]}
            answer = self.ask(
                lambda client, body=body, once=once: client.ask(
                    "POST", "/v1/deployments", body=body, headers={"Idempotency-Key": once}
                )
            )
            if answer.status < 300:
                self._done.jobs += [one["id"] for one in answer.json()["items"]]
            yield
            self._over.wait(DEPLOY_EVERY_S)

    def _train(self) -> Iterator[None]:
        while True:
            once = uuid.uuid4().hex
            body = {"product": SPOTS, "model": {"recipe": "probe"}, "input": {"width_px": 64, "height_px": 64}}
            answer = self.ask(
                lambda client, body=body, once=once: client.ask(
                    "POST", "/v1/training/runs", body=body, headers={"Idempotency-Key": once}
                )
            )
            if answer.status < 300:
                self._done.runs.append(answer.json()["id"])
            else:
                self._done.faults.append(f"training: {answer.body[:300]!r}")
            yield
            self._over.wait(TRAIN_EVERY_S)
