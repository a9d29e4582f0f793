"""Options of a method that is not trained, checked against its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import BadInput
from core.methods.records import ConfigField, MethodSpec


def read_options(spec: MethodSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for each field of the method, the default where none is given.

    Raises BadInput(`method_option_unknown`, `method_option_invalid`).
    """
    known = {field.name: field for field in spec.fields}
    for name in values:
        if name not in known:
            raise BadInput("method_option_unknown", method=spec.name, field=str(name)[:60], choices=", ".join(known))
    return {name: _read(spec, field, values.get(name, field.default)) for name, field in known.items()}


def _read(spec: MethodSpec, field: ConfigField, value: Any) -> Any:
    if field.kind == "choice":
        choices = [code for code, _title in field.choices]
        if value in choices:
            return value
        expected = ", ".join(choices)
    else:
        if isinstance(value, int) and not isinstance(value, bool) and field.lowest <= value <= field.highest:
            return value
        expected = f"{field.lowest:g} – {field.highest:g}"
    raise BadInput(
        "method_option_invalid", method=spec.name, field=field.name, value=str(value)[:40], expected=expected
    )
