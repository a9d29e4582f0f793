"""`/health` and `/ready`: for whoever restarts, balances and watches. Plain JSON, quick, before any sign-in.

Strangers learn one word; this machine itself is told about each part.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.api.origins import comes_from_here
from core.operations.readiness import ReadinessProbe

HEALTH, READY = "/health", "/ready"
PATHS = (HEALTH, READY)


async def respond(request: Request, path: str, probe: ReadinessProbe) -> Response:
    """Return 200 on /health as long as the process answers, and 503 on /ready where it can do no work."""
    found = await run_in_threadpool(probe.look)
    said: dict[str, Any] = {"status": found.status if path == HEALTH else "ready" if found.is_ready else "not_ready"}
    if comes_from_here(request):
        said["parts"] = found.to_json()["parts"]
    status = HTTPStatus.OK if path == HEALTH or found.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse(said, status_code=status, headers={"Cache-Control": "no-store"})
