"""The filtered audit log as a file, sent row by row.

/download/audit/log.csv?…      the words of `AuditFilter`, `language`, and `zone` for days and moments
/download/audit/log.jsonl?…
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from core.access import ADMIN, PAGE, Person
from core.accounts.people import open_person
from core.audit_log.exporting import JSON_LINES_TYPE, begin_export, stream_lines
from core.audit_log.filters import AuditFilter
from core.errors import AppError, NotAllowed, NotFound, Unavailable
from core.refusals import WHERE
from core.reports.audit_table import stream_audit_csv
from core.reports.tables import CSV_TYPE
from core.services import Services, keep_services
from core.settings import read_settings
from pages.server.downloads import PREFIX
from pages.server.requests import actor_of, address_of, app_path, preferred_language

_FOLDER = f"{PREFIX}audit/"
CSV, LINES = "log.csv", "log.jsonl"
_HEADERS = {"Cache-Control": "no-store"}
_STATUS: tuple[tuple[type[AppError], HTTPStatus], ...] = (
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)
_log = logging.getLogger("geomsa.pages")


def audit_path(name: str, wanted: AuditFilter, *, language: str, zone: str) -> str:
    """Return the address of the filtered log as a file, CSV or LINES, without the host."""
    return app_path(f"{_FOLDER}{name}?{urlencode({**wanted.to_query(), 'language': language, 'zone': zone})}")


def audit_routes() -> list[Route]:
    """Return the routes for Streamlit's application."""
    return [Route(app_path(_FOLDER + "{name}"), _send, methods=["GET"])]


async def _send(request: Request) -> Response:
    return await run_in_threadpool(_answer, request)


def _answer(request: Request) -> Response:
    language, name = preferred_language(request, None), request.path_params["name"]
    WHERE.set(f"{_FOLDER}{name}")
    try:
        if name not in {CSV, LINES}:
            raise NotFound("not_found")
        services = keep_services(read_settings())
        zone = _zone(request.query_params.get("zone", ""))
        wanted = AuditFilter.from_query(request.query_params)
        form = name.rpartition(".")[2]
        rows = begin_export(services, _who(request, services), wanted, form, zone=zone)
        pieces = stream_audit_csv(rows, language=language, zone=zone) if name == CSV else stream_lines(rows)
        # What is found is looked up before the first piece: a failure is an answer of its own then.
        first = next(pieces, b"")
        second = next(pieces, b"")
    except AppError as error:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
        _log.warning("the audit log could not be fetched: %s", error.code)
        return PlainTextResponse(error.sentence(language), status_code=status, headers=_HEADERS)
    headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="audit_{name}"'}
    media_type = CSV_TYPE if name == CSV else JSON_LINES_TYPE
    return StreamingResponse(_whole([first, second], pieces), media_type=media_type, headers=headers)


def _who(request: Request, services: Services) -> Person:
    """Return who asks; the export looks at the role itself. The gate has let them in."""
    found = actor_of(request)
    if isinstance(found, Person):
        return found
    return open_person(services, ADMIN).acting(PAGE, address_of(request))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _whole(pieces: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    yield from pieces
    yield from rest
