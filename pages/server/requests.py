"""What an ASGI scope says of a request: headers, cookies, the machine it comes from, the language it asks for."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from starlette.requests import HTTPConnection
from starlette.types import Scope
from streamlit import config

from core.i18n import LANGUAGES

# Whatever a proxy adds says that the request did not begin on this machine, whoever delivers it.
_FORWARDING = frozenset(
    {
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "fastly-client-ip",
        "fly-client-ip",
        "x-original-host",
    }
)
_FORWARDING_PREFIX = "x-forwarded"


def is_loopback_address(address: str | None) -> bool:
    """Return whether a network address is this machine's own; one that cannot be read is not."""
    try:
        found = ip_address(str(address).split("%", 1)[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return found.is_loopback or bool(mapped and mapped.is_loopback)


def is_forwarded(header_names: Iterable[str]) -> bool:
    """Return whether any header tells of a proxy on the way."""
    names = (name.lower() for name in header_names)
    return any(name in _FORWARDING or name.startswith(_FORWARDING_PREFIX) for name in names)


def is_loopback_host(host: str | None) -> bool:
    """Return whether a Host header names this machine: a foreign name that points here is an attack by name service."""
    if not host:
        return False
    name = host[1:].partition("]")[0] if host.startswith("[") else host.rpartition(":")[0] or host
    name = name.rstrip(".").lower()
    return name == "localhost" or name.endswith(".localhost") or is_loopback_address(name)


def comes_from_here(connection: HTTPConnection) -> bool:
    """Return whether the request certainly began on this machine: its address, no proxy, a name of this machine."""
    client = connection.client
    return (
        is_loopback_address(client.host if client else None)
        and not is_forwarded(connection.headers.keys())
        and is_loopback_host(connection.headers.get("host"))
    )


def is_same_origin(connection: HTTPConnection) -> bool:
    """Return whether a form was sent from a page of this server, as far as the browser says; a silent one is not."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = connection.headers.get("origin", "")
    return origin.partition("://")[2] == connection.headers.get("host") != ""


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
