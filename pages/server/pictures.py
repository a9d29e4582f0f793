"""Pictures by address: behind the gate, from memory or the object store, and kept by the browser.

    /pictures/inspection/{id}/{name}?v={token}      one of `core.inspections.pictures.PICTURES`
    /pictures/image/{id}/thumbnail?v={token}        the thumbnail of a curated image

A page names the address alone, so that no picture travels through the page's own connection, and none twice.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urljoin

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.errors import AppError, NotFound, Unavailable
from core.images.gallery.pictures import CONTENT_TYPE, image_token, read_image_thumbnail
from core.inspections.pictures import Picture, read_picture
from core.services import Services, keep_services
from core.settings import read_settings
from pages.server.requests import app_path

PREFIX = "/pictures/"
_MOST_DIGITS = 18  # as many as every database's largest number has
# The token changes with the content: what the browser has is right for as long as the address is.
_CACHE = "private, max-age=31536000, immutable"
# Where a page runs without a browser.
_NO_HOST = "http://localhost"


def picture_path(inspection_id: int, name: str, token: str) -> str:
    """Return the address of a picture of an inspection, without the host."""
    return app_path(f"{PREFIX}inspection/{inspection_id}/{name}?v={token}")


def image_path(image_id: int, content_sha256: str) -> str:
    """Return the address of the thumbnail of a curated image with this content, without the host."""
    return app_path(f"{PREFIX}image/{image_id}/thumbnail?v={image_token(content_sha256)}")


def full_address(path: str) -> str:
    """Return the address with the host as this run's browser knows it, for widgets that take no other."""
    return urljoin(st.context.url or _NO_HOST, path)


def picture_routes() -> list[Route]:
    """Return the routes for Streamlit's application."""
    return [
        Route(app_path(PREFIX + "inspection/{number}/{name}"), _send_inspection, methods=["GET"]),
        Route(app_path(PREFIX + "image/{number}/thumbnail"), _send_image, methods=["GET"]),
    ]


async def _send_inspection(request: Request) -> Response:
    name = request.path_params["name"]
    return await _respond(request, lambda services, number, token: read_picture(services, number, name, token))


async def _send_image(request: Request) -> Response:
    def read(services: Services, number: int, token: str) -> Picture:
        return Picture(read_image_thumbnail(services, number, token), CONTENT_TYPE)

    return await _respond(request, read)


async def _respond(request: Request, read: Callable[[Services, int, str], Picture]) -> Response:
    number = request.path_params["number"]
    if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        return _refuse(HTTPStatus.NOT_FOUND)
    try:
        services = await run_in_threadpool(keep_services, read_settings())
        picture = await run_in_threadpool(read, services, int(number), request.query_params.get("v", ""))
    except NotFound:
        return _refuse(HTTPStatus.NOT_FOUND)
    except Unavailable:
        return _refuse(HTTPStatus.SERVICE_UNAVAILABLE)
    except AppError:
        return _refuse(HTTPStatus.INTERNAL_SERVER_ERROR)
    return Response(picture.data, media_type=picture.content_type, headers={"Cache-Control": _CACHE})


def _refuse(status: HTTPStatus) -> Response:
    return PlainTextResponse(status.phrase, status_code=status, headers={"Cache-Control": "no-store"})
