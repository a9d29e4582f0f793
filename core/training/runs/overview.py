"""The runs that there are: how each stands, what it found, its epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select as select_columns
from sqlmodel import col, select

from core.access import ENGINEER, require_role
from core.catalog.names import ProductName
from core.errors import AppError, NotFound
from core.jobs.stored_error import StoredError
from core.jobs.views import JobView, view
from core.models.judgments import reasons_of
from core.training.runs.records import EpochRow, GoalOutcome, RunHead, RunView
from core.transactions import HasDatabase, reading
from inference.vision.learning.trained_network.description import PRIMARY_FIGURES
from storage.json_fields import read_float, read_int, read_object
from storage.tables import DatasetVersion, Job, ModelVersion, Product, RunEpoch, TrainingRun, User

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from core.access import Person

MOST_LISTED = 500


def list_runs(
    services: HasDatabase,
    person: Person,
    *,
    product_id: int | None = None,
    experiment: str | None = None,
    dataset_id: int | None = None,
    task: str | None = None,
    states: Sequence[str] = (),
    recipe: str | None = None,
    person_id: int | None = None,
    limit: int = MOST_LISTED,
    offset: int = 0,
) -> list[RunHead]:
    """Return the newest runs first: those of a product, an experiment ("": of none), a dataset version, a task.

    `states` are those of their jobs, `person_id` is who started them. Raises NotAllowed.
    """
    require_role(services, person, ENGINEER)
    conditions: list[ColumnElement[bool]] = []
    if product_id is not None:
        conditions.append(col(TrainingRun.product_id) == product_id)
    if experiment is not None:
        conditions.append(col(TrainingRun.experiment) == experiment)
    if dataset_id is not None:
        conditions.append(col(TrainingRun.dataset_version_id) == dataset_id)
    if task is not None:
        conditions.append(col(TrainingRun.task) == task)
    if recipe is not None:
        conditions.append(col(TrainingRun.recipe) == recipe)
    if person_id is not None:
        conditions.append(col(TrainingRun.created_by) == person_id)
    if states:
        conditions.append(col(Job.state).in_(list(states)))
    return _read_heads(services, conditions, limit=min(limit, MOST_LISTED), offset=offset)


def read_head(services: HasDatabase, person: Person, run_id: int) -> RunHead:
    """Return how a run stands. Raises NotAllowed, NotFound run_unknown."""
    require_role(services, person, ENGINEER)
    found = _read_heads(services, [col(TrainingRun.id) == run_id], limit=1)
    if not found:
        raise NotFound("run_unknown", number=run_id)
    return found[0]


def read_run(services: HasDatabase, person: Person, run_id: int) -> RunView:
    """Return a run with all that its row holds. Raises NotAllowed, NotFound run_unknown."""
    head = read_head(services, person, run_id)
    with reading(services) as session:
        row = session.get(TrainingRun, run_id)
        version = session.get(ModelVersion, head.model_version_id) if head.model_version_id is not None else None
    if row is None:
        raise NotFound("run_unknown", number=run_id)
    return RunView(
        head=head,
        configuration=row.configuration,
        job=_find_job(services, row.job_id),
        estimate=row.estimate,
        val=row.val,
        test=row.test,
        figures=row.figures,
        stopped_for=row.stopped_for,
        reasons=() if version is None else reasons_of(version.metrics),
        object_prefix=row.object_prefix,
        manifest_sha256=row.manifest_sha256,
        last_checkpoint_key=row.last_checkpoint_key,
        result_key=row.result_key,
    )


def find_by_job(services: HasDatabase, job_id: int) -> int:
    """Return the id of the run that a job trains. Raises NotFound not_found."""
    with reading(services) as session:
        found = session.exec(select(TrainingRun.id).where(TrainingRun.job_id == job_id)).first()
    if found is None:
        raise NotFound("not_found")
    return found


def read_epochs(services: HasDatabase, person: Person, run_id: int) -> list[EpochRow]:
    """Return the epochs of a run that are over, in their order. Raises NotAllowed, NotFound run_unknown."""
    require_role(services, person, ENGINEER)
    with reading(services) as session:
        if session.get(TrainingRun, run_id) is None:
            raise NotFound("run_unknown", number=run_id)
        query = select(RunEpoch).where(RunEpoch.run_id == run_id).order_by(col(RunEpoch.epoch))
        return [EpochRow.from_row(row) for row in session.exec(query).all()]


def _find_job(services: HasDatabase, job_id: int | None) -> JobView | None:
    if job_id is None:
        return None
    try:
        return view(services, job_id)
    except AppError:
        return None


def _read_heads(
    services: HasDatabase, conditions: Sequence[ColumnElement[bool]], *, limit: int, offset: int = 0
) -> list[RunHead]:
    query = (
        select_columns(TrainingRun, Product, DatasetVersion.number, Job, ModelVersion, User.display_name)  # type: ignore[call-overload]
        .join(Product, col(Product.id) == col(TrainingRun.product_id))
        .join(DatasetVersion, col(DatasetVersion.id) == col(TrainingRun.dataset_version_id))
        .outerjoin(Job, col(Job.id) == col(TrainingRun.job_id))
        .outerjoin(ModelVersion, col(ModelVersion.id) == col(TrainingRun.model_version_id))
        .outerjoin(User, col(User.id) == col(TrainingRun.created_by))
        .where(*conditions)
        .order_by(col(TrainingRun.id).desc())
        .limit(limit)
        .offset(offset)
    )
    with reading(services) as session:
        return [_make_head(*found) for found in session.execute(query).all()]


def _make_head(
    row: TrainingRun,
    product: Product,
    dataset_number: int,
    job: Job | None,
    version: ModelVersion | None,
    author: str | None,
) -> RunHead:
    name = PRIMARY_FIGURES.get(row.task, "")
    planned = read_int(read_object(row.configuration.get("training")).get("epochs")) or 0
    expected = read_int(row.estimate.get("epochs")) or planned
    return RunHead(
        id=row.id,
        name=row.name,
        experiment=row.experiment,
        product=ProductName.from_row(product),
        task=row.task,
        recipe=row.recipe,
        view=row.view,
        seed=row.seed,
        dataset_id=row.dataset_version_id,
        dataset_number=dataset_number,
        config_hash=row.config_hash,
        state=_state_of(row, job),
        epochs_done=row.epochs_done,
        epochs=max(expected, row.epochs_done),
        best_epoch=row.best_epoch,
        val=read_float(row.val.get(name)),
        test=read_float(row.test.get(name)),
        goals=tuple(GoalOutcome.from_json(goal) for goal in row.goals),
        train_s=row.train_s,
        byte_size=row.byte_size,
        model_version_id=row.model_version_id,
        version_number=None if version is None else version.number,
        version_state="" if version is None else version.state,
        created_at=row.created_at,
        created_by_name=author or "",
        finished_at=row.finished_at or (job.finished_at if job is not None else None),
        error=None if job is None else StoredError.from_json(job.error_code, job.error_params),
        job_id=row.job_id,
        row_version=row.row_version,
    )


def _state_of(row: TrainingRun, job: Job | None) -> str:
    """Return the state of its job; where the job's row is gone, whether it had ended with a network."""
    if job is not None:
        # Between the end of the run and that of its job nothing is left to wait for.
        return "succeeded" if row.finished_at is not None and job.state == "running" else str(job.state)
    return "succeeded" if row.finished_at is not None else "cancelled"


def describe_head(head: RunHead) -> dict[str, Any]:
    """Return how a run stands as plain values, as the command line and the REST interface say it."""
    return {
        "run": head.id,
        "name": head.name,
        "experiment": head.experiment,
        "product": head.product.code,
        "task": head.task,
        "recipe": head.recipe,
        "view": head.view,
        "seed": head.seed,
        "dataset_version": head.dataset_number,
        "state": head.state,
        "epochs_done": head.epochs_done,
        "epochs": head.epochs,
        "best_epoch": head.best_epoch,
        "figure": head.figure,
        "val": head.val,
        "test": head.test,
        "goals_met": head.goals_met,
        "seconds": round(head.train_s, 2),
        "bytes": head.byte_size,
        "model_version": head.version_number,
        "model_state": head.version_state or None,
        "created_at": head.created_at.isoformat(),
        "finished_at": None if head.finished_at is None else head.finished_at.isoformat(),
        "error": None if head.error is None else {"code": head.error.code, "params": dict(head.error.params)},
    }


def describe_end(run: RunView) -> dict[str, Any]:
    """Return what `train --json` ends with: the run, what it was made of, its figures and goals."""
    head = run.head
    return {
        "run": head.id,
        "product": head.product.code,
        "recipe": head.recipe,
        "dataset_version": head.dataset_number,
        "model_version": head.version_number,
        "seconds": round(head.train_s, 2),
        "val": dict(run.val),
        "test": dict(run.test),
        "goals": [goal.to_json() for goal in head.goals],
        "state": head.state,
        "epochs_done": head.epochs_done,
        "best_epoch": head.best_epoch,
        "stopped_for": run.stopped_for or None,
        "bytes": head.byte_size,
        "ms_per_image": run.figures.get("ms_per_image"),
        "threshold": run.figures.get("threshold"),
        "waits_for": [reason.to_json() for reason in run.reasons] if head.version_state == "candidate" else [],
    }
