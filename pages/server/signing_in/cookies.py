"""The cookies of signing in: the session, the browser that is known, and where a sign-in at the provider goes on."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.access import Person
from core.accounts import sessions
from core.accounts.browsers import describe_browser
from core.services import Services

_DEVICE_COOKIE_S = 365 * 24 * 3600
_BEGUN = "begun"
_BEGUN_FOR_S = 1800


def client_address(request: Request) -> str:
    """Return the network address that a request comes from, as the gate sees it."""
    return request.client.host if request.client else ""


def begin_session(services: Services, request: Request, person: Person, *, method: str) -> tuple[str, str]:
    """Begin the browser's session; return the values of the session's and the device's cookie."""
    address = client_address(request)
    session_name, device_name = sessions.cookie_names(services)
    # A browser has one session: whoever sat here before is signed out.
    sessions.end(services, request.cookies.get(session_name, ""), address=address)
    browser = describe_browser(request.headers.get("user-agent", ""))
    cookie = sessions.begin(services, person, address=address, device=browser, method=method)
    return cookie, sessions.know_device(services, request.cookies.get(device_name, ""), person.login)


def enter(services: Services, request: Request, where: str, cookies: tuple[str, str]) -> Response:
    """Return the way into the app, with the cookies that `begin_session` has given."""
    response = RedirectResponse(where, status_code=HTTPStatus.SEE_OTHER)
    response.headers["Cache-Control"] = "no-store"
    ages_s = (int(sessions.LONGEST.total_seconds()), _DEVICE_COOKIE_S)
    for name, value, age_s in zip(sessions.cookie_names(services), cookies, ages_s, strict=True):
        _set(response, services, request, name, value, age_s)
    return response


def remember_begun(services: Services, request: Request, response: Response, target: str) -> None:
    """Let the browser know that it has begun a sign-in at the provider, and where it goes on afterwards."""
    value = sessions.sign_value(services, _BEGUN, target[:1000])
    _set(response, services, request, _begun_name(services), value, _BEGUN_FOR_S)


def read_begun(services: Services, request: Request) -> str | None:
    """Return where a sign-in at the provider goes on; None for a browser that has not begun one."""
    return sessions.read_value(services, _BEGUN, request.cookies.get(_begun_name(services), ""))


def forget_begun(services: Services, response: Response) -> None:
    """Delete what `remember_begun` has left."""
    response.delete_cookie(_begun_name(services), path="/", httponly=True, samesite="lax")


def is_secure(services: Services, request: Request) -> bool:
    """Return whether the browser reaches the app by TLS, as far as the request and the settings say."""
    oidc = services.settings.oidc
    return request.url.scheme == "https" or (oidc is not None and oidc.address.lower().startswith("https://"))


def _begun_name(services: Services) -> str:
    return sessions.cookie_names(services)[0].replace("session", _BEGUN)


def _set(response: Response, services: Services, request: Request, name: str, value: str, age_s: int) -> None:
    secure = is_secure(services, request)
    response.set_cookie(name, value, max_age=age_s, path="/", secure=secure, httponly=True, samesite="lax")
