"""ROC and precision-recall curves: those of scikit-learn, few enough points to draw."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score

from core.model_report.curves import MOST_POINTS, precision_recall_of, roc_of
from core.model_report.intervals import arrays_of
from tests.scored_images import images


def _some(count: int) -> list[float]:
    return [float(value) for value in np.random.default_rng(count).normal(10, 3, count)]


def test_the_area_under_the_roc_curve_is_the_auroc() -> None:
    scored = images(_some(80), [value + 3 for value in _some(31)])
    curve, found = roc_of(scored), arrays_of(scored)
    assert curve is not None
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    assert list(curve.thresholds) == sorted(curve.thresholds, reverse=True)
    assert auc(curve.x, curve.y) == pytest.approx(roc_auc_score(found.labels, found.scores))


def test_each_point_is_what_its_threshold_stops() -> None:
    scored = images([1, 2, 2, 3], [2, 4])
    curve, found = roc_of(scored), arrays_of(scored)
    assert curve is not None
    for x, y, threshold in zip(curve.x, curve.y, curve.thresholds, strict=True):
        stopped = found.scores >= threshold
        assert (x, y) == (stopped[~found.labels].mean(), stopped[found.labels].mean())


def test_precision_and_recall_are_scikit_learns() -> None:
    scored = images(_some(40), [value + 2 for value in _some(23)])
    curve, found = precision_recall_of(scored), arrays_of(scored)
    assert curve is not None
    precision, recall, thresholds = precision_recall_curve(found.labels, found.scores)
    expected = {round(at, 9): (there, here) for at, there, here in zip(thresholds, recall, precision, strict=False)}
    for x, y, threshold in zip(curve.x, curve.y, curve.thresholds, strict=True):
        assert expected[round(threshold, 9)] == pytest.approx((x, y))


def test_a_long_curve_is_thinned_between_its_ends() -> None:
    scored = images(_some(4000), [value + 1 for value in _some(4001)])
    curve = roc_of(scored)
    assert curve is not None
    assert len(curve.x) <= MOST_POINTS
    assert (curve.x[-1], curve.y[-1]) == (1, 1)
    found = arrays_of(scored)
    assert auc(curve.x, curve.y) == pytest.approx(roc_auc_score(found.labels, found.scores), abs=2e-3)


def test_one_class_alone_has_no_curve() -> None:
    assert roc_of(images([1, 2], [])) is None
    assert precision_recall_of(images([], [1, 2])) is None
