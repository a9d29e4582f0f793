"""Uploads, inspections and overrides without end, each acknowledged in a file once the use case has returned.

    python -m tests.faults.acknowledging

Each line on standard input, `DATA_DIR KIND ACKNOWLEDGED`, forks a process that goes on until it is killed, and its
process id is printed. Everything is imported before the forks, and nothing is computed before them.
"""

from __future__ import annotations

import importlib
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import find_product
from core.services import Services, build_services
from tests.plates import encode, plate

IMPORTED_EARLY = (
    "cv2",
    "faiss",
    "openvino",
    "safetensors.numpy",
    "timm",
    "torch",
    "core.images.uploads",
    "core.inspections.inspection",
    "core.inspections.decisions",
    "inference.vision.detection.patchcore.patchcore",
    "inference.vision.detection.registry",
    "inference.vision.networks.runtime",
)


def _uploads(services: Services, person: Person, product_id: int) -> Iterator[str]:
    from core.images.records import IncomingFile
    from core.images.uploads import add_images

    for number in itertools.count():
        # Every process has names and pixels of its own: a duplicate would be no new image.
        pixels = plate(number)
        pixels[0, :8] = [[b, b, b] for b in (os.getpid() * 1000 + number).to_bytes(8, "big")]
        data = encode(pixels)
        files = [IncomingFile(f"{os.getpid()}-{number}.png", lambda data=data: data)]  # type: ignore[misc]
        for outcome in add_images(services, person, product_id=product_id, image_type="normal", files=files):
            if outcome.outcome == "added":
                yield f"{outcome.name}"


def _inspections(services: Services, person: Person, product_id: int) -> Iterator[str]:
    from core.inspections.inspection import inspect
    from core.inspections.part_details import PartDetails

    for number in itertools.count():
        name = f"{os.getpid()}-{number}.png"
        found = inspect(
            services,
            person,
            product_id=product_id,
            data=encode(plate(number, "spot")),
            file_name=name,
            part=PartDetails(serial=name),
        )
        yield f"{found.record.id} {name}"


def _overrides(services: Services, person: Person, product_id: int) -> Iterator[str]:
    from core.inspections.decisions import override_verdict
    from core.inspections.inspection import inspect

    found = inspect(services, person, product_id=product_id, data=encode(plate(1, "spot")), file_name="one.png")
    row_version = 1
    for number in itertools.count():
        reason = f"{os.getpid()}-{number}"
        decision = override_verdict(
            services,
            person,
            found.record.id,
            row_version=row_version,
            verdict=("ok", "reject")[number % 2],
            reason=reason,
        )
        row_version = decision.row_version
        yield f"{found.record.id} {reason}"


KINDS: dict[str, Callable[[Services, Person, int], Iterator[str]]] = {
    "uploads": _uploads,
    "inspections": _inspections,
    "overrides": _overrides,
}


def _go_on(data_dir: str, kind: str, acknowledged: str) -> None:
    os.environ["GEOMSA_DATA_DIR"] = data_dir
    services = build_services()
    product_id = find_product(services, "plate").id
    file = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for line in KINDS[kind](services, open_person(services, "engineer"), product_id):
        os.write(file, f"{line}\n".encode())


def serve() -> None:
    """Start processes until standard input ends."""
    for name in IMPORTED_EARLY:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in iter(sys.stdin.readline, ""):
        arguments = line.split()
        pid = os.fork()
        if pid == 0:
            try:
                _go_on(*arguments)
            finally:
                os._exit(1)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
