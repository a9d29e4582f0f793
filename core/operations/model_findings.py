"""What the models need: builds that failed, versions that wait, what is out of date, and images to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select as sqlalchemy_select
from sqlmodel import Session, col, func, select

from core.catalog.names import ProductName
from core.errors import AppError
from core.images.outliers import SUSPECTED
from core.jobs.outcomes import FAILED, ProductOutcome
from core.jobs.records import JobPayload, JobProgress
from core.jobs.stored_error import StoredError
from core.models.kinds import KINDS, MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from core.operations.findings import Finding
from core.registry.weak_models import list_weak_models
from storage.tables import Image, Job, ModelVersion

if TYPE_CHECKING:
    from core.analytics.dashboard import DashboardView, ProductFigures
    from core.services import Services

# What failed longer ago is history.
FAILED_SINCE = timedelta(days=14)


@dataclass(frozen=True)
class JobLine:
    """A build as its row holds it. `errors` are those of the products that it failed for."""

    id: int
    kind: str
    state: str
    product_ids: tuple[int, ...]
    errors: Mapping[int, AppError | None]
    finished_at: datetime | None


def recent_jobs(session: Session, now: datetime) -> list[JobLine]:
    """Return the builds of the last days, and those that wait or run; the newest last."""
    columns: list[Any] = [Job.id, Job.kind, Job.state, Job.payload, Job.result, Job.error_code, Job.error_params]
    rows = session.execute(
        sqlalchemy_select(*columns, col(Job.finished_at))
        .where(col(Job.kind).in_(KINDS), col(Job.created_at) >= now - FAILED_SINCE)
        .order_by(col(Job.id))
    ).all()
    return [_read_job(*row) for row in rows]


def _read_job(
    job_id: int,
    kind: str,
    state: str,
    payload: object,
    result: object,
    error_code: str | None,
    error_params: object,
    finished_at: datetime | None,
) -> JobLine:
    product_ids = JobPayload.from_json(payload).product_ids
    stored = StoredError.from_json(error_code, error_params)
    error = None if stored is None else stored.to_app_error()
    outcomes: dict[int, ProductOutcome] = {}
    for one in JobProgress.from_json(result).outcomes:
        # Of a product with views the one that failed counts.
        if one.product_id not in outcomes or one.outcome == FAILED:
            outcomes[one.product_id] = one
    errors: dict[int, AppError | None] = {}
    for product_id in product_ids:
        outcome = outcomes.get(product_id)
        if outcome is not None and outcome.outcome == FAILED:
            errors[product_id] = outcome.error.to_app_error() if outcome.error is not None else error
        elif outcome is None and state == "failed":
            errors[product_id] = error
    return JobLine(job_id, kind, state, product_ids, errors, finished_at)


def find_failed_jobs(
    jobs: list[JobLine], view: DashboardView, products: Mapping[int, ProductName]
) -> Iterable[Finding]:
    """Yield the last build of a kind and product where it failed, one finding for each job."""
    last = {(job.kind, product_id): job for job in jobs for product_id in job.product_ids}
    failed: dict[int, list[int]] = {}
    for (kind, product_id), job in last.items():
        state = view.states.get((kind, product_id))
        if product_id in job.errors and product_id in products and (state is None or state.state != "current"):
            failed.setdefault(job.id, []).append(product_id)
    for job in reversed(jobs):
        if job.id in failed:
            ids = failed[job.id]
            yield Finding(
                "job_failed",
                len(ids),
                _named(ids, products),
                subject=job.kind,
                subject_id=job.id,
                since=job.finished_at,
                error=job.errors[ids[0]],
            )


def find_candidates(session: Session, products: Mapping[int, ProductName]) -> Iterable[Finding]:
    """Yield the memory banks and indexes that were built, and wait for a person to put them into use."""
    columns: list[Any] = [
        ModelVersion.kind,
        ModelVersion.scope,
        ModelVersion.product_id,
        ModelVersion.number,
        ModelVersion.state,
        ModelVersion.created_at,
    ]
    rows = session.execute(
        sqlalchemy_select(*columns)
        .where(
            # Of trained models there are as many as runs: those are compared among experiments.
            col(ModelVersion.kind).in_(KINDS),
            col(ModelVersion.state).in_(("candidate", "active")),
            col(ModelVersion.object_prefix) != "",
        )
        .order_by(col(ModelVersion.id))
    ).all()
    active = {(row.kind, row.scope): row.number for row in rows if row.state == "active"}
    waiting: dict[tuple[str, int], datetime] = {}
    for row in rows:
        is_newer = row.number > active.get((row.kind, row.scope), 0)
        if row.state == "candidate" and is_newer and row.product_id in products:
            waiting.setdefault((row.kind, row.product_id), row.created_at)
    if waiting:
        yield Finding(
            "candidate",
            len(waiting),
            _named({product_id for _kind, product_id in waiting}, products),
            _by_kind(waiting, products),
            since=min(waiting.values()),
        )


def find_out_of_date(
    jobs: list[JobLine], view: DashboardView, products: Mapping[int, ProductName]
) -> Iterable[Finding]:
    """Yield the models that are out of date or were never built, where a build would give something new."""
    busy = {
        (job.kind, product_id) for job in jobs if job.state in {"queued", "running"} for product_id in job.product_ids
    }
    figures = {one.summary.product.id: one for one in view.per_product}
    stale = [
        key
        for key, state in view.states.items()
        if key[1] in products
        and key not in busy
        and state.state != "current"
        and state.built is None
        and has_sources(key[0], figures[key[1]])
    ]
    if stale:
        named = _named({product_id for _kind, product_id in stale}, products)
        yield Finding("out_of_date", len(named), named, _by_kind(stale, products))


def has_sources(kind: str, figures: ProductFigures) -> bool:
    """Return whether there is something that a model of this kind could be built from."""
    summary = figures.summary
    counts = {
        MEMORY_BANK: summary.n_normal_train,
        SIMILARITY_INDEX: summary.n_normal_train + summary.n_defect_train,
        MANUAL_INDEX: summary.n_manual,
    }
    return counts[kind] > 0


def find_set_apart(session: Session, products: Mapping[int, ProductName]) -> Iterable[Finding]:
    """Yield the products with normal images that do not look like the others, those with most of them first."""
    rows = session.exec(
        select(Image.product_id, func.count(), func.min(Image.outlier_at))
        .where(Image.outlier_state == SUSPECTED, Image.image_type == "normal")
        .group_by(col(Image.product_id))
    ).all()
    for product_id, count, since in sorted(rows, key=lambda row: -row[1]):
        if product_id in products:
            yield Finding("set_apart", count, (products[product_id],), since=since)


def find_weak(services: Services, products: Mapping[int, ProductName]) -> Iterable[Finding]:
    """Yield the memory banks in use that hardly find some defects on their test images."""
    by_code = {product.code: product for product in products.values()}
    for model in list_weak_models(services):
        if model.product in by_code:
            yield Finding("weak_on_test", 1, (by_code[model.product],), weak=model)


def _named(product_ids: Iterable[int], products: Mapping[int, ProductName]) -> tuple[ProductName, ...]:
    return tuple(sorted((products[found] for found in product_ids), key=lambda product: product.name))


def _by_kind(
    keys: Iterable[tuple[str, int]], products: Mapping[int, ProductName]
) -> dict[str, tuple[ProductName, ...]]:
    wanted = list(keys)
    return {
        kind: _named([product_id for found, product_id in wanted if found == kind], products)
        for kind in KINDS
        if any(found == kind for found, _product_id in wanted)
    }
