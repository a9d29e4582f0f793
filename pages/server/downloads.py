"""Files that are made while they are fetched, piece by piece: behind the gate, by an address of their own.

    /download/batch/{job}/{name}?language=ko&zone=Asia/Seoul      one of FILES

A file that a page would hand over itself lies in the server's memory as a whole, for as long as the page is open.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, tzinfo
from functools import partial
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from core.batches.exports import stream_batch_csv, stream_rejected, write_batch_xlsx
from core.batches.overview import BatchView, view_batch
from core.errors import AppError, NotFound, Unavailable, from_lower
from core.files.file_names import attachment
from core.reports.tables import CSV_TYPE, XLSX_TYPE
from core.services import Services
from pages.server.requests import actor_of, app_path, preferred_language
from pages.server.seen_services import services_for

PREFIX = "/download/"
CSV, XLSX, REJECTED = "table.csv", "table.xlsx", "ng.zip"
FILES = (CSV, XLSX, REJECTED)
_MOST_DIGITS = 18  # as many as every database's largest number has
_HEADERS = {"Cache-Control": "no-store"}


def batch_file_path(job_id: int, name: str, *, language: str, zone: str) -> str:
    """Return the address of a batch's file (one of FILES), without the host."""
    return app_path(f"{PREFIX}batch/{job_id}/{name}?{urlencode({'language': language, 'zone': zone})}")


def download_routes() -> list[Route]:
    """Return the routes for Streamlit's application."""
    return [Route(app_path(PREFIX + "batch/{job_id}/{name}"), _respond, methods=["GET"])]


async def _respond(request: Request) -> Response:
    number, name = request.path_params["job_id"], request.path_params["name"]
    language = preferred_language(request, None)
    try:
        if name not in FILES or not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
            raise NotFound("not_found")
        services = await run_in_threadpool(services_for, request)
        batch = await run_in_threadpool(view_batch, services, int(number))
        return await run_in_threadpool(_make, services, batch, name, request, language)
    except AppError as error:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        if isinstance(error, NotFound):
            status = HTTPStatus.NOT_FOUND
        elif isinstance(error, Unavailable):
            status = HTTPStatus.SERVICE_UNAVAILABLE
        return PlainTextResponse(error.sentence(language), status_code=status, headers=_HEADERS)


def _make(services: Services, batch: BatchView, name: str, request: Request, language: str) -> Response:
    zone = _zone(request.query_params.get("zone", ""))
    address = _addresses(request)
    job_id, person = batch.job.id, actor_of(request)
    headers = _HEADERS | _disposition(f"batch_{job_id}_{batch.product.code}", name)
    if name == CSV:
        pieces = stream_batch_csv(services, job_id, language=language, address=address, zone=zone, person=person)
        return StreamingResponse(pieces, media_type=CSV_TYPE, headers=headers)
    if name == REJECTED:
        pieces = stream_rejected(services, job_id, language=language, address=address, zone=zone, person=person)
        return StreamingResponse(pieces, media_type="application/zip", headers=headers)
    # A workbook is put together at its end: it waits in a file, not in memory.
    folder = tempfile.TemporaryDirectory(prefix="geomsa-download-")
    target = Path(folder.name, "table.xlsx")
    try:
        write_batch_xlsx(services, job_id, target, language=language, address=address, zone=zone, person=person)
    except BaseException as error:
        folder.cleanup()
        raise from_lower(error) if isinstance(error, OSError) else error from error
    return FileResponse(target, media_type=XLSX_TYPE, headers=headers, background=BackgroundTask(folder.cleanup))


def _addresses(request: Request) -> Callable[[int], str]:
    """Return what gives the full address of an inspection, as this browser knows the server."""
    root = f"{request.url.scheme}://{request.url.netloc}{app_path('/')}"
    return partial("{}?inspection={}".format, root)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _disposition(stem: str, name: str) -> dict[str, str]:
    ending = {CSV: ".csv", XLSX: ".xlsx", REJECTED: "_ng.zip"}[name]
    return {"Content-Disposition": attachment(stem + ending)}
