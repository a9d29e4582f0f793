"""The cheapest thresholds: an exact search, the same as trying every pair, weighted to the line's defect rate."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from core.errors import BadInput, NotReady
from core.model_report.cheapest import cheapest_pair, cost_at
from core.model_report.records import Costs, ScoredImage
from tests.scored_images import images

COSTS = Costs(escape=100.0, overkill=5.0, review=1.0)


def _cost_by_hand(scored: list[ScoredImage], costs: Costs, rate: float, review_at: float, reject_at: float) -> float:
    total = 0.0
    n_defect = sum(one.is_defect for one in scored)
    for one in scored:
        weight = rate / n_defect if one.is_defect else (1 - rate) / (len(scored) - n_defect)
        verdict = one.verdict_at(review_at, reject_at)
        if verdict == "review":
            total += weight * costs.review
        elif verdict == "ok" and one.is_defect:
            total += weight * costs.escape
        elif verdict == "reject" and not one.is_defect:
            total += weight * costs.overkill
    return total


@pytest.mark.parametrize("seed", range(6))
def test_no_other_pair_is_cheaper(seed: int) -> None:
    generator = np.random.default_rng(seed)
    # Rounded: equal scores must stay together.
    scored = images(generator.normal(10, 2, 25).round(0).tolist(), generator.normal(13, 3, 12).round(0).tolist())
    escape, overkill, review = (float(value) for value in generator.choice([0.5, 1, 4, 30, 200], 3))
    costs = Costs(escape, overkill, review)
    rate = float(generator.choice([0.001, 0.02, 0.3]))
    found = cheapest_pair(scored, costs, defect_rate=rate)
    steps = sorted({one.score for one in scored})
    places = [steps[0] / 2, *(one + 0.5 for one in steps)]
    least = min(
        _cost_by_hand(scored, costs, rate, review_at, reject_at)
        for review_at, reject_at in itertools.combinations_with_replacement(places, 2)
    )
    assert 0 < found.review_at <= found.reject_at
    assert found.cost.total == pytest.approx(least)
    assert found.cost.total == pytest.approx(_cost_by_hand(scored, costs, rate, found.review_at, found.reject_at))


def test_the_cost_of_a_pair_is_told_by_its_parts() -> None:
    scored = images([1, 2, 3, 4], [2, 5])
    found = cost_at(scored, COSTS, 2.5, 3.5, defect_rate=0.1)
    assert found.escape == pytest.approx(100 * 0.1 / 2)
    assert found.overkill == pytest.approx(5 * 0.9 / 4)
    assert found.review == pytest.approx(1 * 0.9 / 4)
    assert found.total == pytest.approx(found.escape + found.overkill + found.review)


def test_classes_apart_cost_nothing_and_leave_a_band_for_what_is_not_known() -> None:
    found = cheapest_pair(images([1, 2, 3], [9, 12]), COSTS, defect_rate=0.05)
    assert found.cost.total == 0
    assert 3 < found.review_at < found.reject_at < 9
    assert (found.n_good, found.n_defect) == (3, 2)


def test_a_rare_defect_moves_the_thresholds_up() -> None:
    generator = np.random.default_rng(4)
    scored = images(generator.normal(10, 2, 200).tolist(), generator.normal(14, 2, 60).tolist())
    often, seldom = (cheapest_pair(scored, COSTS, defect_rate=rate) for rate in (0.2, 0.0005))
    assert seldom.review_at > often.review_at


def test_dear_escapes_move_review_down() -> None:
    generator = np.random.default_rng(5)
    scored = images(generator.normal(10, 2, 200).tolist(), generator.normal(14, 2, 60).tolist())
    cheap, dear = (cheapest_pair(scored, replace(COSTS, escape=value), defect_rate=0.02) for value in (20.0, 5000.0))
    assert dear.review_at < cheap.review_at


def test_how_sure_it_is_stands_beside_it() -> None:
    generator = np.random.default_rng(6)
    few = cheapest_pair(
        images(generator.normal(10, 2, 15).tolist(), generator.normal(12, 3, 6).tolist()), COSTS, defect_rate=0.05
    )
    assert few.review_range[0] <= few.review_range[1]
    assert few.cost_range[0] <= few.cost_range[1]
    assert {"few_defects", "few_good"} <= set(few.warnings)
    many = cheapest_pair(
        images(generator.normal(10, 1, 400).tolist(), generator.normal(30, 1, 100).tolist()), COSTS, defect_rate=0.05
    )
    assert many.warnings == ()


def test_the_same_images_give_the_same_answer() -> None:
    scored = images([1, 2, 3, 4, 5], [3, 4, 6])
    assert cheapest_pair(scored, COSTS, defect_rate=0.1) == cheapest_pair(scored, COSTS, defect_rate=0.1)


def test_scores_of_zero_still_give_positive_thresholds() -> None:
    found = cheapest_pair(images([0, 0, 0], [0, 4]), replace(COSTS, escape=1e6), defect_rate=0.5)
    assert found.review_at > 0
    assert cheapest_pair(images([0, 0], [0]), COSTS, defect_rate=0.5).reject_at > 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_what_is_no_cost_is_refused(bad: float) -> None:
    with pytest.raises(BadInput) as caught:
        cheapest_pair(images([1], [2]), replace(COSTS, escape=bad), defect_rate=0.1)
    assert caught.value.code == "costs_invalid"


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan")])
def test_what_is_no_defect_rate_is_refused(rate: float) -> None:
    with pytest.raises(BadInput) as caught:
        cheapest_pair(images([1], [2]), COSTS, defect_rate=rate)
    assert caught.value.code == "defect_rate_invalid"


def test_costs_of_nothing_are_refused_and_one_class_does_not_do() -> None:
    with pytest.raises(BadInput):
        cheapest_pair(images([1], [2]), Costs(0, 0, 0), defect_rate=0.1)
    for scored in (images([1, 2], []), images([], [1, 2])):
        with pytest.raises(NotReady) as caught:
            cheapest_pair(scored, COSTS, defect_rate=0.1)
        assert caught.value.code == "cheapest_needs_both"
