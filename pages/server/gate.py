"""The gate: every request and every message passes here before Streamlit sees it.

    open mode       this machine alone, and nothing that a proxy has forwarded
    accounts, oidc  a valid session, asked of the database at each message; without one there are the sign-in pages, the
                    health addresses, and nothing else; nor with one whose person must choose a password first
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
from streamlit.proto.BackMsg_pb2 import BackMsg

from core.access import ADMIN, PAGE, Person, reaches
from core.accounts import sessions
from core.api.origins import comes_from_here
from core.api.proxies import see_through
from core.api.request_ids import answer_under_id
from core.errors import AppError, NotAllowed, Unavailable
from core.logs import note_person
from core.operations.readiness import ReadinessProbe
from core.refusals import note_refusal
from core.services import Services, keep_services, kept_already
from core.settings import Settings, read_settings
from pages.server import downloads, health_routes, missing_page, pictures, plain_pages
from pages.server.headers import with_headers, with_own_cookies
from pages.server.messages import as_bare_run, as_whole_run, read_message, session_id_in
from pages.server.requests import ACTOR, address_of, app_path, is_own_origin, own_path, preferred_language
from pages.server.signing_in import provider_route, sign_in_route
from pages.server.signing_in.forms import CHOOSE_PASSWORD
from pages.server.uploads import UPLOAD_PATH, UploadBounds, UploadTooLargeError

_log = logging.getLogger("geomsa.gate")

HEALTH = "/_stcore/health"
METRICS = "/_stcore/metrics"
API = "/api/"
# Streamlit serves there what a browser of ours never asks for.
_NEVER = ("/_stcore/agent/", "/_stcore/script-health-check", provider_route.LOGIN)
_NO_PAGES = ("/_stcore/", "/media/", "/component/", "/static/", "/app/static/", pictures.PREFIX, downloads.PREFIX)
# A page brings dozens of these: a log of them would say nothing of what people do.
_NOT_LOGGED = ("/static/", "/_stcore/", "/media/", "/component/", "/app/static/")
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
    """Why nobody is let in: "closed", "sign_in", "choose_password", or the `error` of a part that does not work."""

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
        self._probe = ReadinessProbe(lambda: keep_services(self._read_settings()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        seen = with_own_cookies(see_through(scope, self._proxies()))
        if scope["type"] == "websocket":
            await self._websocket(seen, receive, send)
            return

        async def answer(send: Send) -> int | None:
            await self._http(seen, receive, with_headers(seen, send))
            return None

        path = own_path(scope)
        is_logged = path not in (HEALTH, *health_routes.PATHS) and not path.startswith(_NOT_LOGGED)
        await answer_under_id(scope, send, self._proxies(), answer, channel="app", is_logged=is_logged)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = own_path(scope)
        if path == HEALTH or (path.startswith(API) and path.isprintable()):
            # The REST interface admits by its own keys, and never by a browser's cookie.
            await self._app(scope, receive, send)
            return
        if path in health_routes.PATHS and request.method in {"GET", "HEAD"}:
            await (await health_routes.respond(request, path, self._probe))(scope, receive, send)
            return
        if path.startswith(_NEVER):
            await PlainTextResponse("Not found", status_code=HTTPStatus.NOT_FOUND)(scope, receive, send)
            return
        if path in sign_in_route.PATHS or path in provider_route.PATHS:
            await (await self._sign_in(request, path))(scope, receive, send)
            return
        is_file = request.method in {"GET", "HEAD"} and path.startswith(_NO_PAGES) and path != METRICS
        found = await self._admit(request, is_file=is_file)
        if isinstance(found, Admission) and found.person is not None:
            scope["state"]["person_id"] = found.person.id
            note_person(found.person.id)
        if isinstance(found, Refusal):
            await self._refuse(request, path, found)(scope, receive, send)
            return
        if path == METRICS and found.person is not None and not reaches(found.person.role, ADMIN):
            await run_in_threadpool(self._note_refusal, request, found.person, path, ADMIN)
            await PlainTextResponse("Forbidden", status_code=HTTPStatus.FORBIDDEN)(scope, receive, send)
            return
        if found.person is not None:
            scope.setdefault("state", {})[ACTOR] = found.person.acting(PAGE, address_of(request))
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

    async def _sign_in(self, request: Request, path: str) -> Response:
        try:
            settings = self._read_settings()
            is_provider = path in provider_route.PATHS
            if settings.auth == "open" or (is_provider and settings.auth != "oidc"):
                return RedirectResponse(app_path("/"), status_code=HTTPStatus.SEE_OTHER)
            services = await run_in_threadpool(keep_services, settings)
            if is_provider:
                return await provider_route.respond(request, services, self._app)
            return await sign_in_route.respond(request, services, base_path=app_path(""))
        except AppError as error:
            return _error_page(request, error, self._language())

    async def _upload(self, request: Request, send: Send, found: Admission, session_id: str) -> None:
        scope, receive = request.scope, request.receive
        length = request.headers.get("content-length", "")
        if self._owners.get(session_id) != found.owner:
            await run_in_threadpool(self._note_refusal, request, found.person, own_path(scope), "")
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
                # What a page asks for by itself does not keep somebody signed in who has gone away.
                is_use = not (message.WhichOneof("type") == "rerun_script" and message.rerun_script.is_auto_rerun)
                now = await self._find_again(connection, is_use=is_use and not _is_heartbeat(message))
                if now is None:
                    return {**event, "bytes": as_bare_run(message)}
                if isinstance(now, Person) and now != state["seen"]:
                    state["seen"] = now
                    return {**event, "bytes": as_whole_run(message)}
                return event

        return receive_checked

    async def _find_again(self, connection: HTTPConnection, *, is_use: bool) -> Person | AppError | None:
        """Return the person as of now, None where the session has ended, or the error where nobody can tell.

        In the last case the message goes on: the page meets the same failure, says it, and keeps what was typed.
        """
        try:
            return await run_in_threadpool(self._find_person, connection, is_use=is_use)
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
            person = self._found_just_now(connection) if is_file else None
            if person is None:
                person = await run_in_threadpool(self._find_person, connection, is_use=not is_file)
        except NotAllowed as error:
            return Refusal("choose_password" if error.code == "password_change_due" else "sign_in")
        except AppError as error:
            return Refusal("error", error)
        return Admission(f"user:{person.id}", person)

    def _find_person(self, connection: HTTPConnection, *, is_use: bool) -> Person:
        settings = self._read_settings()
        services = keep_services(settings)
        cookie = _session_cookie(connection, services)
        person = sessions.find(services, cookie, is_use=is_use)
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
            status = HTTPStatus.FORBIDDEN if refusal.reason == "closed" else HTTPStatus.UNAUTHORIZED
            if isinstance(refusal.error, Unavailable):
                status = HTTPStatus.SERVICE_UNAVAILABLE
            return PlainTextResponse(status.phrase, status_code=status)
        if refusal.error is not None:
            return _error_page(request, refusal.error, self._language())
        if refusal.reason == "closed":
            text = plain_pages.closed(preferred_language(request, self._language()))
            return HTMLResponse(text, status_code=HTTPStatus.FORBIDDEN, headers=plain_pages.HEADERS)
        target = path + (f"?{request.url.query}" if request.url.query else "")
        page = CHOOSE_PASSWORD if refusal.reason == "choose_password" else sign_in_route.PATH
        where = page if target == "/" else f"{page}?next={quote(target)}"
        return RedirectResponse(
            app_path(where), status_code=HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"}
        )

    def _note_refusal(self, request: Request, person: Person | None, path: str, needed: str) -> None:
        """Keep a refusal of somebody who has signed in; of an open machine there is nobody to name."""
        if person is not None:
            note_refusal(
                keep_services(self._read_settings()),
                person.acting(PAGE, address_of(request)),
                reason="role_too_low" if needed else "session_of_another",
                place="pages.server.gate",
                path=path,
                needed=needed,
                role=person.role if needed else "",
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


def _is_heartbeat(message: BackMsg) -> bool:
    return message.WhichOneof("type") == "app_heartbeat"


def _session_cookie(connection: HTTPConnection, services: Services) -> str:
    return connection.cookies.get(sessions.cookie_names(services)[0], "")
