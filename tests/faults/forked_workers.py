"""Real workers and real builds that start in a moment: forked from one process that has imported everything.

    python -m tests.faults.forked_workers LEASE_S

Each line on standard input starts a worker, and its process id is printed: `DATA_DIR work`, or `DATA_DIR pause MOMENT
MARKER`, whose handler stops at the moment (see `paused_job`), writes its own process id to the file MARKER, and waits
to be killed.
A fork would lose torch's and OpenVINO's threads, so nothing is computed before it: the handler opens its own network.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from core.jobs import terms
from core.services import build_services
from core.worker import supervisor
from tests.faults.paused_job import pause_at

IMPORTED_EARLY = (
    "cv2",
    "faiss",
    "openvino",
    "safetensors.numpy",
    "timm",
    "torch",
    "core.deployments.pipeline",
    "inference.vision.detection.calibration",
    "inference.vision.detection.patchcore.patchcore",
    "inference.vision.detection.registry",
    "inference.vision.images.decode",
    "inference.vision.networks.runtime",
    "inference.vision.detection.runtime_check",
)


class ForkedChild:
    """A forked handler, as `supervisor.ChildWorker` handles its child."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, None while it runs; negative for a signal."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; raises TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("handler", timeout or 0.0)
            time.sleep(0.01)
        return status

    def terminate(self) -> None:
        """Ask it to end."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)


def _fork(work: Any) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setpgid(0, 0)
            status = work()
        finally:
            os._exit(status)
    return pid


def _be_worker(lease_s: float, data_dir: str, moment: str, marker: str) -> int:
    os.environ["GEOMSA_DATA_DIR"] = data_dir
    os.nice = lambda _: 0  # beside other tests on a busy machine a build that steps back would never get there

    def spawn(claim: terms.Claim, threads: int | None) -> Any:
        worker_pid = os.getpid()

        def be_handler() -> int:
            if moment:
                pause_at(moment, Path(marker))
            supervisor.prepare_child(worker_pid)
            return supervisor.run_claimed_job(build_services(), claim.job_id, claim.fencing_token)

        return ForkedChild(_fork(be_handler))

    worker = supervisor.ChildWorker(build_services(), lease_s=lease_s, spawn=spawn)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()
    return 0


def serve(lease_s: float) -> None:
    """Start workers until standard input ends."""
    for name in IMPORTED_EARLY:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the workers here
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in iter(sys.stdin.readline, ""):
        data_dir, *order = line.split()
        moment, marker = (order[1], order[2]) if order[0] == "pause" else ("", "")
        pid = _fork(functools.partial(_be_worker, lease_s, data_dir, moment, marker))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(float(sys.argv[1]))
