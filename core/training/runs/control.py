"""What a person does with a run: cancel it, let it go on, put its model into use, delete it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from core.access import ADMIN, ENGINEER, require_role
from core.audit import record
from core.errors import Conflict, NotFound, NotReady
from core.files.file_names import strip_control
from core.jobs import queue
from core.jobs.terms import changed_one
from core.models.judgments import reasons_of
from core.registry import publishing
from core.registry.versions import activate, find_previous
from core.tracking.events import forget_events, note_event
from core.training.runs.storing import folder_of, scratch_folder
from core.transactions import HasDatabase, reading, writing
from storage.tables import ConversationTurn, Job, ModelVersion, RunEpoch, TrainingRun

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

LONGEST_REASON = 2000


def cancel_run(services: Services, person: Person, run_id: int) -> None:
    """Cancel a run: one that waits at once, one that runs within two seconds. What is trained stays.

    Raises NotAllowed, NotFound run_unknown, Conflict job_already_over.
    """
    require_role(services, person, ENGINEER)
    run = _get(services, run_id)
    if run.job_id is None:
        raise Conflict("job_already_over")
    queue.cancel(services, person, run.job_id)
    with writing(services) as session:
        note_event(session, run_id, "finished", {"state": "cancelled", "seconds": run.train_s})
        session.commit()


def resume_run(services: Services, person: Person, run_id: int) -> None:
    """Queue a run that failed or was canceled once more: it goes on after its last whole epoch.

    Raises NotAllowed, NotFound run_unknown, Conflict run_nothing_left.
    """
    require_role(services, person, ENGINEER)
    run = _get(services, run_id)
    with writing(services) as session:
        if (
            run.job_id is None
            or run.finished_at is not None
            or not queue.queue_again(session, run.job_id, states=("failed", "cancelled"))
        ):
            raise Conflict("run_nothing_left", number=run_id)
        record(session, person, "job.continue", "job", run.job_id, run=run_id)
        note_event(session, run_id, "started", {"configuration": run.configuration, "resumed": True})
        session.commit()


def activate_run(
    services: Services, person: Person, run_id: int, *, override: bool = False, reason: str = ""
) -> ModelVersion:
    """Put the model of a run into use for its product (or view); return its version.

    Something may speak against it (`RunView.reasons`): then it goes into use only with `override`; that, the `reason`
    that the person gives and who it was stand in the audit log. Raises NotAllowed, NotFound run_unknown, NotReady
    run_without_model, Conflict as `core.registry.versions.activate` (`version_held_back` with the reasons in words),
    and AppError of a bundle that is missing or damaged: what is in use stays then.
    """
    require_role(services, person, ENGINEER)
    version = _get_version(services, _get(services, run_id))
    against = reasons_of(version.metrics) if version.state == "candidate" else ()
    why = strip_control(" ".join(reason.split()))[:LONGEST_REASON]
    found = activate(services, person, version.id, in_spite_of=[one.code for one in against] if override else ())
    with writing(services) as session:
        details = {"reason": why, "overridden": [one.code for one in against]} if against else {}
        record(session, person, "training.activate", "training_run", run_id, version=found.number, **details)
        session.commit()
    return found


def roll_back(services: Services, person: Person, run_id: int) -> ModelVersion:
    """Put the model back into use that was before that of this run, which is in use now; return its version.

    Raises NotAllowed, NotFound run_unknown, NotReady run_without_model, and Conflict `version_not_in_use`,
    `version_without_previous`.
    """
    require_role(services, person, ENGINEER)
    version = _get_version(services, _get(services, run_id))
    before = find_previous(services, version.id)
    return activate(services, person, before.id)


def retire_run(services: Services, person: Person, run_id: int) -> None:
    """Take the model of a run out of use, with nothing in its place: the product is inspected without one.

    Raises NotAllowed, NotFound run_unknown, NotReady run_without_model, Conflict version_not_in_use.
    """
    require_role(services, person, ENGINEER)
    version = _get_version(services, _get(services, run_id))
    with writing(services) as session:
        retired = changed_one(
            session,
            update(ModelVersion)
            .where(col(ModelVersion.id) == version.id, col(ModelVersion.active_key).is_not(None))
            .values(active_key=None, state="retired"),
        )
        if not retired:
            raise Conflict("version_not_in_use", number=version.number)
        record(
            session, person, "version.retire", "model_version", version.id,
            kind=version.kind, number=version.number, run=run_id,
        )  # fmt: skip
        session.commit()


def delete_run(services: Services, person: Person, run_id: int) -> None:
    """Delete a run for good: its rows, its network, its results and maps.

    The version of its model stays as a row without files, for inspections that were made with it. Only an administrator
    may do so. Raises NotAllowed, NotFound run_unknown, Conflict run_still_going and run_in_use.
    """
    require_role(services, person, ADMIN)
    with writing(services) as session:
        run = session.get(TrainingRun, run_id, with_for_update=True)
        if run is None:
            raise NotFound("run_unknown", number=run_id)
        job = session.get(Job, run.job_id) if run.job_id is not None else None
        if job is not None and job.state in ("queued", "running"):
            raise Conflict("run_still_going", name=run.name)
        prefix, name = run.object_prefix, run.name
        _release_version(session, run)
        forget_events(session, run_id)
        session.execute(delete(RunEpoch).where(col(RunEpoch.run_id) == run_id))
        session.execute(
            update(ConversationTurn).where(col(ConversationTurn.training_run_id) == run_id).values(training_run_id=None)
        )
        session.execute(delete(TrainingRun).where(col(TrainingRun.id) == run_id))
        record(session, person, "training.delete", "training_run", run_id, name=name)
        session.commit()
    shutil.rmtree(scratch_folder(services, run_id), ignore_errors=True)
    publishing.unpublish(services.objects, folder_of(run_id))
    if prefix:
        publishing.unpublish(services.objects, prefix)


def _release_version(session: Session, run: TrainingRun) -> None:
    """Let the version of the run lose its files. Raises Conflict run_in_use where it is, or has just come into use."""
    if run.model_version_id is None:
        return
    released = changed_one(
        session,
        update(ModelVersion)
        .where(col(ModelVersion.id) == run.model_version_id, col(ModelVersion.active_key).is_(None))
        .values(object_prefix="", state="retired"),
    )
    if not released and session.get(ModelVersion, run.model_version_id) is not None:
        raise Conflict("run_in_use", name=run.name)


def _get(services: HasDatabase, run_id: int) -> TrainingRun:
    with reading(services) as session:
        run = session.get(TrainingRun, run_id)
    if run is None:
        raise NotFound("run_unknown", number=run_id)
    return run


def _get_version(services: HasDatabase, run: TrainingRun) -> ModelVersion:
    with reading(services) as session:
        version = session.exec(select(ModelVersion).where(ModelVersion.id == run.model_version_id)).first()
    if run.model_version_id is None or version is None:
        raise NotReady("run_without_model", number=run.id)
    return version
