"""A real worker and its real child, for batches (with toy models) and imports: they start in a moment, and are killed.

python -m tests.faults.batch_worker worker LEASE_S              works until it is killed
python -m tests.faults.batch_worker child JOB TOKEN PARENT      the worker's child
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

from core.images import ingest
from core.images.storing import store_group
from core.inspections import batch
from core.inspections.by_view import examining
from core.inspections.examination import examine_group
from core.jobs import terms
from core.services import build_services
from core.worker import supervisor
from tests.toy_models import use_toy_models

# Long enough that a kill meets the job in its midst.
GROUP_S = 0.15


def work(lease_s: float) -> None:
    """Work as a worker does."""

    def spawn(claim: terms.Claim, threads: int | None) -> subprocess.Popen[bytes]:
        words = ["child", str(claim.job_id), str(claim.fencing_token), str(os.getpid())]
        command = [sys.executable, "-m", "tests.faults.batch_worker", *words]
        return subprocess.Popen(command, cwd=supervisor.ROOT, stdin=subprocess.DEVNULL, process_group=0)

    supervisor.ChildWorker(build_services(), lease_s=lease_s, spawn=spawn).run()


def be_child(job_id: int, token: int, parent_pid: int) -> int:
    """Work the claimed job off, slowly."""
    examine, store = examine_group, store_group

    def examine_slowly(*args: Any, **options: Any) -> Any:
        time.sleep(GROUP_S)
        return examine(*args, **options)

    def store_slowly(*args: Any, **options: Any) -> Any:
        time.sleep(GROUP_S)
        yield from store(*args, **options)
        # Committed, and not yet told to anybody.
        time.sleep(GROUP_S)

    batch.examine_group = examine_slowly  # type: ignore[attr-defined]
    examining.examine_group = examine_slowly  # type: ignore[attr-defined]
    ingest.store_group = store_slowly  # type: ignore[attr-defined]
    os.nice = lambda _: 0
    supervisor.prepare_child(parent_pid)
    return supervisor.run_claimed_job(use_toy_models(build_services()), job_id, token)


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        work(float(sys.argv[2]))
    else:
        sys.exit(be_child(*(int(word) for word in sys.argv[2:5])))
