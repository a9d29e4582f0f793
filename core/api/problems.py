"""Errors as programs read them (RFC 9457): the AppError's code, parameters and sentence in the language asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from core.errors import (
    AppError,
    BadInput,
    BadSetting,
    Conflict,
    NotAllowed,
    NotFound,
    NotReady,
    Unavailable,
)
from core.i18n import N_, choose_language, translate

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
_STATUSES: tuple[tuple[type[AppError], int], ...] = (
    (BadInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (NotReady, HTTPStatus.CONFLICT),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (BadSetting, HTTPStatus.SERVICE_UNAVAILABLE),
)
_OWN_STATUSES: dict[str, int] = {
    "api_key_missing": HTTPStatus.UNAUTHORIZED,
    "api_key_wrong": HTTPStatus.UNAUTHORIZED,
    "api_key_over": HTTPStatus.UNAUTHORIZED,
    "session_over": HTTPStatus.UNAUTHORIZED,
    "api_body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "image_too_many_bytes": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "api_too_many_requests": HTTPStatus.TOO_MANY_REQUESTS,
    "api_body_too_slow": HTTPStatus.REQUEST_TIMEOUT,
    "api_media_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "api_bad_request": HTTPStatus.BAD_REQUEST,
    "api_path_unknown": HTTPStatus.NOT_FOUND,
    "api_method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
}
TITLES: dict[int, str] = {
    400: N_("Bad request"),
    401: N_("An API key is needed"),
    403: N_("Not allowed"),
    404: N_("Not found"),
    405: N_("Method not allowed"),
    408: N_("The request took too long"),
    409: N_("Not possible in the present state"),
    413: N_("Too large"),
    415: N_("Unknown kind of content"),
    422: N_("The values cannot be used"),
    429: N_("Too many requests"),
    500: N_("Internal error"),
    503: N_("Not available now"),
}
# What the framework itself refuses.
_BY_STATUS: dict[int, str] = {
    400: "api_bad_request",
    404: "api_path_unknown",
    405: "api_method_not_allowed",
    415: "api_media_type",
}


class RefusedError(HTTPException):
    """An AppError on its way out of the framework's reading of a body, which turns all others into 400."""

    def __init__(self, error: AppError) -> None:
        self.error = error
        super().__init__(status_of(error))


def status_of(error: AppError) -> int:
    """Return the HTTP status of an error."""
    own = _OWN_STATUSES.get(error.code)
    return int(own if own is not None else next((found for kind, found in _STATUSES if isinstance(error, kind)), 500))


def language_of(connection: HTTPConnection, default: str | None) -> str:
    """Return the language that the request asks for (Accept-Language), else `default`, else English."""
    return choose_language(saved=None, browser=connection.headers.get("accept-language"), fallback=default or "en")


def describe_problem(error: AppError, language: str) -> dict[str, Any]:
    """Return the members of the problem's JSON object."""
    status = status_of(error)
    return {
        "type": f"urn:geomsa:problem:{error.code}",
        "title": translate(language, TITLES[status]),
        "status": status,
        "detail": error.sentence(language),
        "code": error.code,
        "params": {name: _plain(value) for name, value in error.params.items()},
    }


def to_response(
    error: AppError,
    language: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Response:
    """Return the answer for an error; `errors` name the fields that are wrong, where there are any."""
    content = describe_problem(error, language) | ({} if errors is None else {"errors": errors})
    status = int(content["status"])
    told = {"Content-Language": language, "Cache-Control": "no-store", **(headers or {})}
    if status == HTTPStatus.UNAUTHORIZED:
        told.setdefault("WWW-Authenticate", 'Bearer realm="Geomsa"')
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        told.setdefault("Retry-After", str(RETRY_AFTER_S))
    body = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=told)


def from_http(error: HTTPException) -> AppError:
    """Return the AppError of what the framework refused."""
    if isinstance(error, RefusedError):
        return error.error
    return AppError(_BY_STATUS.get(error.status_code, "api_bad_request"))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return str(value)
