"""The rule as YAML, JSON and words: the same object every way, and nothing that is not understood."""

from __future__ import annotations

import json

import pytest

from core.errors import BadInput
from core.fusion.rules import format_rule, parse_rule, read_rule, read_words, rule_to_json, rule_to_yaml
from inference.vision.comparison.fusion import CombinedView, FusionRule

VIEWS = (CombinedView("ct", "internal"), CombinedView("rgb", "external"))
TEXTS = (
    "method: voting\nvotes: majority\nreview_at: 0.4\nreject_at: 0.7\n",
    "method: voting\nvotes: 2\n",
    "method: weighted_average\nweights: {ct: 0.6, rgb: 0.4}\n",
    "method: rule_based\nrules:\n  - if ct >= 0.5 and rgb < 0.5 then internal\n  - IF rgb >= 0.5 THEN external\n"
    "  - if ct >= 0.9 then combined\notherwise: review\n",
)


@pytest.mark.parametrize("text", TEXTS)
def test_yaml_json_and_the_form_are_the_same_object(text: str) -> None:
    rule = parse_rule(text, VIEWS).rule
    assert parse_rule(rule_to_yaml(rule), VIEWS).rule == rule
    assert parse_rule(json.dumps(rule_to_json(rule)), VIEWS).rule == rule
    assert read_rule(rule_to_json(rule), VIEWS).rule == rule
    for one in rule.rules:
        assert read_words(format_rule(one)) == one


def test_nothing_said_is_the_usual() -> None:
    assert parse_rule("{}", VIEWS).rule == FusionRule()


def test_fitted_weights_are_still_to_be_fitted() -> None:
    assert parse_rule("{method: weighted_average, weights: fitted}", VIEWS).fit_weights
    assert not parse_rule("{method: voting, weights: fitted}", VIEWS).fit_weights


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("method: [", "fusion_unreadable"),
        ("!!python/object/apply:os.system ['true']", "fusion_unreadable"),
        ("x" * 30_000, "fusion_unreadable"),
        ("- voting", "fusion_not_a_mapping"),
        ("{method: voting, weight: 1}", "fusion_key_unknown"),
        ("{method: magic}", "fusion_field_invalid"),
        ("{votes: most}", "fusion_field_invalid"),
        ("{votes: true}", "fusion_field_invalid"),
        ("{votes: 3}", "fusion_votes_invalid"),
        ("{review_at: .nan}", "fusion_field_invalid"),
        ("{review_at: 0.9, reject_at: 0.2}", "fusion_thresholds_invalid"),
        ("{reject_at: 50}", "fusion_thresholds_invalid"),
        ("{method: weighted_average, weights: {ct: -1}}", "fusion_weights_invalid"),
        ("{method: weighted_average, weights: {top: 1}}", "fusion_view_unknown"),
        ("{method: weighted_average, weights: 3}", "fusion_field_invalid"),
        ("{method: rule_based}", "fusion_rules_missing"),
        ("{method: rule_based, rules: ['if ct > 0.5 then internal']}", "fusion_rule_unreadable"),
        ("{method: rule_based, rules: ['if __import__(1) >= 0.5 then internal']}", "fusion_rule_unreadable"),
        ("{method: rule_based, rules: ['if ct >= 0.5 then broken']}", "fusion_rule_unreadable"),
        ("{method: rule_based, rules: ['if ct >= 0.5.5 then internal']}", "fusion_rule_unreadable"),
        ("{method: rule_based, rules: ['if ct >= 0.5 then internal']}", "fusion_rules_let_pass"),
        ("{method: rule_based, rules: 7}", "fusion_field_invalid"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_rule(text, VIEWS)
    assert refused.value.code == code
    assert "{" not in refused.value.sentence("en").replace("{view", "")
