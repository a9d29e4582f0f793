"""A training as a draft: what was said, what comes from the data, what is a default, and what is still missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from storage.json_fields import read_object, read_objects, read_text

SAID, FROM_DATA, DEFAULT = "said", "data", "default"
# States of a draft in its turn.
ASKING, OPEN, DISCARDED, CONFIRMED = "asking", "open", "discarded", "confirmed"


@dataclass(frozen=True)
class Missing:
    """A setting that has to be asked for, with what can be chosen: values and what they are called."""

    field: str
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Draft:
    """A training that waits: `said` and `from_data` are settings by path.

    `configuration` is the whole, checked configuration as plain values, empty while something is missing or wrong;
    `problem` is the code and the parameters of what is wrong.
    """

    said: Mapping[str, Any] = field(default_factory=dict)
    from_data: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    configuration: Mapping[str, Any] = field(default_factory=dict)
    problem: tuple[str, Mapping[str, Any]] | None = None

    @property
    def is_ready(self) -> bool:
        """Return whether a person can confirm it."""
        return bool(self.configuration) and not self.missing and self.problem is None

    @property
    def product(self) -> str:
        """Return the product's code, empty while it is missing."""
        return str(self.said.get("product") or self.from_data.get("product") or "")

    def mark(self, path: str) -> str:
        """Return where the value of a setting comes from: said, data or default."""
        if path in self.said:
            return SAID
        return FROM_DATA if path in self.from_data else DEFAULT

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "said": dict(self.said),
            "from_data": dict(self.from_data),
            "missing": [
                {"field": one.field, "choices": [{"value": v, "label": label} for v, label in one.choices]}
                for one in self.missing
            ],
            "configuration": dict(self.configuration),
            "problem": None if self.problem is None else {"code": self.problem[0], "params": dict(self.problem[1])},
        }

    @classmethod
    def from_json(cls, value: object) -> Draft:
        """Return the draft in a stored turn."""
        data = read_object(value)
        problem = read_object(data.get("problem"))
        return cls(
            said=read_object(data.get("said")),
            from_data=read_object(data.get("from_data")),
            missing=tuple(
                Missing(read_text(one.get("field")) or "", read_choices(one.get("choices")))
                for one in read_objects(data.get("missing"))
            ),
            configuration=read_object(data.get("configuration")),
            problem=(str(problem["code"]), read_object(problem.get("params"))) if "code" in problem else None,
        )


def read_choices(value: object) -> tuple[tuple[str, str], ...]:
    """Return choices as they are stored: objects with a value and a label."""
    return tuple((read_text(one.get("value")) or "", read_text(one.get("label")) or "") for one in read_objects(value))


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by path as the nested values of a configuration."""
    made: dict[str, Any] = {}
    for path, value in values.items():
        section, _dot, name = path.rpartition(".")
        if section:
            made.setdefault(section, {})[name] = value
        else:
            made[name] = value
    return made


def flatten(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nested values of a configuration by path; what is below a section's field stays whole."""
    made: dict[str, Any] = {}
    for name, value in configuration.items():
        if isinstance(value, Mapping):
            made |= {f"{name}.{inner}": one for inner, one in value.items()}
        else:
            made[name] = value
    return made
