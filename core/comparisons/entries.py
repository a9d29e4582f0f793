"""What is measured by itself: a method on one view of the images, or a combination of views on parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.comparisons.orders import Combination, ComparisonOrder
from core.errors import BadInput
from core.methods.registry import find_method

PLUS = "+"
# As long as the column of predictions that names it.
LONGEST_VIEW = 64


@dataclass(frozen=True)
class Entry:
    """One column of a comparison. `key` names it in the table of predictions.

    A method has its code, view and options; a combination (`members` not empty) has by view the key of the entry that
    judges it, and `view` is its views joined by "+". Entries with the same `view` are compared with one another.
    """

    key: str
    name: str
    view: str
    method: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    rule: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_combination(self) -> bool:
        """Return whether it combines views of a part."""
        return bool(self.members)


def list_entries(order: ComparisonOrder, views: Sequence[str]) -> tuple[Entry, ...]:
    """Return the entries of an order on images of these views: methods by view, then combinations.

    A method that has an option `seed` and none given gets the order's. Raises BadInput comparison_view_unknown.
    """
    found: list[Entry] = []
    keys: dict[tuple[str, str], str] = {}
    for choice in order.methods:
        spec = find_method(choice.method)
        options = dict(choice.options)
        if "seed" not in options and any(one.name == "seed" for one in spec.fields):
            options["seed"] = order.seed
        for view in _wanted(choice.views, views):
            key = f"{choice.name}@{view}" if view else choice.name
            keys[choice.name, view] = key
            found.append(Entry(key, choice.name, view, choice.method, options))
    for combination in order.combinations:
        _wanted(tuple(combination.members), views)
        members = {view: keys[name, view] for view, name in sorted(combination.members.items())}
        found.append(_combine(combination, members))
    return tuple(found)


def _combine(combination: Combination, members: Mapping[str, str]) -> Entry:
    return Entry(
        combination.name, combination.name, PLUS.join(members)[:LONGEST_VIEW], members=members, rule=combination.rule
    )


def _wanted(named: Sequence[str], views: Sequence[str]) -> Sequence[str]:
    for view in named:
        if view not in views:
            raise BadInput("comparison_view_unknown", view=view, views=", ".join(one for one in views if one) or "-")
    return named or views
