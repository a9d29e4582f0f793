"""The picture that regions are drawn on, by address: behind the gate, made once, and kept by the browser.

/pictures/image/{id}/drawing?v={token}
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.errors import AppError, NotFound, Unavailable
from core.images.regions.pictures import read_drawing_picture
from core.services import keep_services
from core.settings import read_settings
from pages.server.requests import app_path

_PREFIX = "/pictures/image/"
_MOST_DIGITS = 18  # as many as every database's largest number has
_CACHE = "private, max-age=31536000, immutable"


def drawing_path(image_id: int, token: str) -> str:
    """Return the address of the picture, without the host."""
    return app_path(f"{_PREFIX}{image_id}/drawing?v={token}")


def drawing_routes() -> list[Route]:
    """Return the route for Streamlit's application."""
    return [Route(app_path(_PREFIX + "{image_id}/drawing"), _respond, methods=["GET"])]


async def _respond(request: Request) -> Response:
    number = request.path_params["image_id"]
    if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        return _refuse(HTTPStatus.NOT_FOUND)
    try:
        services = await run_in_threadpool(keep_services, read_settings())
        token = request.query_params.get("v", "")
        picture = await run_in_threadpool(read_drawing_picture, services, int(number), token)
    except NotFound:
        return _refuse(HTTPStatus.NOT_FOUND)
    except Unavailable:
        return _refuse(HTTPStatus.SERVICE_UNAVAILABLE)
    except AppError:
        return _refuse(HTTPStatus.INTERNAL_SERVER_ERROR)
    return Response(picture.data, media_type=picture.content_type, headers={"Cache-Control": _CACHE})


def _refuse(status: HTTPStatus) -> Response:
    return PlainTextResponse(status.phrase, status_code=status, headers={"Cache-Control": "no-store"})
