"""Chosen images as a ZIP file by an address of its own.

    /download/images/{token}.zip?language=ko

Which images are meant does not fit into an address: the page hands the selection over and gets a token, which is good
until the server has many newer ones, or ends.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from core.access import Person
from core.errors import AppError, NotAllowed, NotFound, Unavailable
from core.files.file_names import attachment
from core.images.gallery.archive import stream_images
from core.services import keep_services
from core.settings import read_settings
from pages.server.downloads import PREFIX
from pages.server.requests import app_path, preferred_language

_MOST_KEPT = 50
_HEADERS = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class _Selection:
    person: Person
    ids: tuple[int, ...]


_kept: OrderedDict[str, _Selection] = OrderedDict()
_lock = threading.Lock()


def images_path(person: Person, ids: Sequence[int], *, language: str, token: str = "") -> tuple[str, str]:
    """Return the address of these images as a ZIP file, without the host, and its token.

    With the `token` of an earlier selection this one takes its place.
    """
    with _lock:
        token = token if token in _kept else secrets.token_urlsafe(24)
        _kept[token] = _Selection(person, tuple(ids))
        _kept.move_to_end(token)
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return app_path(f"{PREFIX}images/{token}.zip?language={language}"), token


def image_routes() -> list[Route]:
    """Return the routes for Streamlit's application."""
    return [Route(app_path(PREFIX + "images/{token}.zip"), _send, methods=["GET"])]


async def _send(request: Request) -> Response:
    language = preferred_language(request, None)
    try:
        with _lock:
            selection = _kept.get(request.path_params["token"])
        if selection is None:
            raise NotFound("selection_over")
        services = await run_in_threadpool(keep_services, read_settings())
        # The role is asked for now: it may have been taken away since the page was drawn.
        pieces = await run_in_threadpool(
            lambda: stream_images(services, selection.person, selection.ids, language=language)
        )
        # The first file is read before anything is sent: a failure is an answer of its own then.
        first = await run_in_threadpool(next, pieces, b"")
    except AppError as error:
        return PlainTextResponse(error.sentence(language), status_code=_status(error), headers=_HEADERS)
    headers = {**_HEADERS, "Content-Disposition": attachment("images.zip")}
    return StreamingResponse(_whole(first, pieces), media_type="application/zip", headers=headers)


def _whole(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces


def _status(error: AppError) -> HTTPStatus:
    if isinstance(error, NotFound):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, NotAllowed):
        return HTTPStatus.FORBIDDEN
    return HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, Unavailable) else HTTPStatus.INTERNAL_SERVER_ERROR
