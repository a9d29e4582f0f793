"""Line workers at thirty screens who inspect for ten minutes, beside a deployment.

    python -m benchmarks.bench_sessions [--sessions 30] [--minutes 10] [--product casting] [--every 20]

Works on a copy of the data folder (GEOMSA_DATA_DIR). Each session is one browser that speaks Streamlit's own protocol:
it opens *Inspect a part*, uploads a picture, waits for the verdict on its page, and asks for the next part; `--every`
is how many seconds pass on average from part to part at one screen. A worker process deploys memory banks one after
the other all the while. `p50_ms` and `p95_ms` are from the upload's first byte to the end of the run that draws the
verdict, `ratio` compares the second half's p95 with the first's, `memory_growth` is the app's resident memory (median
of the last minute) against that after the first two minutes; `errors` counts whatever went wrong anywhere.
Prints progress to stderr and one JSON object as the last line of stdout.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from streamlit.proto.WidgetStates_pb2 import WidgetStates

from tests.app_server import AppServer, run_app, run_core
from tests.streamlit_client import StreamlitClient

PAGE = "inspect_part"
SETTLE_S = 120.0
SAMPLE_S = 5.0


def say(*words: object) -> None:
    print(*words, file=sys.stderr, flush=True)


@dataclass
class Tally:
    """What all sessions saw; written by many threads, each by one append."""

    waits: list[tuple[float, float]] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, int]] = field(default_factory=list)
    deployments: Counter[str] = field(default_factory=Counter)


class Screen:
    """One worker's browser on *Inspect a part*."""

    def __init__(self, server: AppServer, number: int) -> None:
        self._client = StreamlitClient(server)
        self._number = number
        self._widgets: dict[str, str] = {}
        self._files = itertools.count(1)

    def open(self) -> None:
        """Load the page."""
        self._client.connect()
        self._client.run(query="role=worker")
        self._remember(self._client.run(query="role=worker", page=PAGE))

    def close(self) -> None:
        """Leave."""
        self._client.close()

    def inspect(self, name: str, data: bytes) -> None:
        """Give one picture; raise RuntimeError unless a verdict is drawn."""
        uploader = self._find("inspect_upload_")
        file_id = f"{self._number}-{next(self._files)}"
        answer = self._client.upload(data, file_id=file_id)
        if answer.status != 204:
            raise RuntimeError(f"upload: {answer.status} {answer.text[:80]}")
        states = WidgetStates()
        state = states.widgets.add(id=uploader)
        state.file_uploader_state_value.uploaded_file_info.add(file_id=file_id, name=name, size=len(data))
        drawn = self._client.run(query="role=worker", widgets=states)
        self._remember(drawn)
        if "next_part" not in "".join(self._widgets):
            raise RuntimeError(f"no verdict: {_messages(drawn)}")

    def go_on(self) -> None:
        """Ask for the next part; raise RuntimeError unless the page asks for a picture again."""
        states = WidgetStates()
        states.widgets.add(id=self._find("next_part"), trigger_value=True)
        self._remember(self._client.run(query="role=worker", widgets=states))
        self._find("inspect_upload_")

    def _remember(self, drawn: str) -> None:
        """Keep the ids of the widgets that a run has drawn: "$$ID-hash-key"."""
        self._client.messages.clear()
        self._widgets = {
            found.split("-", 2)[2]: found
            for line in drawn.splitlines()
            if (found := line.strip().partition('id: "')[2].rstrip('"')).startswith("$$ID-")
        }
        if "exception" in drawn and "stack_trace" in drawn:
            raise RuntimeError(f"an exception on the page: {_messages(drawn)}")

    def _find(self, key: str) -> str:
        for name, widget in self._widgets.items():
            if name.startswith(key):
                return widget
        raise RuntimeError(f"the page has no {key}: {sorted(self._widgets)}")


def _messages(drawn: str) -> list[str]:
    return [line.strip()[:200] for line in drawn.splitlines() if line.strip().startswith(("body:", "message:"))][:12]


def work(screen: Screen, tally: Tally, pictures: list[bytes], seed: int, *, every_s: float, until: float) -> None:
    """Be one worker until the time is over."""
    rng = random.Random(seed)
    try:
        time.sleep(rng.uniform(0, every_s))
        screen.open()
        while time.monotonic() < until:
            began = time.monotonic()
            screen.inspect(f"{seed}.jpg", rng.choice(pictures))
            tally.waits.append((began, time.monotonic() - began))
            time.sleep(rng.uniform(0.2, 0.5) * every_s)
            screen.go_on()
            time.sleep(rng.uniform(0.3, 1.0) * every_s)
    except Exception as error:  # noqa: BLE001 - counted and shown: one session must not end the others
        tally.errors[f"{type(error).__name__}: {str(error)[:300]}"] += 1
        say(f"session {seed}:", traceback.format_exc(limit=3))
    finally:
        screen.close()


def deploy_again_and_again(tally: Tally, product: str, until: float) -> None:
    """Ask for one deployment after the other, and count how they end."""
    from core.accounts.people import command_line_person
    from core.catalog.products import find_product
    from core.jobs.queue import submit
    from core.jobs.views import view
    from core.models.kinds import MEMORY_BANK
    from core.services import build_services

    services = build_services()
    product_id = find_product(services, product).id
    while time.monotonic() < until:
        job_id = submit(services, command_line_person(services), kind=MEMORY_BANK, product_ids=[product_id])
        while (state := view(services, job_id).state) in {"queued", "running"}:
            if time.monotonic() > until + 300:
                break
            time.sleep(1.0)
        tally.deployments[state] += 1
        if state != "succeeded":
            tally.errors[f"deployment: {state}"] += 1
    services.database.dispose()


def prepare(product: str, most: int) -> list[bytes]:
    """Empty the queue, and return pictures of the product as they are stored."""
    from core.accounts.people import command_line_person
    from core.catalog.products import find_product
    from core.images.library import list_images, read_image
    from core.jobs.queue import cancel
    from core.jobs.views import list_unfinished
    from core.services import build_services

    services = build_services(migrate=True)
    # What the folder still has to do would stand before the deployments.
    for job in list_unfinished(services):
        cancel(services, command_line_person(services), job.id)
    rows = list_images(services, find_product(services, product).id, page_size=most).rows
    found = [read_image(services, row) for row in rows]
    services.database.dispose()
    return found


def measure(wanted: argparse.Namespace, folder: Path) -> Tally:
    """Run app, worker, sessions and deployments."""
    tally = Tally()
    pictures = prepare(wanted.product, 40)
    logs = folder.parent
    with run_app(folder, logs / "app.log") as server, run_core(folder, logs / "worker.log", "worker"):
        began = time.monotonic()
        until = began + wanted.minutes * 60
        threads = [
            threading.Thread(
                target=work,
                args=(Screen(server, number), tally, pictures, number),
                kwargs={"every_s": wanted.every, "until": until},
            )
            for number in range(wanted.sessions)
        ]
        threads.append(threading.Thread(target=deploy_again_and_again, args=(tally, wanted.product, until)))
        for thread in threads:
            thread.start()
        while time.monotonic() < until:
            time.sleep(SAMPLE_S)
            tally.memory.append((time.monotonic() - began, server.memory_bytes()))
            if len(tally.memory) % 6 == 0:
                say(f"{tally.memory[-1][0]:.0f} s: {len(tally.waits)} parts, {server.memory_bytes() >> 20} MB")
        for thread in threads:
            thread.join()
        log = server.log.read_text(encoding="utf-8", errors="replace")
        if "Traceback" in log:
            tally.errors["a traceback in the app's log"] += 1
            say(log[-4000:])
    return tally


def figures(tally: Tally, wanted: argparse.Namespace) -> dict[str, object]:
    """Return what is printed."""
    first, last = min(began for began, _ in tally.waits), max(began for began, _ in tally.waits)
    half = (first + last) / 2
    settle_s = min(SETTLE_S, wanted.minutes * 60 / 3)
    settled = [size for at, size in tally.memory if settle_s <= at < settle_s + 60]
    end = [size for at, size in tally.memory if at > tally.memory[-1][0] - 60]
    before, after = statistics.median(settled), statistics.median(end)
    return {
        "sessions": wanted.sessions,
        "parts": len(tally.waits),
        "errors": sum(tally.errors.values()),
        "kinds_of_errors": dict(tally.errors),
        "deployments": dict(tally.deployments),
        "p50_ms": round(_quantile([wait for _, wait in tally.waits], 0.5) * 1e3),
        "p95_ms": round(_quantile([wait for _, wait in tally.waits], 0.95) * 1e3),
        "ratio": round(
            _quantile([wait for at, wait in tally.waits if at >= half], 0.95)
            / _quantile([wait for at, wait in tally.waits if at < half], 0.95),
            2,
        ),
        "memory_mb": [round(before / 2**20), round(after / 2**20)],
        "memory_growth": round(after / before - 1, 4),
    }


def _quantile(values: list[float], q: float) -> float:
    return sorted(values)[int(len(values) * q)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--product", default="casting")
    parser.add_argument("--every", type=float, default=20.0)
    wanted = parser.parse_args()
    source = Path(os.environ.get("GEOMSA_DATA_DIR", "data"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "data"
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.lock", "logs"))
        os.environ["GEOMSA_DATA_DIR"] = str(folder)
        os.environ["GEOMSA_WORKER"] = "external"
        print(json.dumps(figures(measure(wanted, folder), wanted)))


if __name__ == "__main__":
    main()
