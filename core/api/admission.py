"""What every request passes before the framework sees it: where it comes from, its key, its rate, the size of its body.

Nothing is read of the body of a request that is not admitted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.access import API
from core.accounts.api_keys import Caller, prefix_of
from core.api.interface import Interface
from core.api.limits import MOST_AT_ONCE, bound_body, most_bytes, too_large
from core.api.origins import TRANSPORT_SECURITY, comes_from_here
from core.api.problems import from_http, language_of, to_response
from core.api.request_ids import answer_under_id
from core.audit import Stranger
from core.errors import AppError, BadInput, NotAllowed, Unavailable, from_lower
from core.logs import note_person
from core.refusals import KEY, WHERE, note_refusal

_log = logging.getLogger("geomsa.api")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    # What is given out belongs to whoever holds the key; a file that may be kept for a while says so itself.
    "Cache-Control": "no-store",
}
# Without a key: whether it lives, and how it is used. None of them tells what is stored.
OPEN_PATHS = ("/v1/health/live", "/v1/health/ready", "/v1/openapi.json", "/v1/docs")
OPEN_FOLDER = "/v1/docs/"
_DRAINED_BYTES = 8 * 1024**2
_DRAINED_S = 2.0


class Admission:
    """ASGI middleware around the interface's application."""

    def __init__(self, app: ASGIApp, interface: Interface) -> None:
        self._app = app
        self.interface = interface
        self._n_running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(send: Send) -> int | None:
            return await self._note(scope, receive, send)

        trusted = self.interface.services.settings.trusted_proxies
        await answer_under_id(scope, send, trusted, answer, channel="api")

    async def _note(self, scope: Scope, receive: Receive, send: Send) -> int | None:
        """Answer, and count the answer; return the id of the account that the caller acts as."""
        answer = _Answer(send, is_tls=scope.get("scheme") == "https")
        started = time.perf_counter()
        self._n_running += 1
        try:
            await self._answer(scope, receive, answer)
        finally:
            self._n_running -= 1
            # The pattern, not the address; none where the request came to no route of ours.
            route = found.path if isinstance(found := scope.get("route"), APIRoute) else ""
            self.interface.metrics.note(
                route=route, method=_known_method(scope), status=answer.status, seconds=time.perf_counter() - started
            )
        caller: Caller | None = scope["state"].get("caller")
        return caller.person.id if caller is not None else None

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        path = path_of(scope)
        language = language_of(HTTPConnection(scope), self.interface.services.settings.language)
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["language"] = language
        WHERE.set(f"{_known_method(scope)} {path}")
        try:
            caller = await self._admit(scope, path)
            state["caller"] = caller
            note_person(caller.person.id if caller is not None else None)
            await self._app(scope, self._bounded(scope, receive, path), answer)
        except HTTPException as error:
            await self._refuse(scope, receive, answer, from_http(error), language)
        except AppError as error:
            await self._refuse(scope, receive, answer, error, language)
        except Exception as error:  # noqa: BLE001 - logged, and answered without its text
            _log.exception("answering %s failed", path)
            await self._refuse(scope, receive, answer, from_lower(error), language)

    async def _refuse(self, scope: Scope, receive: Receive, answer: _Answer, error: AppError, language: str) -> None:
        if answer.status:
            return  # half an answer is out: the connection ends here
        headers = {}
        if error.code == "api_too_many_requests":
            headers["Retry-After"] = str(error.params["seconds"])
        await to_response(error, language, headers=headers)(scope, receive, answer)
        await _drain(receive)

    async def _admit(self, scope: Scope, path: str) -> Caller | None:
        interface = self.interface
        connection = Request(scope)
        if interface.services.settings.auth == "open" and not comes_from_here(connection):
            raise NotAllowed("api_closed_here")
        if path in OPEN_PATHS or path.startswith(OPEN_FOLDER):
            return None
        key = _read_key(connection.headers)
        address = scope["client"][0] if scope.get("client") else ""
        try:
            caller = interface.find_known(key)
            if caller is None:
                caller = await run_in_threadpool(interface.find_caller, key)
        except NotAllowed as error:
            if key:
                await run_in_threadpool(_note_refused_key, interface, key, address, error)
            raise
        caller = replace(caller, person=caller.person.acting(API, address))
        wait_s = interface.rates.take(caller.key_id)
        if wait_s:
            raise NotAllowed("api_too_many_requests", seconds=wait_s)
        if self._n_running > MOST_AT_ONCE:
            raise Unavailable("api_busy")
        return caller

    def _bounded(self, scope: Scope, receive: Receive, path: str) -> Receive:
        limit = most_bytes(path)
        length = Headers(scope=scope).get("content-length")
        if length is not None:
            if not length.isascii() or not length.isdecimal():
                raise BadInput("api_bad_request")
            if int(length) > limit:
                raise too_large(limit)
        return bound_body(receive, limit_bytes=limit)


def _note_refused_key(interface: Interface, key: str, address: str, error: NotAllowed) -> None:
    prefix = prefix_of(key)
    note_refusal(
        interface.services,
        Stranger(API, address, display_name=str(error.params.get("name", ""))[:190]),
        action=KEY,
        reason=error.code,
        place="core.api.admission",
        subject_type="api_key",
        prefix=prefix,
    )


class _Answer:
    """The `send` of a request: adds the headers that every answer has, and knows the status that went out."""

    def __init__(self, send: Send, *, is_tls: bool) -> None:
        self._send = send
        self._is_tls = is_tls
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if self._is_tls:
                headers.setdefault("Strict-Transport-Security", TRANSPORT_SECURITY)
        await self._send(message)


def path_of(scope: Scope) -> str:
    """Return the path below the place where the interface is mounted."""
    path, root = str(scope.get("path", "")), str(scope.get("root_path", ""))
    return path.removeprefix(root) if root and path.startswith(root) else path


def _known_method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"


def _read_key(headers: Headers) -> str:
    """Return the key that was sent; "" where there is none. A browser's cookie is never looked at."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return headers.get("x-api-key", "").strip()


async def _drain(receive: Receive) -> None:
    """Read on for a moment what is still being sent: who sends without listening would never see the answer."""
    left = _DRAINED_BYTES
    try:
        async with asyncio.timeout(_DRAINED_S):
            while left > 0:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))
    except TimeoutError:
        return
