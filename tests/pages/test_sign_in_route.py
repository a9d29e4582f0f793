"""The sign-in form under many at once: whoever waits for a password check takes no thread from the others."""

from __future__ import annotations

import asyncio
import threading
from urllib.parse import urlencode

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from core.access import Person
from core.errors import NotAllowed
from core.services import Services
from pages.server.signing_in.sign_in_route import MOST_AT_ONCE, PATH, respond

TOO_MANY = 5


def _post() -> Request:
    body = urlencode({"login": "kim", "password": "wrong password"}).encode()
    headers = [(b"host", b"localhost:8501"), (b"origin", b"http://localhost:8501")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "scheme": "http",
        "server": ("localhost", 8501),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)


def test_more_than_a_few_at_once_are_turned_away_and_later_ones_are_not(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()

    def refuse_later(*_given: object, **_more: object) -> Person:
        assert may_go_on.wait(60)
        raise NotAllowed("sign_in_refused")

    monkeypatch.setattr("pages.server.signing_in.sign_in_route.sign_in", refuse_later)

    async def try_all() -> tuple[list[Response], list[Response]]:
        waiting = [asyncio.create_task(respond(_post(), services, base_path="")) for _ in range(MOST_AT_ONCE)]
        await asyncio.sleep(0.1)  # each has come as far as its password check
        turned_away = [await respond(_post(), services, base_path="") for _ in range(TOO_MANY)]
        may_go_on.set()
        return turned_away, [*await asyncio.gather(*waiting), await respond(_post(), services, base_path="")]

    turned_away, refused = asyncio.run(try_all())
    assert [response.status_code for response in turned_away] == [503] * TOO_MANY
    assert [response.status_code for response in refused] == [401] * (MOST_AT_ONCE + 1)
