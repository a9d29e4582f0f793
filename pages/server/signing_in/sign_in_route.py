"""The pages of signing in: plain forms, because before it nobody gets so much as a Streamlit session.

/sign-in                       a name and a password; in oidc mode, the way to the identity provider
/sign-in/first-administrator   while nobody can administer the installation: the code that the server has written
/sign-in/code                  a code from an administrator: choose a password
/sign-in/password              nothing else is open to whom somebody else has given the password
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from core.accounts import sessions
from core.accounts.codes import use_code
from core.accounts.first_administrator import ensure_code, set_up
from core.accounts.sign_in import choose_password, sign_in
from core.errors import AppError, BadInput, Conflict, NotAllowed
from core.i18n import N_
from core.services import Services
from pages.server import plain_pages
from pages.server.requests import is_same_origin, own_path, preferred_language, safe_target
from pages.server.signing_in import forms
from pages.server.signing_in.cookies import begin_session, client_address, enter
from pages.server.signing_in.forms import CHOOSE_PASSWORD, CODE, FIRST_ADMINISTRATOR, SIGN_IN, Asked

PATH = SIGN_IN
PATHS = frozenset({SIGN_IN, FIRST_ADMINISTRATOR, CODE, CHOOSE_PASSWORD})
_MAX_FORM_BYTES = 16_384
# Passwords are checked one at a time and slowly; who waits for that takes a thread from those who have signed in.
MOST_AT_ONCE = 8
_entering: Counter[str] = Counter()
_NOTES = {
    "out": N_("You have signed out."),
    "first": N_("The first administrator is set up. Sign in now."),
}
Fields = dict[str, str]


async def respond(request: Request, services: Services, *, base_path: str) -> Response:
    """Return a page (GET), or what came of its form (POST): the way into the app, or the form with one sentence."""
    path = own_path(request.scope)
    language = preferred_language(request, services.settings.language)
    asked = Asked(language, safe_target(request.query_params.get("next", "/")), base_path)
    if request.method in {"GET", "HEAD"}:
        return await _show(request, services, path, asked)
    if request.method != "POST":
        return PlainTextResponse("Method not allowed", status_code=HTTPStatus.METHOD_NOT_ALLOWED)
    if not is_same_origin(request):
        return PlainTextResponse("Forbidden", status_code=HTTPStatus.FORBIDDEN)
    fields = await _read_form(request)
    if fields is None:
        return PlainTextResponse("Too large", status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    asked = Asked(language, asked.target, base_path, typed=fields)
    database = services.database.describe()
    if _entering[database] >= MOST_AT_ONCE:
        return _answer(services, path, asked, NotAllowed("sign_in_busy"), HTTPStatus.SERVICE_UNAVAILABLE)
    _entering[database] += 1
    try:
        return await run_in_threadpool(_HANDLERS[path], services, request, asked, fields)
    except AppError as error:
        if isinstance(error, NotAllowed):
            status = HTTPStatus.UNAUTHORIZED
        elif isinstance(error, (BadInput, Conflict)):
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        else:
            status = HTTPStatus.SERVICE_UNAVAILABLE
        return _answer(services, path, asked, error, status)
    finally:
        _entering[database] -= 1


async def _show(request: Request, services: Services, path: str, asked: Asked) -> Response:
    """Return the empty form; where it is not offered, the way to the one that is."""
    elsewhere = RedirectResponse(asked.address(SIGN_IN), HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
    with_passwords = services.settings.auth == "accounts"
    if path == SIGN_IN:
        has_ended = "ended" in request.query_params
        error = NotAllowed("session_over") if has_ended else None
        note = next((_NOTES[name] for name in _NOTES if name in request.query_params), "")
        asked = Asked(asked.language, asked.target, asked.base_path, error=error, note=note)
        offers_first = await run_in_threadpool(ensure_code, services)
        response = _html(sign_in_text(services, asked, offers_first=offers_first))
        if has_ended:
            name = sessions.cookie_names(services)[0]
            response.delete_cookie(name, path="/", httponly=True, samesite="lax")
        return response
    if path == FIRST_ADMINISTRATOR:
        is_offered = await run_in_threadpool(ensure_code, services)
    elif path == CODE:
        is_offered = with_passwords
    else:
        is_offered = with_passwords and await run_in_threadpool(_is_due, services, request)
    return _html(_text(services, path, asked)) if is_offered else elsewhere


def sign_in_text(services: Services, asked: Asked, *, offers_first: bool = False) -> str:
    """Return the sign-in page of the mode that is set."""
    if services.settings.auth == "oidc":
        return forms.provider_page(asked, offers_first=offers_first)
    return forms.password_page(asked, offers_first=offers_first)


def _text(services: Services, path: str, asked: Asked) -> str:
    if path == FIRST_ADMINISTRATOR:
        return forms.first_administrator_page(asked, with_password=services.settings.auth == "accounts")
    if path == CODE:
        return forms.code_page(asked)
    if path == CHOOSE_PASSWORD:
        return forms.choose_password_page(asked)
    return sign_in_text(services, asked)


def _by_password(services: Services, request: Request, asked: Asked, fields: Fields) -> Response:
    device = request.cookies.get(sessions.cookie_names(services)[1], "")
    person = sign_in(
        services,
        fields.get("login", ""),
        fields.get("password", ""),
        address=client_address(request),
        device=device,
    )
    cookies = begin_session(services, request, person, method=sessions.BY_PASSWORD)
    try:
        sessions.find(services, cookies[0])
    except NotAllowed:
        return enter(services, request, asked.address(CHOOSE_PASSWORD), cookies)
    return _enter_app(services, request, asked, cookies)


def _by_code(services: Services, request: Request, asked: Asked, fields: Fields) -> Response:
    person = use_code(services, fields.get("code", ""), _new_password(fields), address=client_address(request))
    return _enter_app(services, request, asked, begin_session(services, request, person, method=sessions.BY_CODE))


def _choose(services: Services, request: Request, asked: Asked, fields: Fields) -> Response:
    cookie = request.cookies.get(sessions.cookie_names(services)[0], "")
    person = choose_password(services, cookie, _new_password(fields), address=client_address(request))
    return _enter_app(services, request, asked, begin_session(services, request, person, method=sessions.BY_PASSWORD))


def _set_up(services: Services, request: Request, asked: Asked, fields: Fields) -> Response:
    with_password = services.settings.auth == "accounts"
    person = set_up(
        services,
        fields.get("code", ""),
        login=fields.get("login", ""),
        display_name=fields.get("name", ""),
        password=_new_password(fields) if with_password else None,
        address=client_address(request),
    )
    if not with_password:
        return RedirectResponse(asked.address(SIGN_IN, first="1"), status_code=HTTPStatus.SEE_OTHER)
    return _enter_app(services, request, asked, begin_session(services, request, person, method=sessions.BY_PASSWORD))


_HANDLERS: dict[str, Callable[[Services, Request, Asked, Fields], Response]] = {
    SIGN_IN: _by_password,
    CODE: _by_code,
    CHOOSE_PASSWORD: _choose,
    FIRST_ADMINISTRATOR: _set_up,
}


def _enter_app(services: Services, request: Request, asked: Asked, cookies: tuple[str, str]) -> Response:
    return enter(services, request, f"{asked.base_path}{asked.target}", cookies)


def _new_password(fields: Fields) -> str:
    if fields.get("password", "") != fields.get("again", ""):
        raise BadInput("passwords_differ")
    return fields.get("password", "")


def _is_due(services: Services, request: Request) -> bool:
    try:
        sessions.find_due(services, request.cookies.get(sessions.cookie_names(services)[0], ""))
    except NotAllowed:
        return False
    return True


def _answer(services: Services, path: str, asked: Asked, error: AppError, status: HTTPStatus) -> Response:
    told = Asked(asked.language, asked.target, asked.base_path, error=error, typed=asked.typed)
    return _html(_text(services, path, told), status)


def _html(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return HTMLResponse(text, status_code=status, headers=plain_pages.HEADERS)


async def _read_form(request: Request) -> Fields | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            return None
    found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    return {name: values[0] for name, values in found.items()}
