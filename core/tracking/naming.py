"""What configurations and figures are called in the tracking store: flat names, as MLflow takes them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

# MLflow's own limits: a name, the value of a parameter, and that of a tag.
MOST_CHARACTERS, MOST_PARAMETER_CHARACTERS, MOST_TAG_CHARACTERS = 250, 6000, 5000
_NOT_ALLOWED = re.compile(r"[^\w\-. :/]")


def flatten_parameters(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Return a configuration as MLflow's parameters: `training.epochs` → `20`, lists as JSON, nothing as empty."""
    return {name: _word(value)[:MOST_PARAMETER_CHARACTERS] for name, value in _flatten(configuration, ".").items()}


def flatten_figures(figures: Mapping[str, Any], *, under: str) -> dict[str, float]:
    """Return the finite numbers in nested figures by name: `test/per_class/crack/f1`. Tables and words are left out."""
    found = {}
    for name, value in _flatten(figures, "/").items():
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            found[clean_name(f"{under}/{name}")] = float(value)
    return found


def clean_name(name: str) -> str:
    """Return a name that MLflow takes: other characters become `_`, and no part of it is empty or a step upwards."""
    parts = [_NOT_ALLOWED.sub("_", part).strip() or "_" for part in name.split("/")]
    return "/".join("_" if set(part) == {"."} else part for part in parts)[:MOST_CHARACTERS].rstrip("/")


def _flatten(values: Mapping[str, Any], separator: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        # A name that holds the separator itself would look like two.
        own = str(name).replace(separator, "_") if separator == "/" else str(name)
        if isinstance(value, Mapping) and value:
            found |= {f"{own}{separator}{inner}": one for inner, one in _flatten(value, separator).items()}
        else:
            found[own] = value
    return found


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
