"""The ways an image takes to its inspection: each puts named images through on a data folder of its own.

A new way is one function and one line in `WAYS`; `tests/unit/core/test_every_way_alike.py` compares what they store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.__main__ import main
from core.accounts.people import open_person
from core.batches.starting import BatchOrder, start_with_files
from core.batches.working import work_off
from core.catalog.products import find_product
from core.images.records import IncomingFile
from core.inspections.batch import inspect_many
from core.inspections.inspection import inspect
from core.inspections.loading import PartFile
from core.inspections.part_details import PartDetails
from core.jobs import claims
from core.services import Services
from core.watching.folders import add_folder
from core.watching.settings import WatchSettings
from core.watching.watcher import watch_here
from tests.api_server import make_client, serve_api

Images = Mapping[str, bytes]
# Gets services on the data folder with the product "plate", the images by name, and an empty folder.
Way = Callable[[Services, Images, Path], None]


def _alone(services: Services, images: Images, _folder: Path) -> None:
    """Inspect as the page *Inspect a part* does."""
    person, product = open_person(services, "worker"), find_product(services, "plate")
    for name, data in images.items():
        inspect(services, person, product_id=product.id, data=data, file_name=name)


def _many(services: Services, images: Images, _folder: Path) -> None:
    """Inspect in groups, as jobs do."""
    person, product = open_person(services, "worker"), find_product(services, "plate")
    files = [PartFile(name, lambda data=data: data, PartDetails(source="batch")) for name, data in images.items()]  # type: ignore[misc]
    assert all(one.error is None for one in inspect_many(services, person, product_id=product.id, files=files))


def _command(services: Services, images: Images, folder: Path) -> None:
    """Inspect by `python -m core inspect`."""
    paths = _write(images, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
        patch.setenv("GEOMSA_DEVICE", "cpu")
        assert main(["inspect", *map(str, paths), "--product", "plate", "--json"]) == 0


def _watched(services: Services, images: Images, folder: Path) -> None:
    """Put them into a watched folder."""
    engineer, product = open_person(services, "engineer"), find_product(services, "plate")
    added = add_folder(services, engineer, folder, product_id=product.id, settings=WatchSettings(settle_s=0.0))
    _write(images, folder)
    assert watch_here(
        services,
        added,
        once=True,
        stop=threading.Event(),
        on_result=lambda _result: None,
        on_problem=lambda _problem: None,
    )


def _batch(services: Services, images: Images, _folder: Path) -> None:
    """Inspect as the page *Batch inspection* does: a job that a worker's child works off."""
    person, product = open_person(services, "worker"), find_product(services, "plate")
    files = [IncomingFile(name, lambda data=data: data) for name, data in images.items()]  # type: ignore[misc]
    start_with_files(services, person, BatchOrder(product.id), files)
    claim = claims.claim_next(services, "tests", lease_s=600.0)
    assert claim is not None
    assert work_off(services, claim) is None


def _api(services: Services, images: Images, _folder: Path) -> None:
    """Send them to the REST interface, eight at a time."""
    with serve_api(services) as port, ThreadPoolExecutor(8) as clients:
        client = make_client(services, port, role="worker")
        answers = clients.map(lambda named: client.inspect("plate", *named), images.items())
        assert {answer.status for answer in answers} == {201}


def _write(images: Images, folder: Path) -> list[Path]:
    for name, data in images.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in images]


WAYS: dict[str, Way] = {
    "alone": _alone,
    "many": _many,
    "command": _command,
    "watched": _watched,
    "batch": _batch,
    "api": _api,
}
