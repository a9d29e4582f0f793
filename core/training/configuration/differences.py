"""In what configurations differ, setting by setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.training.configuration.fields import FieldSpec, list_fields, read_value
from core.training.configuration.records import RunConfiguration


@dataclass(frozen=True)
class Difference:
    """A setting that is not the same everywhere: its `path` (`training.epochs`, `report.goals.top1`), its label (a
    msgid), and its value in each configuration in their order; None where one has no such value.
    """

    path: str
    label: str
    values: tuple[Any, ...]


def find_differences(configurations: Sequence[RunConfiguration], *, with_names: bool = False) -> tuple[Difference, ...]:
    """Return the settings in which configurations differ, in the order of the sections.

    What runs and experiments are called is left out unless `with_names`. Values by name (goals, weights, options) are
    compared one by one.
    """
    found = []
    for section in list_fields():
        for one in section.fields:
            if one.path in ("name", "experiment") and not with_names:
                continue
            values = [read_value(configuration, one.path) for configuration in configurations]
            if one.kind in ("weights", "goals", "options"):
                found += _compare_named(one, values)
            elif any(value != values[0] for value in values):
                found.append(Difference(one.path, one.label, tuple(values)))
    return tuple(found)


def _compare_named(one: FieldSpec, values: Sequence[Mapping[str, Any]]) -> list[Difference]:
    names = dict.fromkeys(name for value in values for name in value)
    compared = [(name, tuple(value.get(name) for value in values)) for name in names]
    return [
        Difference(f"{one.path}.{name}", one.label, each)
        for name, each in compared
        if any(value != each[0] for value in each)
    ]
