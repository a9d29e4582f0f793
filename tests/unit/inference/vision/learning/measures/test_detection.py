"""Average precision beside numbers that were worked out by hand, as COCO's evaluation defines them."""

from __future__ import annotations

import pytest

from inference.vision.learning.measures.detection import choose_box_threshold, measure_detection
from inference.vision.learning.recipes.contract import LabeledBox
from inference.vision.learning.trained_network.decoding import ScoredBox


def _real(x: float, label: str = "scratch", width: float = 10.0) -> LabeledBox:
    return LabeledBox(x, 0.0, width, 10.0, label)


def _claimed(x: float, score: float, label: str = "scratch", width: float = 10.0) -> ScoredBox:
    return ScoredBox(x, 0.0, width, 10.0, score, label)


def test_average_precision_is_read_at_101_recalls_from_the_envelope() -> None:
    truth = [[_real(0), _real(100)]]
    found = [[_claimed(0, 0.9), _claimed(50, 0.8), _claimed(100, 0.7)]]
    figures = measure_detection(["scratch"], truth, found)
    # Precision 1 for the recalls 0 … .50 (51 of them), 2/3 for .51 … 1.
    expected = (51 + 50 * 2 / 3) / 101
    assert figures.map50 == pytest.approx(expected)
    assert figures.map50_95 == pytest.approx(expected)


def test_looser_boxes_count_at_the_lower_overlaps_alone() -> None:
    # Shifted by 2 of 10: 8 shared of 12 in all, an IoU of .667: right at .50, .55, .60, .65.
    figures = measure_detection(["scratch"], [[_real(0)]], [[_claimed(2, 0.9)]])
    assert figures.map50 == pytest.approx(1.0)
    assert figures.map50_95 == pytest.approx(0.4)


def test_a_box_of_the_truth_is_found_once() -> None:
    figures = measure_detection(["scratch"], [[_real(0)]], [[_claimed(0, 0.9), _claimed(0, 0.8)]])
    assert figures.map50 == pytest.approx(1.0)
    assert (figures.precision, figures.recall) == (0.5, 1.0)


def test_the_mean_is_taken_over_labels_that_the_truth_has() -> None:
    truth = [[_real(0), _real(50, "dent")]]
    found = [[_claimed(0, 0.9), _claimed(200, 0.9, "crack")]]
    figures = measure_detection(["scratch", "dent", "crack"], truth, found)
    assert figures.map50 == pytest.approx(0.5)
    plain = figures.to_json()
    assert plain["per_class"]["crack"]["ap50"] is None
    assert plain["per_class"]["dent"]["ap50"] == 0.0
    assert set(plain["curves"]) == {"scratch", "dent"}


def test_without_any_box_there_is_no_figure() -> None:
    assert measure_detection(["scratch"], [[]], [[]]).map50 is None


def test_domains_are_measured_apart() -> None:
    figures = measure_detection(
        ["scratch"], [[_real(0)], [_real(0)]], [[_claimed(0, 0.9)], [_claimed(90, 0.9)]], ["studio", "line"]
    )
    assert figures.per_domain["studio"]["map50"] == pytest.approx(1.0)
    assert figures.per_domain["line"]["map50"] == 0.0


def test_boxes_of_equal_score_in_other_images_keep_their_own_truth() -> None:
    figures = measure_detection(["scratch"], [[_real(0)], []], [[_claimed(0, 0.5)], [_claimed(0, 0.5)]])
    assert figures.precision == 0.5


def test_the_threshold_is_that_of_the_best_f1() -> None:
    truth = [[_real(0), _real(100)]]
    found = [[_claimed(0, 0.9), _claimed(100, 0.6), _claimed(200, 0.4), _claimed(300, 0.3)]]
    assert choose_box_threshold(["scratch"], truth, found) == pytest.approx(0.5)
    assert choose_box_threshold(["scratch"], truth, [[_claimed(300, 0.3)]]) == 0.5


def test_lists_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="one list of boxes"):
        measure_detection(["scratch"], [[]], [])
