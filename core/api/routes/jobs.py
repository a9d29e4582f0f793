"""Deployments and jobs: start, watch, read the log, cancel."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from core.api.context import Asked, Id, OnceKey
from core.api.repeats import answer_once
from core.api.shapes import FileError, Shape, Wanted, describe_error
from core.catalog.products import find_product, list_products
from core.deployments.start import start, start_stale
from core.errors import describe
from core.i18n import translate
from core.jobs import queue, views
from core.jobs.records import LogLine as StoredLine
from core.jobs.terms import STAGE_NAMES
from core.jobs.views import JobView
from core.models.kinds import KINDS

router = APIRouter(tags=["deployments and jobs"])

Kind = Literal["memory_bank", "similarity_index", "manual_index"]


class DeploymentWanted(Wanted):
    """What is to be built: of one kind, or `all` that is missing or out of date; of these products, or of all."""

    kind: Literal["memory_bank", "similarity_index", "manual_index", "all"]
    products: list[Annotated[str, Field(max_length=64)]] | None = Field(
        default=None, max_length=1_000, description="Codes; null: every product in use."
    )


class Outcome(Shape):
    """What came of one product, or view: activated, candidate, unchanged, retired, measured or failed."""

    product: str
    view: str = ""
    outcome: str
    reason: str | None
    version_id: int | None
    number: int | None


class JobShape(Shape):
    """A job: its `stage` (with its name in the language asked for), how much of it is done, and how long it takes."""

    id: int
    kind: str
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    stage: str
    stage_name: str
    done: int
    total: int
    position: int | None = Field(description="The place in the queue, from 1 on, while it waits.")
    product_ids: list[int]
    outcomes: list[Outcome]
    error: FileError | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    elapsed_s: float
    remaining_s: float | None
    cancel_requested: bool
    created_by: str


class Jobs(Shape):
    """Jobs, the newest first."""

    items: list[JobShape]


class LogLine(Shape):
    """One line of a job's log."""

    at: datetime
    code: str
    params: dict[str, Any]
    message: str


class JobLog(Shape):
    """The log of a job, the oldest line first."""

    lines: list[LogLine]


@router.post("/deployments", status_code=202, response_model=Jobs, summary="Start a deployment")
def start_deployment(wanted: DeploymentWanted, asked: Asked, once: OnceKey = None) -> Response:
    """Queue the jobs that build models; inspection goes on with the versions in use meanwhile."""

    def make() -> Jobs:
        services, person = asked.services, asked.person
        if wanted.products is None:
            ids = [one.product.id for one in list_products(services)]
        else:
            ids = [find_product(services, code).id for code in wanted.products]
        if wanted.kind == "all":
            jobs = start_stale(services, person, ids, kinds=KINDS)
        else:
            jobs = [start(services, person, kind=wanted.kind, product_ids=ids)]
        return find(jobs)

    def find(job_ids: list[int]) -> Jobs:
        return Jobs(items=[_shape(views.view(asked.services, job_id), asked.language) for job_id in job_ids])

    return answer_once(
        asked,
        once,
        wanted.model_dump(),
        make,
        status=202,
        location=lambda made: asked.address("jobs", made.items[0].id),
        find=find,
    )


@router.get("/jobs", summary="Jobs")
def list_jobs(
    asked: Asked,
    kind: Annotated[str | None, Query(max_length=32)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> Jobs:
    """Return the newest jobs first."""
    found = views.list_jobs(asked.services, kind=kind, limit=limit)
    return Jobs(items=[_shape(one, asked.language) for one in found])


@router.get("/jobs/{job_id}", summary="One job")
def get_job(job_id: Id, asked: Asked) -> JobShape:
    """Return how a job stands."""
    return _shape(views.view(asked.services, job_id), asked.language)


@router.get("/jobs/{job_id}/log", summary="The log of a job")
def get_log(job_id: Id, asked: Asked) -> JobLog:
    """Return what the job wrote down, by codes and their parameters."""
    lines = views.view(asked.services, job_id).log
    return JobLog(lines=[_log_line(line, asked.language) for line in lines])


@router.post("/jobs/{job_id}/cancel", response_model=JobShape, summary="Cancel a job")
def cancel_job(job_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Cancel a job that waits at once; one that runs stops within two seconds."""

    def make() -> JobShape:
        queue.cancel(asked.services, asked.person, job_id)
        return get_job(job_id, asked)

    return answer_once(asked, once, None, make, status=200)


def _log_line(line: StoredLine, language: str) -> LogLine:
    said = dict(line.params)
    if line.reason is not None:
        said["reason"] = describe(line.reason.code, {**said, **line.reason.params}, language)
    return LogLine(at=line.at, code=line.code, params=dict(line.params), message=describe(line.code, said, language))


def _shape(job: JobView, language: str) -> JobShape:
    name = STAGE_NAMES.get(job.stage)
    return JobShape.model_validate(
        {
            "id": job.id,
            "kind": job.kind,
            "state": job.state,
            "stage": job.stage,
            "stage_name": translate(language, name) if name else job.stage,
            "done": job.done,
            "total": job.total,
            "position": job.position,
            "product_ids": list(job.product_ids),
            "outcomes": [
                Outcome(
                    product=one.code,
                    outcome=one.outcome,
                    reason=one.reason,
                    version_id=one.version_id,
                    number=one.number,
                    view=one.view or "",
                )
                for one in job.outcomes
            ],
            "error": describe_error(job.error, language),
            "created_at": job.created_at,
            "started_at": job.started_at,
            "finished_at": job.finished_at,
            "elapsed_s": job.elapsed_s,
            "remaining_s": job.remaining_s,
            "cancel_requested": job.cancel_requested,
            "created_by": job.created_by_name,
        }
    )
