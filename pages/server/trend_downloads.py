"""The figures of quality trends as files, by an address of their own.

/download/trends/{table}.csv?…     one of TABLES; the words of the filter, `language` and `zone`
/download/trends/all.xlsx?…        every table, a sheet each
"""

from __future__ import annotations

import tempfile
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from core.analytics.trend_filter import TrendFilter
from core.errors import AppError, NotFound, Unavailable, from_lower
from core.files.file_names import attachment
from core.outgoing import note_export
from core.reports.tables import CSV_TYPE, XLSX_TYPE
from core.reports.trend_report import TABLES, stream_trend_csv, write_trend_xlsx
from pages.server.downloads import PREFIX
from pages.server.requests import actor_of, app_path, preferred_language
from pages.server.seen_services import services_for

_TRENDS = f"{PREFIX}trends/"
_WORKBOOK = "all.xlsx"


def trend_csv_path(table: str, wanted: TrendFilter, *, language: str, zone: str) -> str:
    """Return the address of one of TABLES as a CSV file, without the host."""
    return _path(f"{table}.csv", wanted, language, zone)


def trend_xlsx_path(wanted: TrendFilter, *, language: str, zone: str) -> str:
    """Return the address of all tables as an Excel workbook, without the host."""
    return _path(_WORKBOOK, wanted, language, zone)


def trend_routes() -> list[Route]:
    """Return the routes for Streamlit's application."""
    return [Route(app_path(_TRENDS + "{name}"), _respond, methods=["GET"])]


def _path(name: str, wanted: TrendFilter, language: str, zone: str) -> str:
    return app_path(f"{_TRENDS}{name}?{urlencode({**wanted.to_query(), 'language': language, 'zone': zone})}")


async def _respond(request: Request) -> Response:
    language = preferred_language(request, None)
    try:
        return await run_in_threadpool(_make, request, language)
    except (AppError, OSError) as error:
        shaped = from_lower(error)
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        if isinstance(shaped, NotFound):
            status = HTTPStatus.NOT_FOUND
        elif isinstance(shaped, Unavailable):
            status = HTTPStatus.SERVICE_UNAVAILABLE
        return PlainTextResponse(shaped.sentence(language), status_code=status, headers={"Cache-Control": "no-store"})


def _make(request: Request, language: str) -> Response:
    name = request.path_params["name"]
    table = name.removesuffix(".csv")
    if name != _WORKBOOK and (table == name or table not in TABLES):
        raise NotFound("not_found")
    services = services_for(request)
    wanted, _wrong = TrendFilter.from_query(request.query_params)
    zone = _zone(request.query_params.get("zone", ""))
    headers = {"Cache-Control": "no-store"}
    if name != _WORKBOOK:
        # A chart has some hundred points at most: the whole table is no larger than a page.
        data = b"".join(stream_trend_csv(services, wanted, table, language=language, zone=zone))
        headers["Content-Disposition"] = attachment(f"trends_{table}.csv")
        note_export(services, actor_of(request), "trends", form="csv", table=table, filter=wanted.to_query())
        return Response(data, media_type=CSV_TYPE, headers=headers)
    folder = tempfile.TemporaryDirectory(prefix="geomsa-download-")
    target = Path(folder.name, "trends.xlsx")
    try:
        write_trend_xlsx(services, target, wanted, language=language, zone=zone)
    except BaseException:
        folder.cleanup()
        raise
    headers["Content-Disposition"] = attachment("trends.xlsx")
    note_export(services, actor_of(request), "trends", form="xlsx", filter=wanted.to_query())
    return FileResponse(target, media_type=XLSX_TYPE, headers=headers, background=BackgroundTask(folder.cleanup))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
