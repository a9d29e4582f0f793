"""kill -9 of worker and child in the midst of a training: it goes on at its last epoch, to the very same network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlmodel import select

from core.accounts.people import open_person
from core.jobs.views import view
from core.services import Services, build_services
from core.training.runs.control import cancel_run
from core.training.runs.starting import start_run
from core.worker.supervisor import ROOT
from inference.artifact import read_bundle
from storage.tables import RunEpoch, TrainingRun
from tests.compared_methods import build_product
from tests.plates import folder_settings
from tests.trained_runs import tiny_configuration, tiny_recipe, work_next

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")]

LEASE_S = 1.5
EPOCHS = 8
BUSY_MACHINE_S = 120.0


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Services]:
    services = build_services(folder_settings(tmp_path / "data"), migrate=True)
    build_product(services, open_person(services, "engineer"))
    with tiny_recipe():
        yield services
    services.database.dispose()


def _start(services: Services, epoch_s: float, log: Path) -> tuple[int, int]:
    """Return the run and its job."""
    options = {"epoch_s": epoch_s, "log": str(log)}
    wanted = tiny_configuration(options=options, training={"epochs": EPOCHS})
    run_id = start_run(services, open_person(services, "engineer"), wanted)
    job_id = _row(services, run_id).job_id
    assert job_id is not None
    return run_id, job_id


def _row(services: Services, run_id: int) -> TrainingRun:
    with services.database.reading() as session:
        return session.get_one(TrainingRun, run_id)


@contextmanager
def _worker(services: Services) -> Iterator[subprocess.Popen[bytes]]:
    env = {**os.environ, "GEOMSA_DATA_DIR": str(services.settings.data_dir), "GEOMSA_DEVICE": "cpu"}
    command = [sys.executable, "-m", "tests.faults.training_worker", "worker", str(LEASE_S)]
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


def _epochs(services: Services, run_id: int) -> list[int]:
    with services.database.reading() as session:
        query = select(RunEpoch.epoch).where(RunEpoch.run_id == run_id).order_by(RunEpoch.epoch)  # type: ignore[arg-type]
        return list(session.exec(query).all())


def _graph_hash(services: Services, run_id: int) -> str:
    run = _row(services, run_id)
    bundle = read_bundle(services.models.bundle(run), kind="trained_network", manifest_sha256=run.manifest_sha256)
    return bundle.manifest.files["model.onnx"].sha256


def test_a_training_outlives_kills_of_worker_and_child_to_the_same_network(bench: Services, tmp_path: Path) -> None:
    log = tmp_path / "epochs"
    run_id, job_id = _start(bench, 0.3, log)
    with _worker(bench) as worker:
        for least in (1, 3):
            _until(lambda least=least: len(_epochs(bench, run_id)) >= least, "the training stands still")  # type: ignore[misc]
            child = _child_of(worker.pid)
            assert child is not None
            os.kill(child, signal.SIGKILL)
        _until(lambda: len(_epochs(bench, run_id)) >= 5, "the worker starts no other child")
        os.kill(worker.pid, signal.SIGKILL)
    assert len(_epochs(bench, run_id)) < EPOCHS
    with _worker(bench):
        _until(lambda: view(bench, job_id).state == "succeeded", "the training never ends")
    assert _epochs(bench, run_id) == list(range(1, EPOCHS + 1))
    # An epoch that was being trained at a kill is trained once more, and no other.
    trained = [int(line) for line in log.read_text().split()]
    assert sorted(set(trained)) == list(range(1, EPOCHS + 1))
    assert len(trained) <= EPOCHS + 3
    undisturbed, _job = _start(bench, 0.0, tmp_path / "other")
    assert work_next(bench) is None
    assert _graph_hash(bench, run_id) == _graph_hash(bench, undisturbed)
    assert _row(bench, run_id).test == _row(bench, undisturbed).test


def test_a_canceled_training_stops_within_two_seconds_and_keeps_what_is_done(bench: Services, tmp_path: Path) -> None:
    run_id, job_id = _start(bench, 1.0, tmp_path / "epochs")
    with _worker(bench):
        _until(lambda: bool(_epochs(bench, run_id)), "the training never begins")
        asked = time.monotonic()
        cancel_run(bench, open_person(bench, "engineer"), run_id)
        _until(lambda: view(bench, job_id).state == "cancelled", "the training is never canceled")
        took = time.monotonic() - asked
    assert took < 2.0
    assert 0 < len(_epochs(bench, run_id)) < EPOCHS
