"""The end of a run: its version as a candidate and its figures, in one transaction that proves the job is ours."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import update
from sqlmodel import Session, col

from core.access import SYSTEM, as_person
from core.audit import record
from core.deployments.candidates import may_be_named
from core.errors import NotFound
from core.jobs.terms import Claim
from core.models.judgments import HoldReason, write_reasons
from core.models.kinds import TRAINED_MODEL
from core.registry import publishing
from core.registry.versions import add_version, scope_of
from core.tracking.events import note_event
from core.training.runs.records import GoalOutcome
from core.transactions import writing
from inference.vision.learning.trained_network.description import PRIMARY_FIGURES
from storage.tables import Job, ModelVersion, Product, TrainingRun, User, utc_now

if TYPE_CHECKING:
    from core.registry.publishing import PublishedBundle
    from core.services import Services
    from inference.vision.learning.trained_network.description import NetworkDescription


class Hold(Protocol):
    """Proves in a transaction that the job is still ours and wanted."""

    def __call__(self, session: Session, *, stage: str, done: int, total: int, share: float) -> None:
        """Raise JobLost or JobCancelled where it is not."""
        ...


@dataclass(frozen=True)
class FinishedRun:
    """All that is stored of a run that has ended with a network."""

    run: TrainingRun
    product_code: str
    dataset_hash: str
    description: NetworkDescription
    published: PublishedBundle
    best_epoch: int
    epochs_done: int
    val: Mapping[str, Any]
    test: Mapping[str, Any]
    goals: tuple[GoalOutcome, ...]
    figures: Mapping[str, Any]
    reasons: tuple[HoldReason, ...]
    stopped_for: str
    last_checkpoint_key: str
    result_key: str
    seconds: float


def store_finished(services: Services, claim: Claim, finished: FinishedRun, hold: Hold) -> int:
    """Add the network as a candidate and end the run's row; return the id of the version.

    The bundle is loaded beforehand from the files that were fetched back. A bundle whose version does not come to be is
    removed, but not where a commit whose reply is lost may have been done. Raises JobLost, JobCancelled, AppError, and
    lower errors of a bundle that cannot be loaded.
    """
    version = _make_version(finished, claim)
    prefix = version.object_prefix
    try:
        services.models.verify(version)
        with writing(services) as session:
            hold(session, stage="publish", done=1, total=1, share=1.0)
            found = _store(session, finished, version, claim)
            session.commit()
            return found
    except BaseException:
        services.models.evict(version)
        if not may_be_named(services, prefix):
            publishing.unpublish(services.objects, prefix)
        raise


def _make_version(finished: FinishedRun, claim: Claim) -> ModelVersion:
    run, description = finished.run, finished.description
    name = PRIMARY_FIGURES[description.task]
    stamp = f"{finished.dataset_hash}:{run.config_hash}"
    return ModelVersion(
        kind=TRAINED_MODEL,
        scope=scope_of(run.product_id, "", run.view),
        view=run.view,
        product_id=run.product_id,
        number=0,
        model_name=f"{description.recipe}/{description.backbone}"[:190].rstrip("/"),
        object_prefix=finished.published.object_prefix,
        manifest_sha256=finished.published.manifest_sha256,
        byte_size=finished.published.byte_size,
        fingerprint=hashlib.sha256(stamp.encode()).hexdigest(),
        preprocessing=description.preprocessing.to_dict(),
        sources={"run_id": run.id, "dataset_id": run.dataset_version_id},
        metrics={
            "run_id": run.id,
            "task": description.task,
            "figure": name,
            "val": finished.val.get(name),
            "test": finished.test.get(name),
            "goals": [goal.to_json() for goal in finished.goals],
            **write_reasons(finished.reasons),
        },
        job_id=claim.job_id,
        created_by=run.created_by,
    )


def _store(session: Session, finished: FinishedRun, version: ModelVersion, claim: Claim) -> int:
    run = finished.run
    product = session.get(Product, run.product_id)
    if product is None or not product.is_active:
        raise NotFound("not_found")
    add_version(session, version)
    goals = [goal.to_json() for goal in finished.goals]
    session.execute(
        update(TrainingRun)
        .where(col(TrainingRun.id) == run.id)
        .values(
            model_version_id=version.id,
            epochs_done=finished.epochs_done,
            best_epoch=finished.best_epoch,
            val=dict(finished.val),
            test=dict(finished.test),
            goals=goals,
            figures=dict(finished.figures),
            stopped_for=finished.stopped_for[:64],
            object_prefix=finished.published.object_prefix,
            manifest_sha256=finished.published.manifest_sha256,
            byte_size=finished.published.byte_size,
            last_checkpoint_key=finished.last_checkpoint_key,
            result_key=finished.result_key,
            train_s=finished.seconds,
            finished_at=utc_now(),
            row_version=col(TrainingRun.row_version) + 1,
        )
    )
    job = session.get(Job, claim.job_id)
    author = session.get(User, job.created_by) if job is not None and job.created_by is not None else None
    record(
        session,
        None if author is None else as_person(author).acting(SYSTEM),
        "version.keep",
        "model_version",
        version.id,
        kind=version.kind,
        product=finished.product_code,
        **({"view": version.view} if version.view else {}),
        number=version.number,
        run=run.id,
        **({"held_back": [found.code for found in finished.reasons]} if finished.reasons else {}),
    )
    bundle = {"object_prefix": version.object_prefix, "manifest_sha256": version.manifest_sha256}
    note_event(session, run.id, "model", bundle)
    note_event(
        session,
        run.id,
        "finished",
        {
            "val": finished.val,
            "test": finished.test,
            "goals": goals,
            "seconds": finished.seconds,
            "state": "succeeded",
        },
    )
    return version.id
