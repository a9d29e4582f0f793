"""Publishing results to an MQTT broker (3.1.1): QoS 1, not retained, one message in flight at a time."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

from core.deliveries.credentials import CA_FILE, read_secret
from core.deliveries.settings import MqttSettings
from core.deliveries.terms import DeliveryError
from core.errors import AppError, NotReady, Unavailable

if TYPE_CHECKING:
    from paho.mqtt.client import Client

TIMEOUT_S = 10.0
KEEP_ALIVE_S = 30
_REFUSED_LOGIN = frozenset({"Bad user name or password", "Not authorized"})


class MqttChannel:
    """Publishes one message after another; connects at the first one, and again after a failure."""

    def __init__(self, settings: MqttSettings, *, client_id: str, timeout_s: float = TIMEOUT_S) -> None:
        self._settings = settings
        self._client_id = client_id
        self._timeout_s = timeout_s
        self._client: Client | None = None

    def send(self, payload: dict[str, Any]) -> None:
        """Publish one message and wait until the broker has it. Raises DeliveryError; the next call connects anew."""
        try:
            if self._client is None:
                self._client = self._connect()
            body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
            told = self._client.publish(self._settings.name_topic(payload), body, qos=1, retain=False)
            told.wait_for_publish(self._timeout_s)
            if not told.is_published():
                raise DeliveryError(Unavailable("delivery_timeout", place=self._settings.place))
        except DeliveryError:
            self.close()
            raise
        except (OSError, ValueError, RuntimeError) as error:
            self.close()
            raise DeliveryError(self._explain(error)) from error

    def close(self) -> None:
        """Close the connection; a message that is still on its way is left to the next try."""
        client, self._client = self._client, None
        if client is not None:
            _end(client)

    def _connect(self) -> Client:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        answered = threading.Event()
        refusal: list[str] = []

        def on_connect(_client: Client, _data: object, _flags: object, reason: Any, _properties: object) -> None:
            if reason.is_failure:
                refusal.append(str(reason))
            answered.set()

        client = Client(CallbackAPIVersion.VERSION2, client_id=self._client_id, clean_session=True)
        client.on_connect = on_connect
        client.connect_timeout = self._timeout_s
        try:
            user, password = read_secret(self._settings.user_name), read_secret(self._settings.password_name)
        except NotReady as error:
            raise DeliveryError(error) from error
        if user:
            client.username_pw_set(user, password)
        if self._settings.tls:
            client.tls_set_context(self._trust())
        try:
            client.connect(self._settings.host, self._settings.port, keepalive=KEEP_ALIVE_S)
            client.loop_start()
            is_answered = answered.wait(self._timeout_s)
        except BaseException:
            _end(client)
            raise
        if refusal or not is_answered:
            _end(client)
            raise DeliveryError(self._refusal(refusal[0] if refusal else ""))
        return client

    def _trust(self) -> ssl.SSLContext:
        """Return what certificates are verified by, once that of the broker was: the client leaves a socket open."""
        context = ssl.create_default_context(cafile=os.environ.get(CA_FILE) or None)
        host, port = self._settings.host, self._settings.port
        with (
            socket.create_connection((host, port), timeout=self._timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return context

    def _refusal(self, reason: str) -> AppError:
        if reason in _REFUSED_LOGIN:
            return NotReady("delivery_login_refused", place=self._settings.place)
        if reason:
            return Unavailable("delivery_broker_refused", place=self._settings.place, reason=reason)
        return Unavailable("delivery_timeout", place=self._settings.place)

    def _explain(self, error: Exception) -> AppError:
        place = self._settings.place
        if isinstance(error, ssl.SSLError):
            return Unavailable("delivery_tls", place=place)
        if isinstance(error, TimeoutError):
            return Unavailable("delivery_timeout", place=place)
        return Unavailable("delivery_unreachable", place=place)


def _end(client: Client) -> None:
    client.disconnect()
    client.loop_stop()
