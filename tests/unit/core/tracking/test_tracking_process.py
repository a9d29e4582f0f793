"""The worker's process that tracks runs: started when something waits, killed without harm, silent about secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core.services import Services
from core.tracking.events import note_event
from core.tracking.outbox import TURN, read_state, try_again
from core.worker.child_keeper import ROOT, ChildKeeper
from storage.tables import SystemConfig
from tests.tracked_runs import add_run, add_set
from tests.unit.core.tracking.waiting import wait_until

# MLflow loads, and makes its database: seconds on a quiet machine, minutes on a busy one, behind all else.
_LONG_S = 500.0


def _sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def test_a_child_is_there_only_while_it_is_wanted_and_again_when_it_dies() -> None:
    wanted = threading.Event()
    started: list[subprocess.Popen[bytes]] = []

    def spawn() -> subprocess.Popen[bytes]:
        started.append(_sleeper())
        return started[-1]

    keeper = ChildKeeper("run-nothing", wanted.is_set, spawn=spawn)
    keeper.start()
    try:
        time.sleep(0.2)
        assert started == []
        wanted.set()
        wait_until(lambda: len(started) == 1)
        os.kill(started[0].pid, signal.SIGKILL)
        wait_until(lambda: len(started) == 2)
        assert started[1].poll() is None
    finally:
        keeper.stop()
    assert [child.poll() is not None for child in started] == [True, True]


def _spawn(services: Services, log: Path, **env: str) -> subprocess.Popen[bytes]:
    # Its own process: as the worker starts it.
    known = {**os.environ, "GEOMSA_DATA_DIR": str(services.settings.data_dir), "GEOMSA_DEVICE": "cpu", **env}
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "core", "run-tracking", "--parent-pid", str(os.getpid())],
            cwd=ROOT, env=known, stdout=out, stderr=out,
        )  # fmt: skip


def _note_runs(services: Services, count: int) -> None:
    plates = add_set(services)
    for _ in range(count):
        run_id = add_run(services, plates, epochs=[{"top1": 0.5}] * 3)
        with services.database.unit_of_work() as session:
            note_event(session, run_id, "started", {})
            note_event(session, run_id, "finished", {"state": "succeeded"})
            session.commit()


@pytest.mark.full
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # MLflow's own tables, read back here
def test_a_process_killed_at_any_moment_leaves_every_run_there_once(services: Services, tmp_path: Path) -> None:
    _note_runs(services, 12)
    log = tmp_path / "child.log"
    for delay_s in (1.0, 0.3, 0.1, 0.05):
        before = read_state(services).waiting
        child = _spawn(services, log)
        wait_until(lambda before=before: read_state(services).waiting < before, timeout_s=_LONG_S)  # type: ignore[misc]
        time.sleep(delay_s)
        child.kill()
        child.wait()
        _free_turn(services)
        if not read_state(services).waiting:
            break
    child = _spawn(services, log)
    wait_until(lambda: read_state(services).waiting == 0, timeout_s=_LONG_S)
    child.terminate()
    assert child.wait(timeout=_LONG_S) == 0

    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{services.settings.data_dir / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("plate/default")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(int(run.data.tags["geomsa.run_id"]) for run in runs) == list(range(1, 13))
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert {len(client.get_metric_history(run.info.run_id, "val/top1")) for run in runs} == {3}


def _free_turn(services: Services) -> None:
    with services.database.unit_of_work() as session:
        row = session.get(SystemConfig, TURN)
        if row is not None:
            row.value = {}
            session.commit()


@pytest.mark.full
def test_the_log_of_the_process_does_not_hold_the_password(services: Services, tmp_path: Path) -> None:
    _note_runs(services, 1)
    log = tmp_path / "child.log"
    # A server that does not listen, and a database that does not: both with a password in their address.
    for uri in ("http://trainer:s3cret@127.0.0.1:9", "postgresql://trainer:s3cret@127.0.0.1:9/mlflow"):
        child = _spawn(services, log, GEOMSA_MLFLOW_URI=uri)
        wait_until(lambda: b"was not tracked" in log.read_bytes(), timeout_s=_LONG_S)
        child.terminate()
        child.wait(timeout=_LONG_S)
        assert b"s3cret" not in log.read_bytes()
        log.write_bytes(b"")
        try_again(services)
        _free_turn(services)
