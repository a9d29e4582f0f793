"""kill -9 of worker and child in the midst of a comparison: it goes on where it stopped, and asks no image twice."""

from __future__ import annotations

import json
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
from core.comparisons.orders import read_order
from core.comparisons.results import ComparisonResult
from core.comparisons.starting import cancel, start_comparison
from core.jobs.views import view
from core.methods.registry import register, unregister
from core.services import Services, build_services
from core.worker.supervisor import ROOT
from storage.tables import Comparison, Prediction
from tests.compared_methods import ToySpec, build_product, work_next
from tests.faults.comparison_worker import CALLS, METHOD
from tests.plates import folder_settings

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")]

LEASE_S = 1.5
# Of two views, 16 validation and test images each.
SUBJECTS = 32
BUSY_MACHINE_S = 120.0


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Services]:
    services = build_services(folder_settings(tmp_path / "data"), migrate=True)
    register(ToySpec(METHOD))
    yield services
    unregister(METHOD)
    services.database.dispose()


def _start(services: Services) -> tuple[int, int]:
    """Return the comparison and its job."""
    engineer = open_person(services, "engineer")
    order = read_order({"product": "spots", "methods": [{"method": METHOD, "name": "gray"}], "seed": 5})
    comparison_id = start_comparison(services, engineer, order)
    with services.database.reading() as session:
        job_id = session.get_one(Comparison, comparison_id).job_id
    assert job_id is not None
    return comparison_id, job_id


@contextmanager
def _worker(services: Services) -> Iterator[subprocess.Popen[bytes]]:
    env = {**os.environ, "GEOMSA_DATA_DIR": str(services.settings.data_dir), "GEOMSA_DEVICE": "cpu"}
    command = [sys.executable, "-m", "tests.faults.comparison_worker", "worker", str(LEASE_S)]
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


def _subjects(services: Services, comparison_id: int) -> list[tuple[str, str]]:
    with services.database.reading() as session:
        rows = session.exec(select(Prediction).where(Prediction.comparison_id == comparison_id)).all()
    return [(row.method, row.subject) for row in rows]


def _result(services: Services, comparison_id: int) -> ComparisonResult:
    with services.database.reading() as session:
        row = session.get_one(Comparison, comparison_id)
    result = ComparisonResult.from_json(json.loads(services.objects.get(row.result_key)))
    assert result is not None
    return result


@pytest.mark.full
def test_a_comparison_outlives_kills_of_worker_and_child(bench: Services) -> None:
    build_product(bench, open_person(bench, "engineer"), views=("ct", "rgb"))
    comparison_id, job_id = _start(bench)

    def n_done() -> int:
        return len(_subjects(bench, comparison_id))

    kills = 0
    for number in range(2):
        before = n_done()
        with _worker(bench) as worker:
            _until(lambda before=before: n_done() > before, "nobody goes on with the comparison")  # type: ignore[misc]
            child = _child_of(worker.pid)
            if number == 1 and child is not None:
                os.kill(child, signal.SIGKILL)
                kills += 1
                at_kill = n_done()
                _until(lambda at_kill=at_kill: n_done() > at_kill, "the worker starts no other child")  # type: ignore[misc]
            os.kill(worker.pid, signal.SIGKILL)
            kills += 1
        assert n_done() < SUBJECTS
    with _worker(bench):
        _until(lambda: view(bench, job_id).state == "succeeded", "the comparison never ends")
    found = _subjects(bench, comparison_id)
    assert len(found) == len(set(found)) == SUBJECTS
    # What was being asked at a kill is asked once more, and nothing else.
    calls = (bench.settings.data_dir / CALLS).read_text().count("asked")
    assert SUBJECTS <= calls <= SUBJECTS + kills
    undisturbed, _job = _start(bench)
    assert work_next(bench) is None
    assert _result(bench, comparison_id).without_times() == _result(bench, undisturbed).without_times()


def test_a_canceled_comparison_stops_at_once_and_keeps_what_is_done(bench: Services) -> None:
    build_product(bench, open_person(bench, "engineer"), views=("ct", "rgb"))
    comparison_id, job_id = _start(bench)
    with _worker(bench):
        _until(lambda: bool(_subjects(bench, comparison_id)), "the comparison never begins")
        cancel(bench, open_person(bench, "engineer"), job_id)
        _until(lambda: view(bench, job_id).state == "cancelled", "the comparison is never canceled")
    assert 0 < len(_subjects(bench, comparison_id)) < SUBJECTS
