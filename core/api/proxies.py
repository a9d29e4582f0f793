"""What a request says of itself where a proxy of ours delivers it: the person's address, the scheme, the host name.

`X-Forwarded-For`, `-Proto` and `-Host` are believed from the addresses of `GEOMSA_TRUSTED_PROXIES` alone: whoever else
sends them could be anybody at any address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

# Set in the scope of a request that came by a proxy of ours.
PROXIED = "geomsa.proxied"
_MOST_HOPS = 20
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_SCHEMES = {"http": ("http", "ws"), "ws": ("http", "ws"), "https": ("https", "wss"), "wss": ("https", "wss")}

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class BehindProxies:
    """ASGI middleware: what is inside sees each request as the nearest trusted proxy has received it."""

    def __init__(self, app: ASGIApp, proxies: Sequence[str]) -> None:
        self._app = app
        self._proxies = tuple(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(see_through(scope, self._proxies), receive, send)


def see_through(scope: Scope, proxies: Sequence[str]) -> Scope:
    """Return the scope as a trusted proxy says that the request came to it; the same one where no such proxy did.

    The address is the last one of X-Forwarded-For that is no proxy of ours. What cannot be read is left as it is: then
    the proxy's own address counts.
    """
    client = scope.get("client")
    if not proxies or scope["type"] not in {"http", "websocket"} or client is None:
        return scope
    networks = _networks(tuple(proxies))
    if not _is_among(_read_address(client[0]), networks):
        return scope
    headers = Headers(scope=scope)
    seen: dict[str, Any] = {**scope, PROXIED: True}
    address = _find_person(headers.getlist("x-forwarded-for"), networks)
    if address is not None:
        seen["client"] = (str(address), 0)
    schemes = _SCHEMES.get(_last(headers.getlist("x-forwarded-proto")).lower())
    if schemes is not None:
        seen["scheme"] = schemes[scope["type"] == "websocket"]
    host = _last(headers.getlist("x-forwarded-host"))
    if _HOST.fullmatch(host):
        kept = [(name, value) for name, value in scope["headers"] if name != b"host"]
        seen["headers"] = [(b"host", host.encode("ascii")), *kept]
    return seen


def take_over_from_uvicorn() -> None:
    """Keep the server from rewriting addresses by itself, and from naming itself in every response.

    uvicorn believes `X-Forwarded-For` of whatever runs on this machine, which would let any client behind a proxy here
    choose its address. Streamlit starts uvicorn and passes no option for either; `core.api.server` sets them. To be
    called while the application is imported: uvicorn looks at both only after that.
    """
    from uvicorn import config

    def leave_alone(app: ASGIApp, trusted_hosts: object = None) -> ASGIApp:
        return app

    def read_headers(given: Any) -> list[tuple[bytes, bytes]]:
        return [(name, value) for name, value in given.__dict__["encoded_headers"] if name != b"server"]

    def keep_headers(given: Any, headers: list[tuple[bytes, bytes]]) -> None:
        given.__dict__["encoded_headers"] = headers

    assert hasattr(config, "ProxyHeadersMiddleware")
    vars(config)["ProxyHeadersMiddleware"] = leave_alone
    type.__setattr__(config.Config, "encoded_headers", property(read_headers, keep_headers))


def _find_person(values: Sequence[str], networks: tuple[Network, ...]) -> Address | None:
    hops = ",".join(values).split(",")[-_MOST_HOPS:]
    found: Address | None = None
    for hop in reversed(hops):
        address = _read_address(hop)
        if address is None:
            return found
        found = address
        if not _is_among(address, networks):
            return found
    return found


def _read_address(text: str) -> Address | None:
    """Return an address, also one with a port; an IPv4 address in IPv6's clothes as what it is."""
    name = text.strip().split("%", 1)[0]
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        name = name.partition(":")[0]
    try:
        found = ip_address(name)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _is_among(address: Address | None, networks: tuple[Network, ...]) -> bool:
    return address is not None and any(address in network for network in networks)


@lru_cache(maxsize=8)
def _networks(proxies: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in proxies)


def _last(values: Sequence[str]) -> str:
    return ",".join(values).rpartition(",")[2].strip()
