"""Inspection by HTTP: how long one program waits, and how near eight at once come to the engine.

    python -m benchmarks.bench_api [--product casting] [--images 80] [--side 512] [--clients 8]

The data folder (GEOMSA_DATA_DIR) has a deployed product, such as the demo's; a copy of it is used. The server is
`python -m core api`, a process of its own, and the clients are another; both share the machine's cores with nothing
else, or the figures are those of a busy machine. The engine is `examine_many` on decoded images in memory, measured in
turns with the server, so that a machine that slows down slows both. Images are the product's own, scaled to a square.

The last line of stdout is one JSON object: `api_p50_ms, api_p95_ms` of one client, `api_images_per_s` of all clients
at once, `engine_images_per_s`, and `api_8_clients_ratio`, the one over the other (medians over the turns).
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def say(*words: object) -> None:
    print(*words, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--product", default="casting")
    parser.add_argument("--images", type=int, default=80)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--turns", type=int, default=3)
    wanted = parser.parse_args()
    source = Path(os.environ.get("GEOMSA_DATA_DIR", "data"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "data"
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.lock", "logs"))
        os.environ["GEOMSA_DATA_DIR"] = str(folder)
        os.environ["GEOMSA_WORKER"] = "external"
        print(json.dumps(measure(wanted, folder)))


def measure(wanted: argparse.Namespace, folder: Path) -> dict[str, float]:
    from core.accounts.api_keys import create_key
    from core.accounts.people import command_line_person
    from core.catalog.products import find_product
    from core.images.library import list_images, read_image
    from core.inspections.examination import examine_many, find_judges
    from core.services import build_services
    from inference.vision.images.decode import decode

    services = build_services(migrate=True)
    product = find_product(services, wanted.product)
    rows = list_images(services, product.id, page_size=wanted.images).rows
    files = [_scale(read_image(services, row), wanted.side) for row in rows]
    files = (files * (wanted.images // len(files) + 1))[: wanted.images]
    key = create_key(services, command_line_person(services), name="bench", role="worker").text
    judges = find_judges(services, product.id)
    decoded = [decode(data) for data in files]
    list(examine_many(services, judges, decoded[:16]))
    engine: list[float] = []
    api: list[float] = []
    waits: list[float] = []
    with _server(folder) as port:
        _ask(port, key, wanted.product, files[:4])
        for turn in range(wanted.turns):
            started = time.perf_counter()
            list(examine_many(services, judges, decoded))
            engine.append(len(decoded) / (time.perf_counter() - started))
            waits += _ask(port, key, wanted.product, files[:40])
            started = time.perf_counter()
            _ask_together(port, key, wanted.product, files, clients=wanted.clients)
            api.append(len(files) / (time.perf_counter() - started))
            say(f"turn {turn + 1}: engine {engine[-1]:.1f}/s, {wanted.clients} clients {api[-1]:.1f}/s")
    waits.sort()
    return {
        "api_p50_ms": round(statistics.median(waits) * 1e3, 1),
        "api_p95_ms": round(waits[int(len(waits) * 0.95)] * 1e3, 1),
        "api_images_per_s": round(statistics.median(api), 2),
        "engine_images_per_s": round(statistics.median(engine), 2),
        "api_8_clients_ratio": round(statistics.median(a / e for a, e in zip(api, engine, strict=True)), 3),
    }


def _scale(data: bytes, side: int) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.convert("RGB").resize((side, side)).save(out, "JPEG", quality=92)
    return out.getvalue()


@contextmanager
def _server(folder: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "GEOMSA_DATA_DIR": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "core", "api", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _ask(port: int, key: str, product: str, files: Sequence[bytes]) -> list[float]:
    """Inspect files one after the other over one connection; return the seconds of each."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "image/jpeg"}
    waits = []
    for data in files:
        started = time.perf_counter()
        connection.request("POST", f"/api/v1/inspections?product={product}", body=data, headers=headers)
        answer = connection.getresponse()
        text = answer.read()
        waits.append(time.perf_counter() - started)
        if answer.status != 201:
            raise SystemExit(text.decode())
    connection.close()
    return waits


def _ask_together(port: int, key: str, product: str, files: Sequence[bytes], *, clients: int) -> None:
    threads = [
        threading.Thread(target=_ask, args=(port, key, product, files[number::clients])) for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
