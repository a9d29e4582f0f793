"""kill -9 of worker and child in the midst of an import: it goes on where it stopped, and takes no image in twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from core.access import Person
from core.image_imports.drafts import draft_from_files
from core.image_imports.results import WAITING, view_import
from core.image_imports.starting import cancel, start_import
from core.images.records import IncomingFile
from core.operations.orphans import collect_orphans
from core.operations.stored_objects import find_missing, take_stock
from core.services import Services
from core.worker.supervisor import ROOT
from storage.tables import Image, ImageImportItem
from tests.unit.core.image_imports.conftest import mask, picture
from tests.zip_files import make_zip

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")]

LEASE_S = 1.5
BUSY_MACHINE_S = 180.0
# One image in so many is a defect, with a mask.
DEFECTS = 5


def _start(services: Services, person: Person, count: int) -> int:
    files: dict[str, bytes] = {}
    for number in range(count):
        if number % DEFECTS:
            files[f"widget/train/good/{number:04d}.png"] = picture(number)
        else:
            files[f"widget/test/scratch/{number:04d}.png"] = picture(number)
            files[f"widget/ground_truth/scratch/{number:04d}_mask.png"] = mask(number)
    data = make_zip(files)
    draft = draft_from_files(services, person, [IncomingFile("set.zip", lambda: data)])
    return start_import(services, person, draft.id, row_version=draft.row_version)


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
        time.sleep(0.02)


def _n_done(services: Services, person: Person, job_id: int) -> int:
    outcomes = view_import(services, person, job_id).outcomes
    return sum(count for outcome, count in outcomes.items() if outcome != WAITING)


def _assert_each_once(services: Services, count: int) -> None:
    with services.database.reading() as session:
        rows = session.exec(select(Image)).all()
        items = session.exec(select(ImageImportItem).order_by(col(ImageImportItem.place))).all()
    assert Counter(item.outcome for item in items) == {"added": count + count // DEFECTS}
    images = [item for item in items if item.kind == "image"]
    assert sorted(row.id for row in rows) == sorted(item.image_id or 0 for item in images)
    assert len({row.content_sha256 for row in rows}) == len({row.stored_name for row in rows}) == len(rows) == count
    assert sum(row.mask_key is not None for row in rows) == count // DEFECTS
    assert find_missing(services) == []
    # What a kill left between the store and the database is nobody's, and goes; the images stay.
    collect_orphans(services, min_age=timedelta(0))
    assert find_missing(services) == []
    assert [key for key in take_stock(services).objects if key.startswith("imports/")] == []


@pytest.mark.parametrize(
    ("count", "kills"), [(160, 1), pytest.param(1000, 8, marks=pytest.mark.full)], ids=["some", "many"]
)
def test_an_import_outlives_kills_of_worker_and_child(
    services: Services, engineer: Person, count: int, kills: int
) -> None:
    rng = random.Random(count)
    job_id = _start(services, engineer, count)
    for number in range(kills):
        before = _n_done(services, engineer, job_id)
        with _worker(services) as worker:
            _until(lambda before=before: _n_done(services, engineer, job_id) > before, "nobody goes on with it")  # type: ignore[misc]
            # Anywhere in a group: before it is stored, in the midst of it, or committed and not told.
            time.sleep(rng.uniform(0.0, 0.3))
            child = _child_of(worker.pid)
            if number % 2 and child is not None:
                os.kill(child, signal.SIGKILL)
            os.kill(worker.pid, signal.SIGKILL)
            # Its child ends by itself half a second later.
        assert _n_done(services, engineer, job_id) < count
    with _worker(services):
        _until(lambda: view_import(services, engineer, job_id).job.state == "succeeded", "the import never ends")
        _until(lambda: not any(services.objects.list("imports/")), "what was staged is not deleted")
    _assert_each_once(services, count)


@pytest.mark.full
def test_a_canceled_import_stops_in_its_midst_and_keeps_what_is_in(services: Services, engineer: Person) -> None:
    count = 320
    job_id = _start(services, engineer, count)
    with _worker(services):
        _until(lambda: _n_done(services, engineer, job_id) > 0, "the import never begins")
        cancel(services, engineer, job_id)
        _until(lambda: view_import(services, engineer, job_id).job.state == "cancelled", "it is never canceled")
        done = _n_done(services, engineer, job_id)
        _until(lambda: not any(services.objects.list("imports/")), "what is left is not deleted")
    with services.database.reading() as session:
        assert len(session.exec(select(Image)).all()) == done == _n_done(services, engineer, job_id)
    assert 0 < done < count
    assert find_missing(services) == []
