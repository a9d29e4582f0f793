"""kill -9 of worker and handler at every named stage and at random moments: nothing half-done is ever seen.

Afterwards the active version loads and its hashes match, the reference part has its verdict, and the job goes on or
ends with its reason within twice the lease.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import col, select

from core.accounts.people import open_person
from core.catalog.products import find_product
from core.jobs import queue, views
from core.models.kinds import MEMORY_BANK
from core.services import Services, build_services
from core.worker.supervisor import ROOT
from storage.tables import Job, ModelVersion
from tests.faults.deployed_state import Verdict, find_faults, give_verdict
from tests.plates import copy_data, folder_settings

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.skipif(sys.platform == "win32", reason="needs fork")]

LEASE_S = 2.0
GROUNDS = 4
BUSY_MACHINE_S = 300.0
SEED = 20_261
# What a machine under full load may add to the wait for a process to be given its turn.
SLACK_S = 6.0
STAGES = ("start", "fetch", "extract", "coreset", "calibrate", "evaluate", "publish", "uploading", "verify", "activate")
OFTEN = ("extract", "uploading")


@dataclass(frozen=True)
class Ground:
    """A deployed product of its own, and workers for it that start in a moment."""

    services: Services
    product_id: int
    scratch: Path
    start: Callable[..., int]
    expected_s: float


@pytest.fixture(scope="module")
def grounds(tiny_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Ground]]:
    folder = tmp_path_factory.mktemp("killed")
    data_dirs = [copy_data(tiny_template, folder / f"data-{number}") for number in range(GROUNDS)]
    env = {**os.environ, "GEOMSA_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.faults.forked_workers", str(LEASE_S)]
    started: list[int] = []
    turn = threading.Lock()
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as serve:
        assert serve.stdin is not None
        assert serve.stdout is not None
        assert serve.stdout.readline() == "ready\n"

        def start(data_dir: Path, *order: str) -> int:
            assert serve.stdin is not None
            assert serve.stdout is not None
            with turn:
                serve.stdin.write(" ".join((str(data_dir), *(order or ("work",)))) + "\n")
                serve.stdin.flush()
                started.append(int(serve.stdout.readline()))
                return started[-1]

        yield [_break_ground(data_dir, partial(start, data_dir)) for data_dir in data_dirs]
        for pid in started:
            _kill(pid)


def _break_ground(data_dir: Path, start: Callable[..., int]) -> Ground:
    """Build once without a kill, to know how long that takes."""
    services = build_services(folder_settings(data_dir))
    scratch = data_dir.with_name(f"{data_dir.name}-scratch")
    ground = Ground(services, find_product(services, "plate").id, scratch, start, 0.0)
    pid = start()
    began = time.monotonic()
    job_id = _submit(ground)
    _until(lambda: _state(services, job_id) == "succeeded", "a build without a kill does not succeed")
    _kill(pid)
    return replace(ground, expected_s=time.monotonic() - began)


@pytest.fixture(scope="module")
def ground(grounds: list[Ground]) -> Ground:
    return grounds[0]


def _submit(ground: Ground) -> int:
    person = open_person(ground.services, "engineer")
    return queue.submit(ground.services, person, kind=MEMORY_BANK, product_ids=[ground.product_id])


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _until(condition: Callable[[], bool], what: str, *, within_s: float = BUSY_MACHINE_S) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within_s, what
        time.sleep(0.02)
    return time.monotonic() - started


def _job(services: Services, job_id: int) -> Job:
    with services.database.reading() as session:
        return session.exec(select(Job).where(Job.id == job_id)).one()


def _state(services: Services, job_id: int) -> str:
    return _job(services, job_id).state


def _handler_of(worker_pid: int) -> int | None:
    """Return the worker's child, while there is one."""
    with suppress(FileNotFoundError, ProcessLookupError):
        words = Path(f"/proc/{worker_pid}/task/{worker_pid}/children").read_text().split()
        return int(words[0]) if words else None
    return None


def _see_it_through(ground: Ground, job_id: int, *, killed: str, before: Verdict) -> None:
    """Act as the operator: wait for the reason or the resumption, and look at what is there then."""
    services = ground.services
    attempts = _job(services, job_id).attempts
    over = _state(services, job_id) not in {"queued", "running"}
    if killed == "worker":
        ground.start()

    def has_moved_on() -> bool:
        job = _job(services, job_id)
        return job.state not in {"queued", "running"} or job.attempts > attempts

    if not over and killed:
        _until(has_moved_on, "nobody took the job up, or ended it", within_s=2 * LEASE_S + SLACK_S)
    _until(lambda: _state(services, job_id) not in {"queued", "running"}, "the job never ended")
    job = _job(services, job_id)
    assert job.state in {"succeeded", "failed"}
    assert (job.error_code is None) == (job.state == "succeeded")
    assert job.error_code in {None, "job_killed", "job_worker_lost"}
    faults = find_faults(services, ground.product_id, before=before, scratch=ground.scratch, job_id=job_id)
    assert faults == []


def _kill_at_moment(ground: Ground, rng: random.Random, number: int) -> None:
    """Kill one build after a random share of the time that a build takes."""
    before = give_verdict(ground.services, ground.product_id)
    worker_pid = ground.start()
    job_id = _submit(ground)
    _until(lambda: _job(ground.services, job_id).state != "queued", "the worker claimed nothing")
    time.sleep(rng.uniform(0.0, 1.1) * ground.expected_s)
    killed = "worker" if number % 3 == 0 else "handler"  # GROUNDS and 3 share no factor: each ground meets both
    victim = worker_pid if killed == "worker" else _handler_of(worker_pid)
    if victim is not None:
        _kill(victim)
    # Before the handler is there, and after it has gone, there is nothing to kill: then the job just goes on.
    _see_it_through(ground, job_id, killed=killed if victim is not None else "", before=before)
    _end_workers(ground)


def _end_workers(ground: Ground) -> None:
    """End the workers: the next point starts without them, and theirs have nothing to do any more."""
    from core.jobs.heartbeats import list_workers, remove_heartbeat

    for found in list_workers(ground.services):
        _kill(found.pid)
        remove_heartbeat(ground.services, found.id)


@pytest.mark.parametrize(
    ("stage", "killed"),
    [
        *(pytest.param(stage, "handler", marks=() if stage in OFTEN else pytest.mark.full) for stage in STAGES),
        # A lease has to run out after each of these.
        *((stage, "worker") for stage in OFTEN),
        *(pytest.param(stage, "worker", marks=pytest.mark.full) for stage in STAGES if stage not in OFTEN),
    ],
)
def test_a_kill_at_a_named_stage_leaves_a_whole_version(
    stage: str, killed: str, ground: Ground, tmp_path: Path
) -> None:
    before = give_verdict(ground.services, ground.product_id)
    marker = tmp_path / "paused"
    worker_pid = ground.start("pause", stage, str(marker))
    job_id = _submit(ground)
    _until(lambda: marker.exists() and marker.read_text() != "", f"the handler never reached {stage}")
    _kill(worker_pid if killed == "worker" else int(marker.read_text()))
    if killed == "handler":
        # Its worker ends the job; whoever comes next must find nothing to take up.
        _until(
            lambda: _state(ground.services, job_id) == "failed", "the kill was not noticed", within_s=2 * LEASE_S + 6
        )
        assert _job(ground.services, job_id).error_code == "job_killed"
    _see_it_through(ground, job_id, killed=killed, before=before)
    _end_workers(ground)


@pytest.mark.parametrize("count", [8, pytest.param(1000, marks=pytest.mark.full)])
def test_kills_at_random_moments_leave_a_whole_version(count: int, grounds: list[Ground]) -> None:
    def kill_here(place: int) -> None:
        rng = random.Random(SEED + place)
        for number in range(place, count, len(grounds)):
            _kill_at_moment(grounds[place], rng, number)

    # Side by side: most of the time goes into waiting for leases to run out.
    with ThreadPoolExecutor(len(grounds)) as places:
        list(places.map(kill_here, range(len(grounds))))
    for ground in grounds:
        with ground.services.database.reading() as session:
            actives = session.exec(select(ModelVersion).where(col(ModelVersion.active_key).is_not(None))).all()
        assert len(actives) == 1


def test_the_checks_notice_a_version_in_use_without_its_files(ground: Ground) -> None:
    # As a kill would leave it if the row were committed before the upload.
    services = ground.services
    before = give_verdict(services, ground.product_id)
    job_id = max(job.id for job in views.list_jobs(services))
    with services.database.reading() as session:
        active = session.exec(select(ModelVersion).where(col(ModelVersion.active_key).is_not(None))).one()
    kept = {info.key: services.objects.get(info.key) for info in services.objects.list(active.object_prefix)}
    services.objects.delete_prefix(active.object_prefix)
    try:
        empty = ground.scratch.parent / "empty"
        faults = find_faults(services, ground.product_id, before=before, scratch=empty, job_id=job_id)
    finally:
        services.objects.put_many(kept.items())
    assert any("object_missing" in found for found in faults), faults
