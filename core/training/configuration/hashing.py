"""The hash of a configuration: the same for everything that makes the same network."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from core.training.configuration.fields import SECTION_TYPES, find_field
from core.training.configuration.records import RunConfiguration

_NAMES = ("name", "experiment")


def hash_configuration(configuration: RunConfiguration) -> str:
    """Return the SHA-256 (64 hexadecimal digits) of all but what the run and its experiment are called.

    The order of names and whether a number was written as 1 or as 1.0 make no difference.
    """
    values = configuration.to_json()
    for name in _NAMES:
        del values[name]
    written = json.dumps(_level(values), sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(written.encode()).hexdigest()


def _level(values: dict[str, Any]) -> dict[str, Any]:
    leveled: dict[str, Any] = {}
    for name, value in values.items():
        if name in SECTION_TYPES:
            leveled[name] = {field: _level_value(f"{name}.{field}", one) for field, one in value.items()}
        else:
            leveled[name] = _level_value(name, value)
    return leveled


def _level_value(path: str, value: Any) -> Any:
    kind = find_field(path).kind
    if kind == "float":
        return float(value)
    if kind in ("weights", "goals"):
        return {name: float(one) for name, one in value.items()}
    return value
