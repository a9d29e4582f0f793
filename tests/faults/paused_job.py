"""A worker whose child stops at a named moment, says so, and waits to be killed: the real worker and the real build.

    python -m tests.faults.paused_job worker MOMENT MARKER LEASE_S    works until the queue is empty
    python -m tests.faults.paused_job child MOMENT MARKER run-job …   the worker's child

A moment is a stage of the job (`extract`, `coreset` …), `uploading` (the first file of a bundle is there, the others
are not), `activated` (the version is active, the job does not say so yet), or `never`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from core.__main__ import main
from core.jobs import claims, terms
from core.jobs.progress import JobRun
from core.services import build_services
from core.worker import supervisor
from storage.local_objects import LocalObjects


def _wait(marker: Path) -> None:
    marker.write_text(str(os.getpid()))
    while True:
        time.sleep(0.05)


def pause_at(moment: str, marker: Path) -> None:
    """Have this process stop at the moment."""
    # A build steps back for the app; beside other tests on a busy machine it would never get there.
    os.nice = lambda _: 0
    report, log, put_file = claims.report, JobRun.log, LocalObjects.put_file

    def pausing_report(services: Any, claim: Any, **values: Any) -> None:
        report(services, claim, **values)
        if values.get("stage") == moment:
            _wait(marker)

    def pausing_log(self: JobRun, code: str, **params: Any) -> None:
        if moment == "activated" and code == "log_activated":
            _wait(marker)
        log(self, code, **params)

    def pausing_put(self: LocalObjects, key: str, path: Path, **more: Any) -> None:
        put_file(self, key, path, **more)
        if moment == "uploading":
            _wait(marker)

    claims.report, JobRun.log, LocalObjects.put_file = pausing_report, pausing_log, pausing_put  # type: ignore[method-assign]


def work(moment: str, marker: str, lease_s: float) -> None:
    """Work as a worker does."""

    def spawn(claim: terms.Claim, threads: int | None) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.faults.paused_job", "child", moment, marker, "run-job"]
        command += [str(claim.job_id), str(claim.fencing_token), "--parent-pid", str(os.getpid())]
        return subprocess.Popen(
            command,
            cwd=supervisor.ROOT,
            stdin=subprocess.DEVNULL,
            process_group=0,
        )

    supervisor.ChildWorker(build_services(), lease_s=lease_s, spawn=spawn).run(until_idle=True)


if __name__ == "__main__":
    role, moment, marker = sys.argv[1:4]
    if role == "worker":
        work(moment, marker, float(sys.argv[4]))
    else:
        pause_at(moment, Path(marker))
        sys.exit(main(sys.argv[4:]))
