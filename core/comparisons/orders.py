"""What is compared, as YAML, JSON or a form gives it: one object, checked in one place.

product: cell
dataset: 2                  # its number; left out: the newest that is not broken, or a new one
name: First comparison
seed: 0
methods:
  - method: patchcore       # views: [ct] for one view alone
  - method: classifier
    name: probe
    options: {…}
combinations:
  - name: both
    members: {ct: patchcore, rgb: probe}
    rule: {method: weighted_average, weights: fitted}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import BadInput
from core.methods.registry import find_method
from storage.json_fields import read_int, read_object, read_objects, read_text, read_texts

LONGEST_TEXT = 100_000
LONGEST_NAME = 30
LONGEST_TITLE = 120
MOST_METHODS = 20
HIGHEST_SEED = 2**31 - 1
DEFAULT_RULE: Mapping[str, Any] = {"method": "weighted_average", "weights": "fitted"}
_NAME = re.compile(r"[\w][\w .+-]*")


@dataclass(frozen=True)
class MethodChoice:
    """A method with its options under a name of its own; `views` are those that it judges, all where none is named."""

    method: str
    name: str
    views: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `read_order` reads."""
        return {"method": self.method, "name": self.name, "views": list(self.views), "options": dict(self.options)}


@dataclass(frozen=True)
class Combination:
    """Views combined into one verdict of a part: by view the name of the method that judges it, and the rule.

    `rule` is as `core.fusion.rules.read_rule` reads it; its thresholds are chosen by validation.
    """

    name: str
    members: Mapping[str, str]
    rule: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULT_RULE))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `read_order` reads."""
        return {"name": self.name, "members": dict(self.members), "rule": dict(self.rule)}


@dataclass(frozen=True)
class ComparisonOrder:
    """What is compared. `product` is a code, `dataset` the number of a version, None for the newest that is whole."""

    methods: tuple[MethodChoice, ...]
    combinations: tuple[Combination, ...] = ()
    product: str = ""
    dataset: int | None = None
    name: str = ""
    seed: int = 0

    @classmethod
    def from_json(cls, value: object) -> ComparisonOrder:
        """Return the order in a row, which was checked when it was stored."""
        data = read_object(value)
        methods = tuple(
            MethodChoice(
                read_text(one.get("method")) or "",
                read_text(one.get("name")) or "",
                read_texts(one.get("views")),
                read_object(one.get("options")),
            )
            for one in read_objects(data.get("methods"))
        )
        combinations = tuple(
            Combination(read_text(one.get("name")) or "", read_object(one.get("members")), read_object(one.get("rule")))
            for one in read_objects(data.get("combinations"))
        )
        return cls(
            methods,
            combinations,
            read_text(data.get("product")) or "",
            read_int(data.get("dataset")),
            read_text(data.get("name")) or "",
            read_int(data.get("seed")) or 0,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` and `read_order` read."""
        return {
            "product": self.product,
            "dataset": self.dataset,
            "name": self.name,
            "seed": self.seed,
            "methods": [one.to_json() for one in self.methods],
            "combinations": [one.to_json() for one in self.combinations],
        }


def parse_order(text: str) -> ComparisonOrder:
    """Return the order in a YAML or JSON text.

    Raises BadInput comparison_unreadable, and as `read_order`.
    """
    import yaml

    if len(text) > LONGEST_TEXT:
        raise BadInput("comparison_unreadable", detail=f"> {LONGEST_TEXT}")
    try:
        values = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        detail = f"line {mark.line + 1}" if mark else type(error).__name__
        raise BadInput("comparison_unreadable", detail=detail) from error
    return read_order(values)


def order_to_yaml(order: ComparisonOrder) -> str:
    """Return the order as the YAML text that `parse_order` reads."""
    import yaml

    return str(yaml.safe_dump(order.to_json(), sort_keys=False, allow_unicode=True, width=120))


def read_order(values: object) -> ComparisonOrder:
    """Return the order in plain values, its methods and their options checked.

    Raises BadInput comparison_not_a_mapping, comparison_key_unknown, comparison_field_invalid,
    comparison_without_methods, comparison_too_many, comparison_name_twice, comparison_member_unknown; NotFound
    method_name_unknown, and BadInput for an option.
    """
    data = _take(values, ("product", "dataset", "name", "seed", "methods", "combinations"))
    methods = tuple(_read_method(one) for one in _list(data, "methods"))
    combinations = tuple(_read_combination(one) for one in _list(data, "combinations"))
    if not methods:
        raise BadInput("comparison_without_methods")
    if len(methods) + len(combinations) > MOST_METHODS:
        raise BadInput("comparison_too_many", highest=MOST_METHODS)
    names = [*(one.name for one in methods), *(one.name for one in combinations)]
    for name in names:
        if names.count(name) > 1:
            raise BadInput("comparison_name_twice", name=name)
    for combination in combinations:
        _check_members(combination, methods)
    dataset, seed = data.get("dataset"), data.get("seed", 0)
    if dataset is not None and (not _is_whole(dataset) or dataset < 1):
        raise _invalid("dataset", dataset)
    if not _is_whole(seed) or not 0 <= seed <= HIGHEST_SEED:
        raise _invalid("seed", seed)
    return ComparisonOrder(
        methods,
        combinations,
        product=_text(data, "product", 64),
        dataset=dataset,
        name=_text(data, "name", LONGEST_TITLE),
        seed=seed,
    )


def _read_method(values: object) -> MethodChoice:
    data = _take({"method": values} if isinstance(values, str) else values, ("method", "name", "views", "options"))
    method = _text(data, "method", 64)
    options = data.get("options") or {}
    if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
        raise _invalid("options", options)
    find_method(method).read_config(options)
    views = data.get("views") or ()
    if not isinstance(views, list | tuple) or not all(isinstance(view, str) and view for view in views):
        raise _invalid("views", views)
    return MethodChoice(method, _name(data, method), tuple(dict.fromkeys(views)), dict(options))


def _read_combination(values: object) -> Combination:
    data = _take(values, ("name", "members", "rule"))
    members, rule = data.get("members"), data.get("rule", dict(DEFAULT_RULE))
    if not isinstance(members, Mapping) or len(members) < 2:
        raise _invalid("members", members)
    if not all(isinstance(view, str) and isinstance(name, str) for view, name in members.items()):
        raise _invalid("members", members)
    if not isinstance(rule, Mapping):
        raise _invalid("rule", rule)
    return Combination(_name(data, ""), dict(members), dict(rule))


def _check_members(combination: Combination, methods: Sequence[MethodChoice]) -> None:
    by_name = {one.name: one for one in methods}
    for view, name in combination.members.items():
        found = by_name.get(name)
        if found is None or (found.views and view not in found.views):
            raise BadInput("comparison_member_unknown", name=combination.name, member=name, view=view)


def _take(values: object, keys: Sequence[str]) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise BadInput("comparison_not_a_mapping")
    for key in values:
        if key not in keys:
            raise BadInput("comparison_key_unknown", key=str(key)[:40], keys=", ".join(keys))
    return dict(values)


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    found = data.get(key)
    if found is None:
        return []
    if not isinstance(found, list | tuple):
        raise _invalid(key, found)
    return list(found)


def _name(data: Mapping[str, Any], default: str) -> str:
    name = " ".join(str(data.get("name") or default).split())
    if not isinstance(data.get("name", ""), str) or len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise _invalid("name", data.get("name"))
    return name


def _text(data: Mapping[str, Any], key: str, longest: int) -> str:
    found = data.get(key)
    if found is None:
        return ""
    # A product's code of digits alone is a number to YAML.
    if isinstance(found, bool) or not isinstance(found, str | int) or len(str(found)) > longest:
        raise _invalid(key, found)
    return str(found).strip()


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _invalid(key: str, value: object) -> BadInput:
    return BadInput("comparison_field_invalid", key=key, value=str(value)[:60])
