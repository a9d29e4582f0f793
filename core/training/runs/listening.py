"""What a recipe tells while it trains: written into the job and its epochs, and when it is time to stop, said back."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from core.errors import AppError, NotReady, Unavailable
from core.jobs import claims
from core.jobs.records import JobProgress
from core.jobs.terms import STAGE_NAMES, Claim, JobLost
from core.tracking.events import note_event
from core.training.runs.preparing import GIB
from core.training.runs.records import PRIORITY
from core.training.runs.scoring import plain
from core.transactions import reading, writing
from inference.processes import read_resident_bytes
from inference.vision.learning.recipes.contract import EPOCH_STAGES, EndEarly
from storage.tables import Job, RunEpoch, TrainingRun, utc_now

if TYPE_CHECKING:
    from core.services import Services
    from inference.vision.learning.recipes.contract import EpochFigures

logger = logging.getLogger(__name__)

REPORT_EVERY_S = 0.3
# A database that is away for so long ends the attempt; the lease goes on being renewed meanwhile, or is lost.
PATIENCE_S = 120.0
RETRY_S = 1.0
_GRACE_S = 5.0
# Another job that waits for so long is let go first.
_WAITS = timedelta(seconds=3)
# Where the epochs begin and end within the whole work.
_EPOCHS_FROM, _EPOCHS_TO = 0.05, 0.85


class RunListener:
    """The listener of one attempt at a run. What it raises ends the attempt.

    `epochs_done` and `spent_s` are those of earlier attempts; `limit_s` how long all may take together (0: no limit),
    `limit_bytes` how much memory the process may have (None: no limit).
    """

    def __init__(
        self,
        services: Services,
        claim: Claim,
        run_id: int,
        *,
        epochs: int,
        expected_s: float,
        epochs_done: int = 0,
        spent_s: float = 0.0,
        limit_s: float = 0.0,
        limit_bytes: int | None = None,
    ) -> None:
        self._services, self._claim, self._run_id = services, claim, run_id
        self._epochs, self._expected_s = max(1, epochs), expected_s
        self._spent_s, self._limit_s, self._limit_bytes = spent_s, limit_s, limit_bytes
        self._began = time.monotonic()
        self._started_at = utc_now()
        self._reported_at = 0.0
        self._epoch_s = 0.0
        self._has_heard = False
        self.epochs_done = epochs_done
        # Whether the time was up; it is said once, and then whatever the recipe still does is waited for.
        self.ended_early = False

    @property
    def spent_s(self) -> float:
        """Return how many seconds all attempts have taken up to now."""
        return self._spent_s + time.monotonic() - self._began

    def expect(self, seconds: float, epochs: int) -> None:
        """Note how long the whole is expected to take, and in how many epochs, once a few steps were timed."""
        self._expected_s, self._epochs = seconds, max(1, epochs)

    def progress(self, stage: str, done: int, total: int) -> None:
        """Report that so much of a stage is done; at most every 0.3 s.

        Raises JobLost, JobCancelled, EndEarly, NotReady(`run_memory_exceeded`, `run_time_too_short`). A database that
        is away stops nothing here.
        """
        now = time.monotonic()
        if now - self._reported_at < REPORT_EVERY_S and done < total:
            return
        self._reported_at = now
        self._check_memory()
        self._check_time(within_epoch=stage in EPOCH_STAGES and done < total)
        within = done / total if total else 0.0
        share = _EPOCHS_FROM + (_EPOCHS_TO - _EPOCHS_FROM) * min(1.0, (self.epochs_done + within) / self._epochs)
        self.report(stage if stage in STAGE_NAMES else "epochs", done, total, share)

    def report(self, stage: str, done: int, total: int, share: float) -> None:
        """Write how far the job is. Raises JobLost, JobCancelled; a database that is away is passed over."""
        try:
            result = self._result(share)
            claims.report(self._services, self._claim, stage=stage, done=done, total=total, result=result)
        except Unavailable as error:
            logger.warning("could not report on run %d: %s", self._run_id, error.code)

    def epoch(self, figures: EpochFigures) -> None:
        """Store an epoch with how far the job is, in one transaction; the same one may be told again after a kill.

        Raises JobLost (also where another job waits: this one goes on after it), JobCancelled, EndEarly where the time
        is up, Unavailable for a database that stays away.
        """
        share = _EPOCHS_FROM + (_EPOCHS_TO - _EPOCHS_FROM) * min(1.0, figures.epoch / max(1, figures.epochs))
        self._epochs = max(1, figures.epochs)
        self.insist(lambda session: self._store(session, figures, share))
        self.epochs_done, self._epoch_s, self._has_heard = figures.epoch, figures.seconds, True
        if figures.epoch >= figures.epochs or self.ended_early:
            return
        if self._limit_s and self.spent_s + figures.seconds > self._limit_s:
            self.ended_early = True
            raise EndEarly
        self._give_way()

    def insist(self, write: Callable[[Session], None]) -> None:
        """Do a write transaction that must not be lost; try again while the database is away. Raises as `write`."""
        first = time.monotonic()
        while True:
            try:
                with writing(self._services) as session:
                    write(session)
                    session.commit()
            except Unavailable as error:
                if time.monotonic() - first >= PATIENCE_S:
                    raise
                logger.warning("run %d waits for the database: %s", self._run_id, error.code)
                time.sleep(min(RETRY_S, PATIENCE_S))
            else:
                return

    def hold(self, session: Session, *, stage: str, done: int, total: int, share: float) -> None:
        """Prove in a transaction that the job is still ours and wanted. Raises JobLost, JobCancelled."""
        claims.hold(session, self._claim, stage=stage, done=done, total=total, result=self._result(share))

    def _store(self, session: Session, figures: EpochFigures, share: float) -> None:
        self.hold(session, stage="epochs", done=figures.epoch, total=figures.epochs, share=share)
        if self._is_stored(session, figures):
            return
        # Whoever begins anew on another machine has not done the later ones.
        session.execute(
            delete(RunEpoch).where(col(RunEpoch.run_id) == self._run_id, col(RunEpoch.epoch) >= figures.epoch)
        )
        row = RunEpoch(
            run_id=self._run_id,
            epoch=figures.epoch,
            images_seen=figures.images_seen,
            train_loss=plain(figures.train_loss),
            val_loss=plain(figures.val_loss),
            learning_rate=plain(figures.learning_rate),
            metrics=plain(figures.val),
            seconds=figures.seconds,
        )
        session.add(row)
        session.execute(
            update(TrainingRun)
            .where(col(TrainingRun.id) == self._run_id)
            .values(epochs_done=figures.epoch, train_s=self.spent_s)
        )
        told = {"images_seen": row.images_seen, "train_loss": row.train_loss, "val_loss": row.val_loss}
        told |= {"learning_rate": row.learning_rate, "seconds": row.seconds, **row.metrics}
        note_event(session, self._run_id, "epoch", {"epoch": figures.epoch, "figures": told})

    def _is_stored(self, session: Session, figures: EpochFigures) -> bool:
        """Return whether this epoch is the last one that is stored: told once more by whoever goes on from it."""
        query = select(RunEpoch).where(col(RunEpoch.run_id) == self._run_id, col(RunEpoch.epoch) >= figures.epoch)
        rows = session.exec(query).all()
        return (
            len(rows) == 1
            and rows[0].epoch == figures.epoch
            and rows[0].seconds == figures.seconds
            and rows[0].train_loss == plain(figures.train_loss)
        )

    def _check_memory(self) -> None:
        if self._limit_bytes is not None and (used := read_resident_bytes(os.getpid())) > self._limit_bytes:
            limit = f"{self._limit_bytes / GIB:.2f}"
            raise NotReady("run_memory_exceeded", used=f"{used / GIB:.2f}", limit=limit)

    def _check_time(self, *, within_epoch: bool) -> None:
        if not self._limit_s or self.ended_early or self.spent_s <= self._limit_s:
            return
        if self.epochs_done >= self._epochs:
            return  # only what follows the last epoch is left
        if self.epochs_done:
            # Outside the epochs nothing can be left out; before one was told here, it is not sure that there is one.
            if not (within_epoch and self._has_heard):
                return
            # At the end of an epoch it is looked ahead: one that takes a little longer than the last is waited for.
            if self.spent_s <= self._limit_s + max(self._epoch_s, _GRACE_S):
                return
            self.ended_early = True
            raise EndEarly
        raise NotReady("run_time_too_short", minutes=f"{self._limit_s / 60.0:g}")

    def _give_way(self) -> None:
        """Put the job back into the queue where another one waits that goes first. Raises JobLost then."""
        query = (
            select(Job.id)
            .where(Job.state == "queued", Job.priority < PRIORITY, col(Job.created_at) < utc_now() - _WAITS)
            .limit(1)
        )
        try:
            with reading(self._services) as session:
                waiting = session.exec(query).first()
        except AppError:
            return
        if waiting is not None:
            logger.info("run %d goes on after job %d", self._run_id, waiting)
            claims.append_log(self._services, self._claim, "run_log_gives_way", job=waiting)
            claims.release(self._services, self._claim)
            raise JobLost

    def _result(self, share: float) -> dict[str, Any]:
        return JobProgress(share=share, expected_s=self._expected_s, work_started_at=self._started_at).to_json()
