"""Thresholds that a quality engineer can live with, from one image to many."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from inference.errors import ModelError
from inference.vision.detection.calibration import Calibration, calibrate, proportion_bounds, verdict

METHODS: tuple[Any, ...] = ("auto", "percentile", "mean_std", "f1_max")


def normals(count: int, seed: int = 0) -> np.ndarray:
    """Draw right-skewed distances, as PatchCore's are: median about 2, spread about an eighth."""
    return 2.0 * np.exp(np.random.default_rng(seed).normal(0, 0.12, count)).astype(np.float32)


def assert_sane(found: Calibration) -> None:
    assert math.isfinite(found.review_at)
    assert math.isfinite(found.reject_at)
    assert 0 < found.review_at < found.reject_at
    assert all(value is None or math.isfinite(value) for value in found.figures.values())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "normal",
    [[], [0.0], [2.0], [0.0] * 5, [2.0] * 5, [2.0, 2.1], [1e-7] * 3, [1e6, 2e6], [0.0, 0.0, 3.0], normals(300)],
    ids=["none", "zero", "one", "zeros", "equal", "two", "tiny", "huge", "mostly zero", "many"],
)
@pytest.mark.parametrize(
    "defect",
    [[], [0.0], [5.0], [2.0], [2.0] * 12, [0.0] * 12, np.linspace(1.5, 9, 40), np.linspace(4, 9, 12)],
    ids=["none", "zero", "one", "same", "many same", "many zero", "overlap", "apart"],
)
def test_thresholds_are_always_finite_positive_and_in_order(method: Any, normal: Any, defect: Any) -> None:
    assert_sane(calibrate(normal, defect, method=method))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 10, 20, 50, 100, 300])
def test_few_normal_images_widen_but_give_no_absurd_threshold(count: int) -> None:
    review, reject, overkill, flagged = [], [], [], []
    line = normals(4000, seed=999)
    for seed in range(60):
        found = calibrate(normals(count, seed=seed), [])
        review.append(found.review_at)
        reject.append(found.reject_at)
        overkill.append(np.mean(line >= found.reject_at))
        flagged.append(np.mean(line >= found.review_at))
    assert np.mean(overkill) < 0.02
    assert np.mean(flagged) < 0.06
    assert max(reject) < 3 * float(np.median(line)), "a score of three times the usual is NG from one image on"
    assert np.quantile(review, 0.05) > float(np.median(line))


def test_more_images_make_a_narrower_band() -> None:
    bands = [np.mean([np.ptp(_limits(count, seed)) for seed in range(30)]) for count in (1, 3, 50)]
    assert bands == sorted(bands, reverse=True)


def _limits(count: int, seed: int) -> tuple[float, float]:
    found = calibrate(normals(count, seed), [])
    return found.review_at, found.reject_at


def test_with_many_images_the_percentile_is_that_of_the_data() -> None:
    scores = normals(2000)
    found = calibrate(scores, [], percentile=95)
    assert found.method == "percentile"
    assert found.review_at == pytest.approx(np.quantile(scores, 0.95), rel=0.01)
    assert found.reject_at == pytest.approx(np.quantile(scores, 0.995), rel=0.05)


@pytest.mark.parametrize("count", [20, 40, 100, 200])
def test_the_share_of_good_parts_above_the_threshold_is_the_one_aimed_at(count: int) -> None:
    line = normals(4000, seed=999)
    shares = [np.mean(line >= calibrate(normals(count, seed=seed), []).review_at) for seed in range(60)]
    assert 0.01 < np.mean(shares) < 0.045
    wider = [np.mean(line >= calibrate(normals(count, seed), [], percentile=90).review_at) for seed in range(60)]
    assert np.mean(wider) > 2 * np.mean(shares)


@pytest.mark.parametrize("count", [20, 40, 100])
def test_one_image_that_does_not_belong_hardly_moves_the_thresholds(count: int) -> None:
    scores = normals(count)
    clean, spoiled = calibrate(scores, []), calibrate(np.append(scores[1:], 5 * np.median(scores)), [])
    assert spoiled.review_at < 1.25 * clean.review_at
    assert spoiled.review_at < 0.5 * 5 * np.median(scores)


def test_mean_std_tends_to_the_textbook_formula() -> None:
    scores = np.random.default_rng(1).normal(10, 1, 20_000)
    found = calibrate(scores, [], method="mean_std", k=3)
    assert found.reject_at == pytest.approx(scores.mean() + 3 * scores.std(), rel=1e-3)
    assert found.review_at == pytest.approx(scores.mean() + 2 * scores.std(), rel=1e-3)


@pytest.mark.parametrize("n_defect", [1, 3, 10, 100])
def test_the_review_band_lies_in_the_gap_between_separate_classes(n_defect: int) -> None:
    normal, defect = normals(100), np.linspace(4, 9, n_defect)
    found = calibrate(normal, defect)
    assert normal.max() < found.review_at < found.reject_at < defect.min()
    assert found.figures["f1"] == 1
    assert "classes_overlap" not in found.warnings
    assert found.method == ("f1_max" if n_defect >= 10 else "percentile")


def test_a_wide_gap_leaves_faint_defects_to_a_person() -> None:
    found = calibrate(normals(100), np.linspace(40, 60, 20))
    assert found.review_at < 8, "near the normal images, not half-way to the crudest defects"
    assert 20 < found.reject_at < 40


def test_a_small_overlap_is_covered_by_the_band() -> None:
    normal = np.append(normals(100), 3.4)
    defect = np.append(np.linspace(4, 9, 30), 3.1)
    found = calibrate(normal, defect)
    assert found.review_at <= 3.1
    assert found.reject_at > 3.4
    assert found.figures["escape_at_review"] == 0
    assert found.figures["overkill_at_reject"] == 0
    assert "classes_overlap" in found.warnings


def test_a_large_overlap_does_not_send_everything_to_review() -> None:
    rng = np.random.default_rng(5)
    normal, defect = rng.normal(2, 0.3, 400).clip(0.1), rng.normal(2.8, 0.4, 150).clip(0.1)
    found = calibrate(normal, defect)
    in_band = [((part >= found.review_at) & (part < found.reject_at)).mean() for part in (normal, defect)]
    assert max(in_band) <= 0.25
    assert (normal >= found.reject_at).mean() < 0.1
    assert (defect < found.review_at).mean() < 0.15


def test_many_defects_that_look_normal_do_not_condemn_the_normals() -> None:
    found = calibrate(normals(50), normals(500, seed=1))
    assert (normals(50) >= found.reject_at).mean() <= 0.2
    assert "defects_look_normal" in found.warnings


def test_warnings_say_what_is_missing() -> None:
    assert set(calibrate([2.0], []).warnings) == {"few_normal_images", "no_defect_images"}
    assert "no_normal_images" in calibrate([], [3.0]).warnings
    assert "identical_scores" in calibrate([2.0] * 30, []).warnings
    assert "few_defect_images" in calibrate(normals(30), [9.0]).warnings
    assert calibrate(normals(100), np.linspace(5, 9, 20)).warnings == ()


def test_identical_images_take_their_measure_from_the_defects_or_the_feature_space() -> None:
    assert calibrate([0.0] * 5, [3.0, 6.0]).reject_at < 3
    found = calibrate([0.0] * 5, [], scale=12.0)
    assert 0 < found.review_at < found.reject_at < 12


def test_figures_carry_rates_with_their_bounds() -> None:
    figures = calibrate(normals(40), np.linspace(5, 9, 12)).figures
    assert (figures["n_normal"], figures["n_defect"]) == (40, 12)
    assert figures["overkill_at_reject"] == 0
    assert figures["overkill_at_reject_high"] == pytest.approx(1 - 0.025 ** (1 / 40))
    assert figures["escape_at_review_low"] == 0
    assert figures["image_auroc"] == 1
    alone = calibrate(normals(40), []).figures
    assert alone["escape_at_review"] is None
    assert alone["image_auroc"] is None


def test_bounds_equal_those_of_scipy() -> None:
    from scipy.stats import binomtest  # type: ignore[import-untyped]

    for count, total in ((0, 5), (3, 10), (10, 10), (1, 300)):
        expected = binomtest(count, total).proportion_ci(0.95, "exact")
        assert proportion_bounds(count, total) == pytest.approx((expected.low, expected.high))
    assert proportion_bounds(0, 0) is None


def test_verdict_follows_the_rule_of_the_thresholds() -> None:
    assert [verdict(score, 1.0, 2.0) for score in (0.0, 0.999, 1.0, 1.999, 2.0, math.inf)] == [
        "ok", "ok", "review", "review", "reject", "reject",
    ]  # fmt: skip
    assert verdict(math.nan, 1.0, 2.0) == "review"


@pytest.mark.parametrize("scores", [[math.nan], [math.inf], [-1.0]])
def test_scores_that_are_no_distances_are_refused(scores: list[float]) -> None:
    for arguments in ((scores, []), ([1.0], scores)):
        with pytest.raises(ModelError) as refusal:
            calibrate(*arguments)
        assert refusal.value.code == "scores_invalid"


@pytest.mark.parametrize("options", [{"percentile": 100}, {"percentile": 10}, {"k": 0}, {"scale": 0}, {"method": "x"}])
def test_options_outside_their_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as refusal:
        calibrate([1.0], [], **options)
    assert refusal.value.code == "calibration_invalid"
