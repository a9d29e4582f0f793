"""The sign-in page: a plain form, because before it nobody gets so much as a Streamlit session."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from core.access import Person
from core.accounts import sessions
from core.accounts.sign_in import sign_in
from core.errors import AppError, NotAllowed
from core.services import Services
from pages.server import plain_pages
from pages.server.requests import is_same_origin, preferred_language, safe_target

PATH = "/sign-in"
_DEVICE_COOKIE_S = 365 * 24 * 3600
_MAX_FORM_BYTES = 16_384
# Passwords are checked one at a time and slowly; who waits for that takes a thread from those who have signed in.
MOST_AT_ONCE = 8
_entering: Counter[str] = Counter()


async def respond(request: Request, services: Services, *, base_path: str) -> Response:
    """Return the form (GET), or what came of it (POST): the way into the app, or the form with one sentence."""
    language = preferred_language(request, services.settings.language)
    names = sessions.cookie_names(services)
    target = safe_target(request.query_params.get("next", "/"))
    if request.method in {"GET", "HEAD"}:
        error = NotAllowed("session_over") if "ended" in request.query_params else None
        response = _form(language, target, error=error, base_path=base_path)
        if error is not None:
            response.delete_cookie(names[0], path="/", httponly=True, samesite="lax")
        return response
    if request.method != "POST":
        return PlainTextResponse("Method not allowed", status_code=HTTPStatus.METHOD_NOT_ALLOWED)
    if not is_same_origin(request):
        return PlainTextResponse("Forbidden", status_code=HTTPStatus.FORBIDDEN)
    fields = await _read_form(request)
    if fields is None:
        return PlainTextResponse("Too large", status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    login, password = fields.get("login", ""), fields.get("password", "")
    database = services.database.describe()
    if _entering[database] >= MOST_AT_ONCE:
        busy = HTTPStatus.SERVICE_UNAVAILABLE
        return _form(language, target, error=NotAllowed("sign_in_busy"), login=login, status=busy, base_path=base_path)
    _entering[database] += 1
    try:
        session_cookie, device_cookie = await run_in_threadpool(_enter, services, request, login, password)
    except AppError as error:
        status = HTTPStatus.UNAUTHORIZED if isinstance(error, NotAllowed) else HTTPStatus.SERVICE_UNAVAILABLE
        return _form(language, target, error=error, login=login, status=status, base_path=base_path)
    finally:
        _entering[database] -= 1
    response = RedirectResponse(f"{base_path}{target}", status_code=HTTPStatus.SEE_OTHER)
    response.headers["Cache-Control"] = "no-store"
    longest_s = int(sessions.LONGEST.total_seconds())
    for name, value, age_s in (
        (names[0], session_cookie, longest_s),
        (names[1], device_cookie, _DEVICE_COOKIE_S),
    ):
        response.set_cookie(
            name, value, max_age=age_s, path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax"
        )
    return response


def _enter(services: Services, request: Request, login: str, password: str) -> tuple[str, str]:
    address = request.client.host if request.client else ""
    session_name, device_name = sessions.cookie_names(services)
    device = request.cookies.get(device_name, "")
    person: Person = sign_in(services, login, password, address=address, device=device)
    # A browser has one session: whoever sat here before is signed out.
    sessions.end(services, request.cookies.get(session_name, ""))
    return sessions.begin(services, person, address=address), sessions.know_device(services, device, person.login)


async def _read_form(request: Request) -> dict[str, str] | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            return None
    found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    return {name: values[0] for name, values in found.items()}


def _form(
    language: str,
    target: str,
    *,
    base_path: str,
    error: AppError | None = None,
    login: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    text = plain_pages.sign_in_form(
        language, action=f"{base_path}{PATH}", target=target, error=error, login=login[:190]
    )
    return HTMLResponse(text, status_code=status, headers=plain_pages.HEADERS)
