"""Deployments: from images and manuals to the active models of each product, one product after the other.

Each product stands by itself: what fails is said in its outcome, its active version goes on inspecting, and the next
product follows. The steps of a kind (`core.deployments.kinds`) say what is built from what; the order is here, once:
snapshot, build, evaluate, accept, save, publish, verify, activate. A version becomes active in one transaction that
also proves the job to be still ours.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlmodel import Session

from core.catalog.names import spoken_name
from core.catalog.views import label_of, read_views
from core.deployments import cleanup
from core.deployments.candidates import add_candidate, retire_active
from core.deployments.estimates import pace, refusal
from core.deployments.kinds.registry import find_steps
from core.deployments.steps import BuildPart, ModelSteps, NewVersion, PartResult, RetiredPart, Snapshot, UnchangedPart
from core.errors import AppError, BadInput, Conflict, from_lower
from core.images.training import trim_cache
from core.jobs.outages import goes_on_after
from core.jobs.outcomes import FAILED, ProductOutcome
from core.jobs.progress import JobRun
from core.jobs.stored_error import plain
from core.jobs.terms import Claim, JobCancelled, JobLost
from core.models.judgments import write_reasons
from core.registry import publishing
from core.registry.versions import scope_of
from core.services import Services
from core.transactions import HasDatabase, reading
from storage.tables import ModelVersion, Product

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlannedProduct:
    """A product that a job still has to build, and the seconds that takes at the standard pace.

    `views` are the codes of its views that are left to do; one empty code for a product without views.
    """

    product: Product
    cost_s: float
    views: tuple[str, ...] = ("",)


def work_off(services: Services, claim: Claim) -> AppError | None:
    """Build every product of the job, one after the other.

    Return the error to end the job with: only when no product succeeded. Raises NotFound job_kind_unknown, Conflict
    job_without_products, and JobLost and JobCancelled; both leave finished products as they are.
    """
    run = JobRun(services, claim, stages=find_steps(claim.kind).stages)
    for planned in plan(run):
        for outcome in build_product(run, planned):
            run.conclude(outcome)
    return error_of(run)


def plan(run: JobRun) -> list[PlannedProduct]:
    """Return what the job still has to build, after removing what dead attempts left; the run expects as much.

    Raises Conflict job_without_products for a job that names none.
    """
    if not run.claim.payload.product_ids:
        raise Conflict("job_without_products")
    cleanup.clean_up(run.services, run.claim.job_id)
    with reading(run.services) as session:
        wanted = (session.get(Product, product_id) for product_id in run.claim.payload.product_ids)
        every = (plan_product(session, run, product) for product in wanted if product is not None)
        planned = [one for one in every if one.views]
        own_pace = pace(session, run.claim.kind)
    run.expect({one.product.id: one.cost_s * own_pace for one in planned})
    return planned


def plan_product(session: Session, run: JobRun, product: Product) -> PlannedProduct:
    """Return what a job has to do for a product: its views, without those that it has done before it was taken over."""
    steps = find_steps(run.claim.kind)
    every = steps.list_views(session, product.id)
    left = tuple(view for view in every if (product.id, view) not in run.concluded)
    cost_s = sum(steps.expected_s(session, product.id, view) for view in left)
    return PlannedProduct(product, cost_s, left)


def build_product(run: JobRun, planned: PlannedProduct) -> Iterator[ProductOutcome]:
    """Build one product, view by view; yield the outcome of each, also when it failed. Raises JobLost, JobCancelled.

    A view that a part can be judged without is left out where it cannot be built, with a line in the log.
    """
    product, steps = planned.product, find_steps(run.claim.kind)
    with reading(run.services) as session:
        left_out = _find_left_out(session, steps, planned)
    todo = [view for view in planned.views if view not in left_out]
    for view, error in left_out.items():
        run.log(
            "log_view_left_out",
            product=label_of(product.code, view),
            reason=error.code,
            reason_params=plain(error.params),
        )
    for step, view in enumerate(todo):
        run.begin(product.id, step=step, steps=len(todo))
        outcome = _build_view(run, steps, planned, view)
        yield replace(outcome, view=view or None)


def _find_left_out(session: Session, steps: ModelSteps[Any, Any, Any], planned: PlannedProduct) -> dict[str, AppError]:
    """Return the views that are not required and cannot be built, and why; none where nothing else would be left."""
    every = steps.list_views(session, planned.product.id)
    optional = {view.code for view in read_views(session, planned.product.id) if not view.is_required}
    found = {
        view: error
        for view in planned.views
        if view in optional and (error := steps.find_obstacle(session, planned.product, view)) is not None
    }
    return found if len(found) < len(every) else {}


def _build_view(run: JobRun, steps: ModelSteps[Any, Any, Any], planned: PlannedProduct, view: str) -> ProductOutcome:
    services, product = run.services, planned.product
    folder = cleanup.build_folder(services, run.claim, product.id)
    started = time.monotonic()
    try:
        if not product.is_active:
            raise BadInput("product_inactive", product=spoken_name(product))
        # Here and not only where the job was asked for: this may be another machine, and another hour.
        if too_large := refusal(services, steps.kind, [product.id]):
            raise too_large
        with reading(services) as session:
            cost_s = steps.expected_s(session, product.id, view)
        outcome = _build_parts(run, steps, product, view, folder)
        return replace(outcome, work_s=round(time.monotonic() - started, 2), cost_s=round(cost_s, 2))
    except (JobLost, JobCancelled):
        raise
    except Exception as error:
        shaped = from_lower(error)
        if goes_on_after(run.claim, shaped):
            # No outcome of this product: the next attempt builds it, and passes over those that are done.
            raise shaped from error
        label = label_of(product.code, view)
        if shaped.code == "unexpected":
            logger.exception("product %s failed", label)
        run.log("log_product_failed", product=label, reason=shaped.code, reason_params=plain(shaped.params))
        return ProductOutcome.failed(product.id, product.code, shaped)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        trim_cache(services)


def error_of(run: JobRun) -> AppError | None:
    """Return the error to end the job with: that of the last product when none succeeded."""
    if not run.outcomes or any(outcome.outcome != FAILED for outcome in run.outcomes):
        return None
    error = run.outcomes[-1].error
    return error.to_app_error() if error is not None else AppError("unexpected", kind=FAILED)


# --- one product -----------------------------------------------------------------------------------------------------


def _build_parts(
    run: JobRun, steps: ModelSteps[Any, Any, Any], product: Product, view: str, folder: Path
) -> ProductOutcome:
    with reading(run.services) as session:
        snapshot = steps.snapshot(run.services, session, product, view)
    built: dict[str, Any] = {}
    results: list[PartResult[Any, Any]] = []
    for part in snapshot.parts:
        if isinstance(part, UnchangedPart):
            results.append(part)
        elif isinstance(part, RetiredPart):
            retire_active(run, product, part.version)
            results.append(part)
        else:
            new = _build_part(run, steps, snapshot, part, built, folder / part.part if part.part else folder)
            built[part.part] = new.built
            results.append(_retire_if_bare(run, steps, product, new))
    steps.clean_up(run.services)
    return steps.conclude(run, snapshot, results)


def _build_part(
    run: JobRun,
    steps: ModelSteps[Any, Any, Any],
    snapshot: Snapshot,
    part: BuildPart,
    earlier: dict[str, Any],
    folder: Path,
) -> NewVersion[Any, Any]:
    """Build, publish and, where it is accepted, activate one part. Raises what the steps raise."""
    services, product = run.services, snapshot.product
    built = steps.build(run, snapshot, part, earlier)
    measured = steps.evaluate(run, snapshot, part, built)
    acceptance = steps.accept(run, snapshot, part, measured, built)
    if run.claim.payload.activate:
        acceptance = acceptance.override()
    folder.parent.mkdir(parents=True, exist_ok=True)
    manifest_sha256 = steps.save(run, snapshot, built, folder)
    run.progress("publish", 0, 0)
    published = publishing.publish(
        services, folder, kind=steps.kind, manifest_sha256=manifest_sha256, attempt=run.claim
    )
    described = steps.describe(snapshot, part, built, measured)
    version = ModelVersion(
        kind=steps.kind,
        scope=scope_of(product.id, part.part, snapshot.view),
        view=snapshot.view,
        product_id=product.id,
        number=0,
        model_name=described.model_name,
        object_prefix=published.object_prefix,
        manifest_sha256=published.manifest_sha256,
        byte_size=published.byte_size,
        fingerprint=part.fingerprint,
        preprocessing=dict(described.preprocessing),
        sources=described.sources.to_json(),
        metrics=described.figures.to_json() | write_reasons(acceptance.held_back),
    )
    add_candidate(
        run,
        product,
        version,
        acceptance=acceptance,
        threshold=described.threshold,
        also=lambda session: steps.note_added(session, snapshot, built, measured, version),
    )
    if acceptance.activate:
        steps.note_activation(run, version, product)
    return NewVersion(part.part, built, measured, acceptance, version)


def _retire_if_bare(
    run: JobRun, steps: ModelSteps[Any, Any, Any], product: Product, new: NewVersion[Any, Any]
) -> PartResult[Any, Any]:
    """Take a version out of use again whose sources were all deleted while it was being built."""
    if not new.acceptance.activate:
        return new
    with reading(run.services) as session:
        if steps.has_sources(session, product.id):
            return new
    retire_active(run, product, new.version)
    return RetiredPart(new.part, new.version)


# --- before the start ------------------------------------------------------------------------------------------------


def readiness(services: HasDatabase, kind: str, product_id: int) -> AppError | None:
    """Return why this product cannot be built, or None; one with views can be where one of them can."""
    with reading(services) as session:
        product = session.get(Product, product_id)
        if product is None:
            return BadInput("not_found")
        steps = find_steps(kind)
        found = [steps.find_obstacle(session, product, view) for view in steps.list_views(session, product_id)]
    return None if None in found else found[0]
