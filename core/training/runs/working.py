"""Working a training run off: in a worker's child, epoch after epoch, each committed with how far the job is.

What is trained lies in the run's scratch folder, so that whoever goes on, here or after a kill -9, trains no epoch
twice and ends with the same network. The test images are looked at once, when the network is finished.
"""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlmodel import Session, col, select

from core.datasets.masks import check_masks
from core.datasets.reading import load_dataset, read_head, require_intact
from core.errors import AppError, NotFound, from_lower
from core.jobs import claims
from core.jobs.terms import Claim, JobCancelled, JobLost
from core.tracking.events import note_event
from core.training.configuration.reading import read_configuration
from core.training.examples import read_examples
from core.training.recipes.opening import open_recipe
from core.training.recipes.registry import find_recipe
from core.training.runs.listening import RunListener
from core.training.runs.measuring import finish_run
from core.training.runs.preparing import PreparedRun, limit_memory, open_context, refuse_memory, settings_of
from core.training.runs.scoring import plain
from core.training.runs.starting import make_estimate, measure_cost
from core.training.runs.storing import CHECKPOINT_NAME, folder_of, put_object, scratch_folder
from core.training.runs.trained_scratch import Trained, keep_trained, read_trained
from core.transactions import reading, writing
from storage.tables import Product, TrainingRun

if TYPE_CHECKING:
    from core.services import Services

logger = logging.getLogger(__name__)

_WORK_NAME = "work"


def work_off(services: Services, claim: Claim) -> AppError | None:
    """Train, measure and store the network of a run; return the error that ends it before, else None.

    Raises JobLost, JobCancelled, both of which leave what is done.
    """
    run_id = None
    try:
        with reading(services) as session:
            row = session.exec(select(TrainingRun).where(TrainingRun.job_id == claim.job_id)).first()
            if row is None:
                raise NotFound("not_found")
            run_id = row.id
        _Attempt(services, claim, row).work()
    except AppError as error:
        if run_id is not None:
            _note_failure(services, claim, run_id, error)
        return error
    return None


def _note_failure(services: Services, claim: Claim, run_id: int, error: AppError) -> None:
    """Let the tracking store know that the run failed, where the job is still ours."""
    try:
        with writing(services) as session:
            claims.hold(session, claim, stage="")
            note_event(session, run_id, "finished", {"state": "failed", "error": error.code})
            session.commit()
    except (AppError, JobLost, JobCancelled) as other:
        logger.warning("could not note that run %d failed: %s", run_id, other)


class _Attempt:
    """One attempt at a run."""

    def __init__(self, services: Services, claim: Claim, row: TrainingRun) -> None:
        self._services, self._claim, self._row = services, claim, row
        self._configuration = read_configuration(row.configuration)
        self._scratch = scratch_folder(services, row.id)
        self._listener: RunListener

    def work(self) -> None:
        """Do all that is left. Raises AppError for what ends the run, JobLost, JobCancelled."""
        run = self._prepare()
        limit_s = 60.0 * self._configuration.limits.minutes
        self._listener = RunListener(
            self._services,
            self._claim,
            self._row.id,
            epochs=int(self._row.estimate.get("epochs") or self._configuration.training.epochs),
            expected_s=float(self._row.estimate.get("seconds") or 0.0),
            epochs_done=self._row.epochs_done,
            spent_s=self._row.train_s,
            limit_s=limit_s,
            limit_bytes=limit_memory(self._configuration),
        )
        self._listener.report("start", 0, 0, 0.0)
        try:
            self._scratch.mkdir(parents=True, exist_ok=True)
            trained = read_trained(self._scratch) or self._train(run)
            claims.append_log(
                self._services, self._claim, "run_log_trained", epochs=trained.epochs_done, best=trained.best_epoch
            )
            finish_run(self._services, self._claim, self._row, run, trained, self._listener)
        except (AppError, JobLost, JobCancelled):
            raise
        except Exception as error:
            found = from_lower(error)
            if found.code == "unexpected":
                logger.exception("run %d failed", self._row.id)
            raise found from error
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _prepare(self) -> PreparedRun:
        row, services = self._row, self._services
        head = read_head(services, row.dataset_version_id)
        require_intact(head)
        if row.task != "classification":
            check_masks(services, load_dataset(services, head.id))
        learned = read_examples(services, head.id, self._configuration.data, task=row.task)
        with reading(services) as session:
            product = session.get_one(Product, row.product_id)
        return PreparedRun(self._configuration, product, head, find_recipe(row.recipe), learned)

    def _train(self, run: PreparedRun) -> Trained:
        """Train from where the scratch folder is, and keep there what comes of it."""
        if not self._row.estimate:
            self._estimate(run)
        recipe = open_recipe(self._services, self._configuration, run.spec)
        claims.append_log(self._services, self._claim, "run_log_began", epoch=self._row.epochs_done)
        work = self._scratch / _WORK_NAME
        work.mkdir(exist_ok=True)
        found = recipe.train(
            run.learned.examples,
            settings_of(self._configuration),
            open_context(self._services, self._configuration, run.spec),
            scratch=work,
            listener=self._listener,
        )
        trained = Trained(
            graph=found.graph,
            description=found.description,
            best_epoch=found.best_epoch,
            epochs_done=found.epochs_done,
            val=plain(found.val),
            figures=plain(found.figures),
            skipped=dict(found.skipped),
            stopped_for=found.stopped_for,
        )
        checkpoint = recipe.read_checkpoint(work)
        if checkpoint is not None:
            key = f"{folder_of(self._row.id)}{CHECKPOINT_NAME}"
            put_object(self._services, key, checkpoint, "application/octet-stream")
        keep_trained(self._scratch, trained)
        return trained

    def _estimate(self, run: PreparedRun) -> None:
        """Time a few steps, store what is expected, and refuse what does not fit."""
        self._listener.report("estimate", 0, 0, 0.0)
        cost = measure_cost(self._services, run)
        refusal = refuse_memory(self._services, self._configuration, cost)
        if refusal is not None:
            raise refusal
        estimate = make_estimate(run, cost).to_json()

        def write(session: Session) -> None:
            self._listener.hold(session, stage="estimate", done=1, total=1, share=0.02)
            session.execute(update(TrainingRun).where(col(TrainingRun.id) == self._row.id).values(estimate=estimate))

        self._listener.expect(cost.seconds, cost.epochs)
        self._listener.insist(write)
