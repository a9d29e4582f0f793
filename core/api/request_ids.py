"""The id of a request: on its answer and in every line that is logged about it; a trusted proxy may give it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address, ip_network

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import Message, Scope, Send

from core.api.proxies import PROXIED
from core.logs import about_request, choose_request_id, log_access

HEADER = "X-Request-Id"
_STATE = "request_id"


def read_request_id(scope: Scope, trusted_proxies: Sequence[str]) -> str:
    """Return the id that a trusted proxy gave the request, or a new one. Anybody else's word is not taken."""
    connection = HTTPConnection(scope)
    peer = connection.client.host if connection.client else None
    is_proxied = scope.get(PROXIED) is True or is_among(peer, trusted_proxies)
    given = connection.headers.get(HEADER) if is_proxied else None
    return choose_request_id(given)


def is_among(address: str | None, networks: Sequence[str]) -> bool:
    """Return whether an address is one of these addresses and networks; one that cannot be read is none of them."""
    try:
        found = ip_address(str(address).split("%", 1)[0])
        return any(found in ip_network(network, strict=False) for network in networks)
    except ValueError:
        return False


class AnswerNotes:
    """The `send` of a request that puts its id on the answer and knows the status that went out."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            MutableHeaders(scope=message).setdefault(HEADER, self._request_id)
        await self._send(message)


async def answer_under_id(
    scope: Scope,
    send: Send,
    trusted_proxies: Sequence[str],
    answer: Callable[[Send], Awaitable[int | None]],
    *,
    channel: str,
    is_logged: bool = True,
) -> None:
    """Let `answer` answer under the request's id, and log it; `answer` returns the id of the person who asked.

    A request that already has an id, because the interface is mounted in the app, keeps it and is logged once.
    """
    state = scope.setdefault("state", {})
    if _STATE in state:
        state["person_id"] = await answer(send)
        return
    request_id = state[_STATE] = read_request_id(scope, trusted_proxies)
    notes = AnswerNotes(send, request_id)
    started = time.perf_counter()
    with about_request(request_id):
        person_id = None
        try:
            person_id = await answer(notes)
        finally:
            if is_logged:
                log_access(
                    method=str(scope["method"]),
                    path=str(scope["path"]),
                    status=notes.status,
                    seconds=time.perf_counter() - started,
                    person_id=state.get("person_id", person_id),
                    channel=channel,
                )
