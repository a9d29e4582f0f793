"""Period reports by address: made while they are fetched, or fetched as a schedule made them.

/download/report/period.pdf?…       the words of `PeriodChoice`, and `language`; also `period.xlsx`
/download/report/made/{run}/{name}  a file of a report that a schedule made
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.access import ENGINEER, ROLE_NAMES, reaches
from core.accounts import sessions
from core.errors import AppError, BadInput, NotAllowed, NotFound, NotReady, Unavailable
from core.files.file_names import attachment
from core.outgoing import note_export
from core.refusals import note_refusal
from core.reports.period.contents import gather
from core.reports.period.file_names import name_report
from core.reports.period.making import make_file
from core.reports.period.request import PeriodChoice, make_request
from core.schedules.destinations import CONTENT_TYPES
from core.schedules.records import ReportFormat
from core.schedules.views import read_run_file
from core.services import Services, keep_services
from core.settings import read_settings
from pages.server.downloads import PREFIX
from pages.server.requests import actor_of, app_path, preferred_language

_PERIOD, _MADE = f"{PREFIX}report/period.", f"{PREFIX}report/made/"
_MOST_DIGITS = 18  # as many as every database's largest number has
_HEADERS = {"Cache-Control": "no-store"}
_STATUS: tuple[tuple[type[AppError], HTTPStatus], ...] = (
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (BadInput, HTTPStatus.BAD_REQUEST),
    (NotReady, HTTPStatus.CONFLICT),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)
_log = logging.getLogger("geomsa.pages")


def period_path(ending: ReportFormat, choice: PeriodChoice, *, language: str) -> str:
    """Return the address of a report as a file, without the host."""
    return app_path(f"{_PERIOD}{ending}?{urlencode({**choice.to_query(), 'language': language})}")


def made_path(run_id: int, name: str) -> str:
    """Return the address of a file that a schedule made, without the host."""
    return app_path(f"{_MADE}{run_id}/{quote(name, safe='')}")


def report_routes() -> list[Route]:
    """Return the routes for Streamlit's application."""
    return [
        Route(app_path(f"{_PERIOD}pdf"), _send_pdf, methods=["GET"]),
        Route(app_path(f"{_PERIOD}xlsx"), _send_xlsx, methods=["GET"]),
        Route(app_path(_MADE + "{run_id}/{name}"), _send_made, methods=["GET"]),
    ]


async def _send_pdf(request: Request) -> Response:
    return await run_in_threadpool(_answer, request, "pdf")


async def _send_xlsx(request: Request) -> Response:
    return await run_in_threadpool(_answer, request, "xlsx")


async def _send_made(request: Request) -> Response:
    return await run_in_threadpool(_answer, request, None)


def _answer(request: Request, ending: ReportFormat | None) -> Response:
    language = preferred_language(request, None)
    try:
        services = keep_services(read_settings())
        who = _who(request, services)
        if ending is None:
            name, data = _read_made(services, request)
            note_export(services, actor_of(request), "report", name=name, run=int(request.path_params["run_id"]))
        else:
            wanted = make_request(services, PeriodChoice.from_query(request.query_params), language=language)
            data = make_file(services, gather(services, wanted, made_by=who), ending)
            name = name_report(wanted, ending)
            choice = dict(request.query_params)
            choice.pop("language", None)
            note_export(services, actor_of(request), "report", name=name, form=ending, filter=choice)
    except AppError as error:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
        _log.warning("a report could not be fetched: %s", error.code)
        return PlainTextResponse(error.sentence(language), status_code=status, headers=_HEADERS)
    return Response(
        data,
        media_type=CONTENT_TYPES.get(Path(name).suffix, "application/octet-stream"),
        headers={**_HEADERS, "Content-Disposition": attachment(name)},
    )


def _read_made(services: Services, request: Request) -> tuple[str, bytes]:
    number, name = request.path_params["run_id"], request.path_params["name"]
    if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        raise NotFound("not_found")
    return name, read_run_file(services, int(number), name)


def _who(request: Request, services: Services) -> str:
    """Return the name of who asks. Raises NotAllowed for a person below an engineer; the gate has let them in."""
    if services.settings.auth != "accounts":
        return ROLE_NAMES[ENGINEER]
    person = sessions.find(services, request.cookies.get(sessions.cookie_names(services)[0], ""))
    if not reaches(person.role, ENGINEER):
        note_refusal(services, actor_of(request), reason="role_too_low", needed=ENGINEER, role=person.role)
        raise NotAllowed("role_too_low", needed=ENGINEER)
    return person.display_name
