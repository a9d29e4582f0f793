"""Reading the fields of a JSON column: what is absent, or not of the type that was written, has its default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def read_object(value: object) -> dict[str, Any]:
    """Return the JSON object `value`, or an empty one for anything else."""
    return dict(value) if isinstance(value, Mapping) else {}


def read_objects(value: object) -> list[dict[str, Any]]:
    """Return the JSON objects in the list `value`, without what is none."""
    return [dict(item) for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def read_text(value: object) -> str | None:
    """Return the string `value`, or None."""
    return value if isinstance(value, str) else None


def read_int(value: object) -> int | None:
    """Return the whole number `value`, or None; a truth value is no number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_ints(value: object) -> tuple[int, ...]:
    """Return the whole numbers in the list `value`, without what is none."""
    items = value if isinstance(value, list | tuple) else ()
    return tuple(number for item in items if (number := read_int(item)) is not None)


def read_float(value: object) -> float | None:
    """Return the number `value` as float, or None; a truth value is no number."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def read_floats(value: object) -> dict[str, float]:
    """Return the numbers in the JSON object `value` by name, without what is none."""
    found = {name: read_float(item) for name, item in read_object(value).items()}
    return {name: number for name, number in found.items() if number is not None}


def read_texts(value: object) -> tuple[str, ...]:
    """Return the strings in the list `value`, without what is none."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()
