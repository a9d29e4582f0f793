"""Whether a request began on this machine: what open mode, which has no sign-in, is limited to."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from starlette.requests import HTTPConnection

from core.api.proxies import PROXIED

# For a browser that came by TLS: a year, in seconds, and this host alone, whose neighbors in a plant may have none.
TRANSPORT_SECURITY = "max-age=31536000"
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
        and not connection.scope.get(PROXIED)
        and not is_forwarded(connection.headers.keys())
        and is_loopback_host(connection.headers.get("host"))
    )
