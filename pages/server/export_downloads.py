"""A product's images as a ZIP file, made while it is fetched.

/download/images/{product}/{format}.zip?split=…&only=…      the words of `ExportChoice`
                                       &dataset=…           only the images of this dataset version, split as it is
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import cast
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from core.access import ENGINEER, Person
from core.accounts import sessions
from core.accounts.people import open_person
from core.datasets.exporting import choose_images
from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound, Unavailable
from core.files.file_names import attachment
from core.images.exports.making import start_export
from core.images.exports.records import ExportChoice, ExportFormat
from core.images.exports.writing import stream_zip
from core.services import Services, keep_services
from core.settings import read_settings
from pages.server.downloads import PREFIX
from pages.server.requests import app_path, preferred_language

_IMAGES = f"{PREFIX}images/"
_MOST_DIGITS = 18  # as many as every database's largest number has
_HEADERS = {"Cache-Control": "no-store"}
_STATUS: tuple[tuple[type[AppError], HTTPStatus], ...] = (
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (BadInput, HTTPStatus.BAD_REQUEST),
    (Conflict, HTTPStatus.CONFLICT),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)
_log = logging.getLogger("geomsa.pages")


def export_path(product_id: int, choice: ExportChoice, *, language: str, dataset_id: int | None = None) -> str:
    """Return the address of an export as a ZIP file, without the host; with `dataset_id` of that version's images."""
    query = [("language", language), *(("split", split) for split in choice.splits)]
    query += [("only", choice.image_type)] if choice.image_type else []
    query += [("dataset", str(dataset_id))] if dataset_id is not None else []
    return app_path(f"{_IMAGES}{product_id}/{choice.format}.zip?{urlencode(query)}")


def export_routes() -> list[Route]:
    """Return the routes for Streamlit's application."""
    return [Route(app_path(_IMAGES + "{product_id}/{name}.zip"), _send, methods=["GET"])]


async def _send(request: Request) -> Response:
    return await run_in_threadpool(_answer, request)


def _answer(request: Request) -> Response:
    language = preferred_language(request, None)
    number = request.path_params["product_id"]
    try:
        dataset = request.query_params.get("dataset", "")
        if not _is_number(number) or (dataset and not _is_number(dataset)):
            raise NotFound("not_found")
        services = keep_services(read_settings())
        choice = ExportChoice(
            cast(ExportFormat, request.path_params["name"]),
            tuple(request.query_params.getlist("split")),
            request.query_params.get("only", ""),
        )
        person = _who(request, services)
        if dataset:
            choice = choose_images(services, person, int(dataset), choice)
        made = start_export(services, person, int(number), choice)
        pieces = stream_zip(made)
        # A store that fails at once is an answer of its own, and not half a file.
        first = next(pieces, b"")
    except AppError as error:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
        _log.warning("an export could not be fetched: %s", error.code)
        return PlainTextResponse(error.sentence(language), status_code=status, headers=_HEADERS)
    name = f"{made.product.code}_{choice.format}.zip"
    if dataset:
        name = f"{made.product.code}_dataset_{choice.format}.zip"
    headers = {**_HEADERS, "Content-Disposition": attachment(name)}
    return StreamingResponse(_whole(first, pieces), media_type="application/zip", headers=headers)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def _whole(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _who(request: Request, services: Services) -> Person:
    """Return who asks; the export looks at the role itself. The gate has let them in."""
    if services.settings.auth == "accounts":
        return sessions.find(services, request.cookies.get(sessions.cookie_names(services)[0], ""))
    return open_person(services, ENGINEER)
