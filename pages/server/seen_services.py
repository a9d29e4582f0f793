"""The services behind a file that is fetched: they show what the person who fetches it is bound to alone."""

from __future__ import annotations

from starlette.requests import Request

from core.accounts import sessions
from core.accounts.bindings import seen_by
from core.services import Services, keep_services
from core.settings import read_settings


def services_for(request: Request) -> Services:
    """Return the services of the process as the person of the request's session sees them; the gate has let them in.

    Raises NotAllowed session_over, and what `keep_services` raises. Asks the database: not from the event loop.
    """
    services = keep_services(read_settings())
    if services.settings.auth == "open":
        return services
    return seen_by(services, sessions.find(services, request.cookies.get(sessions.cookie_names(services)[0], "")))
