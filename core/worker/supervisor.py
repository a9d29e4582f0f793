"""The worker: a light process that claims jobs and runs each in a child of its own.

The child holds the model and the images; when it runs out of memory, hangs or is canceled, the worker ends it and
lives on.
The worker renews the lease, so a dead worker is noticed when its lease runs out.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from core.backups.jobs import queue_due as queue_due_backup
from core.backups.records import note_lost
from core.batches.starting import MAX_ATTEMPTS, discard_rest
from core.comparisons.starting import MAX_ATTEMPTS as MAX_COMPARISON_ATTEMPTS
from core.deployments import cleanup
from core.errors import AppError, from_lower
from core.image_imports.starting import MAX_ATTEMPTS as MAX_IMPORT_ATTEMPTS
from core.image_imports.starting import discard_rest as discard_rest_of_imports
from core.jobs import claims, heartbeats, outages, terms
from core.rollups.rebuilding import ensure_counts
from core.schedules.runs import queue_due
from core.services import Services
from core.training.runs.records import MAX_ATTEMPTS as MAX_TRAINING_ATTEMPTS
from core.worker.sign_of_life import SignOfLife
from core.worker.tidying import Measuring, tidy
from storage.object_store import ObjectStoreError

logger = logging.getLogger(__name__)

POLL_S = 0.5
TIDY_EVERY_S = 3600.0
REPORTS_EVERY_S = 15.0
COUNTS_EVERY_S = 10.0
WATCH_S = 0.2
RENEW_EVERY_S = 1.0
BEAT_EVERY_S = 3.0
TERMINATE_WAIT_S = 0.7
ROOT = Path(__file__).resolve().parents[2]


class Child(Protocol):
    """The process of one job, as `subprocess.Popen` gives it."""

    returncode: int

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status when it has ended. Raises subprocess.TimeoutExpired."""
        ...

    def terminate(self) -> None:
        """Ask it to end."""
        ...

    def kill(self) -> None:
        """End it."""
        ...


Spawn = Callable[[terms.Claim, int | None], Child]

# Exit statuses of the child: it has ended the job itself, has learned that the job is not its own any more, or has
# found no database that answers.
ENDED, LOST, AWAY = 0, 3, 4
# The child of a job whose database or store is away waits so long for it.
OUTAGE_WAIT_S = 300.0


class ChildWorker:
    """Claims and supervises. One job at a time; several workers may share one database and object store."""

    def __init__(
        self,
        services: Services,
        *,
        lease_s: float = terms.LEASE_S,
        threads: int | None = None,
        spawn: Spawn | None = None,
    ) -> None:
        """Make a worker.

        `threads` is how many a child may compute with, for workers that share a machine; None: all cores. `spawn`
        starts the child of a claim; None: `spawn_child`.
        """
        self._services = services
        self._lease_s = lease_s
        self._threads = threads
        self._spawn = spawn
        self._stop = threading.Event()
        self._reports_at = -REPORTS_EVERY_S
        self._counted_at = -COUNTS_EVERY_S
        self._measuring = Measuring(services)
        self._sign = SignOfLife(services.settings.data_dir)
        self.worker_id = f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:6]}"

    def stop(self) -> None:
        """Finish as soon as possible: the running child is ended and its job is released for another worker."""
        self._stop.set()

    def run(self, *, parent_pid: int | None = None, until_idle: bool = False) -> None:
        """Work until stopped, until the parent process is gone, or (with `until_idle`) until the queue is empty."""
        last_beat = -BEAT_EVERY_S
        last_tidy = time.monotonic()
        while not self._stop.is_set() and (parent_pid is None or os.getppid() == parent_pid):
            try:
                if time.monotonic() - last_beat >= BEAT_EVERY_S:
                    self._beat(None)
                    last_beat = time.monotonic()
                self._sign.give()
                self._count()
                self._queue_reports()
                claim = claims.claim_next(self._services, self.worker_id, lease_s=self._lease_s)
                if claim is not None:
                    self._supervise(claim, parent_pid)
                    last_beat = -BEAT_EVERY_S
                    continue
                if until_idle:
                    break
                if time.monotonic() - last_tidy >= TIDY_EVERY_S:
                    last_tidy = time.monotonic()
                    self.tidy()
                    self._measuring.begin_again()
                self._measuring.go_on()
            except AppError as error:
                # The database may be away for a while: stay, and take up work again when it is back.
                self._sign.give(waits_for=error.code)
                logger.warning("the database does not answer: %s", error.code)
                self._stop.wait(2.0)
            self._stop.wait(POLL_S)
        self._sign.end()
        try:
            heartbeats.remove_heartbeat(self._services, self.worker_id)
        except AppError as error:
            logger.warning("could not remove the heartbeat: %s", error.code)

    def tidy(self) -> None:
        """Finish what is left half done; when that fails, the next hour does it."""
        tidy(self._services)

    def _count(self) -> None:
        """Count by another calendar than before, where the plant has one: looked at every few seconds between jobs."""
        if time.monotonic() - self._counted_at >= COUNTS_EVERY_S:
            ensure_counts(self._services, progress=lambda _done, _total: self._beat(None))
            self._counted_at = time.monotonic()

    def _queue_reports(self) -> None:
        """Queue the reports and the backup that have fallen due, every few seconds."""
        if time.monotonic() - self._reports_at >= REPORTS_EVERY_S:
            self._reports_at = time.monotonic()
            try:
                queue_due(self._services)
                queue_due_backup(self._services)
            except AppError as error:
                logger.warning("could not look for reports and backups that are due: %s", error.code)

    def _beat(self, job_id: int | None) -> None:
        heartbeats.beat(self._services, self.worker_id, host=socket.gethostname(), pid=os.getpid(), job_id=job_id)

    def _supervise(self, claim: terms.Claim, parent_pid: int | None) -> None:
        logger.info("job %d (%s), attempt %d", claim.job_id, claim.kind, claim.attempt)
        child = (self._spawn or spawn_child)(claim, self._threads)
        renewed = beaten = time.monotonic()
        killed_for: str | None = None
        try:
            while child.poll() is None:
                time.sleep(WATCH_S)
                orphaned = parent_pid is not None and os.getppid() != parent_pid
                if self._stop.is_set() or orphaned:
                    self._stop.set()
                    killed_for = "stop"
                    break
                now = time.monotonic()
                self._sign.give(claim.job_id)
                try:
                    if now - renewed >= min(RENEW_EVERY_S, self._lease_s / 4):
                        if claims.renew_lease(self._services, claim, lease_s=self._lease_s):
                            killed_for = "cancel"
                            break
                        renewed = now
                    if now - beaten >= BEAT_EVERY_S:
                        self._beat(claim.job_id)
                        beaten = now
                    # Also beside a job of hours: each period gets its own report, if later.
                    self._queue_reports()
                except terms.JobLost:
                    # Either the child has just ended the job, or another worker has it.
                    try:
                        child.wait(timeout=2.0)
                    except subprocess.TimeoutExpired:
                        killed_for = "lost"
                    break
                except AppError as error:
                    logger.warning("could not renew the lease: %s", error.code)
                    if now - renewed > self._lease_s:
                        killed_for = "lost"
                        break
        finally:
            _end_child(child)
        self.conclude(claim, child.returncode, killed_for)

    def conclude(self, claim: terms.Claim, status: int, killed_for: str | None) -> None:
        """End the job of a child that exited with `status`, unless it has done so itself, and clean up behind it.

        `killed_for` is "cancel", "stop" or "lost" where the worker ended the child, else None.
        """
        if killed_for == "cancel":
            claims.finish(self._services, claim, state="cancelled")
        elif killed_for == "stop":
            claims.release(self._services, claim)
        elif killed_for is None and status not in (ENDED, LOST) and (_goes_on(claim) or _met_outage(claim, status)):
            claims.release(self._services, claim, counts=True)
        elif killed_for is None and status not in (ENDED, LOST):
            code = "job_killed" if status in (-signal.SIGKILL, 128 + signal.SIGKILL) else "job_crashed"
            claims.finish(self._services, claim, state="failed", error=AppError(code, status=status))
        if killed_for is not None or status != ENDED:
            cleanup.clean_up(self._services, claim.job_id)
        if claim.kind == terms.BATCH_INSPECTION:
            discard_rest(self._services, claim.job_id)
        if claim.kind in terms.BACKUP_KINDS:
            note_lost(self._services)
        if claim.kind == terms.IMAGE_IMPORT:
            discard_rest_of_imports(self._services, claim.job_id)


def _met_outage(claim: terms.Claim, status: int) -> bool:
    return status == AWAY and claim.attempt < outages.OUTAGE_ATTEMPTS


def _goes_on(claim: terms.Claim) -> bool:
    """Return whether a job whose child was killed is worth another try.

    A batch, an import, a comparison, a training and a change of images go on where they stopped; a measurement and
    a backup, which change nothing before their end, begin once more.
    """
    if claim.kind in terms.BACKUP_KINDS:
        return claim.attempt < terms.BACKUP_ATTEMPTS
    if claim.kind == terms.MEASUREMENT:
        return claim.attempt < terms.MEASUREMENT_ATTEMPTS
    if claim.kind == terms.IMAGE_IMPORT:
        return claim.attempt < MAX_IMPORT_ATTEMPTS
    if claim.kind == terms.COMPARISON:
        return claim.attempt < MAX_COMPARISON_ATTEMPTS
    if claim.kind == terms.TRAINING:
        return claim.attempt < MAX_TRAINING_ATTEMPTS
    if claim.kind == terms.IMAGE_CHANGE:
        return claim.attempt < terms.IMAGE_CHANGE_ATTEMPTS
    return claim.kind == terms.BATCH_INSPECTION and claim.attempt < MAX_ATTEMPTS


def spawn_child(claim: terms.Claim, threads: int | None) -> Child:
    """Start `python -m core run-job` for the claim, with so many threads to compute with (None: all cores)."""
    # A child by command line rather than by fork: torch's and OpenVINO's threads do not survive a fork.
    command = [sys.executable, "-m", "core", "run-job", str(claim.job_id), str(claim.fencing_token)]
    command += ["--parent-pid", str(os.getpid()), "--log-level", logging.getLevelName(logging.getLogger().level)]
    env = os.environ if threads is None else {**os.environ, "OMP_NUM_THREADS": str(threads)}
    # In a process group of its own: Ctrl-C in the terminal is for the worker, which then ends the child in good order.
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, process_group=0
    )


def _end_child(child: Child) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(timeout=TERMINATE_WAIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def run_claimed_job(services: Services, job_id: int, fencing_token: int) -> int:
    """Work the claimed job off and end it; return the exit status of the child that does so."""
    from core.worker.executors import open_executor

    try:
        claim = claims.reopen_claim(services, job_id, fencing_token)
    except terms.JobLost:
        return LOST
    try:
        failed = open_executor(services.settings, claim.kind).work_off(services, claim)
        if failed:
            _end_failed(services, claim, failed)
        else:
            claims.finish(services, claim, state="succeeded")
    except terms.JobLost:
        return LOST
    except terms.JobCancelled:
        claims.finish(services, claim, state="cancelled")
    except Exception as error:
        logger.exception("job %d failed", job_id)
        _end_failed(services, claim, from_lower(error))
    return ENDED


def _end_failed(services: Services, claim: terms.Claim, error: AppError) -> None:
    """End the job as failed, or queue it again where the database or the store was only away for a while.

    Either is said when they are back: until then the worker's lease keeps the job from the others.
    """
    deadline_s = time.monotonic() + OUTAGE_WAIT_S
    goes_on = outages.goes_on_after(claim, error)
    if goes_on and outages.is_store_outage(error):
        goes_on = _store_comes_back(services, claim, deadline_s)
    while True:
        try:
            if goes_on:
                claims.release(services, claim, counts=True)
            else:
                claims.finish(services, claim, state="failed", error=error)
        except AppError as again:
            if not outages.is_outage(again) or time.monotonic() > deadline_s:
                raise
            logger.warning("job %d waits for the database: %s", claim.job_id, again.code)
            time.sleep(1.0)
        else:
            return


def _store_comes_back(services: Services, claim: terms.Claim, deadline_s: float) -> bool:
    """Wait until the store can be used again; return whether it can, False at the end of the time."""
    while time.monotonic() < deadline_s:
        try:
            services.objects.check()
        except ObjectStoreError as error:
            if not outages.is_store_outage(from_lower(error)):
                return False
            logger.warning("job %d waits for the object store: %s", claim.job_id, error.code)
            time.sleep(1.0)
        else:
            return True
    return False


def prepare_child(parent_pid: int | None) -> None:
    """Make this process step back behind inspection, go first when memory runs out, and end with its parent."""
    os.nice(5)  # inspection in the app goes first
    oom = Path("/proc/self/oom_score_adj")
    if oom.exists():
        try:
            oom.write_text("500")  # when memory runs out, this process goes and neither the worker nor the app
        except OSError as error:
            logger.info("cannot set the out-of-memory score: %s", error)
    if parent_pid is not None:
        threading.Thread(target=_exit_with_parent, args=(parent_pid,), daemon=True).start()


def _exit_with_parent(parent_pid: int) -> None:
    """End the child when its parent is gone: a worker killed with -9 cannot do it."""
    while os.getppid() == parent_pid:
        time.sleep(0.5)
    os._exit(LOST)
