"""Reading a configuration out of plain values: every name known, every value of its kind and within its limits."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import BadInput
from core.images.domains import DOMAINS
from core.training.configuration.defaults import first_recipe, starting_values, task_of
from core.training.configuration.fields import (
    SECTION_TYPES,
    FieldSpec,
    fields_by_path,
    find_field,
    list_fields,
)
from core.training.configuration.goals import list_goals
from core.training.configuration.nearest import find_nearest, show_limit, show_value
from core.training.configuration.records import VERSION, ModelSection, RunConfiguration

_LONGEST = {"product": 64, "name": 190, "experiment": 190, "data.view": 64, "model.recipe": 64, "model.adapter": 64}
_LONGEST_TEXT = 120
_LONGEST_LABEL = 64
_MOST_LABELS = 2000
_MOST_OPTIONS = 100
_DEEPEST_OPTION = 4
_LONGEST_SHOWN = 60


def read_configuration(values: object) -> RunConfiguration:
    """Return the configuration in plain values, as YAML, JSON, a form or a conversation give them.

    What is absent begins with the recipe's defaults; where no recipe is named, with the task's first recipe. No value
    is taken for another kind than it is. Raises BadInput, whose `field` is the path: config_not_a_mapping,
    config_section_not_a_mapping, config_key_unknown, config_key_meant, config_key_dotted, config_version_newer,
    config_product_missing, config_needs_whole, config_needs_number, config_needs_switch, config_needs_choice,
    config_needs_text, config_text_invalid, config_needs_list, config_label_twice, config_needs_group,
    config_domain_unknown, config_domains_all_zero, config_goal_unknown, config_option_invalid, config_shares_too_large.
    """
    if not isinstance(values, Mapping):
        raise BadInput("config_not_a_mapping", at="")
    _refuse_newer(values.get("version"))
    _check_keys("", values)
    model = _read_model(_section(values, "model"), values.get("task"))
    made: dict[str, Any] = {"model": model}
    for name, kind in SECTION_TYPES.items():
        if name != "model":
            given = _section(values, name)
            made[name] = kind(**{**starting_values(model.recipe, name), **_read_fields(name, given)})
    top = _read_fields("", values)
    top.setdefault("task", task_of(model.recipe) or RunConfiguration.task)
    if not top.get("product"):
        raise BadInput("config_product_missing", at="", field="product")
    configuration = RunConfiguration(**top, **made)
    _check_together(configuration)
    return configuration


def _refuse_newer(version: object) -> None:
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        raise BadInput("config_version_newer", at="", field="version", found=show_value(version), highest=VERSION)


def _check_keys(section: str, values: Mapping[Any, Any]) -> None:
    own = [one.name for found in list_fields() if found.name == section for one in found.fields]
    known = [*own, *SECTION_TYPES] if not section else own
    for key in values:
        if key not in known or not isinstance(key, str):
            raise _unknown(section, key, known)


def _unknown(section: str, key: object, known: list[str]) -> BadInput:
    name = str(key)[:_LONGEST_SHOWN]
    path = f"{section}.{name}" if section else name
    if not section and name in fields_by_path():
        inner, _dot, field = name.partition(".")
        return BadInput("config_key_dotted", at="", field=path, section=inner, name=field)
    nearest = find_nearest(section, name, known)
    if nearest is not None:
        return BadInput("config_key_meant", at="", field=path, nearest=nearest)
    return BadInput("config_key_unknown", at="", field=path, choices=", ".join(known))


def _section(values: Mapping[Any, Any], name: str) -> Mapping[str, Any]:
    given = values.get(name)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadInput("config_section_not_a_mapping", at="", field=name)
    _check_keys(name, given)
    return given


def _read_model(given: Mapping[str, Any], task: object) -> ModelSection:
    read = _read_fields("model", given)
    if not read.get("recipe"):
        known = find_field("task").choices
        read["recipe"] = first_recipe(task) if isinstance(task, str) and task in known else ModelSection().recipe
    return ModelSection(**{**starting_values(read["recipe"], "model"), **read})


def _read_fields(section: str, given: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the values that were given for a section's settings; nothing at all counts as not given for some."""
    found: dict[str, Any] = {}
    for own in list_fields():
        for one in own.fields:
            if one.section == section and one.name in given:
                value = given[one.name]
                if value is None and (one.is_optional or one.kind not in ("int", "float", "bool", "choice")):
                    if one.is_optional:
                        found[one.name] = None
                    continue
                found[one.name] = _READERS[one.kind](one, value)
    return found


def _read_whole(one: FieldSpec, value: object) -> int | None:
    if value is None and one.is_optional:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not _is_within(one, value):
        raise _outside("config_needs_whole", one, value)
    return value


def _read_number(one: FieldSpec, value: object) -> float:
    return _number(one, one.path, value)


def _number(one: FieldSpec, path: str, value: object) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not _is_within(one, value)
        or not math.isfinite(value)
    ):
        raise _outside("config_needs_number", one, value, path)
    return float(value)


def _read_switch(one: FieldSpec, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadInput("config_needs_switch", at="", field=one.path, value=show_value(value))
    return value


def _read_choice(one: FieldSpec, value: object) -> str:
    if not isinstance(value, str) or value not in one.choices:
        raise BadInput(
            "config_needs_choice", at="", field=one.path, value=show_value(value), choices=", ".join(one.choices)
        )
    return value


def _read_text(one: FieldSpec, value: object) -> str:
    return _text(one.path, value, _LONGEST.get(one.path, _LONGEST_TEXT))


def _text(path: str, value: object, longest: int) -> str:
    if not isinstance(value, str):
        raise BadInput("config_needs_text", at="", field=path, value=show_value(value))
    text = unicodedata.normalize("NFC", value.strip())
    if len(text) > longest or any(unicodedata.category(letter)[0] == "C" for letter in text):
        raise BadInput("config_text_invalid", at="", field=path, highest=longest)
    return text


def _read_labels(one: FieldSpec, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) > _MOST_LABELS:
        raise BadInput("config_needs_list", at="", field=one.path, value=show_value(value), highest=_MOST_LABELS)
    labels = tuple(_text(one.path, label, _LONGEST_LABEL) for label in value)
    for label in labels:
        if not label or labels.count(label) > 1:
            raise BadInput("config_label_twice", at="", field=one.path, value=show_value(label))
    return labels


def _read_weights(one: FieldSpec, value: object) -> dict[str, float]:
    given = _group(one, value)
    for name in given:
        if name not in DOMAINS:
            raise BadInput(
                "config_domain_unknown", at="", field=one.path, name=show_value(name), choices=", ".join(DOMAINS)
            )
    return {name: _number(one, f"{one.path}.{name}", weight) for name, weight in given.items()}


def _read_goals(one: FieldSpec, value: object) -> dict[str, float]:
    given = _group(one, value)
    for name in given:
        if not isinstance(name, str):
            raise BadInput("config_goal_invalid", at="", field=one.path, name=show_value(name))
    return {name: _number(one, f"{one.path}.{name}", goal) for name, goal in given.items()}


def _read_options(one: FieldSpec, value: object) -> dict[str, Any]:
    given = _group(one, value)
    if len(given) > _MOST_OPTIONS:
        raise BadInput("config_option_invalid", at="", field=one.path)
    made: dict[str, Any] = _plain(one.path, given, 0)
    return made


def _plain(path: str, value: object, depth: int) -> Any:
    """Return values that JSON can hold. Raises BadInput config_option_invalid for others, and for a deep nesting."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str) and len(value) <= 10 * _LONGEST_TEXT:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if depth < _DEEPEST_OPTION and isinstance(value, list | tuple):
        return [_plain(path, one, depth + 1) for one in value]
    if depth < _DEEPEST_OPTION and isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: _plain(f"{path}.{name}", one, depth + 1) for name, one in value.items()}
    raise BadInput("config_option_invalid", at="", field=path)


def _group(one: FieldSpec, value: object) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise BadInput("config_needs_group", at="", field=one.path, value=show_value(value))
    return value


def _check_together(configuration: RunConfiguration) -> None:
    data = configuration.data
    known = list_goals(configuration.task)
    for goal in configuration.report.goals:
        if goal not in known:
            raise _goal_unknown(goal, configuration.task, known)
    if data.domains and len(data.domains) == len(DOMAINS) and not any(data.domains.values()):
        raise BadInput("config_domains_all_zero", at="", field="data.domains")
    # Nothing is left to learn from where both take a half.
    if data.val_share + data.test_share > _MOST_APART:
        raise BadInput("config_shares_too_large", at="", field="data.test_share", highest=f"{_MOST_APART:g}")


def _goal_unknown(goal: str, task: str, known: Iterable[str]) -> BadInput:
    return BadInput(
        "config_goal_unknown", at="", field=f"report.goals.{goal[:_LONGEST_SHOWN]}", task=task, choices=", ".join(known)
    )


def _is_within(one: FieldSpec, value: float) -> bool:
    return (one.lowest is None or value >= one.lowest) and (one.highest is None or value <= one.highest)


def _outside(reason: str, one: FieldSpec, value: object, path: str = "") -> BadInput:
    return BadInput(
        reason,
        at="",
        field=path or one.path,
        value=show_value(value),
        lowest=show_limit(one.lowest),
        highest=show_limit(one.highest),
    )


_MOST_APART = 0.9
_READERS = {
    "int": _read_whole,
    "float": _read_number,
    "bool": _read_switch,
    "choice": _read_choice,
    "text": _read_text,
    "labels": _read_labels,
    "weights": _read_weights,
    "goals": _read_goals,
    "options": _read_options,
}
