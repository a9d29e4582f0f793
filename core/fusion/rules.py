"""The rule that combines views, as YAML, JSON or a form gives it: one object, checked in one place.

method: voting              # weighted_average, voting or rule_based
votes: any                  # of voting: any, majority, or a number of views
weights: {ct: 0.6, rgb: 0.4}    # of weighted_average; "fitted" has them fitted to labeled parts
rules:                      # of rule_based, the first that holds decides
  - if ct >= 0.5 and rgb >= 0.5 then combined
  - if ct >= 0.5 then internal
  - if rgb >= 0.5 then external
otherwise: good
review_at: 0.5
reject_at: 0.8
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from core.errors import BadInput
from core.i18n import N_
from inference.errors import ModelError
from inference.vision.comparison.fusion import (
    METHODS,
    OUTCOMES,
    CombinedView,
    Condition,
    FusionRule,
    Outcome,
    Rule,
    Votes,
    check_rule,
)

FITTED = "fitted"
METHOD_NAMES: dict[str, str] = {
    "voting": N_("Voting of the views"),
    "weighted_average": N_("Weighted average"),
    "rule_based": N_("Rules"),
}
FOUND_AS_WORDS: dict[str, str] = {
    "internal": N_("Internal defect"),
    "external": N_("External defect"),
    "combined": N_("Combined defect"),
}
OUTCOME_WORDS: dict[str, str] = {"good": N_("OK"), "review": N_("Review"), **FOUND_AS_WORDS}
LONGEST_TEXT = 20_000
_MOST_RULES = 50
_KEYS = ("method", "votes", "weights", "rules", "otherwise", "review_at", "reject_at")
_RULE = re.compile(r"\s*if\s+(?P<conditions>.+?)\s+then\s+(?P<outcome>[a-z]+)\s*", re.IGNORECASE | re.DOTALL)
_CONDITION = re.compile(r"\s*(?P<view>[a-z0-9_-]{1,32})\s*(?P<sign>>=|<)\s*(?P<value>[0-9.]{1,20})\s*", re.IGNORECASE)
_VOTE_WORDS = tuple(word for word in get_args(get_args(Votes)[0]))


@dataclass(frozen=True)
class WantedRule:
    """A rule as somebody wrote it; with `fit_weights` its weights are still to be fitted to labeled parts."""

    rule: FusionRule
    fit_weights: bool = False


def parse_rule(text: str, views: Sequence[CombinedView]) -> WantedRule:
    """Return the rule in a YAML or JSON text, checked against the product's views.

    Raises BadInput: `fusion_unreadable`, and as `read_rule`.
    """
    import yaml

    if len(text) > LONGEST_TEXT:
        raise BadInput("fusion_unreadable", detail=f"> {LONGEST_TEXT}")
    try:
        values = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise BadInput("fusion_unreadable", detail=f"line {mark.line + 1}" if mark else type(error).__name__) from error
    return read_rule(values, views)


def read_rule(values: object, views: Sequence[CombinedView]) -> WantedRule:
    """Return the rule in plain values, checked against the product's views.

    Raises BadInput: `fusion_not_a_mapping`, `fusion_key_unknown`, `fusion_field_invalid`, `fusion_rule_unreadable`, and
    the codes of `inference.vision.comparison.fusion.check_rule`.
    """
    if not isinstance(values, Mapping):
        raise BadInput("fusion_not_a_mapping")
    for key in values:
        if key not in _KEYS:
            raise BadInput("fusion_key_unknown", key=str(key)[:40], keys=", ".join(_KEYS))
    usual = FusionRule()
    fit = values.get("weights") == FITTED
    rule = FusionRule(
        method=_choose("method", values.get("method", usual.method), METHODS),
        weights={} if fit else _read_weights(values.get("weights")),
        votes=_read_votes(values.get("votes", usual.votes)),
        rules=_read_rules(values.get("rules")),
        otherwise=_choose("otherwise", values.get("otherwise", usual.otherwise), OUTCOMES),
        review_at=_read_number("review_at", values.get("review_at", usual.review_at)),
        reject_at=_read_number("reject_at", values.get("reject_at", usual.reject_at)),
    )
    return WantedRule(checked(rule, views), fit and rule.method == "weighted_average")


def checked(rule: FusionRule, views: Sequence[CombinedView]) -> FusionRule:
    """Return a rule that can combine the views. Raises BadInput with the codes of `check_rule`."""
    try:
        check_rule(rule, views)
    except ModelError as error:
        raise BadInput(error.code, **error.params) from error
    return rule


def rule_to_json(rule: FusionRule) -> dict[str, Any]:
    """Return the rule as plain values that `read_rule` reads: what belongs to its method."""
    values: dict[str, Any] = {"method": rule.method}
    if rule.method == "voting":
        values["votes"] = rule.votes
    elif rule.method == "weighted_average":
        values["weights"] = dict(rule.weights)
    else:
        values["rules"] = [format_rule(one) for one in rule.rules]
        values["otherwise"] = rule.otherwise
    return {**values, "review_at": rule.review_at, "reject_at": rule.reject_at}


def rule_to_yaml(rule: FusionRule) -> str:
    """Return the rule as the YAML text that `parse_rule` reads."""
    import yaml

    return str(yaml.safe_dump(rule_to_json(rule), sort_keys=False, allow_unicode=True, width=120))


def format_rule(rule: Rule) -> str:
    """Return one rule in words, as `read_words` reads it."""
    conditions = (f"{one.view} {'>=' if one.at_least else '<'} {one.value:g}" for one in rule.conditions)
    return f"if {' and '.join(conditions)} then {rule.outcome}"


def read_words(text: str) -> Rule:
    """Return the rule in a line such as "if ct >= 0.5 and rgb < 0.5 then internal".

    Raises BadInput(`fusion_rule_unreadable`).
    """
    refused = BadInput("fusion_rule_unreadable", rule=str(text)[:120])
    found = _RULE.fullmatch(text) if isinstance(text, str) else None
    if found is None or found["outcome"].lower() not in OUTCOMES:
        raise refused
    conditions = []
    for part in re.split(r"\sand\s", found["conditions"], flags=re.IGNORECASE):
        one = _CONDITION.fullmatch(part)
        try:
            value = float(one["value"]) if one is not None else math.nan
        except ValueError:
            value = math.nan
        if one is None or not math.isfinite(value):
            raise refused
        conditions.append(Condition(one["view"].lower(), one["sign"] == ">=", value))
    outcome: Outcome = found["outcome"].lower()  # type: ignore[assignment]
    return Rule(tuple(conditions), outcome)


def _read_rules(values: object) -> tuple[Rule, ...]:
    if values is None:
        return ()
    if isinstance(values, str):
        values = [line for line in values.splitlines() if line.strip()]
    if not isinstance(values, list | tuple) or len(values) > _MOST_RULES:
        raise _invalid("rules", values, f"0-{_MOST_RULES}")
    return tuple(read_words(one) for one in values)


def _read_weights(values: object) -> dict[str, float]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise _invalid("weights", values, f"{{view: 0.5, …}}, {FITTED}")
    return {str(view): _read_number("weights", weight) for view, weight in values.items()}


def _read_votes(value: object) -> Votes:
    if value in _VOTE_WORDS:
        return value  # type: ignore[return-value]
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _invalid("votes", value, f"{', '.join(_VOTE_WORDS)}, 1, 2, …")


def _read_number(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _invalid(key, value, "0.0 … 1.0")
    return float(value)


def _choose(key: str, value: object, choices: Sequence[Any]) -> Any:
    if not isinstance(value, str) or value not in choices:
        raise _invalid(key, value, ", ".join(choices))
    return value


def _invalid(key: str, value: object, allowed: str) -> BadInput:
    return BadInput("fusion_field_invalid", key=key, value=f'"{str(value)[:60]}"', allowed=allowed)
