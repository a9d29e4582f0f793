"""Files by address that are too large for a page's own connection: the filtered history, row by row.

/downloads/history.csv?…      the words of the filter, `language`, and `zone` for days and moments
/downloads/history.xlsx?…
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from core.errors import AppError, Unavailable
from core.files.file_names import attachment
from core.history.filters import HistoryFilter
from core.reports.history_table import stream_history_csv, write_history_xlsx
from core.reports.tables import CSV_TYPE, XLSX_TYPE
from pages.server.downloads import PREFIX
from pages.server.requests import actor_of, app_path, preferred_language
from pages.server.seen_services import services_for

_HISTORY = f"{PREFIX}history."
_log = logging.getLogger("geomsa.pages")


def history_path(ending: str, wanted: HistoryFilter, *, language: str, zone: str) -> str:
    """Return the address of the filtered history as a file, `csv` or `xlsx`, without the host."""
    query = urlencode({**wanted.to_query(), "language": language, "zone": zone})
    return app_path(f"{_HISTORY}{ending}?{query}")


def history_routes() -> list[Route]:
    """Return the routes for Streamlit's application."""
    return [
        Route(app_path(f"{_HISTORY}csv"), _send_csv, methods=["GET"]),
        Route(app_path(f"{_HISTORY}xlsx"), _send_xlsx, methods=["GET"]),
    ]


async def _send_csv(request: Request) -> Response:
    try:
        services = await run_in_threadpool(services_for, request)
        wanted, zone = _read(request)
        rows = stream_history_csv(
            services,
            wanted,
            language=preferred_language(request, None),
            zone=zone,
            address=_address(request),
            person=actor_of(request),
        )
        # What is found is looked up before the first piece: a failure is an answer of its own then.
        first = await run_in_threadpool(next, rows, b"")
        second = await run_in_threadpool(next, rows, b"")
    except AppError as error:
        return _refuse(error, preferred_language(request, None))
    return StreamingResponse(_whole([first, second], rows), media_type=CSV_TYPE, headers=_headers("inspections.csv"))


async def _send_xlsx(request: Request) -> Response:
    language = preferred_language(request, None)
    handle, name = tempfile.mkstemp(prefix="geomsa-history-", suffix=".xlsx")
    os.close(handle)
    target = Path(name)
    try:
        services = await run_in_threadpool(services_for, request)
        wanted, zone = _read(request)
        await run_in_threadpool(
            lambda: write_history_xlsx(
                services,
                target,
                wanted,
                language=language,
                zone=zone,
                address=_address(request),
                person=actor_of(request),
            )
        )
    except AppError as error:
        target.unlink(missing_ok=True)
        return _refuse(error, language)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return FileResponse(
        target,
        media_type=XLSX_TYPE,
        headers=_headers("inspections.xlsx"),
        background=BackgroundTask(target.unlink, missing_ok=True),
    )


def _read(request: Request) -> tuple[HistoryFilter, ZoneInfo]:
    wanted, _wrong = HistoryFilter.from_query(request.query_params)
    try:
        zone = ZoneInfo(request.query_params.get("zone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    return wanted, zone


def _whole(pieces: list[bytes], rows: Iterator[bytes]) -> Iterator[bytes]:
    yield from pieces
    yield from rows


def _address(request: Request) -> str:
    """Return the address of one inspection without its number, as this browser knows the server."""
    return f"{request.url.scheme}://{request.url.netloc}{app_path('/inspection_history')}?inspection="


def _headers(name: str) -> dict[str, str]:
    return {"Content-Disposition": attachment(name), "Cache-Control": "no-store"}


def _refuse(error: AppError, language: str) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, Unavailable) else HTTPStatus.INTERNAL_SERVER_ERROR
    _log.warning("a download failed: %s", error.code)
    return PlainTextResponse(error.sentence(language), status_code=status, headers={"Cache-Control": "no-store"})
