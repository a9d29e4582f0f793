"""The gate: every request and every message passes here before Streamlit sees it.

    open mode       this machine alone, and nothing that a proxy has forwarded
    accounts mode   a valid session, asked of the database at each message; without one there is the sign-in page, the
                    health address, and nothing else
    /api/           the REST interface (core.api): a key in every mode, and in open mode this machine alone, too
    any mode        an address that no screen has is said to be missing, in the person's language
                    no developer messages, bounded uploads, headers against framing and guessing of content types

What Streamlit leaves open behind it is written down in README.md (section "Security").
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.access import ADMIN, Person, reaches
from core.accounts import sessions
from core.api.origins import comes_from_here
from core.api.proxies import see_through
from core.errors import AppError, NotAllowed, Unavailable
from core.services import Services, keep_services, kept_already
from core.settings import Settings, read_settings
from pages.server import downloads, missing_page, pictures, plain_pages, sign_in_route
from pages.server.headers import with_headers, with_own_cookies
from pages.server.messages import as_bare_run, as_whole_run, read_message, session_id_in
from pages.server.requests import app_path, is_own_origin, own_path, preferred_language
from pages.server.uploads import UPLOAD_PATH, UploadBounds, UploadTooLargeError

_log = logging.getLogger("geomsa.gate")

HEALTH = "/_stcore/health"
METRICS = "/_stcore/metrics"
API = "/api/"
# Streamlit serves there what a browser of ours never asks for.
_NEVER = ("/_stcore/agent/", "/_stcore/script-health-check")
_NO_PAGES = ("/_stcore/", "/media/", "/component/", "/static/", "/app/static/", pictures.PREFIX, downloads.PREFIX)
# How long a session that was found good is taken for good when pictures and scripts are fetched.
_FILES_GOOD_FOR_S = 1.0
_MOST_BOUND_SESSIONS = 10_000
_POLICY_VIOLATION = 1008


@dataclass(frozen=True)
class Admission:
    """Who is let in. `owner` names whose Streamlit sessions are whose; the person is None in open mode."""

    owner: str
    person: Person | None = None


@dataclass(frozen=True)
class Refusal:
    """Why nobody is let in: "closed", "sign_in", or the `error` of a part that does not work."""

    reason: str
    error: AppError | None = None


class Gate:
    """ASGI middleware around Streamlit's application; one of it a process."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._settings: Settings | None = None
        self._uploads: UploadBounds | None = None
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._good: OrderedDict[str, tuple[float, Person]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        scope = with_own_cookies(see_through(scope, self._proxies()))
        if scope["type"] == "http":
            await self._http(scope, receive, with_headers(scope, send))
        else:
            await self._websocket(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = own_path(scope)
        if path == HEALTH or (path.startswith(API) and path.isprintable()):
            # The REST interface admits by its own keys, and never by a browser's cookie.
            await self._app(scope, receive, send)
            return
        if path.startswith(_NEVER):
            await PlainTextResponse("Not found", status_code=HTTPStatus.NOT_FOUND)(scope, receive, send)
            return
        if path == sign_in_route.PATH:
            await (await self._sign_in(request))(scope, receive, send)
            return
        is_file = request.method in {"GET", "HEAD"} and path.startswith(_NO_PAGES) and path != METRICS
        found = await self._admit(request, is_file=is_file)
        if isinstance(found, Refusal):
            await self._refuse(request, path, found)(scope, receive, send)
            return
        if path == METRICS and found.person is not None and not reaches(found.person.role, ADMIN):
            await PlainTextResponse("Forbidden", status_code=HTTPStatus.FORBIDDEN)(scope, receive, send)
            return
        upload = UPLOAD_PATH.fullmatch(path)
        if upload is not None and request.method != "OPTIONS":
            await self._upload(request, send, found, upload["session"])
            return
        if _is_page(request, path):
            instead = await missing_page.respond(request, path, self._read_settings(), found.person)
            if instead is not None:
                await instead(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _sign_in(self, request: Request) -> Response:
        try:
            settings = self._read_settings()
            if settings.auth != "accounts":
                return RedirectResponse(app_path("/"), status_code=HTTPStatus.SEE_OTHER)
            services = await run_in_threadpool(keep_services, settings)
        except AppError as error:
            return _error_page(request, error, self._language())
        return await sign_in_route.respond(request, services, base_path=app_path(""))

    async def _upload(self, request: Request, send: Send, found: Admission, session_id: str) -> None:
        scope, receive = request.scope, request.receive
        length = request.headers.get("content-length", "")
        if self._owners.get(session_id) != found.owner:
            refusal = PlainTextResponse("Not your session", status_code=HTTPStatus.FORBIDDEN)
        elif request.method == "PUT" and not length.isdecimal():
            # Without a length nothing can be held free for it; every browser sends one.
            refusal = PlainTextResponse("Length required", status_code=HTTPStatus.LENGTH_REQUIRED)
        else:
            try:
                with self._upload_bounds().admit(session_id, int(length or 0)):
                    await self._app(scope, receive, send)
            except UploadTooLargeError:
                _log.warning("upload of %s bytes refused: too much is held already", length)
                refusal = PlainTextResponse("Too much uploaded at once", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            else:
                return
        await refusal(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        # Streamlit admits pages of any port of this machine; a session of ours is driven by our own page alone.
        is_own = is_own_origin(connection)
        if not is_own:
            _log.warning("a WebSocket from %s was refused: a page of another origin", connection.client)
        found = await self._admit(connection) if is_own else Refusal("closed")
        if isinstance(found, Refusal):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        scope = {**scope, "headers": self._own_headers(scope, found)}
        await self._app(scope, self._checked(receive, connection, found), self._noting(send, found))

    def _own_headers(self, scope: Scope, found: Admission) -> list[tuple[bytes, bytes]]:
        """Return the headers without another person's Streamlit session, which the browser may ask to take up."""
        headers = []
        for name, value in scope["headers"]:
            if name == b"sec-websocket-protocol":
                entries = [entry.strip() for entry in value.decode("latin-1").split(",")]
                if len(entries) > 2 and self._owners.get(entries[2]) != found.owner:
                    value = ", ".join(entries[:2]).encode("latin-1")
            headers.append((name, value))
        return headers

    def _checked(self, receive: Receive, connection: HTTPConnection, found: Admission) -> Receive:
        """Return a `receive` that leaves out what may not be sent, and asks at each message whether the session holds.

        A session that has ended gets a run without anything pressed in it, in which the page says so; one whose role
        has changed gets a whole run instead of a fragment's.
        """
        state = {"seen": found.person}

        async def receive_checked() -> Message:
            while True:
                event = await receive()
                data = event.get("bytes")
                if event["type"] != "websocket.receive" or data is None:
                    return event
                message = read_message(data)
                if message is None:
                    continue
                if found.person is None:
                    return event
                now = await self._find_again(connection)
                if now is None:
                    return {**event, "bytes": as_bare_run(message)}
                if isinstance(now, Person) and now != state["seen"]:
                    state["seen"] = now
                    return {**event, "bytes": as_whole_run(message)}
                return event

        return receive_checked

    async def _find_again(self, connection: HTTPConnection) -> Person | AppError | None:
        """Return the person as of now, None where the session has ended, or the error where nobody can tell.

        In the last case the message goes on: the page meets the same failure, says it, and keeps what was typed.
        """
        try:
            return await run_in_threadpool(self._find_person, connection)
        except NotAllowed:
            return None
        except AppError as error:
            return error

    def _noting(self, send: Send, found: Admission) -> Send:
        """Return a `send` that notes whose Streamlit session was begun: uploads and reconnections go by it."""
        noted = False

        async def send_noting(event: Message) -> None:
            nonlocal noted
            if not noted and event["type"] == "websocket.send" and event.get("bytes"):
                session_id = session_id_in(event["bytes"])
                if session_id is not None:
                    noted = True
                    self._owners[session_id] = found.owner
                    self._owners.move_to_end(session_id)
                    while len(self._owners) > _MOST_BOUND_SESSIONS:
                        self._owners.popitem(last=False)
            await send(event)

        return send_noting

    async def _admit(self, connection: HTTPConnection, *, is_file: bool = False) -> Admission | Refusal:
        try:
            settings = self._read_settings()
            if settings.auth == "open":
                return Admission("open") if comes_from_here(connection) else Refusal("closed")
            if settings.auth != "accounts":
                return Refusal("closed")
            person = self._found_just_now(connection) if is_file else None
            if person is None:
                person = await run_in_threadpool(self._find_person, connection)
        except NotAllowed:
            return Refusal("sign_in")
        except AppError as error:
            return Refusal("error", error)
        return Admission(f"user:{person.id}", person)

    def _find_person(self, connection: HTTPConnection) -> Person:
        settings = self._read_settings()
        services = keep_services(settings)
        cookie = _session_cookie(connection, services)
        person = sessions.find(services, cookie)
        self._good[cookie] = (time.monotonic(), person)
        self._good.move_to_end(cookie)
        while len(self._good) > _MOST_BOUND_SESSIONS:
            self._good.popitem(last=False)
        return person

    def _found_just_now(self, connection: HTTPConnection) -> Person | None:
        services = kept_already(self._read_settings())
        found = self._good.get(_session_cookie(connection, services)) if services is not None else None
        return found[1] if found is not None and time.monotonic() - found[0] < _FILES_GOOD_FOR_S else None

    def _refuse(self, request: Request, path: str, refusal: Refusal) -> Response:
        if not _is_page(request, path):
            status = HTTPStatus.UNAUTHORIZED if refusal.reason == "sign_in" else HTTPStatus.FORBIDDEN
            if isinstance(refusal.error, Unavailable):
                status = HTTPStatus.SERVICE_UNAVAILABLE
            return PlainTextResponse(status.phrase, status_code=status)
        if refusal.error is not None:
            return _error_page(request, refusal.error, self._language())
        if refusal.reason == "closed":
            text = plain_pages.closed(preferred_language(request, self._language()), auth=self._read_settings().auth)
            return HTMLResponse(text, status_code=HTTPStatus.FORBIDDEN, headers=plain_pages.HEADERS)
        target = path + (f"?{request.url.query}" if request.url.query else "")
        where = sign_in_route.PATH if target == "/" else f"{sign_in_route.PATH}?next={quote(target)}"
        return RedirectResponse(
            app_path(where), status_code=HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"}
        )

    def _read_settings(self) -> Settings:
        if self._settings is None:
            self._settings = read_settings()
        return self._settings

    def _proxies(self) -> tuple[str, ...]:
        try:
            return self._read_settings().trusted_proxies
        except AppError:  # said on the page
            return ()

    def _language(self) -> str | None:
        return self._settings.language if self._settings is not None else None

    def _upload_bounds(self) -> UploadBounds:
        if self._uploads is None:
            self._uploads = UploadBounds(total_bytes=self._read_settings().upload_memory_bytes)
        return self._uploads


def _error_page(request: Request, error: AppError, default: str | None) -> Response:
    text = plain_pages.cannot_start(preferred_language(request, default), error)
    return HTMLResponse(text, status_code=HTTPStatus.SERVICE_UNAVAILABLE, headers=plain_pages.HEADERS)


def _is_page(request: Request, path: str) -> bool:
    wants_page = "text/html" in request.headers.get("accept", "")
    return request.method == "GET" and wants_page and not path.startswith(_NO_PAGES)


def _session_cookie(connection: HTTPConnection, services: Services) -> str:
    return connection.cookies.get(sessions.cookie_names(services)[0], "")
