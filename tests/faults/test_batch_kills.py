"""kill -9 of worker and child in the midst of a batch: it goes on where it stopped, and inspects no file twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlmodel import col, select

from core.accounts.people import open_person
from core.batches.overview import view_batch
from core.batches.starting import BatchOrder, cancel, start_with_files
from core.catalog.products import find_product
from core.images.records import IncomingFile
from core.operations.stored_objects import find_missing, take_stock
from core.services import Services, build_services
from core.worker.supervisor import ROOT
from storage.tables import BatchItem, Inspection, InspectionView
from tests.plates import encode, folder_settings, plate, seed_of
from tests.toy_models import build_toy_folder
from tests.viewed_plates import GOOD, with_views

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")]

LEASE_S = 1.5
FILES = 320
PARTS = 40
BUSY_MACHINE_S = 120.0


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Services]:
    build_toy_folder(tmp_path / "data")
    services = build_services(folder_settings(tmp_path / "data"))
    yield services
    services.database.dispose()


def _start(services: Services, count: int) -> int:
    data = [encode(plate(seed_of("test", kind, number), kind)) for number, kind in enumerate(("good", "spot"))]
    files = [IncomingFile(f"{number}.png", lambda number=number: data[number % 2]) for number in range(count)]  # type: ignore[misc]
    product = find_product(services, "plate")
    return start_with_files(services, open_person(services, "worker"), BatchOrder(product.id), files)


@contextmanager
def _worker(services: Services) -> Iterator[subprocess.Popen[bytes]]:
    env = {**os.environ, "GEOMSA_DATA_DIR": str(services.settings.data_dir), "GEOMSA_DEVICE": "cpu"}
    command = [sys.executable, "-m", "tests.faults.batch_worker", "worker", str(LEASE_S)]
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _child_of(pid: int) -> int | None:
    with suppress(FileNotFoundError, ProcessLookupError):
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(words[0]) if words else None
    return None


def _until(condition: Callable[[], bool], what: str) -> None:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < BUSY_MACHINE_S, what
        time.sleep(0.05)


def _n_done(services: Services, job_id: int) -> int:
    return view_batch(services, job_id).n_done


def _start_parts(services: Services, count: int) -> int:
    """Start a batch of so many parts of two views each."""
    product = find_product(services, "plate")
    with_views(services, product)
    files = [
        IncomingFile(f"P{number:03d}_{view}.png", lambda: GOOD) for view in ("ct", "rgb") for number in range(count)
    ]
    return start_with_files(services, open_person(services, "worker"), BatchOrder(product.id), files)


def _assert_each_once(services: Services, job_id: int) -> None:
    with services.database.reading() as session:
        rows = session.exec(select(Inspection)).all()
        items = session.exec(select(BatchItem).order_by(col(BatchItem.place))).all()
    assert len(rows) == FILES
    assert {row.idempotency_key for row in rows} == {f"batch:{job_id}:{place}" for place in range(FILES)}
    assert sorted(row.id for row in rows) == sorted(item.inspection_id or 0 for item in items)
    assert {item.state for item in items} == {"done"}
    assert [one for one in find_missing(services) if one.table != "model_versions"] == []


def test_a_batch_outlives_kills_of_worker_and_child(line: Services) -> None:
    rng = random.Random(14)
    job_id = _start(line, FILES)
    for number in range(3):
        before = _n_done(line, job_id)
        with _worker(line) as worker:
            _until(lambda before=before: _n_done(line, job_id) > before, "nobody goes on with the batch")  # type: ignore[misc]
            time.sleep(rng.uniform(0.0, 0.4))
            child = _child_of(worker.pid)
            if number % 2 and child is not None:
                os.kill(child, signal.SIGKILL)
                at_kill = _n_done(line, job_id)
                _until(lambda at_kill=at_kill: _n_done(line, job_id) > at_kill, "the worker starts no other child")  # type: ignore[misc]
            os.kill(worker.pid, signal.SIGKILL)
            # Its child ends by itself half a second later.
        assert _n_done(line, job_id) < FILES
    with _worker(line):
        _until(lambda: view_batch(line, job_id).job.state == "succeeded", "the batch never ends")
    _assert_each_once(line, job_id)
    assert [key for key in take_stock(line).objects if key.startswith("batches/")] == []


@pytest.mark.full
def test_a_cancel_acts_within_two_seconds_and_keeps_what_is_done(line: Services) -> None:
    job_id = _start(line, FILES)
    with _worker(line):
        _until(lambda: _n_done(line, job_id) > 0, "the batch never begins")
        asked = time.monotonic()
        cancel(line, open_person(line, "worker"), job_id)
        _until(lambda: view_batch(line, job_id).job.state == "cancelled", "the batch is never canceled")
        assert time.monotonic() - asked < 2.0 + 1.0  # and a second for a busy machine
        done = _n_done(line, job_id)
        _until(lambda: not any(line.objects.list("batches/")), "what is left is not deleted")
    with line.database.reading() as session:
        assert len(session.exec(select(Inspection)).all()) == done == _n_done(line, job_id) > 0
    assert done < FILES


@pytest.mark.full
def test_a_batch_of_parts_with_views_outlives_kills_and_inspects_no_part_twice(line: Services) -> None:
    job_id = _start_parts(line, PARTS)
    for number in range(2):
        before = _n_done(line, job_id)
        with _worker(line) as worker:
            _until(lambda before=before: _n_done(line, job_id) > before, "nobody goes on with the batch")  # type: ignore[misc]
            child = _child_of(worker.pid)
            if number % 2 and child is not None:
                os.kill(child, signal.SIGKILL)
                at_kill = _n_done(line, job_id)
                _until(lambda at_kill=at_kill: _n_done(line, job_id) > at_kill, "the worker starts no other child")  # type: ignore[misc]
            os.kill(worker.pid, signal.SIGKILL)
        assert 0 < _n_done(line, job_id) < 2 * PARTS
    with _worker(line):
        _until(lambda: view_batch(line, job_id).job.state == "succeeded", "the batch never ends")
    with line.database.reading() as session:
        rows = session.exec(select(Inspection)).all()
        items = session.exec(select(BatchItem).order_by(col(BatchItem.place))).all()
        pictures = session.exec(select(InspectionView)).all()
    assert sorted(row.serial for row in rows) == [f"P{number:03d}" for number in range(PARTS)]
    assert {item.state for item in items} == {"done"}
    assert len(pictures) == 2 * PARTS
    assert [one for one in find_missing(line) if one.table != "model_versions"] == []
