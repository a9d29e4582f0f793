"""The four Western Electric rules: what in a run of points is hardly chance.

Source: Western Electric Company, Statistical Quality Control Handbook (1956); Montgomery, Introduction to Statistical
Quality Control, chapter 5. Each rule is named at the point that completes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from core.i18n import N_

Rule = Literal["beyond_3", "two_of_three", "four_of_five", "eight_in_row"]

RULE_NAMES: dict[Rule, str] = {
    "beyond_3": N_("1 point beyond the limits"),
    "two_of_three": N_("2 of 3 points beyond 2σ on one side"),
    "four_of_five": N_("4 of 5 points beyond 1σ on one side"),
    "eight_in_row": N_("8 points in a row on one side of the center"),
}
# Rule: how many points are looked at, how many of them must lie beyond so many sigmas.
_RUNS: dict[Rule, tuple[int, int, float]] = {
    "two_of_three": (3, 2, 2.0),
    "four_of_five": (5, 4, 1.0),
    "eight_in_row": (8, 8, 0.0),
}


def find_broken_rules(distances: Sequence[float], *, is_ordered: bool = True) -> list[tuple[Rule, ...]]:
    """Return for each point the rules that it completes.

    `distances` are from the center in sigmas of each point. Without an order (lines, products) only the first rule
    means anything.
    """
    found: list[tuple[Rule, ...]] = []
    for place, distance in enumerate(distances):
        broken: list[Rule] = ["beyond_3"] if abs(distance) > 3.0 else []
        if is_ordered:
            broken += [rule for rule in _RUNS if _completes(distances[: place + 1], rule)]
        found.append(tuple(broken))
    return found


def _completes(until: Sequence[float], rule: Rule) -> bool:
    """Return whether the last point is beyond the zone itself, and enough before it on the same side."""
    looked_at, needed, zone = _RUNS[rule]
    last = until[-1]
    if abs(last) <= zone:
        return False
    side = 1.0 if last > 0 else -1.0
    return sum(side * one > zone for one in until[-looked_at:]) >= needed
