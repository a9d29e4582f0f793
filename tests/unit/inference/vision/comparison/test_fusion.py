"""Combining views: every method equals its formula, and nothing lets a part pass that it should not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.errors import ModelError
from inference.vision.comparison.fusion import (
    CombinedView,
    Condition,
    FusionRule,
    Rule,
    check_rule,
    choose_thresholds,
    combine,
    count_votes,
    fit_weights,
    fuse,
    name_by_views,
)

CT, RGB = CombinedView("ct", "internal"), CombinedView("rgb", "external")
VIEWS = (CT, RGB)
RULES = (
    Rule((Condition("ct", True, 0.5), Condition("rgb", True, 0.5)), "combined"),
    Rule((Condition("ct", True, 0.5), Condition("rgb", False, 0.5)), "internal"),
    Rule((Condition("rgb", True, 0.5),), "external"),
)
PROBABILITY = st.floats(0, 1)
CODES = ("a", "b", "c", "d", "e")
SEVERAL = st.dictionaries(st.sampled_from(CODES), PROBABILITY, min_size=1)
PICTURES = st.dictionaries(st.sampled_from(CODES), st.lists(st.none() | PROBABILITY, max_size=3))
THRESHOLDS = st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(sorted)


@given(SEVERAL, st.dictionaries(st.sampled_from(CODES), st.floats(0.01, 100), min_size=5))
def test_the_weighted_average_equals_its_formula(found: dict[str, float], weights: dict[str, float]) -> None:
    rule = FusionRule("weighted_average", weights=weights)
    expected = sum(weights[view] * p for view, p in found.items()) / sum(weights[view] for view in found)
    assert math.isclose(combine(rule, found), expected, rel_tol=1e-9, abs_tol=1e-12)
    assert min(found.values()) <= combine(rule, found) <= max(found.values())


@given(SEVERAL, st.sampled_from(["any", "majority", 1, 2, 3, 5]), PROBABILITY)
def test_voting_is_at_a_threshold_exactly_where_enough_views_are(
    found: dict[str, float], votes: str | int, at: float
) -> None:
    rule = FusionRule("voting", votes=votes)  # type: ignore[arg-type]
    needed = count_votes(rule.votes, len(found))
    assert (combine(rule, found) >= at) == (sum(p >= at for p in found.values()) >= needed)


@given(PICTURES, THRESHOLDS, st.sampled_from(["weighted_average", "voting"]))
def test_the_verdict_equals_its_formula(
    pictures: dict[str, list[float | None]], limits: list[float], method: str
) -> None:
    rule = FusionRule(method, review_at=limits[0], reject_at=limits[1])  # type: ignore[arg-type]
    views = [CombinedView(code, "internal" if code < "c" else "external", code != "e") for code in CODES]
    fused = fuse(rule, views, pictures)
    judged = {code: [p for p in found if p is not None] for code, found in pictures.items()}
    worst = {code: max(found) for code, found in judged.items() if found}
    incomplete = any(None in found for found in pictures.values()) or any(not pictures.get(code) for code in "abcd")
    if not worst:
        assert (fused.verdict, fused.probability) == ("review", None)
        return
    p = combine(rule, worst)
    assert fused.probability == p
    if p >= rule.reject_at:
        assert fused.verdict == "reject"
    elif p >= rule.review_at or incomplete:
        assert fused.verdict == "review"
    else:
        assert fused.verdict == "ok"
    if p >= rule.review_at:
        assert fused.found_by == tuple(code for code in CODES if worst.get(code, -1) >= rule.review_at)
    else:
        assert (fused.found_by, fused.found_as) == ((), "")


@given(PROBABILITY, PROBABILITY)
def test_rules_are_read_from_the_first_to_the_last(ct: float, rgb: float) -> None:
    fused = fuse(FusionRule("rule_based", rules=RULES), VIEWS, {"ct": [ct], "rgb": [rgb]})
    expected = {(True, True): "combined", (True, False): "internal", (False, True): "external", (False, False): ""}
    assert fused.found_as == expected[ct >= 0.5, rgb >= 0.5]
    assert fused.verdict == ("reject" if fused.found_as else "ok")
    assert fused.probability == max(ct, rgb)


def test_the_words_name_the_views_that_found_it() -> None:
    def named(ct: float, rgb: float) -> str:
        return fuse(FusionRule(), VIEWS, {"ct": [ct], "rgb": [rgb]}).found_as

    assert named(0.9, 0.1) == "internal"
    assert named(0.1, 0.9) == "external"
    assert named(0.9, 0.9) == named(0.9, 0.6) == "combined"
    assert named(0.1, 0.1) == ""
    assert name_by_views(["internal", "internal"]) == "internal"


@pytest.mark.parametrize("method", ["weighted_average", "voting", "rule_based"])
def test_a_missing_required_view_is_never_ok(method: str) -> None:
    rule = FusionRule(method, rules=RULES)  # type: ignore[arg-type]
    good, bad = fuse(rule, VIEWS, {"ct": [0.01]}), fuse(rule, VIEWS, {"ct": [0.99]})
    assert (good.verdict, good.found_as, good.missing) == ("review", "", ("rgb",))
    assert (bad.verdict, bad.found_as, bad.missing) == ("reject", "internal", ("rgb",))


def test_an_optional_view_may_be_missing() -> None:
    fused = fuse(FusionRule(), (CT, CombinedView("rgb", "external", is_required=False)), {"ct": [0.01]})
    assert (fused.verdict, fused.missing) == ("ok", ())


def test_of_several_exposures_the_worst_counts_and_one_that_failed_asks_for_a_look() -> None:
    assert fuse(FusionRule(), VIEWS, {"ct": [0.1, 0.9, 0.2], "rgb": [0.1]}).verdict == "reject"
    fused = fuse(FusionRule(), VIEWS, {"ct": [0.1, None], "rgb": [0.1]})
    assert (fused.verdict, fused.failed, fused.missing) == ("review", ("ct",), ())


def test_nothing_judged_is_a_review_without_a_probability() -> None:
    fused = fuse(FusionRule(), VIEWS, {"ct": [None]})
    assert (fused.verdict, fused.probability, fused.missing, fused.failed) == ("review", None, ("rgb",), ("ct",))


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (FusionRule(review_at=0.9, reject_at=0.5), "fusion_thresholds_invalid"),
        (FusionRule(reject_at=1.5), "fusion_thresholds_invalid"),
        (FusionRule("weighted_average", weights={"ct": -1.0}), "fusion_weights_invalid"),
        (FusionRule("weighted_average", weights={"ct": 0.0, "rgb": 0.0}), "fusion_weights_invalid"),
        (FusionRule("weighted_average", weights={"top": 1.0}), "fusion_view_unknown"),
        (FusionRule("voting", votes=3), "fusion_votes_invalid"),
        (FusionRule("rule_based"), "fusion_rules_missing"),
        (FusionRule("rule_based", rules=(Rule((Condition("ct", True, 7.0),), "internal"),)), "fusion_value_invalid"),
        (FusionRule("rule_based", rules=RULES[:2]), "fusion_rules_let_pass"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(rule: FusionRule, code: str) -> None:
    with pytest.raises(ModelError) as refused:
        check_rule(rule, VIEWS)
    assert refused.value.code == code


def test_usable_rules_are_accepted() -> None:
    for rule in (FusionRule(), FusionRule("weighted_average"), FusionRule("rule_based", rules=RULES)):
        check_rule(rule, VIEWS)


def test_fitted_weights_favor_the_view_that_tells_and_are_never_negative() -> None:
    random = np.random.default_rng(3)
    labels = [place % 2 == 1 for place in range(200)]
    parts = [
        {"good": float(np.clip(0.5 + (0.3 if label else -0.3) + random.normal(0, 0.1), 0, 1)),
         "noise": float(random.uniform()),
         "wrong": float(np.clip(0.5 - (0.1 if label else -0.1) + random.normal(0, 0.1), 0, 1))}
        for label in labels
    ]  # fmt: skip
    weights = fit_weights(parts, labels, ["good", "noise", "wrong"])
    assert math.isclose(sum(weights.values()), 1.0)
    assert all(weight >= 0 for weight in weights.values())
    assert weights["good"] > 0.8
    assert weights["wrong"] == pytest.approx(0.0, abs=1e-6)


def test_weights_need_good_and_defective_parts() -> None:
    with pytest.raises(ModelError, match="good and defective parts"):
        fit_weights([{"ct": 0.2, "rgb": 0.1}], [False], ["ct", "rgb"])


def test_thresholds_stand_in_the_gap_or_around_the_overlap() -> None:
    assert choose_thresholds([0.1, 0.2], [0.6, 0.9]) == pytest.approx((0.3, 0.5))
    review_at, reject_at = choose_thresholds([0.1, 0.2, 0.3, 0.5], [0.4, 0.6, 0.8, 0.9])
    assert 0.3 <= review_at <= reject_at <= 0.6
    assert choose_thresholds([0.1], []) == (0.5, 0.8)
