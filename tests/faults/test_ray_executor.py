"""Deployments on a real Ray, started here: the same result as without it, and nothing half-done when it fails."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from core.accounts.people import open_person
from core.catalog.products import find_product
from core.errors import AppError, Unavailable
from core.images.imports.folder_import import import_path
from core.jobs import claims, queue, views
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version, current_threshold
from core.services import Services, build_services
from core.worker.executors.ray_tasks import CANCELLED, LOST, build_one
from core.worker.supervisor import ROOT, ChildWorker
from inference.artifact import read_bundle
from tests.faults.conftest import TINY_PARTS
from tests.faults.deployed_state import find_faults, give_verdict
from tests.plates import copy_data, folder_settings, submit_and_claim, write_plates

pytestmark = [
    pytest.mark.xdist_group("worker"),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason='Ray is not here ("make setup EXTRA=ray")'),
]

BUSY_MACHINE_S = 240.0
CODES = ("plate", "slab")
# Enough work for a fault to arrive in the middle of it.
LARGER_PARTS = (("train", "good", 80), ("train", "spot", 10), ("test", "good", 20), ("test", "spot", 10))
VOLATILE = {"version_id", "number", "work_s", "cost_s"}


def _template(folder: Path, parts: tuple[tuple[str, str, int], ...]) -> Path:
    services = build_services(folder_settings(folder / "data"), migrate=True)
    for code in CODES:
        write_plates(folder / code, parts=parts)
        import_path(services, open_person(services, "engineer"), folder / code)
    services.database.dispose()
    return folder / "data"


@pytest.fixture(scope="module")
def two_products(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _template(tmp_path_factory.mktemp("two"), TINY_PARTS)


@pytest.fixture(scope="module")
def two_larger_products(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _template(tmp_path_factory.mktemp("larger"), LARGER_PARTS)


@contextmanager
def _opened(template: Path, data_dir: Path) -> Iterator[Services]:
    services = build_services(folder_settings(copy_data(template, data_dir)))
    yield services
    services.database.dispose()


def _use_ray(patch: pytest.MonkeyPatch, data_dir: Path, address: str | None = None) -> None:
    """Set what a worker's child, and Ray's processes, find in their environment."""
    patch.setenv("GEOMSA_DATA_DIR", str(data_dir))
    patch.setenv("GEOMSA_DEVICE", "cpu")
    patch.setenv("GEOMSA_EXECUTOR", "ray")
    if address is not None:
        patch.setenv("GEOMSA_RAY_ADDRESS", address)


def _submit(services: Services) -> int:
    product_ids = [find_product(services, code).id for code in CODES]
    return queue.submit(services, open_person(services, "engineer"), kind=MEMORY_BANK, product_ids=product_ids)


def _until(condition: Callable[[], bool], what: str, *, within_s: float = BUSY_MACHINE_S) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < within_s, what
        time.sleep(0.05)
    return time.monotonic() - started


@contextmanager
def _working(services: Services) -> Iterator[threading.Thread]:
    """Run a worker that works until the queue is empty."""
    worker = ChildWorker(services)
    thread = threading.Thread(target=worker.run, kwargs={"until_idle": True})
    thread.start()
    try:
        yield thread
    finally:
        worker.stop()
        thread.join(BUSY_MACHINE_S)


def _processes_of_ray(above: int) -> list[psutil.Process]:
    """Return Ray's processes below this one."""
    found = []
    for process in psutil.Process(above).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if any("raylet" in word or "ray::" in word or "gcs_server" in word for word in process.cmdline()):
                found.append(process)
    return found


def _tasks(above: int) -> list[psutil.Process]:
    found = []
    for process in _processes_of_ray(above):
        with suppress(psutil.NoSuchProcess):
            if process.cmdline()[0].startswith("ray::build_one"):
                found.append(process)
    return found


def _hosts_listened_on(processes: list[psutil.Process]) -> set[str]:
    hosts: set[str] = set()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            open_now = process.net_connections("inet")
            hosts |= {found.laddr.ip for found in open_now if found.status == psutil.CONN_LISTEN}
    return hosts


def _is_working(services: Services, job_id: int) -> bool:
    return views.view(services, job_id).stage in {"extract", "coreset", "calibrate", "evaluate"}


def _built(services: Services, code: str) -> dict[str, Any]:
    """Return what of a product's memory bank has to be the same wherever it was built."""
    with services.database.reading() as session:
        version = active_version(session, MEMORY_BANK, find_product(services, code).id)
        assert version is not None
        threshold = current_threshold(session, version.id)
    bundle = read_bundle(services.models.bundle(version), kind=version.kind, manifest_sha256=version.manifest_sha256)
    return {
        "arrays": {name: np.asarray(array) for name, array in bundle.tensors.items()},
        "thresholds": (threshold.review_at, threshold.reject_at, threshold.method),
        "metrics": {key: value for key, value in version.metrics.items() if not key.startswith("ms_")},
        "fingerprint": version.fingerprint,
        "verdict": give_verdict(services, version.product_id or 0)[1:],
    }


@pytest.mark.full
def test_products_built_side_by_side_are_those_that_are_built_one_after_the_other(
    two_products: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {}
    hosts: set[str] = set()
    for executor in ("local", "ray"):
        data_dir = tmp_path / executor
        with _opened(two_products, data_dir) as services, monkeypatch.context() as patch:
            _use_ray(patch, data_dir)
            patch.setenv("GEOMSA_EXECUTOR", executor)
            job_id = _submit(services)
            with _working(services) as worker:
                while worker.is_alive():
                    hosts |= _hosts_listened_on(_processes_of_ray(os.getpid()))
                    worker.join(1.0)
            view = views.view(services, job_id)
            assert view.state == "succeeded", view.error
            plain = [
                {key: value for key, value in one.to_json().items() if key not in VOLATILE} for one in view.outcomes
            ]
            found[executor] = (sorted(plain, key=lambda one: str(one["code"])), {c: _built(services, c) for c in CODES})
            codes = [line.code for line in view.log]
            at_once = codes.index("log_activated") > max(i for i, one in enumerate(codes) if one == "log_build_started")
            assert at_once == (executor == "ray" and (os.cpu_count() or 1) > 1)
    assert found["ray"][0] == found["local"][0]
    for code in CODES:
        here, there = found["local"][1][code], found["ray"][1][code]
        arrays_here, arrays_there = here.pop("arrays"), there.pop("arrays")
        assert there == here
        assert arrays_there.keys() == arrays_here.keys()
        for name, array in arrays_here.items():
            np.testing.assert_array_equal(arrays_there[name], array, err_msg=name)
    assert hosts, "Ray was not seen at all"
    assert {host.removeprefix("::ffff:") for host in hosts} <= {"127.0.0.1", "::1"}
    assert not list(Path("/tmp").glob(f"geomsa-ray-{os.getpid()}*"))


@pytest.mark.full
def test_a_cancel_ends_every_task_at_once(
    two_larger_products: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _opened(two_larger_products, tmp_path / "data") as services:
        _use_ray(monkeypatch, tmp_path / "data")
        job_id = _submit(services)
        with _working(services):
            _until(lambda: _is_working(services, job_id) and len(_tasks(os.getpid())) > 0, "no task ever worked")
            processes = _processes_of_ray(os.getpid())
            queue.cancel(services, open_person(services, "engineer"), job_id)
            acted_after_s = _until(
                lambda: views.view(services, job_id).state == "cancelled", "the cancel did not act", within_s=10
            )
            _until(lambda: not any(one.is_running() and one.status() != "zombie" for one in processes), "Ray lives on")
        with services.database.reading() as session:
            for code in CODES:
                assert active_version(session, MEMORY_BANK, find_product(services, code).id) is None
        assert list(services.objects.list("models/")) == []
        assert list((services.settings.data_dir / "builds").iterdir()) == []
    sys.stdout.write(f"cancel acted after {acted_after_s:.1f} s\n")


@pytest.mark.full
def test_a_task_that_is_killed_fails_its_product_and_no_other(
    two_larger_products: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _opened(two_larger_products, tmp_path / "data") as services:
        _use_ray(monkeypatch, tmp_path / "data")
        job_id = _submit(services)
        with _working(services) as worker:
            _until(lambda: _is_working(services, job_id) and len(_tasks(os.getpid())) > 0, "no task ever worked")
            _tasks(os.getpid())[0].kill()
            worker.join(BUSY_MACHINE_S)
        view = views.view(services, job_id)
        assert view.state == "succeeded", view.error
        assert sorted(one.outcome for one in view.outcomes) == ["activated", "failed"]
        (failed,) = [one for one in view.outcomes if one.outcome == "failed"]
        (done,) = [one for one in view.outcomes if one.outcome == "activated"]
        assert failed.error is not None
        assert failed.error.code == "job_killed"
        product_id = done.product_id
        before = give_verdict(services, product_id)
        assert find_faults(services, product_id, before=before, scratch=tmp_path / "scratch", job_id=job_id) == []


# --- a cluster that is there already ----------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def _cluster(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Yield a cluster of this machine alone, as somebody starts one: its address, and the process that holds it."""
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    port = _free_port()
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", f"--port={port}"]
    command += ["--node-ip-address=127.0.0.1", "--include-dashboard=false", "--num-cpus=2", f"--temp-dir={folder}"]
    command += ["--object-store-memory=100000000"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as head:
        try:
            _until(lambda: any("raylet" in one.name() for one in _processes_of_ray(head.pid)), "no cluster came up")
            yield f"127.0.0.1:{port}", head
        finally:
            for process in [*psutil.Process(head.pid).children(recursive=True), head]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("lost", ["raylet", pytest.param("gcs_server", marks=pytest.mark.full)])
@pytest.mark.full
def test_a_cluster_that_goes_away_ends_the_job_with_the_reason_and_activates_nothing(
    lost: str, two_larger_products: Path, tmp_path: Path, tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Sockets take short names only.
    folder = Path(f"/tmp/gr-{os.getpid()}-{lost[0]}")
    with _opened(two_larger_products, tmp_path / "data") as services:
        _use_ray(monkeypatch, tmp_path / "data")
        with _cluster(folder, monkeypatch) as (address, head):
            monkeypatch.setenv("GEOMSA_RAY_ADDRESS", address)
            job_id = _submit(services)
            with _working(services):
                _until(lambda: _is_working(services, job_id), "no task ever worked")
                for process in _processes_of_ray(head.pid):
                    if lost in process.name():
                        os.kill(process.pid, signal.SIGKILL)
                after_s = _until(
                    lambda: views.view(services, job_id).state not in {"queued", "running"}, "the job never ended"
                )
            view = views.view(services, job_id)
            assert view.state == "failed"
            assert view.error is not None
            # The tasks die with their machine: which is heard of first is a matter of moments.
            assert view.error.code in {"executor_lost", "job_killed"}
    sys.stdout.write(f"{lost}: the job ended after {after_s:.1f} s\n")


@pytest.mark.parametrize("there", [False, pytest.param(True, marks=pytest.mark.full)], ids=["nobody", "somebody-else"])
def test_an_address_without_a_cluster_ends_the_job_with_the_reason(
    there: bool, two_products: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _opened(two_products, tmp_path / "data") as services, socket.socket() as silent:
        port = _free_port()
        if there:
            silent.bind(("127.0.0.1", port))
            silent.listen()
        _use_ray(monkeypatch, tmp_path / "data", f"127.0.0.1:{port}")
        job_id = _submit(services)
        with _working(services) as worker:
            worker.join(BUSY_MACHINE_S)
        error = views.view(services, job_id).error
        assert error is not None
        assert error.code == "executor_unreachable"
        assert f"127.0.0.1:{port}" in error.sentence("en")


# --- a task by itself -------------------------------------------------------------------------------------------------


class _Board:
    """Stands in for the actor: takes what it is told."""

    def __init__(self) -> None:
        self.tell = self
        self.told: list[Any] = []

    def remote(self, product_id: int, standing: Any) -> None:
        self.told.append((product_id, standing))


def test_a_task_whose_job_was_taken_over_cancelled_or_is_elsewhere_builds_nothing(
    two_products: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _opened(two_products, tmp_path / "data") as services:
        _use_ray(monkeypatch, tmp_path / "data")
        person, product_id = open_person(services, "engineer"), find_product(services, "plate").id
        job_id, claim = submit_and_claim(services, person, MEMORY_BANK, product_id)
        here, board = services.database.describe(), _Board()
        assert build_one(job_id, claim.fencing_token - 1, product_id, here, board) == LOST
        found = build_one(job_id, claim.fencing_token, product_id, "sqlite:////another/geomsa.db", board)
        assert not isinstance(found, str)
        (elsewhere,) = found
        assert elsewhere.error is not None
        assert elsewhere.error.code == "executor_other_database"
        assert "another database" in AppError(elsewhere.error.code).sentence("en")
        queue.cancel(services, person, job_id)
        assert build_one(job_id, claim.fencing_token, product_id, here, board) == CANCELLED
        assert list(services.objects.list("models/")) == []


def test_a_task_without_its_database_fails_with_the_reason(
    two_products: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _opened(two_products, tmp_path / "data") as services:
        _use_ray(monkeypatch, tmp_path / "data")
        person, product_id = open_person(services, "engineer"), find_product(services, "plate").id
        job_id, claim = submit_and_claim(services, person, MEMORY_BANK, product_id)

        def go_away(*_given: Any) -> None:
            raise Unavailable("database_unavailable", reason="io")

        monkeypatch.setattr(claims, "reopen_claim", go_away)
        found = build_one(job_id, claim.fencing_token, product_id, services.database.describe(), _Board())
        assert not isinstance(found, str)
        (outcome,) = found
        assert outcome.outcome == "failed"
        assert outcome.error is not None
        assert outcome.error.code == "database_unavailable"
