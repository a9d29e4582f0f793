"""How a target is reached, as its row keeps it: a webhook's address, or an MQTT broker with its topic."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from string import Formatter
from typing import Any
from urllib.parse import urlsplit

from core.deliveries.credentials import (
    DEFAULT_PASSWORD,
    DEFAULT_SECRET,
    DEFAULT_USER,
    MQTT_PREFIX,
    WEBHOOK_PREFIX,
    check_name,
)
from core.errors import BadInput
from storage.json_fields import read_int, read_object, read_text

DEFAULT_TOPIC = "geomsa/{product}/{line}"
TOPIC_FIELDS = ("product", "line", "verdict", "source")
PORT, TLS_PORT = 1883, 8883
LONGEST_URL, LONGEST_TOPIC = 1000, 200
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
# What has a meaning of its own in a topic, and what nobody sees.
_NOT_IN_LEVEL = re.compile(r"[+#/\x00-\x1f\x7f]")


@dataclass(frozen=True)
class WebhookSettings:
    """A webhook: where results are posted, and the variable that holds the secret they are signed with."""

    url: str
    secret_name: str = DEFAULT_SECRET

    @property
    def place(self) -> str:
        """Return the scheme and host: the rest of an address may be as good as a password."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")

    def checked(self) -> WebhookSettings:
        """Return the settings. Raises BadInput delivery_url, delivery_url_password, delivery_variable."""
        try:
            parts = urlsplit(self.url)
            is_right = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            is_right = False
        if not is_right or len(self.url) > LONGEST_URL or not self.url.isascii() or not self.url.isprintable():
            raise BadInput("delivery_url")
        if parts.username is not None or parts.password is not None:
            raise BadInput("delivery_url_password")
        check_name(self.secret_name, WEBHOOK_PREFIX)
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the row."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> WebhookSettings:
        """Return the settings in a row."""
        found = read_object(value)
        return cls(read_text(found.get("url")) or "", read_text(found.get("secret_name")) or DEFAULT_SECRET)


@dataclass(frozen=True)
class MqttSettings:
    """An MQTT broker, the topic of each result, and the variables that hold user and password."""

    host: str
    port: int = PORT
    tls: bool = False
    topic: str = DEFAULT_TOPIC
    user_name: str = DEFAULT_USER
    password_name: str = DEFAULT_PASSWORD

    @property
    def place(self) -> str:
        """Return the broker's address."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"

    def checked(self) -> MqttSettings:
        """Return the settings. Raises BadInput delivery_host, delivery_topic, delivery_variable."""
        if not _HOST.fullmatch(self.host) or not 0 < self.port < 65536:
            raise BadInput("delivery_host")
        try:
            fields = [(name, spec, how) for _text, name, spec, how in Formatter().parse(self.topic) if name is not None]
        except ValueError as error:
            raise BadInput("delivery_topic", fields=_shown_fields()) from error
        plain = all(name in TOPIC_FIELDS and not spec and not how for name, spec, how in fields)
        wild = any(sign in self.topic for sign in "+#\x00") or self.topic.startswith("$")
        if not plain or wild or not self.topic.strip("/ ") or len(self.topic) > LONGEST_TOPIC:
            raise BadInput("delivery_topic", fields=_shown_fields())
        check_name(self.user_name, MQTT_PREFIX)
        check_name(self.password_name, MQTT_PREFIX)
        return self

    def name_topic(self, payload: dict[str, Any]) -> str:
        """Return the topic of one result; what is empty is "-", and signs with a meaning in topics are "_"."""
        levels = {name: _NOT_IN_LEVEL.sub("_", str(payload.get(name) or "-")) for name in TOPIC_FIELDS}
        return self.topic.format_map(levels)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the row."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> MqttSettings:
        """Return the settings in a row."""
        found = read_object(value)
        return cls(
            host=read_text(found.get("host")) or "",
            port=read_int(found.get("port")) or PORT,
            tls=found.get("tls") is True,
            topic=read_text(found.get("topic")) or DEFAULT_TOPIC,
            user_name=read_text(found.get("user_name")) or DEFAULT_USER,
            password_name=read_text(found.get("password_name")) or DEFAULT_PASSWORD,
        )


TargetSettings = WebhookSettings | MqttSettings


def read_target_settings(kind: str, value: object) -> TargetSettings:
    """Return the settings of a row of `kind`, "webhook" or "mqtt"."""
    return MqttSettings.from_json(value) if kind == "mqtt" else WebhookSettings.from_json(value)


def _shown_fields() -> str:
    return ", ".join(f"{{{name}}}" for name in TOPIC_FIELDS)
