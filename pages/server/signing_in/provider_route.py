"""Signing in at an OpenID provider, through Streamlit's own routes, which speak the protocol.

    /sign-in/provider     begins: Streamlit's /auth/login leads to the provider
    /oauth2callback       the provider's answer: Streamlit checks it (state, PKCE, signature, issuer, nonce, times), and
                          core.accounts.provider says who that is; then a session of ours begins, as after a password
    /auth/logout          ends the provider's session where it offers that; ours has ended before

Streamlit leads every failure back to the app without a word and writes the reason to its log alone: it is heard there,
so that the page can say what is wrong and whose turn it is. None of Streamlit's cookies lets anybody in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message
from streamlit.auth_util import encode_provider_token, get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.accounts import sessions
from core.accounts.provider import refuse, require_turn, sign_in_from_provider
from core.errors import AppError, NotAllowed, Unavailable
from core.services import Services
from core.settings import OidcSettings, Settings
from pages.server import plain_pages
from pages.server.requests import app_path, is_same_origin, own_path, preferred_language, safe_target
from pages.server.signing_in import forms
from pages.server.signing_in.cookies import (
    begin_session,
    client_address,
    enter,
    forget_begun,
    is_secure,
    read_begun,
    remember_begun,
)
from pages.server.signing_in.forms import PROVIDER, SIGN_IN, Asked

CALLBACK, LOGOUT = "/oauth2callback", "/auth/logout"
PATHS = frozenset({PROVIDER, CALLBACK, LOGOUT})
# Streamlit's own way in is taken through /sign-in/provider alone.
LOGIN = "/auth/login"
_PROVIDER_NAME = "default"
_AT_ADDRESS = "at"
MOST_AT_ONCE = 8
_asking: Counter[str] = Counter()
_heard: ContextVar[list[BaseException | None] | None] = ContextVar("heard", default=None)


def streamlit_secrets(settings: Settings) -> dict[str, Any] | None:
    """Return what Streamlit's authentication is set up with, kept in memory alone; None where no provider is set.

    The secret of its cookies comes from the client's, so that all processes of an installation share it.
    """
    oidc = settings.oidc
    if oidc is None:
        return None
    return {
        "auth": {
            "redirect_uri": f"{oidc.address}{CALLBACK}",
            "cookie_secret": cookie_secret(oidc),
            "client_id": oidc.client_id,
            "client_secret": oidc.client_secret,
            "server_metadata_url": f"{oidc.issuer}/.well-known/openid-configuration",
        }
    }


def cookie_secret(oidc: OidcSettings) -> str:
    """Return the key that signs Streamlit's cookies, which nobody can tell the client's secret from."""
    text = f"geomsa streamlit cookies\0{oidc.issuer}\0{oidc.client_id}"
    return hmac.new(oidc.client_secret.encode(), text.encode(), hashlib.sha256).hexdigest()


async def respond(request: Request, services: Services, app: ASGIApp) -> Response:
    """Return what one of PATHS leads to; `app` is Streamlit's application behind the gate."""
    path = own_path(request.scope)
    if request.method not in {"GET", "HEAD"}:
        return _failed(services, request, NotAllowed("oidc_state_lost"))
    try:
        if path == PROVIDER:
            return await _begin(request, services, app)
        if path == LOGOUT:
            return await _leave(request, services, app)
        return await _come_back(request, services, app)
    except AppError as error:
        return _failed(services, request, error)


async def _begin(request: Request, services: Services, app: ASGIApp) -> Response:
    oidc = services.settings.oidc
    assert oidc is not None
    target = safe_target(request.query_params.get("next", "/"))
    host = urlsplit(oidc.address).netloc
    if request.headers.get("host", "") != host and _AT_ADDRESS not in request.query_params:
        # The provider leads back to the address that is set: the browser must keep its cookies for that one. Once
        # only: a proxy may show us another name than the browser sees.
        query = urlencode({"next": target, _AT_ADDRESS: "1"})
        return RedirectResponse(f"{oidc.address}{PROVIDER}?{query}", HTTPStatus.SEE_OTHER, headers=_NOT_KEPT)
    address = client_address(request)
    await run_in_threadpool(require_turn, services, address)
    if _asking[oidc.issuer] >= MOST_AT_ONCE:
        # Whoever has not signed in must not make us ask the provider without end.
        raise NotAllowed("sign_in_busy")
    _asking[oidc.issuer] += 1
    try:
        answer = await _ask(app, request, LOGIN, {"provider": encode_provider_token(_PROVIDER_NAME)})
    finally:
        _asking[oidc.issuer] -= 1
    if not answer.location.startswith(("https://", "http://")):
        error = _error_of(answer.heard)
        await run_in_threadpool(_refuse, services, error, address)
        raise error
    response = RedirectResponse(answer.location, HTTPStatus.SEE_OTHER, headers=_NOT_KEPT)
    _hand_on_cookies(services, request, answer, response)
    remember_begun(services, request, response, target)
    return response


async def _come_back(request: Request, services: Services, app: ASGIApp) -> Response:
    asked = request.query_params
    if "code" not in asked and "error" not in asked:
        # The provider leads here, too, once its own session has ended.
        return RedirectResponse(app_path(f"{SIGN_IN}?out=1"), HTTPStatus.SEE_OTHER, headers=_NOT_KEPT)
    target = read_begun(services, request)
    if target is None:
        # Nobody has begun here: an old address, or one that somebody else made up. It says nothing about a person.
        raise NotAllowed("oidc_state_lost")
    address = client_address(request)
    await run_in_threadpool(require_turn, services, address)
    if "error" in asked:
        reason = asked["error"] if re.fullmatch(r"[a-z_]{1,60}", asked["error"]) else "?"
        refused = NotAllowed("oidc_provider_error", reason=reason)
        error: AppError = NotAllowed("oidc_consent_refused") if reason == "access_denied" else refused
        await run_in_threadpool(_refuse, services, error, address)
        raise error
    answer = await _ask(app, request, CALLBACK, dict(asked))
    claims = _claims(answer)
    if claims is None:
        error = _error_of(answer.heard)
        await run_in_threadpool(_refuse, services, error, address)
        raise error

    def admit() -> tuple[str, str]:
        person = sign_in_from_provider(services, claims, address=address)
        return begin_session(services, request, person, method=sessions.BY_PROVIDER)

    response = enter(services, request, app_path(target), await run_in_threadpool(admit))
    # They keep the token that the provider wants to see when somebody signs out.
    _hand_on_cookies(services, request, answer, response)
    forget_begun(services, response)
    return response


async def _leave(request: Request, services: Services, app: ASGIApp) -> Response:
    if not is_same_origin(request):
        return RedirectResponse(app_path("/"), HTTPStatus.SEE_OTHER, headers=_NOT_KEPT)
    cookie = request.cookies.get(sessions.cookie_names(services)[0], "")
    await run_in_threadpool(sessions.end, services, cookie, address=client_address(request))
    answer = await _ask(app, request, LOGOUT, {})
    is_offered = answer.location.startswith(("https://", "http://"))
    where = answer.location if is_offered else app_path(f"{SIGN_IN}?out=1")
    response = RedirectResponse(where, HTTPStatus.SEE_OTHER, headers=_NOT_KEPT)
    _hand_on_cookies(services, request, answer, response)
    return response


def _refuse(services: Services, error: AppError, address: str) -> None:
    # A provider that is away is nobody's guess: it is recorded, and counted like any other failure at this address.
    refuse(services, error, address=address)


def _failed(services: Services, request: Request, error: AppError) -> Response:
    """Return the sign-in page with what went wrong: the way back is its button."""
    target = read_begun(services, request) or safe_target(request.query_params.get("next", "/"))
    language = preferred_language(request, services.settings.language)
    asked = Asked(language, target, app_path(""), error=error)
    status = HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, Unavailable) else HTTPStatus.FORBIDDEN
    text = forms.provider_page(asked, offers_first=False)
    return HTMLResponse(text, status_code=status, headers=plain_pages.HEADERS)


_NOT_KEPT = {"Cache-Control": "no-store"}


@dataclass
class _Answer:
    """What Streamlit's route has said: where to go, the cookies, and the exceptions that it has written to its log."""

    location: str = ""
    set_cookies: list[str] = field(default_factory=list)
    heard: list[BaseException | None] = field(default_factory=list)


async def _ask(app: ASGIApp, request: Request, path: str, query: dict[str, str]) -> _Answer:
    """Return the answer of one of Streamlit's routes to this request; nothing of it has been sent on yet."""
    answer = _Answer()
    whole = app_path(path)
    scope = {
        **request.scope,
        "path": whole,
        "raw_path": whole.encode(),
        "query_string": urlencode(query).encode(),
    }

    async def keep(event: Message) -> None:
        if event["type"] == "http.response.start":
            for name, value in event["headers"]:
                if name.lower() == b"location":
                    answer.location = value.decode("latin-1")
                elif name.lower() == b"set-cookie":
                    answer.set_cookies.append(value.decode("latin-1"))

    with _listening() as heard:
        try:
            await app(scope, request.receive, keep)
        except Exception as error:  # noqa: BLE001 - whatever the library raises becomes a sentence
            heard.append(error)
    answer.heard = heard
    return answer


def _hand_on_cookies(services: Services, request: Request, answer: _Answer, response: Response) -> None:
    more = "; Secure" if is_secure(services, request) else ""
    for cookie in answer.set_cookies:
        response.headers.append("set-cookie", cookie if "secure" in cookie.lower() else f"{cookie}{more}")


def _claims(answer: _Answer) -> dict[str, Any] | None:
    """Return the claims in the cookie that Streamlit sets for somebody whom it has let in; None where it has not."""
    values: dict[str, str] = {}
    for text in answer.set_cookies:
        for name, morsel in SimpleCookie(text).items():
            if morsel.value:
                values[name] = morsel.value
    secret = get_cookie_secret()

    def read(name: str) -> bytes | None:
        return decode_signed_value(secret, name, values[name].encode("latin-1")) if name in values else None

    found = get_cookie_with_chunks(read, USER_COOKIE_NAME)
    claims = json.loads(found) if found else None
    return claims if isinstance(claims, dict) and claims.get("is_logged_in") is True else None


def _error_of(heard: list[BaseException | None]) -> AppError:
    """Return what a failure means for the person, told by the exceptions of Authlib, joserfc and HTTPX."""
    from authlib.integrations.base_client import OAuthError
    from joserfc.errors import ClaimError, ExpiredTokenError, JoseError

    error = next((one for one in reversed(heard) if one is not None), None)
    if error is None:
        return NotAllowed("oidc_state_lost")
    if isinstance(error, OAuthError):
        if error.error in {"invalid_client", "unauthorized_client"}:
            return NotAllowed("oidc_client_refused")
        if error.error == "mismatching_state":
            return NotAllowed("oidc_state_lost")
        reason = str(error.error)
        return NotAllowed("oidc_provider_error", reason=reason if re.fullmatch(r"[a-z_]{1,60}", reason) else "?")
    claim = getattr(error, "claim", "") if isinstance(error, ClaimError) else ""
    if isinstance(error, ExpiredTokenError) or claim in {"exp", "iat", "nbf", "auth_time"}:
        return NotAllowed("oidc_clock")
    if isinstance(error, JoseError):
        return NotAllowed("oidc_answer_refused", claim=claim or "id_token")
    # Authlib takes HTTPX 2 where it is there, and else HTTPX: two packages with one tree of exceptions.
    is_http = type(error).__module__.partition(".")[0] in {"httpx", "httpx2"}
    if is_http or isinstance(error, (OSError, ValueError)):
        return Unavailable("oidc_provider_away")
    return NotAllowed("oidc_answer_refused", claim="id_token")


class _Listener(logging.Handler):
    """Hands the exceptions that Streamlit's routes log to whoever has asked the route, and to nobody else."""

    def emit(self, record: logging.LogRecord) -> None:
        heard = _heard.get()
        if heard is not None and record.exc_info:
            heard.append(record.exc_info[1])


@contextmanager
def _listening() -> Iterator[list[BaseException | None]]:
    _add_listener()
    heard: list[BaseException | None] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


@cache
def _add_listener() -> None:
    logging.getLogger("streamlit.web.server.starlette.starlette_auth_routes").addHandler(_Listener(logging.WARNING))
