"""Scores as probabilities: monotone, honest on parts that were left out, careful with few of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from inference.errors import ModelError
from inference.vision.comparison.probabilities import ScoreCalibration, fit_scores, from_thresholds, measure_log_loss
from inference.vision.detection.calibration import calibrate

SCORES = st.lists(st.floats(0.1, 1000), min_size=1, max_size=60)


def _draw(n_good: int, n_defect: int, *, apart: float = 3.0, seed: int = 0) -> tuple[list[float], list[float]]:
    random = np.random.default_rng(seed)
    return list(np.abs(random.normal(10, 1, n_good))), list(np.abs(random.normal(10 + apart, 1.5, n_defect)))


@given(SCORES, st.lists(st.floats(0.1, 1000), max_size=60), st.lists(st.floats(0, 5000), min_size=2, max_size=20))
def test_the_probability_never_falls_where_the_score_grows(
    good: list[float], defect: list[float], asked: list[float]
) -> None:
    calibration = fit_scores(good, defect)
    found = [calibration.probability(score) for score in sorted(asked)]
    assert all(0 < p < 1 for p in found)
    assert all(after >= before - 1e-12 for before, after in pairwise(found))
    assert ScoreCalibration.from_json(calibration.to_json()) == calibration


def test_platt_equals_a_logistic_regression_on_many_scores() -> None:
    good, defect = _draw(4000, 4000, apart=2.0)
    labels = np.array([0] * len(good) + [1] * len(defect))
    expected = LogisticRegression(C=1e6).fit(np.array([*good, *defect])[:, None], labels)
    asked = np.linspace(8, 14, 7)
    platt = fit_scores(good, defect, good_parts=["one"] * 4000, defect_parts=[str(n % 5) for n in range(4000)])
    assert platt.method == "platt"
    assert [platt.probability(float(x)) for x in asked] == pytest.approx(
        expected.predict_proba(asked[:, None])[:, 1], abs=5e-3
    )


def test_few_parts_prefer_platt_and_many_of_another_shape_the_staircase() -> None:
    assert fit_scores(*_draw(20, 12)).method == "platt"
    random = np.random.default_rng(1)
    # Nothing between 5 and 50 tells more than 5 does: no sigmoid is of that shape.
    good = [*random.uniform(0, 5, 400), *random.uniform(5, 50, 200)]
    defect = [*random.uniform(5, 50, 200), *random.uniform(50, 55, 400)]
    found = fit_scores(good, defect)
    assert found.method == "isotonic"
    assert found.log_loss is not None
    expected = IsotonicRegression(out_of_bounds="clip").fit([*good, *defect], [0] * 600 + [1] * 600)
    assert [found.probability(x) for x in (2.0, 20.0, 40.0, 54.0)] == pytest.approx(
        list(expected.predict([2.0, 20.0, 40.0, 54.0])), abs=0.06
    )


def test_without_defects_half_is_where_the_view_alone_would_ask_for_a_look() -> None:
    good, _ = _draw(60, 0)
    limits = calibrate(good, ())
    found = fit_scores(good, ())
    assert found.method == "percentile"
    assert found.probability(limits.review_at) == pytest.approx(0.5, abs=0.01)
    assert found.probability(limits.reject_at) == pytest.approx(0.909, abs=0.01)
    assert found.probability(float(np.median(good))) < 0.06
    assert found.probability(10 * limits.reject_at) > 0.99


def test_defects_that_score_lower_than_good_parts_teach_nothing() -> None:
    found = fit_scores([10.0, 11.0, 12.0, 13.0] * 5, [1.0, 2.0, 3.0, 2.0])
    assert found.method == "percentile"
    assert found.probability(40.0) > 0.9


def test_scores_that_are_all_the_same_still_tell_what_lies_beyond() -> None:
    for good in ([5.0] * 10, [0.0] * 10, [3.0]):
        found = fit_scores(good, ())
        assert found.probability(max(good)) < 0.5 < found.probability(100.0)


def test_the_pieces_that_scores_are_of_are_counted_and_not_the_pictures() -> None:
    found = fit_scores(
        [1.0, 1.1, 1.2, 1.3], [5.0, 5.1, 5.2], good_parts=["a", "a", "b", "b"], defect_parts=["c", "c", "c"]
    )
    assert (found.n_good, found.n_defect, found.method) == (2, 1, "percentile")


def test_thresholds_alone_give_probabilities_too() -> None:
    found = from_thresholds(10.0, 12.0)
    assert found.probability(10.0) == pytest.approx(0.5)
    assert found.probability(12.0) == pytest.approx(0.909, abs=1e-3)
    assert found.probability(0.0) < 0.03


def test_what_is_no_number_is_never_good() -> None:
    assert fit_scores(*_draw(20, 12)).probability(float("nan")) == 1.0


def test_bad_input_is_refused() -> None:
    for good, code in (([], "score_calibration_empty"), ([-1.0], "scores_invalid"), ([float("inf")], "scores_invalid")):
        with pytest.raises(ModelError) as refused:
            fit_scores(good, ())
        assert refused.value.code == code
    for values in (
        {},
        {"method": "magic"},
        {"method": "isotonic"},
        {"method": "percentile", "points": [[1, 2], [2, 0]]},
    ):
        with pytest.raises(ModelError, match="cannot be read"):
            ScoreCalibration.from_json(values)
    with pytest.raises(ModelError):
        from_thresholds(5.0, 3.0)


def test_the_log_loss_equals_its_formula() -> None:
    assert measure_log_loss([0.8, 0.3], [True, False]) == pytest.approx(-(np.log(0.8) + np.log(0.7)) / 2)
