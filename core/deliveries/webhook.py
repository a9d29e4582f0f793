"""Posting results to a webhook: signed, TLS verified, redirects not followed, within a time limit."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable
from typing import Any

from core.deliveries.credentials import read_secret
from core.deliveries.settings import WebhookSettings
from core.deliveries.terms import DeliveryError
from core.errors import NotReady, Unavailable

TIMEOUT_S = 10.0
TIMESTAMP_HEADER, SIGNATURE_HEADER = "X-Geomsa-Timestamp", "X-Geomsa-Signature"
MESSAGE_HEADER, SEQUENCE_HEADER = "X-Geomsa-Message-Id", "X-Geomsa-Sequence"
# The receiver has understood the message and does not want it: another try brings nothing new.
_REFUSALS = frozenset({400, 405, 406, 409, 410, 411, 413, 414, 415, 422})


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature header: HMAC-SHA256 (RFC 2104) over timestamp, a dot and body, as `sha256=` and hex."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class WebhookChannel:
    """Posts one message after another to a webhook, over one connection while it lasts."""

    def __init__(
        self, settings: WebhookSettings, *, timeout_s: float = TIMEOUT_S, clock: Callable[[], float] = time.time
    ) -> None:
        import httpx2

        self._settings = settings
        self._clock = clock
        # Neither a proxy nor certificates nor a password out of the environment: what is set here is what holds.
        self._http = httpx2.Client(timeout=timeout_s, follow_redirects=False, trust_env=False)

    def send(self, payload: dict[str, Any]) -> None:
        """Post one message. Raises DeliveryError."""
        import httpx2

        name = self._settings.secret_name
        try:
            secret = read_secret(name)
        except NotReady as error:
            raise DeliveryError(error) from error
        if secret is None:
            raise DeliveryError(NotReady("delivery_secret_missing", name=name))
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        timestamp = str(int(self._clock()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Geomsa",
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: sign(secret, timestamp, body),
            MESSAGE_HEADER: str(payload.get("message_id", "")),
            SEQUENCE_HEADER: str(payload.get("sequence", "")),
        }
        try:
            # What the receiver says is not read, however long it is: its status is all that counts.
            with self._http.stream("POST", self._settings.url, content=body, headers=headers) as response:
                status = response.status_code
        except httpx2.TimeoutException as error:
            raise DeliveryError(Unavailable("delivery_timeout", place=self._settings.place)) from error
        except httpx2.HTTPError as error:
            raise DeliveryError(_explain(error, self._settings.place)) from error
        if 300 <= status < 400:
            raise DeliveryError(Unavailable("delivery_redirected", place=self._settings.place, status=status))
        if not 200 <= status < 300:
            problem = Unavailable("delivery_status", place=self._settings.place, status=status)
            raise DeliveryError(problem, is_refused=status in _REFUSALS)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def _explain(error: BaseException, place: str) -> Unavailable:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return Unavailable("delivery_tls", place=place)
        cause = cause.__cause__ or cause.__context__
    return Unavailable("delivery_unreachable", place=place)
