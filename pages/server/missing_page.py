"""Addresses that no screen has: said on a page of ours, in the person's language; Streamlit says it in English."""

from __future__ import annotations

from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from core.access import ENGINEER, ROLES, Person
from core.accounts.people import open_person
from core.errors import AppError
from core.i18n import LANGUAGES
from core.services import keep_services
from core.settings import Settings
from pages.components.shared.screens import DASHBOARD, HISTORY, INSPECT_PART, address_of, find_screen
from pages.server import plain_pages
from pages.server.requests import app_path, preferred_language

# Addresses of Streamlit's own that are neither a screen nor a file.
_NO_SCREENS = ("/auth/", "/oauth2callback")
# Where to go from there; open to every role.
_WAYS_ON = (INSPECT_PART, DASHBOARD, HISTORY)


async def respond(request: Request, path: str, settings: Settings, person: Person | None) -> Response | None:
    """Return what is sent instead of the app, None where `path` is a screen's; `person` is None in open mode."""
    if path.startswith(_NO_SCREENS):
        return None
    screen = find_screen(path)
    if screen is None:
        return await _say_missing(request, path, settings, person)
    if screen.path == INSPECT_PART and path != "/":
        # The first screen has its file's name as an address, too, as the others have.
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(app_path(f"/{query}"), headers={"Cache-Control": "no-store"})
    return None


async def _say_missing(request: Request, path: str, settings: Settings, person: Person | None) -> Response:
    role = request.query_params.get("role", "")
    kept = f"?role={role}" if person is None and role in ROLES else ""
    if person is None:
        person = await run_in_threadpool(_open_person, settings, role if role in ROLES else ENGINEER)
    language = preferred_language(request, settings.language)
    if person is not None and person.language and request.query_params.get("language", "") not in LANGUAGES:
        language = person.language
    links = [
        (app_path(address_of(found.path)) + kept, found.title)
        for found in map(find_screen, map(address_of, _WAYS_ON))
        if found is not None
    ]
    text = plain_pages.missing(language, path, links=links)
    return HTMLResponse(text, status_code=HTTPStatus.NOT_FOUND, headers=plain_pages.HEADERS)


def _open_person(settings: Settings, role: str) -> Person | None:
    """Return who is at this machine in open mode; None where the database cannot tell."""
    try:
        return open_person(keep_services(settings), role)
    except AppError:
        return None
