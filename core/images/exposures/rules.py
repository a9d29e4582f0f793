"""A rule that reads a part out of a file's name, as a quality engineer writes it: `{part}_{n}`.

`core.files.name_rules` says how rules are written; `{part}` is the part, once and only once.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import AppError, BadInput
from core.files.name_rules import LONGEST_RULE, MOST_FIELDS, NameRule, RuleError, read_name_rule
from core.images.parts import clean_part

_PART = "part"


@dataclass(frozen=True)
class PartRule:
    """A rule that was read."""

    rule: NameRule

    def find(self, path: str) -> str:
        """Return the part in a file's name, given with the folders before it; empty where the name does not fit."""
        found = self.rule.find(path)
        try:
            return "" if found is None else clean_part(found[_PART])
        except AppError:
            return ""  # longer than the name of a part may be


def read_rule(text: str) -> PartRule:
    """Return the rule that a person wrote.

    Raises BadInput: part_rule_too_long, part_rule_without_part (or with more than one), part_rule_field (a field that
    there is not), part_rule_ambiguous (two fields side by side, of which neither says how long it is).
    """
    try:
        rule = read_name_rule(text, {_PART})
    except RuleError as error:
        if error.reason == "too_long":
            is_text = len(error.rule) > LONGEST_RULE
            raise BadInput("part_rule_too_long", highest=LONGEST_RULE if is_text else MOST_FIELDS) from error
        if error.reason == "ambiguous":
            raise BadInput("part_rule_ambiguous", rule=error.rule) from error
        if error.reason == "twice" or not error.rule:
            raise BadInput("part_rule_without_part", rule=error.rule) from error
        raise BadInput("part_rule_field", rule=error.rule) from error
    if _PART not in rule.fields:
        raise BadInput("part_rule_without_part", rule=rule.text)
    return PartRule(rule)
