"""An error as a job's row holds it: its code, and the parameters of its sentence as JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import AppError
from storage.json_fields import read_object, read_text


@dataclass(frozen=True)
class StoredError:
    """The code of an error, and what stands in its sentence."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, code: object, params: object) -> StoredError | None:
        """Return the error of a row by its two columns, or fields; None where there is no code."""
        known = read_text(code)
        return None if known is None else cls(known, read_object(params))

    @classmethod
    def from_error(cls, error: AppError) -> StoredError:
        """Return what is stored of an error."""
        return cls(error.code, plain(error.params))

    def to_app_error(self) -> AppError:
        """Return the error, to be raised or told."""
        # Names that the constructor itself has cannot be parameters.
        return AppError(
            self.code, **{name: value for name, value in self.params.items() if name not in ("self", "code")}
        )


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of an error as JSON values: what is no string, number, truth value or name is said in words."""
    return {
        name: value if isinstance(value, str | int | float | bool | None) or _is_name(value) else str(value)
        for name, value in params.items()
    }


def _is_name(value: object) -> bool:
    """Return whether this is a name in several languages, of which the sentence takes one (`errors.describe`)."""
    return isinstance(value, dict) and all(isinstance(part, str) for pair in value.items() for part in pair)
