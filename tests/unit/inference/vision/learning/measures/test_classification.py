"""Figures of a classification: equal to scikit-learn's, by label and domain, also where there is little to count."""

import numpy as np
import pytest

from inference.vision.learning.measures.classification import choose_defect_threshold, measure_classification

LABELS = ("good", "dent", "scratch", "stain")


def test_figures_equal_those_of_scikit_learn() -> None:
    from sklearn.metrics import confusion_matrix, f1_score, top_k_accuracy_score

    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 200)
    shares = rng.dirichlet(np.ones(4), 200)
    shares[np.arange(200), truth] += rng.random(200)
    domains = ["studio" if one else "field" for one in rng.integers(0, 2, 200)]
    found = measure_classification(LABELS, frozenset({"good"}), [LABELS[one] for one in truth], shares, domains)
    named = shares.argmax(axis=1)
    assert found.top1 == pytest.approx((named == truth).mean())
    assert found.macro_f1 == pytest.approx(f1_score(truth, named, average="macro"))
    assert found.confusion == tuple(map(tuple, confusion_matrix(truth, named).tolist()))
    assert found.overkill == int(((truth == 0) & (named != 0)).sum())
    assert found.escape == int(((truth != 0) & (named == 0)).sum())
    for label, theirs in zip(LABELS, f1_score(truth, named, average=None), strict=True):
        assert found.per_class[label].f1 == pytest.approx(theirs)
    inside = np.array(domains) == "field"
    assert found.per_domain["field"].n == inside.sum()
    assert found.per_domain["field"].top1 == pytest.approx((named == truth)[inside].mean())
    wide = rng.dirichlet(np.ones(9), 200)
    names = [f"pill {one}" for one in range(9)]
    many = rng.integers(0, 9, 200)
    five = measure_classification(names, frozenset(), [names[one] for one in many], wide, [""] * 200).top5
    assert five == pytest.approx(top_k_accuracy_score(many, wide, k=5, labels=range(9)))


def test_a_label_without_images_has_no_say_in_the_mean() -> None:
    shares = np.eye(4)[[0, 1]]
    found = measure_classification(LABELS, frozenset(), ["good", "dent"], shares, ["", ""])
    assert found.macro_f1 == 1.0
    assert found.per_class["stain"].n == 0
    assert found.to_json()["per_class"]["dent"] == {"n": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0}


def test_nothing_measured_is_zero_and_an_unknown_truth_is_refused() -> None:
    empty = measure_classification(LABELS, frozenset(), [], np.zeros((0, 4)), [])
    assert (empty.n, empty.top1, empty.macro_f1, empty.per_domain) == (0, 0.0, 0.0, {})
    with pytest.raises(ValueError, match="crack"):
        measure_classification(LABELS, frozenset(), ["crack"], np.ones((1, 4)), [""])


def test_the_threshold_is_the_one_of_the_best_f1_in_the_middle_of_a_gap() -> None:
    assert choose_defect_threshold(np.array([0.1, 0.3, 0.7, 0.9]), [False, False, True, True]) == pytest.approx(0.5)
    assert choose_defect_threshold(np.array([0.2, 0.4]), [True, True]) is None
    rng = np.random.default_rng(1)
    scores, truth = rng.random(60), rng.random(60) < 0.4
    found = choose_defect_threshold(scores, truth.tolist())
    assert found is not None

    def f1(edge: float) -> float:
        called = scores >= edge
        return float(2 * (called & truth).sum() / (called.sum() + truth.sum()))

    assert f1(found) == pytest.approx(max(f1(edge) for edge in np.linspace(0, 1, 2001)))
