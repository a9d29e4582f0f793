"""The interface as an application to mount: what it needs is imported and opened at the first request, not before."""

from __future__ import annotations

import threading

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import AppError
from core.services import keep_services

ROOT = "/api"


class UnderRoot:
    """The interface alone: everything is below /api, and what is not is told so as the interface tells it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and str(scope["path"]).startswith(f"{ROOT}/"):
            scope = {**scope, "root_path": ROOT}
        await self._app(scope, receive, send)


class LazyInterface:
    """The application below /api. Its framework takes half a second to import, which the first page need not wait for.

    Where the services cannot be opened, every request is answered with the reason, and the next one tries again.
    """

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._opening = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        if self._app is None:
            try:
                await run_in_threadpool(self._open)
            except AppError as error:
                from core.api.problems import language_of, to_response

                request = Request(scope, receive)
                await to_response(error, language_of(request, None))(scope, receive, send)
                return
        assert self._app is not None
        await self._app(scope, receive, send)

    def _open(self) -> None:
        with self._opening:
            if self._app is None:
                from core.api.application import build_application

                self._app = build_application(keep_services())
