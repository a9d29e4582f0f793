"""An OpenID provider on this machine: oidc-provider-mock (on Authlib), and a middleware that makes it misbehave."""

from __future__ import annotations

import json
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey


@dataclass
class Faults:
    """How the provider misbehaves now; as it is made, it does not."""

    is_away: bool = False
    loses_client_secret: bool = False
    claims: dict[str, Any] = field(default_factory=dict)  # written over those of the next ID tokens
    signs_with_unknown_key: bool = False


@dataclass
class OpenIdProvider:
    """A running provider, with a client that must bring its secret."""

    issuer: str
    faults: Faults = field(default_factory=Faults)
    client_id: str = ""
    client_secret: str = ""

    def set_person(self, subject: str, **claims: Any) -> None:
        """Let the provider know somebody, with these claims."""
        httpx.put(f"{self.issuer}/users/{subject}", json=claims).raise_for_status()

    def register(self, app_address: str) -> None:
        """Make the client of an app at this address."""
        wanted = {"redirect_uris": [f"{app_address}/oauth2callback"]}
        made = httpx.post(f"{self.issuer}/oauth2/clients", json=wanted).raise_for_status().json()
        self.client_id, self.client_secret = made["client_id"], made["client_secret"]


class _Misbehaving:
    """WSGI middleware: signs tokens anew with a key of its own, so that their claims can be anything."""

    def __init__(self, app: Callable[..., Iterable[bytes]], faults: Faults) -> None:
        self._app, self._faults = app, faults
        self._key = RSAKey.generate_key(2048, {"kid": "tests"})
        self._unknown_key = RSAKey.generate_key(2048, {"kid": "tests"})

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with warnings.catch_warnings():
            # The provider uses what Authlib is going to remove: its affair, and no failure of the test's.
            warnings.simplefilter("ignore")
            return self._respond(environ, start_response)

    def _respond(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if self._faults.is_away and not path.startswith(("/users", "/oauth2/clients")):
            start_response("503 Service Unavailable", [("Content-Type", "text/html")])
            return [b"<p>maintenance</p>"]
        if path == "/jwks":
            return self._answer(start_response, {"keys": [self._key.as_dict(private=False)]})
        if path != "/oauth2/token":
            return self._app(environ, start_response)
        if self._faults.loses_client_secret:
            environ.pop("HTTP_AUTHORIZATION", None)
        status: list[str] = []
        body = b"".join(self._app(environ, lambda line, _headers, _info=None: status.append(line)))
        token = json.loads(body)
        if "id_token" in token:
            payload = token["id_token"].split(".")[1]
            claims = json.loads(_base64(payload)) | self._faults.claims
            key = self._unknown_key if self._faults.signs_with_unknown_key else self._key
            token["id_token"] = jwt.encode({"alg": "RS256", "kid": "tests"}, claims, key)
        return self._answer(start_response, token, status[0])

    def _answer(self, start_response: Callable[..., Any], body: object, status: str = "200 OK") -> Iterable[bytes]:
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(body).encode()]


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_args: Any, **_more: Any) -> None:
        """Write nothing: the test says what was wrong."""


@contextmanager
def run_provider() -> Iterator[OpenIdProvider]:
    """Run a provider until the block ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import oidc_provider_mock

        faults = Faults()
        app = _Misbehaving(oidc_provider_mock.app(require_client_registration=True, require_nonce=True), faults)
    server: WSGIServer = make_server("localhost", 0, app, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield OpenIdProvider(f"http://localhost:{server.server_port}", faults)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def seconds_from_now(seconds: float) -> int:
    """Return a moment as ID tokens have it."""
    return int(time.time() + seconds)


def _base64(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
