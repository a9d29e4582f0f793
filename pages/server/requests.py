"""What an ASGI scope says of a request: headers, cookies, the path, the language it asks for."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import Scope
from streamlit import config

from core.access import PAGE, Person
from core.audit import Actor, Stranger
from core.i18n import LANGUAGES

# Under this name the gate leaves in a request's state who asks.
ACTOR = "geomsa_actor"


def address_of(connection: HTTPConnection) -> str:
    """Return the network address that asks, "" where the server knows none."""
    return connection.client.host if connection.client else ""


def actor_of(connection: HTTPConnection) -> Actor:
    """Return who asks, as the gate has found: the person who has signed in, or whoever is at a machine without that."""
    found = connection.scope.get("state", {}).get(ACTOR)
    return found if isinstance(found, Person) else Stranger(PAGE, address_of(connection))


def is_same_origin(connection: HTTPConnection) -> bool:
    """Return whether a form was sent from a page of this server, as far as the browser says; a silent one is not."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = connection.headers.get("origin", "")
    return origin.partition("://")[2] == connection.headers.get("host") != ""


def is_own_origin(connection: HTTPConnection) -> bool:
    """Return whether a WebSocket is opened by a page of this server; a program, which names no origin, may."""
    origin = connection.headers.get("origin")
    return origin is None or origin.partition("://")[2].lower() == connection.headers.get("host", "").lower() != ""


def preferred_language(connection: HTTPConnection, default: str | None) -> str:
    """Return the language a page is written in: asked for in the address, then the browser's first, then `default`."""
    asked = connection.query_params.get("language", "")
    if asked in LANGUAGES:
        return asked
    for part in connection.headers.get("accept-language", "").split(","):
        code = part.split(";")[0].strip().lower()[:2]
        if code in LANGUAGES:
            return code
    return default or "en"


def base_path() -> str:
    """Return the path under which a proxy serves the app (server.baseUrlPath), "" for the root."""
    return str(config.get_option("server.baseUrlPath") or "").strip("/")


def app_path(path: str) -> str:
    """Return `path` of the app as browsers know it."""
    base = base_path()
    return f"/{base}{path}" if base else path


def own_path(scope: Scope) -> str:
    """Return the path below the app's base path, with a leading slash."""
    path = str(scope.get("path", "/"))
    base = f"/{base_path()}" if base_path() else ""
    return (path.removeprefix(base) or "/") if not base or path == base or path.startswith(f"{base}/") else path


def safe_target(target: str) -> str:
    """Return where to go after signing in: a path of this app, and nothing that a browser takes for another host."""
    plain = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if plain and target.isprintable() and "\\" not in target else "/"
