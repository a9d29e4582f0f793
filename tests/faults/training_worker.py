"""A real worker and its real child, for trainings with a tiny recipe: they start in a moment, and are killed.

python -m tests.faults.training_worker worker LEASE_S          works until it is killed
python -m tests.faults.training_worker child JOB TOKEN PARENT  the worker's child
"""

from __future__ import annotations

import os
import subprocess
import sys

from core.jobs import terms
from core.services import build_services
from core.worker import supervisor
from tests.trained_runs import tiny_recipe


def work(lease_s: float) -> None:
    """Work as a worker does."""

    def spawn(claim: terms.Claim, threads: int | None) -> subprocess.Popen[bytes]:
        words = ["child", str(claim.job_id), str(claim.fencing_token), str(os.getpid())]
        command = [sys.executable, "-m", "tests.faults.training_worker", *words]
        return subprocess.Popen(command, cwd=supervisor.ROOT, stdin=subprocess.DEVNULL, process_group=0)

    supervisor.ChildWorker(build_services(), lease_s=lease_s, spawn=spawn).run()


def be_child(job_id: int, token: int, parent_pid: int) -> int:
    """Work the claimed job off."""
    os.nice = lambda _: 0
    supervisor.prepare_child(parent_pid)
    with tiny_recipe():
        return supervisor.run_claimed_job(build_services(), job_id, token)


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        work(float(sys.argv[2]))
    else:
        sys.exit(be_child(*(int(word) for word in sys.argv[2:5])))
