"""From a published bundle to a version: loaded from what was read back, then added in one transaction."""

from __future__ import annotations

from collections.abc import Callable

from sqlmodel import Session, select

from core.access import SYSTEM, Person, as_person
from core.audit import record
from core.catalog.views import label_of
from core.deployments.acceptance import OVERRIDDEN, Acceptance
from core.errors import AppError, NotFound
from core.jobs.claims import hold
from core.jobs.progress import JobRun
from core.models.judgment_words import reason_message
from core.registry import publishing, retention
from core.registry.versions import add_version, find_viewless, make_active, retire
from core.transactions import HasDatabase, reading, writing
from storage.tables import ModelVersion, Product, ThresholdSetting, User


def add_candidate(
    run: JobRun,
    product: Product,
    version: ModelVersion,
    *,
    acceptance: Acceptance,
    threshold: ThresholdSetting | None = None,
    also: Callable[[Session], None] | None = None,
) -> None:
    """Add the version, with its thresholds, and make it active where it is accepted: all of it or nothing.

    `also` is called in the same transaction. Where a person overrides what speaks against it, the audit log names the
    reasons.

    The transaction first proves that the job is still ours (`claims.hold`), so a worker that was thought dead
    activates nothing. The bundle is loaded beforehand from the files that were fetched back, as every inspection will
    load it; the objects of a version that does not come to be are removed, but not those of one that may have come to
    be: a commit whose reply is lost may have been done. Raises JobLost, JobCancelled and lower errors.
    """
    services, activate = run.services, acceptance.activate
    label = label_of(product.code, version.view)
    object_prefix = version.object_prefix  # the row cannot be asked after a transaction that failed
    try:
        run.progress("verify", 0, 0)
        services.models.verify(version)
        run.progress("activate", 0, 0)
        with writing(services) as session:
            hold(session, run.claim)
            fresh = session.get(Product, product.id)
            if fresh is None or not fresh.is_active:
                raise NotFound("not_found")
            version.job_id, version.created_by = run.claim.job_id, run.created_by
            add_version(session, version)
            if threshold is not None:
                threshold.model_version_id = version.id
                threshold.created_by = run.created_by
                session.add(threshold)
            if also is not None:
                also(session)
            whole = find_viewless(session, version) if activate else []
            before = make_active(session, version) if activate else None
            record(
                session,
                _author(session, run),
                "version.activate" if activate else "version.keep",
                "model_version",
                version.id,
                kind=version.kind,
                product=product.code,
                **_name_view(version),
                number=version.number,
                instead_of=before.number if before else None,
                **_audit_reasons(acceptance),
            )
            session.commit()
    except BaseException:
        services.models.evict(version)
        if not may_be_named(services, object_prefix):
            publishing.unpublish(services.objects, object_prefix)
        raise
    for found in acceptance.held_back:
        said, params = reason_message(found)
        run.log("log_objection", product=label, number=version.number, reason=said, reason_params=params)
    run.log(_log_code(acceptance), product=label, number=version.number)
    for number in whole:
        run.log("log_viewless_retired", product=product.code, number=number)
    if activate:
        for gone in retention.expire_versions(services, version, person=None):
            run.log("log_version_expired", product=label, number=gone.number)


def _name_view(version: ModelVersion) -> dict[str, str]:
    return {"view": version.view} if version.view else {}


def _audit_reasons(acceptance: Acceptance) -> dict[str, object]:
    codes = [found.code for found in acceptance.held_back]
    if acceptance.reason == OVERRIDDEN:
        return {"overridden": codes}
    return {"held_back": codes} if codes else {}


def _log_code(acceptance: Acceptance) -> str:
    if acceptance.reason == OVERRIDDEN:
        return "log_activated_by_hand"
    if acceptance.activate:
        return "log_activated"
    return "log_candidate_held" if acceptance.held_back else "log_candidate_by_hand"


def may_be_named(services: HasDatabase, object_prefix: str) -> bool:
    """Return whether a row may name these objects: while the database is away they stay; orphans are collected."""
    try:
        with reading(services) as session:
            found = select(ModelVersion.id).where(ModelVersion.object_prefix == object_prefix)
            return session.exec(found).first() is not None
    except AppError:
        return True


def retire_active(run: JobRun, product: Product, version: ModelVersion) -> None:
    """Take the active version out of use, with nothing in its place: its images are all gone. Raises JobLost."""
    with writing(run.services) as session:
        hold(session, run.claim)
        retire(session, version)
        record(
            session,
            _author(session, run),
            "version.retire",
            "model_version",
            version.id,
            kind=version.kind,
            product=product.code,
            **_name_view(version),
            number=version.number,
        )
        session.commit()


def _author(session: Session, run: JobRun) -> Person | None:
    author = session.get(User, run.created_by) if run.created_by is not None else None
    return as_person(author).acting(SYSTEM) if author else None
