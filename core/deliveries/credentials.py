"""Secrets of targets: in the environment of the process that sends, or in a file that it names; nowhere else.

A target's row keeps the name of the variable alone. The names are bounded, so that no other secret of the process can
be sent anywhere by naming it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from core.errors import BadInput, NotReady

WEBHOOK_PREFIX, MQTT_PREFIX = "GEOMSA_WEBHOOK_", "GEOMSA_MQTT_"
DEFAULT_SECRET = f"{WEBHOOK_PREFIX}SECRET"
DEFAULT_USER, DEFAULT_PASSWORD = f"{MQTT_PREFIX}USER", f"{MQTT_PREFIX}PASSWORD"
CA_FILE = f"{MQTT_PREFIX}CA_FILE"
_NAME = re.compile(r"[A-Z0-9_]{1,40}")
_MOST_BYTES = 4096


def check_name(name: str, prefix: str) -> str:
    """Return the variable's name. Raises BadInput delivery_variable where it does not begin with `prefix`."""
    if not name.startswith(prefix) or not _NAME.fullmatch(name.removeprefix(prefix)):
        raise BadInput("delivery_variable", name=name[:80], prefix=prefix)
    return name


def read_secret(name: str) -> str | None:
    """Return what the variable `name` holds, else the content of the file that `{name}_FILE` names; None without both.

    Raises NotReady delivery_secret_file for a file that cannot be read.
    """
    if value := os.environ.get(name, "").strip():
        return value
    file = os.environ.get(f"{name}_FILE", "").strip()
    if not file:
        return None
    try:
        with Path(file).open(encoding="utf-8") as source:
            return source.read(_MOST_BYTES).strip() or None
    except (OSError, ValueError) as error:
        raise NotReady("delivery_secret_file", name=f"{name}_FILE") from error
