"""Killed workers and killed builds, in real processes: the old model goes on, the job ends, nothing is orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import col, select

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import find_product
from core.inspections import inspection
from core.jobs import heartbeats, queue, views
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.registry.versions import active_version, current_threshold
from core.services import Services
from core.worker.supervisor import ROOT
from storage.tables import Job, ModelVersion, utc_now
from tests.plates import encode, plate, seed_of

# One at a time: each keeps two processes busy.
pytestmark = pytest.mark.xdist_group("worker")

LEASE_S = 3.0
BUSY_MACHINE_S = 300.0
PART = encode(plate(seed_of("test", "spot", 70), "spot"))

StartWorker = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "engineer")


@pytest.fixture
def product_id(plate_services: Services) -> int:
    return find_product(plate_services, "plate").id


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "paused"


@pytest.fixture
def start_worker(plate_services: Services, marker: Path) -> Iterator[StartWorker]:
    """Yield a function that starts a worker, with a short lease, whose child stops at the moment named."""
    started: list[subprocess.Popen[bytes]] = []

    def start(moment: str = "never") -> subprocess.Popen[bytes]:
        env = {
            **os.environ,
            "GEOMSA_DATA_DIR": str(plate_services.settings.data_dir),
            "GEOMSA_DEVICE": "cpu",
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "tests.faults.paused_job", "worker", moment, str(marker), str(LEASE_S)]
        started.append(subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def _until(condition: Callable[[], bool], what: str, *, within_s: float = BUSY_MACHINE_S) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within_s, what
        time.sleep(0.05)
    return time.monotonic() - started


def _paused_child(marker: Path) -> int:
    _until(lambda: marker.exists() and marker.read_text() != "", "the child never reached the moment")
    return int(marker.read_text())


def _is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def _inspect(services: Services, person: Person, product_id: int) -> tuple[str, float, int]:
    record = inspection.inspect(services, person, product_id=product_id, data=PART, file_name="part.png").record
    return record.verdict, record.score, record.model.number


def _assert_nothing_left_over(services: Services) -> None:
    assert list((services.settings.data_dir / "builds").iterdir()) == []
    with services.database.reading() as session:
        versions = session.exec(select(ModelVersion).order_by(col(ModelVersion.id))).all()
        for version in versions:
            names = {
                info.key.removeprefix(version.object_prefix) for info in services.objects.list(version.object_prefix)
            }
            assert "manifest.json" in names, version.id
            if version.kind == MEMORY_BANK:
                current_threshold(session, version.id)
    stored = {info.key.rsplit("/", 1)[0] + "/" for info in services.objects.list("models/")}
    assert stored == {version.object_prefix for version in versions}
    folders = [path.name for path in (services.settings.cache_dir / "models").iterdir()]
    assert not [name for name in folders if name.endswith(".part")]


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("extract", marks=pytest.mark.full),
        pytest.param("coreset", marks=pytest.mark.full),
        pytest.param("calibrate", marks=pytest.mark.full),
        "uploading",
        pytest.param("verify", marks=pytest.mark.full),
        pytest.param("activate", marks=pytest.mark.full),
        pytest.param("activated", marks=pytest.mark.full),
    ],
)
def test_a_worker_killed_at_any_moment_leaves_the_old_model_inspecting_and_the_next_one_finishes(
    moment: str,
    plate_services: Services,
    person: Person,
    product_id: int,
    marker: Path,
    start_worker: StartWorker,
) -> None:
    before = _inspect(plate_services, person, product_id)
    assert before[2] == 1
    job_id = queue.submit(plate_services, person, kind=MEMORY_BANK, product_ids=[product_id])
    first = start_worker(moment)
    child = _paused_child(marker)
    first.kill()
    first.wait()
    gone_after_s = _until(lambda: _is_gone(child), "the child outlived its worker", within_s=10)
    after = _inspect(plate_services, person, product_id)
    assert after[0] == before[0]
    if moment != "activated":
        assert after == before
    assert views.view(plate_services, job_id).state == "running"

    # A worker that finds nothing to do ends: the second one is started when the lease of the first has run out.
    _until(lambda: _has_no_lease(plate_services, job_id), "the lease never ran out", within_s=2 * LEASE_S)
    second = start_worker("never")
    taken_after_s = _until(
        lambda: (
            heartbeats.workers_alive(plate_services) > 0
            and bool(views.view(plate_services, job_id).log)
            and _attempts(plate_services, job_id) == 2
        ),
        "nobody took the job over",
        within_s=BUSY_MACHINE_S,
    )
    second.wait(BUSY_MACHINE_S)
    view = views.view(plate_services, job_id)
    assert view.state == "succeeded", view.error
    assert [outcome.outcome for outcome in view.outcomes] == ["activated"]
    with plate_services.database.reading() as session:
        active = active_version(session, MEMORY_BANK, product_id)
    assert active is not None
    assert active.number == (3 if moment == "activated" else 2)
    assert _inspect(plate_services, person, product_id)[0] == before[0]
    _assert_nothing_left_over(plate_services)
    sys.stdout.write(f"{moment}: child gone after {gone_after_s:.1f} s, job taken over after {taken_after_s:.1f} s\n")


def _has_no_lease(services: Services, job_id: int) -> bool:
    with services.database.reading() as session:
        lease = session.exec(select(Job.lease_expires_at).where(Job.id == job_id)).one()
        return lease is not None and lease < utc_now()


def _attempts(services: Services, job_id: int) -> int:
    with services.database.reading() as session:
        return session.exec(select(Job.attempts).where(Job.id == job_id)).one()


def test_a_killed_build_fails_with_the_reason_and_the_worker_takes_the_next_job(
    plate_services: Services,
    person: Person,
    product_id: int,
    marker: Path,
    start_worker: StartWorker,
) -> None:
    before = _inspect(plate_services, person, product_id)
    killed = queue.submit(plate_services, person, kind=MEMORY_BANK, product_ids=[product_id])
    following = queue.submit(plate_services, person, kind=SIMILARITY_INDEX, product_ids=[product_id])
    worker = start_worker("uploading")
    os.kill(_paused_child(marker), signal.SIGKILL)
    _until(lambda: views.view(plate_services, killed).state == "failed", "the kill was not noticed", within_s=10)
    error = views.view(plate_services, killed).error
    assert error is not None
    assert error.code == "job_killed"
    # Its indexes are up to date, so the next job needs no bundle and does not pause.
    worker.wait(BUSY_MACHINE_S)
    assert worker.returncode == 0
    assert views.view(plate_services, following).state == "succeeded"
    assert _inspect(plate_services, person, product_id) == before
    _assert_nothing_left_over(plate_services)


@pytest.mark.parametrize(
    "moment",
    ["extract", pytest.param("uploading", marks=pytest.mark.full), pytest.param("verify", marks=pytest.mark.full)],
)
def test_a_cancel_ends_the_build_at_once_and_changes_nothing(
    moment: str,
    plate_services: Services,
    person: Person,
    product_id: int,
    marker: Path,
    start_worker: StartWorker,
) -> None:
    before = _inspect(plate_services, person, product_id)
    job_id = queue.submit(plate_services, person, kind=MEMORY_BANK, product_ids=[product_id])
    worker = start_worker(moment)
    child = _paused_child(marker)
    queue.cancel(plate_services, person, job_id)
    acted_after_s = _until(
        lambda: _is_gone(child) and views.view(plate_services, job_id).state == "cancelled",
        "the cancel did not act",
        within_s=10,
    )
    worker.wait(BUSY_MACHINE_S)
    assert _inspect(plate_services, person, product_id) == before
    _assert_nothing_left_over(plate_services)
    sys.stdout.write(f"cancel at {moment} acted after {acted_after_s:.1f} s\n")


def test_a_worker_told_to_stop_releases_its_job(
    plate_services: Services, person: Person, product_id: int, marker: Path, start_worker: StartWorker
) -> None:
    # The command itself: SIGTERM ends the build, and the try does not count.
    job_id = queue.submit(plate_services, person, kind=MEMORY_BANK, product_ids=[product_id])
    env = {**os.environ, "GEOMSA_DATA_DIR": str(plate_services.settings.data_dir), "GEOMSA_DEVICE": "cpu"}
    worker = subprocess.Popen(
        [sys.executable, "-m", "core", "worker"],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until(lambda: views.view(plate_services, job_id).state == "running", "the worker claimed nothing")
        worker.terminate()
        assert worker.wait(BUSY_MACHINE_S) == 0
    finally:
        worker.kill()
        worker.wait()
    view = views.view(plate_services, job_id)
    assert view.state == "queued"
    assert _attempts(plate_services, job_id) == 0
    assert heartbeats.workers_alive(plate_services) == 0
