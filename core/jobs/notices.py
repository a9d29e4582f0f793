"""What a deployment has to say of a product that is no error: its code, and the parameters of its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import describe
from storage.json_fields import read_object, read_objects, read_text


@dataclass(frozen=True)
class Notice:
    """One notice; its sentence says what to do."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self, language: str) -> str:
        """Return the sentence in `language`."""
        return describe(self.code, dict(self.params), language)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that is read by `read_notices`."""
        return {"code": self.code, "params": dict(self.params)}


def read_notices(value: object) -> tuple[Notice, ...] | None:
    """Return the notices in a list of JSON objects; None for what is no list."""
    if not isinstance(value, list | tuple):
        return None
    return tuple(
        Notice(code, read_object(found.get("params")))
        for found in read_objects(value)
        if (code := read_text(found.get("code"))) is not None
    )
