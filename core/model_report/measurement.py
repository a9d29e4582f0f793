"""Measuring a memory bank on the test images of now: a job, for versions whose scores are missing or out of date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.access import ENGINEER, require_role
from core.catalog.names import spoken_name
from core.catalog.views import label_of
from core.deployments.measuring import TestMeasurement, TestSet, keep_measured, measure, test_set
from core.errors import AppError, Conflict, NotFound, NotReady, from_lower
from core.images.bit_depth import read_bit_depth
from core.jobs.claims import hold
from core.jobs.outcomes import MEASURED, ProductOutcome, SkippedFile
from core.jobs.progress import JobRun
from core.jobs.queue import add_job
from core.jobs.records import JobPayload
from core.jobs.terms import MEASUREMENT, MEASUREMENT_ATTEMPTS, Claim
from core.models.kinds import MEMORY_BANK
from core.registry.test_scores import find_measurement
from core.registry.versions import current_threshold
from core.services import Services
from core.transactions import reading, writing
from inference.errors import InferenceError
from storage.objects import ObjectStoreError
from storage.tables import Job, ModelVersion, Product

if TYPE_CHECKING:
    from core.access import Person
    from storage.tables import ThresholdSetting

_STAGES = {"start": (0.0, 0.02), "evaluate": (0.02, 1.0)}
# What an image takes at a guess, while nobody has measured this version.
_GUESS_MS = 60.0


def start_measurement(services: Services, person: Person, version_id: int) -> int:
    """Queue the measurement of a memory bank on its product's test images; return the id of the job.

    Raises NotAllowed, NotFound, Conflict(`version_not_kept`) for a version whose files are gone,
    NotReady(`report_without_test_images`) and Conflict(`measurement_already_waiting`).
    """
    require_role(services, person, ENGINEER)
    with writing(services) as session:
        version, product = _find(session, version_id)
        if not test_set(session, product.id, version.view).rows:
            raise NotReady("report_without_test_images", product=spoken_name(product), number=version.number)
        unfinished = select(Job).where(Job.kind == MEASUREMENT, col(Job.state).in_(("queued", "running")))
        if any(JobPayload.from_json(job.payload).version_id == version_id for job in session.exec(unfinished)):
            raise Conflict("measurement_already_waiting", product=spoken_name(product), number=version.number)
        payload = JobPayload((product.id,), version_id=version_id)
        job_id = add_job(
            session, person, kind=MEASUREMENT, payload=payload, max_attempts=MEASUREMENT_ATTEMPTS, version_id=version_id
        )
        session.commit()
        return job_id


def work_off(services: Services, claim: Claim) -> AppError | None:
    """Measure the version of the job; return the error to end it with. Raises JobLost and JobCancelled.

    Nothing is stored before all images are scored, and then all of it in one transaction that proves the job to be
    still ours: whoever takes the job over begins once more, and the measurement of before counts until then.
    """
    run = JobRun(services, claim, stages=_STAGES)
    if run.outcomes:  # stored by an attempt that was lost before it could say so
        return None
    try:
        with reading(services) as session:
            version, product = _find(session, claim.payload.version_id or 0)
            threshold, test = current_threshold(session, version.id), test_set(session, product.id, version.view)
            known = find_measurement(session, version.id)
        if not test.rows:
            raise NotReady("report_without_test_images", product=spoken_name(product), number=version.number)
        ms = known.figures.ms_per_image if known is not None else None
        run.expect({product.id: len(test.rows) * (ms or _GUESS_MS) / 1000.0})
        run.begin(product.id)
        measured = _measure(run, version, threshold, test)
        with writing(services) as session:
            hold(session, claim, stage="evaluate")
            keep_measured(session, version.id, measured, by=run.created_by)
            session.commit()
    except (InferenceError, ObjectStoreError) as error:
        return from_lower(error)
    except AppError as error:
        return error
    auroc = measured.figures.image_auroc
    run.log(
        "log_measured",
        product=label_of(product.code, version.view),
        image_auroc="–" if auroc is None else f"{auroc:.4f}",
        n_test=len(measured.images),
    )
    run.conclude(_outcome(product, version, measured))
    return None


def _find(session: Session, version_id: int) -> tuple[ModelVersion, Product]:
    version = session.get(ModelVersion, version_id)
    product = session.get(Product, version.product_id) if version is not None and version.product_id else None
    if version is None or product is None or version.kind != MEMORY_BANK:
        raise NotFound("not_found")
    if not version.object_prefix:
        raise Conflict("version_not_kept", number=version.number)
    return version, product


def _measure(run: JobRun, version: ModelVersion, threshold: ThresholdSetting, test: TestSet) -> TestMeasurement:
    return measure(
        run.services.objects,
        run.services.models.memory_bank(version),
        test,
        review_at=threshold.review_at,
        reject_at=threshold.reject_at,
        bit_depth=read_bit_depth(version.preprocessing),
        progress=lambda done, total: run.progress("evaluate", done, total),
    )


def _outcome(product: Product, version: ModelVersion, measured: TestMeasurement) -> ProductOutcome:
    return ProductOutcome(
        product.id,
        product.code,
        MEASURED,
        version_id=version.id,
        number=version.number,
        metrics=measured.figures.summary,
        weak_on_test=measured.figures.weak_on_test,
        view=version.view or None,
        skipped_images=tuple(SkippedFile(name, "image_unreadable") for name in measured.figures.skipped),
    )
