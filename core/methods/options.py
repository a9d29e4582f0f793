"""Reading what a person set for a method: every name known, every value of its kind and within its limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput
from core.methods.records import ConfigField

SEED = "seed"
_HIGHEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class MethodOptions:
    """The values of a method's fields and its seed: the configuration of most methods."""

    values: Mapping[str, Any]
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**self.values, SEED: self.seed}


def read_options(method: str, fields: tuple[ConfigField, ...], values: Mapping[str, Any]) -> MethodOptions:
    """Return the values of all fields, those that are absent or None with their default.

    Raises BadInput(`method_option_unknown`, `method_option_out_of_range`, `method_option_no_choice`).
    """
    known = {one.name: one for one in fields}
    for name in values:
        if name not in known and name != SEED:
            raise BadInput("method_option_unknown", method=method, field=name, choices=", ".join([*known, SEED]))
    seed = values.get(SEED, 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= _HIGHEST_SEED:
        raise BadInput(
            "method_option_out_of_range", method=method, field=SEED, value=seed, lowest=0, highest=_HIGHEST_SEED
        )
    read = {name: _read(method, one, values.get(name)) for name, one in known.items()}
    return MethodOptions(read, seed)


def _read(method: str, one: ConfigField, value: Any) -> Any:
    if value is None:
        return one.default
    if one.kind in ("choice", "text"):
        choices = [name for name, _title in one.choices]
        if not isinstance(value, str) or (one.kind == "choice" and value not in choices):
            raise BadInput(
                "method_option_no_choice", method=method, field=one.name, value=value, choices=", ".join(choices)
            )
        return value
    right = isinstance(value, int if one.kind == "int" else (int, float)) and not isinstance(value, bool)
    if not right or not math.isfinite(value) or not one.lowest <= value <= one.highest:
        raise BadInput(
            "method_option_out_of_range",
            method=method,
            field=one.name,
            value=value,
            lowest=_plain(one.lowest),
            highest=_plain(one.highest),
        )
    return value if one.kind == "int" else float(value)


def _plain(number: float) -> float | int:
    return int(number) if float(number).is_integer() else number
