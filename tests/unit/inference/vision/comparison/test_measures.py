"""The figures of a comparison are scikit-learn's where it has them, and no answer is a wrong one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from inference.vision.comparison.bootstrap import compare, estimate
from inference.vision.comparison.measures import (
    Judged,
    choose_threshold,
    count_types,
    count_verdicts,
    draw_curves,
    make_figures,
    name_type,
)
from inference.vision.comparison.overlaps import Overlap

IMAGES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 12), st.sampled_from(["a", "b", "c"]), st.integers(0, 3)),
    min_size=4,
    max_size=60,
).filter(lambda rows: len({row[0] for row in rows}) == 2)


def _judge(rows: list[tuple[bool, int, str, int]]) -> list[Judged]:
    return [
        Judged(f"image:{place}", f"part {part}", named if is_defect else "good", is_defect, score / 4, named)
        for place, (is_defect, score, named, part) in enumerate(rows)
    ]


def _value(figure: Any, weights: np.ndarray) -> float:
    return float(figure(weights[None, :])[0])


@settings(max_examples=60, deadline=None)
@given(IMAGES, st.integers(0, 2**31))
def test_weighted_figures_are_those_of_scikit_learn(rows: list[tuple[bool, int, str, int]], seed: int) -> None:
    judged = _judge(rows)
    truth = [one.is_defect for one in judged]
    scores = [one.score for one in judged]
    called = [score >= 1.5 for score in scores if score is not None]
    weights = np.random.default_rng(seed).integers(1, 4, len(judged)).astype(float)
    figures = make_figures(judged, 1.5, names_types=True)
    known: dict[str, Any] = {"sample_weight": weights}
    expected = {
        "f1": metrics.f1_score(truth, called, zero_division=0, **known),
        "accuracy": metrics.accuracy_score(truth, called, **known),
        "precision": metrics.precision_score(truth, called, zero_division=0, **known),
        "recall": metrics.recall_score(truth, called, zero_division=0, **known),
        "auroc": metrics.roc_auc_score(truth, scores, **known),
        "average_precision": metrics.average_precision_score(truth, scores, **known),
        "macro_f1": metrics.f1_score(
            [one.label for one in judged], [one.named for one in judged], average="macro",
            labels=sorted({one.label for one in judged}), zero_division=0, **known,
        ),
    }  # fmt: skip
    assert list(figures) == list(expected)
    for name, value in expected.items():
        assert _value(figures[name], weights) == pytest.approx(value, abs=1e-9), name


def test_curves_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(3)
    judged = [
        Judged(f"image:{place}", str(place), "x" if place % 3 == 0 else "good", place % 3 == 0, float(value))
        for place, value in enumerate(generator.normal(size=40).round(1))
    ]
    drawn = draw_curves(judged)
    assert drawn is not None
    alarms, hits, _ = metrics.roc_curve([one.is_defect for one in judged], [one.score for one in judged])
    assert drawn[0].x == pytest.approx(alarms)
    assert drawn[0].y == pytest.approx(hits)
    assert draw_curves([one for one in judged if one.is_defect]) is None


def test_no_answer_is_wrong_in_every_figure() -> None:
    judged = [
        Judged("image:1", "1", "hole", True, 0.9, "hole"),
        Judged("image:2", "2", "hole", True, None),
        Judged("image:3", "3", "good", False, 0.1, "good"),
        Judged("image:4", "4", "good", False, None),
    ]
    figures = make_figures(judged, 0.5, names_types=True)
    ones = np.ones(4)
    assert _value(figures["f1"], ones) == pytest.approx(0.5)
    assert _value(figures["accuracy"], ones) == 0.5
    assert _value(figures["recall"], ones) == 0.5
    assert _value(figures["precision"], ones) == 0.5
    # Of four pairs only the two that were both answered are in order.
    assert _value(figures["auroc"], ones) == 0.25
    assert _value(figures["macro_f1"], ones) == pytest.approx(2 / 3)
    table = count_verdicts(judged, 0.5)
    assert (table.good_silent, table.defect_silent, table.good_passed, table.defect_stopped) == (1, 1, 1, 1)
    types = count_types(judged)
    assert types.columns == ("good", "hole", "")
    assert types.counts == ((1, 0, 1), (0, 1, 1))


def test_a_method_without_any_answer_has_the_worst_figures_and_not_none() -> None:
    judged = [Judged("image:1", "1", "hole", True, None), Judged("image:2", "2", "good", False, None)]
    figures = make_figures(judged, 0.5, names_types=False)
    assert {name: _value(figure, np.ones(2)) for name, figure in figures.items()} == pytest.approx(
        {"f1": 0.0, "accuracy": 0.0, "precision": 0.0, "recall": 0.0, "auroc": 0.0, "average_precision": 0.5}
    )


def test_the_threshold_is_chosen_by_validation() -> None:
    chosen = choose_threshold([0.1, 0.2, 0.8, 0.9, None], [False, False, True, True, True])
    assert chosen is not None
    assert chosen.method == "f1_max"
    assert chosen.value == pytest.approx(0.5)
    without = choose_threshold([float(value) for value in range(100)], [False] * 100)
    assert without is not None
    assert without.method == "percentile"
    assert sum(value >= without.value for value in range(100)) == 5
    assert choose_threshold([0.5, None], [True, False]) is None


def test_a_stopped_part_is_named_by_a_defect_where_one_is_known() -> None:
    probabilities = {"good": 0.6, "hole": 0.3, "burr": 0.1}
    assert name_type(probabilities, ["good"], is_stopped=True) == "hole"
    assert name_type(probabilities, ["good"], is_stopped=False) == "good"
    assert name_type({"good": 1.0}, ["good"], is_stopped=True) == "good"
    assert name_type({}, ["good"], is_stopped=True) == ""


def test_places_count_found_wrong_and_missed_boxes() -> None:
    judged = [
        Judged("image:1", "1", "hole", True, 0.9, overlap=Overlap(0.5, found=1, wrong=1, missed=0)),
        Judged("image:2", "2", "hole", True, 0.9, overlap=Overlap(0.0, found=0, wrong=0, missed=1)),
        Judged("image:3", "3", "good", False, 0.1, overlap=Overlap(None, wrong=1)),
        Judged("image:4", "4", "hole", True, 0.9),
    ]
    figures = make_figures(judged, 0.5, names_types=False)
    assert _value(figures["iou"], np.ones(4)) == 0.25
    assert _value(figures["f1_at_50"], np.ones(4)) == pytest.approx(2 / (2 + 2 + 1))


def _noisy(parts: int, exposures: int, *, seed: int, shift: float) -> list[Judged]:
    generator = np.random.default_rng(seed)
    found = []
    for part in range(parts):
        is_defect = part % 2 == 0
        common = generator.normal() + (shift if is_defect else 0.0)
        found += [
            Judged(f"image:{part}-{place}", str(part), "x" if is_defect else "good", is_defect, common)
            for place in range(exposures)
        ]
    return found


def test_exposures_of_a_part_make_a_figure_no_surer() -> None:
    single, many = _noisy(40, 1, seed=5, shift=1.0), _noisy(40, 6, seed=5, shift=1.0)
    narrow = estimate(single, make_figures(single, 0.5, names_types=False)["auroc"], seed=0)
    wide = estimate(many, make_figures(many, 0.5, names_types=False)["auroc"], seed=0)
    assert narrow is not None
    assert wide is not None
    assert wide.value == pytest.approx(narrow.value)
    assert narrow.low is not None
    assert narrow.high is not None
    assert (wide.low, wide.high) == pytest.approx((narrow.low, narrow.high), abs=1e-9)
    assert narrow.low < narrow.value < narrow.high


def test_the_same_seed_gives_the_same_interval_and_a_difference_is_paired() -> None:
    judged = _noisy(60, 1, seed=8, shift=1.5)
    figure = make_figures(judged, 0.75, names_types=False)["accuracy"]
    assert estimate(judged, figure, seed=4) == estimate(judged, figure, seed=4)
    same = compare(judged, figure, figure, seed=4)
    assert same is not None
    assert (same.value, same.low, same.high, same.is_shown) == (0.0, 0.0, 0.0, False)
    silent = [Judged(one.subject, one.part, one.label, one.is_defect, None) for one in judged]
    worse = compare(judged, figure, make_figures(silent, 0.75, names_types=False)["accuracy"], seed=4)
    assert worse is not None
    assert worse.is_shown
    assert worse.low > 0


def test_a_single_part_has_a_figure_and_no_interval() -> None:
    judged = [Judged("image:1", "1", "x", True, 0.9), Judged("image:2", "1", "good", False, 0.1)]
    found = estimate(judged, make_figures(judged, 0.5, names_types=False)["f1"], seed=0)
    assert found is not None
    assert (found.value, found.low, found.high) == (1.0, None, None)
