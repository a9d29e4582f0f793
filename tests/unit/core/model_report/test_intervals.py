"""Bounds of shares and of the AUROC: exact for single images, wider where images share a part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score

from core.model_report.intervals import arrays_of, auroc_difference, auroc_of, rate_of, resample
from tests.scored_images import image, images


@pytest.mark.parametrize(("count", "total"), [(0, 12), (3, 40), (12, 12), (1, 1)])
def test_the_bounds_of_a_share_are_clopper_pearsons(count: int, total: int) -> None:
    found = rate_of(np.arange(total) < count, np.arange(total))
    expected = binomtest(count, total).proportion_ci(0.95, "exact")
    assert (found.count, found.total, found.rate) == (count, total, count / total)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_no_images_have_no_share() -> None:
    found = rate_of(np.zeros(0, bool), np.zeros(0, int))
    assert (found.total, found.rate, found.low, found.high) == (0, None, None, None)


def test_images_of_one_part_count_for_less() -> None:
    hits = np.repeat([True, False, False, False, False, False], 5)
    parts = np.repeat(np.arange(6), 5)
    alone, together = rate_of(hits, np.arange(30)), rate_of(hits, parts)
    expected = binomtest(1, 6).proportion_ci(0.95, "exact")
    assert together.rate == alone.rate
    assert alone.high is not None
    assert together.high is not None
    assert together.high > alone.high
    # All images of a part agree: the bounds are near those of six parts.
    assert together.high == pytest.approx(expected.high, abs=0.06)
    # Where nothing is missed, nothing is seen of how much alike they are: each part counts once.
    assert rate_of(np.zeros(30, bool), parts).high == pytest.approx(binomtest(0, 6).proportion_ci(0.95, "exact").high)


def test_the_auroc_is_scikit_learns_with_bounds_around_it() -> None:
    generator = np.random.default_rng(1)
    found = arrays_of(
        images(generator.normal(10, 2, 60).round(1).tolist(), generator.normal(13, 2, 40).round(1).tolist())
    )
    interval = auroc_of(found)
    assert interval is not None
    assert interval.value == pytest.approx(roc_auc_score(found.labels, found.scores))
    assert 0 < interval.low < interval.value < interval.high < 1


def test_the_bounds_of_the_auroc_hold_the_truth_nineteen_times_in_twenty() -> None:
    generator = np.random.default_rng(2)
    truth = 0.8555  # of normal scores whose means are 1.5 deviations apart
    inside = 0
    for _ in range(300):
        interval = auroc_of(
            arrays_of(images(generator.normal(0, 1, 50).tolist(), generator.normal(1.5, 1, 40).tolist()))
        )
        assert interval is not None
        inside += interval.low <= truth <= interval.high
    assert 0.92 <= inside / 300 <= 0.985


def test_images_of_one_part_widen_the_bounds_of_the_auroc() -> None:
    good = [image(10.0 + number % 7, part=f"g{number // 5}", number=number) for number in range(50)]
    bad = [image(12.0 + number // 5, "scratch", part=f"d{number // 5}", number=100 + number) for number in range(30)]
    single = [
        image(one.score, one.defect_type, part=f"p{number}", number=number) for number, one in enumerate(good + bad)
    ]
    together, alone = auroc_of(arrays_of(good + bad)), auroc_of(arrays_of(single))
    assert together is not None
    assert alone is not None
    assert together.value == pytest.approx(alone.value)
    assert together.high - together.low > alone.high - alone.low


def test_a_perfect_auroc_on_few_parts_is_not_certain() -> None:
    interval = auroc_of(arrays_of(images([1.0] * 30, [2.0] * 5)))
    assert interval is not None
    assert (interval.value, interval.high) == (1.0, 1.0)
    assert interval.low == pytest.approx(binomtest(5, 5).proportion_ci(0.95, "exact").low)


def test_one_class_alone_has_no_auroc() -> None:
    assert auroc_of(arrays_of(images([1.0, 2.0], []))) is None
    assert auroc_of(arrays_of([])) is None


def test_whole_parts_are_drawn_and_neither_class_goes_missing() -> None:
    found = arrays_of([image(1.0, part="a"), image(2.0, part="a"), image(3.0, "hole", part="b"), image(4.0, part="c")])
    drawn = np.concatenate(list(resample(found, 250)))
    assert drawn.shape == (250, 4)
    assert np.array_equal(drawn[:, 0], drawn[:, 1])  # one part
    assert (drawn[:, 2] == 1).all()  # the only part with a defect
    assert (drawn[:, 0] + drawn[:, 3] == 2).all()
    assert np.array_equal(drawn, np.concatenate(list(resample(found, 250))))


def test_the_difference_of_two_aurocs_is_bounded_as_by_a_bootstrap() -> None:
    generator = np.random.default_rng(3)
    scores = [*generator.normal(10, 2, 60), *generator.normal(12, 2, 40)]
    first = [image(score, "hole" if place >= 60 else None, number=place) for place, score in enumerate(scores)]
    second = [replace(one, score=one.score + float(generator.normal(0.8 * one.is_defect, 1.5))) for one in first]
    a, b = arrays_of(first), arrays_of(second)
    found = auroc_difference(a, b)
    assert found is not None
    assert found.value == pytest.approx(roc_auc_score(b.labels, b.scores) - roc_auc_score(a.labels, a.scores))
    drawn = [
        roc_auc_score(b.labels, b.scores, sample_weight=weights)
        - roc_auc_score(a.labels, a.scores, sample_weight=weights)
        for rows in resample(a, 400)
        for weights in rows
    ]
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.025)


def test_a_single_defective_part_bounds_no_difference() -> None:
    a = arrays_of(images([1.0, 2.0, 3.0], [2.5]))
    found = auroc_difference(a, arrays_of(images([1.0, 2.0, 3.0], [3.5])))
    assert found is not None
    assert (found.low, found.high) == (-1.0, 1.0)
