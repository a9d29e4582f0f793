"""Health and metrics: for whoever restarts, balances and watches."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response

from core.api.context import Asked
from core.api.shapes import Shape

router = APIRouter(tags=["health"])


class Live(Shape):
    """The process is alive."""

    status: Literal["live"] = "live"


class Ready(Shape):
    """Database and object store answer; a worker or the files of a model in use may be missing all the same."""

    status: Literal["ready"] = "ready"
    database: Literal["ok"] = "ok"
    object_store: Literal["ok"] = "ok"
    worker: Literal["ok", "missing"] = "ok"
    models: Literal["ok", "missing"] = "ok"


@router.get("/health/live", summary="Whether the process lives")
async def get_live() -> Live:
    """Answer, without asking anything else: who gets no answer may restart the process."""
    return Live()


@router.get("/health/ready", summary="Whether it can work")
def get_ready(request: Request) -> Ready:
    """Ask the parts, at most once in two seconds; 503 with the reason where database or object store fails."""
    found = request.app.state.interface.readiness.require_ready()
    failed = {part.name for part in found.parts if not part.ok}
    return Ready(
        worker="missing" if "worker" in failed else "ok",
        models="missing" if "models" in failed else "ok",
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text format"}
    },
    summary="Figures for Prometheus",
)
def get_metrics(asked: Asked) -> Response:
    """Return requests, inspections, jobs and workers in Prometheus' text format."""
    return Response(asked.interface.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")
