"""Health and metrics: for whoever restarts, balances and watches."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response

from core.api.context import Asked
from core.api.shapes import Shape
from core.errors import AppError, Unavailable
from core.operations.health import check_stores

router = APIRouter(tags=["health"])


class Live(Shape):
    """The process is alive."""

    status: Literal["live"] = "live"


class Ready(Shape):
    """Database and object store answer."""

    status: Literal["ready"] = "ready"
    database: Literal["ok"] = "ok"
    object_store: Literal["ok"] = "ok"


@router.get("/health/live", summary="Whether the process lives")
async def get_live() -> Live:
    """Answer, without asking anything else: who gets no answer may restart the process."""
    return Live()


@router.get("/health/ready", summary="Whether it can work")
def get_ready(request: Request) -> Ready:
    """Ask the database and the object store; 503 with the reason where one does not answer."""
    try:
        check_stores(request.app.state.interface.services)
    except Unavailable:
        raise
    except AppError as error:
        # Whatever it is, this process can do no work now: who balances sends requests elsewhere.
        raise Unavailable(error.code, **error.params) from error
    return Ready()


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
