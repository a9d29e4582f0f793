"""The distributed executor: every product of a job is a Ray task, and as many are built at once as the cluster holds.

`GEOMSA_RAY_ADDRESS` names a cluster, whose machines have Geomsa in the same folder and the settings of a worker.
Without it a Ray of this machine alone is started for the job, on the loopback address, without dashboard and usage
statistics; it ends with this process, however that ends. Ray's own token is used wherever one lies ready
(`RAY_AUTH_TOKEN`, `RAY_AUTH_TOKEN_PATH` or `~/.ray/auth_token`).
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.deployments.estimates import estimate
from core.deployments.kinds.registry import find_steps
from core.deployments.pipeline import PlannedProduct, error_of, plan
from core.errors import AppError, Unavailable, from_lower
from core.jobs import terms
from core.jobs.claims import check_claim
from core.jobs.outages import goes_on_after
from core.jobs.outcomes import ProductOutcome
from core.jobs.progress import JobRun, StageShares, Standing
from core.services import Services
from core.settings import Settings
from core.worker.executors.ray_tasks import CANCELLED, LOST, ProgressBoard, build_one

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
ANSWER_TIMEOUT_S = 30.0
# Ray itself waits for minutes for a cluster that is not there, and ends the process a minute after one that has gone.
CONNECT_TIMEOUT_S = 30.0
GONE_AFTER_S = 15.0
PROBE_TIMEOUT_S = 2.0
# Ray gives its own start 30 s, which is short on a busy machine.
START_ATTEMPTS = 3
OBJECT_STORE_BYTES = 100_000_000
_FOLDER_PREFIX = "geomsa-ray-"


class ParallelRun(JobRun):
    """The run of a job whose products are built side by side."""

    def __init__(self, services: Services, claim: terms.Claim, *, stages: StageShares) -> None:
        super().__init__(services, claim, stages=stages)
        self._standings: dict[int, Standing] = {}

    def show(self, standings: dict[int, Standing]) -> None:
        """Report where the products stand; the stage is that of the one that is least far. Raises as `progress`."""
        finished = self.finished_ids
        self._standings = {product_id: found for product_id, found in standings.items() if product_id not in finished}
        if not self._standings:
            check_claim(self.services, self.claim)
            return
        self._current = min(self._standings, key=lambda found: self.share_of(self._standings[found]))
        self._last_report = 0.0  # the caller has its own measure, and a cancel is noticed here
        self.progress(*self._standings[self._current])

    def _begun(self, stage: str, done: int, total: int) -> dict[int, Standing]:
        return self._standings


class RayExecutor:
    """An Executor on a Ray cluster."""

    def work_off(self, services: Services, claim: terms.Claim) -> AppError | None:
        """Build every product of the job, as `Executor` says.

        Raises Unavailable for a cluster that cannot be reached, or is gone.
        """
        run = ParallelRun(services, claim, stages=find_steps(claim.kind).stages)
        planned = plan(run)
        if planned:
            with _connected(services.settings) as ray:
                _build_all(ray, run, planned)
        return error_of(run)


def _build_all(ray: Any, run: ParallelRun, planned: list[PlannedProduct]) -> None:
    services, claim = run.services, run.claim
    board = ray.remote(num_cpus=0)(ProgressBoard).remote()
    task = ray.remote(max_retries=0)(build_one)
    needs = [_needs(ray, services, claim.kind, one) for one in planned]
    where = services.database.describe()
    waiting = {
        task.options(**need).remote(claim.job_id, claim.fencing_token, one.product.id, where, board): one
        for one, need in zip(planned, needs, strict=True)
    }
    answered = time.monotonic()
    address = ray.get_runtime_context().gcs_address
    try:
        while waiting:
            if _is_reachable(address):
                answered = time.monotonic()
            elif time.monotonic() - answered > GONE_AFTER_S:
                raise ConnectionError(address)
            done, _rest = ray.wait(list(waiting), timeout=LOOK_EVERY_S)
            for reference in done:
                found = _outcomes(ray, reference, waiting.pop(reference))
                _raise_outage(claim, found)
                run.conclude(*found)
            run.show(ray.get(board.read.remote(), timeout=ANSWER_TIMEOUT_S))
    except (ray.exceptions.RayError, ConnectionError) as error:
        logger.warning("the Ray cluster is gone: %s", error)
        raise Unavailable("executor_lost") from error
    finally:
        for reference in waiting:
            ray.cancel(reference, force=True)


def _raise_outage(claim: terms.Claim, outcomes: list[ProductOutcome]) -> None:
    """Raise what the next attempt of the job is to wait for, where a task met it: nothing is said of its product."""
    for outcome in outcomes:
        error = outcome.error.to_app_error() if outcome.error is not None else None
        if error is not None and goes_on_after(claim, error):
            raise error


def _outcomes(ray: Any, reference: Any, planned: PlannedProduct) -> list[ProductOutcome]:
    """Return the outcomes that the task returned; a task that was killed fails its product and no other."""
    product = planned.product
    try:
        found: list[ProductOutcome] | str = ray.get(reference, timeout=ANSWER_TIMEOUT_S)
    except ray.exceptions.OutOfMemoryError:
        return [ProductOutcome.failed(product.id, product.code, Unavailable("out_of_memory"))]
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError):
        return [ProductOutcome.failed(product.id, product.code, AppError("job_killed"))]
    except ray.exceptions.RayTaskError as error:
        logger.warning("the task of product %s failed: %s", product.code, error)
        return [ProductOutcome.failed(product.id, product.code, from_lower(error.cause))]
    if found == LOST:
        raise terms.JobLost
    if found == CANCELLED:
        raise terms.JobCancelled
    assert not isinstance(found, str)
    return [replace(outcome, code=product.code) for outcome in found]


def _needs(ray: Any, services: Services, kind: str, planned: PlannedProduct) -> dict[str, float]:
    """Return the share of a machine that a product takes: a processor, its memory, a GPU where one is to be used."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    memory_bytes = estimate(services, kind, [planned.product.id]).memory_bytes
    # More than the largest machine has would wait for ever; the build itself refuses what does not fit.
    largest = max((machine.get("memory", 0.0) for machine in machines), default=0.0)
    needs = {"num_cpus": 1, "memory": float(min(memory_bytes, largest))}
    if services.settings.device != "cpu" and any(machine.get("GPU", 0.0) >= 1 for machine in machines):
        return needs | {"num_gpus": 1}
    if services.settings.device == "cuda":
        raise Unavailable("executor_without_gpu")
    return needs


@contextmanager
def _connected(settings: Settings) -> Iterator[Any]:
    """Yield Ray's module, connected to the cluster of the settings or to one of our own. Raises Unavailable."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if settings.ray_address is None or _is_loopback(settings.ray_address):
        # Ray's own switch for one machine alone: every port is on the loopback address then.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    if _has_token():
        # A cluster asks for it without being told to; whoever joins one by its address has to be told.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    if settings.ray_address is not None:
        _join(ray, settings.ray_address, quiet)
        try:
            yield ray
        finally:
            ray.shutdown()
        return
    folder = _own_folder()
    try:
        _start_own(ray, folder, quiet)
        yield ray
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _join(ray: Any, address: str, quiet: dict[str, Any]) -> None:
    """Connect to the cluster. Raises Unavailable for one that cannot be reached, or refuses us."""

    def connect() -> None:
        try:
            ray.init(address=address, **quiet)
        except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            logger.warning("Ray could not join the cluster at %s: %s", address, error)

    # Ray waits inside its own code, where no signal and no time limit of ours reaches it; this process ends soon.
    attempt = threading.Thread(target=connect, daemon=True)
    if _is_reachable(address):
        attempt.start()
        attempt.join(CONNECT_TIMEOUT_S)
        if not attempt.is_alive() and ray.is_initialized():
            return
    raise Unavailable("executor_unreachable", address=address)


def _is_reachable(address: str) -> bool:
    host, _colon, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=PROBE_TIMEOUT_S):
            return True
    except OSError:
        return False


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    return host in {"localhost", "::1"} or host.startswith("127.")


def _has_token() -> bool:
    named = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    return bool(named) or (Path.home() / ".ray" / "auth_token").is_file()


def _start_own(ray: Any, folder: Path, quiet: dict[str, Any]) -> None:
    for attempt in range(1, START_ATTEMPTS + 1):
        try:
            ray.init(
                address="local",
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _temp_dir=str(folder),
                **quiet,
            )
        except Exception:  # Ray says so with nothing more exact
            logger.warning("Ray did not start (attempt %d)", attempt, exc_info=True)
            ray.shutdown()
        else:
            return
    raise Unavailable("executor_not_started")


def _own_folder() -> Path:
    """Return where this process's Ray has its sockets and logs: a short name, because sockets take no long ones.

    Those of processes that were killed are removed.
    """
    top = Path(tempfile.gettempdir())
    for left in top.glob(f"{_FOLDER_PREFIX}*"):
        pid = left.name.removeprefix(_FOLDER_PREFIX)
        if pid.isdigit() and not Path("/proc", pid).exists() and left.stat().st_uid == os.getuid():
            shutil.rmtree(left, ignore_errors=True)
    folder = top / f"{_FOLDER_PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
