"""The measures of images are right, those of pixels equal scikit-learn's and anomalib's; None where undefined."""

from __future__ import annotations

import warnings

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from inference.vision.detection import metrics

RNG = np.random.default_rng(11)
Masks = list[npt.NDArray[np.bool_]]
Maps = list[npt.NDArray[np.float32]]


def make_scores(case: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    rng = np.random.default_rng(case)
    labels = rng.random(60 + case) < rng.uniform(0.1, 0.9)
    labels[:2] = [False, True]
    scores = rng.normal(size=len(labels)) + labels * rng.uniform(0, 3)
    scores = np.round(scores, 1) if case % 2 else scores  # odd cases have many ties
    return np.asarray(scores, np.float64), labels


def make_maps(case: int) -> tuple[Maps, Masks]:
    rng = np.random.default_rng(case)
    maps: Maps = []
    masks: Masks = []
    for number in range(5):
        mask = np.zeros((48, 64), np.uint8)
        for _ in range(number % 3):
            x, y = (int(value) for value in rng.integers(5, 40, 2))
            cv2.circle(mask, (x, y), int(rng.integers(1, 7)), 1, -1)
        noise = cv2.GaussianBlur(rng.random((48, 64)).astype(np.float32), (5, 5), 0)
        scores = noise + 0.3 * cv2.GaussianBlur(mask.astype(np.float32), (9, 9), 0)
        maps.append(np.round(scores, 2 if case % 2 else 6).astype(np.float32))
        masks.append(mask.astype(bool))
    return maps, masks


def _pairs_in_order(positive: npt.NDArray[np.float64], negative: npt.NDArray[np.float64]) -> float:
    difference = positive[:, None] - negative[None]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


@pytest.mark.parametrize("case", range(8))
def test_auroc_is_the_share_of_pairs_in_the_right_order(case: int) -> None:
    scores, labels = make_scores(case)
    assert metrics.image_auroc(scores, labels) == pytest.approx(_pairs_in_order(scores[labels], scores[~labels]))


@pytest.mark.parametrize("weight", [1.0, 0.3])
@pytest.mark.parametrize("case", range(8))
def test_the_best_f1_is_that_of_the_best_of_all_thresholds_and_the_highest_of_them(case: int, weight: float) -> None:
    scores, labels = make_scores(case)

    def f1(threshold: float) -> float:
        hits, false_alarms = weight * (scores[labels] >= threshold).sum(), (scores[~labels] >= threshold).sum()
        return float(2 * hits / (hits + false_alarms + weight * labels.sum()))

    best = metrics.f1_max(scores, labels, defect_weight=weight)
    assert best is not None
    every = {float(threshold): f1(threshold) for threshold in scores}
    assert best[0] == max(every.values())
    assert best[1] == max(threshold for threshold, value in every.items() if value == best[0])


@pytest.mark.parametrize("case", range(4))
def test_pixel_auroc_equals_scikit_learn(case: int) -> None:
    from sklearn.metrics import roc_auc_score

    maps, masks = make_maps(case)
    expected = roc_auc_score(np.ravel(masks), np.ravel(maps))
    assert metrics.pixel_auroc(maps, masks) == pytest.approx(expected, abs=1e-12)


def test_aupro_equals_anomalib() -> None:
    with warnings.catch_warnings():  # raised by the reference's own dependencies while they are imported
        warnings.simplefilter("ignore")
        import torch
        from anomalib.metrics.aupro import _AUPRO

        for case in range(6):
            maps, masks = make_maps(case)
            for fpr_limit in (0.05, 0.3, 1.0):
                reference = _AUPRO(fpr_limit=fpr_limit)
                reference.update(torch.tensor(np.array(maps)), torch.tensor(np.array(masks)).int())
                expected = float(reference.compute())
                found = metrics.aupro(maps, masks, fpr_limit)
                assert found == pytest.approx(expected, abs=2e-5), (case, fpr_limit)


def test_images_of_different_sizes_are_measured_together() -> None:
    maps, masks = make_maps(2)
    cut_maps, cut_masks = [maps[0][:20], *maps[1:]], [masks[0][:20], *masks[1:]]
    assert metrics.pixel_auroc(cut_maps, cut_masks) is not None
    assert metrics.aupro(cut_maps, cut_masks) is not None


def test_each_region_counts_alike_in_aupro() -> None:
    mask = np.zeros((30, 30), bool)
    mask[2:22, 2:22] = True
    mask[27, 27] = True
    anomaly_map = np.zeros((30, 30), np.float32)
    anomaly_map[2:22, 2:22] = 1
    missed_small = metrics.aupro([anomaly_map], [mask], 0.3)
    # The large region is found at once, the single pixel only along the diagonal of chance.
    assert missed_small == pytest.approx(0.5 + 0.5 * 0.15, abs=1e-6)


def test_measures_are_none_where_they_are_undefined() -> None:
    scores = [1.0, 2.0]
    for labels in ([True, True], [False, False]):
        assert metrics.image_auroc(scores, labels) is None
        assert metrics.f1_max(scores, labels) is None
    assert metrics.image_auroc([], []) is None
    empty = [np.zeros((4, 4), bool)]
    maps = [np.ones((4, 4), np.float32)]
    for masks in (empty, [~empty[0]]):
        assert metrics.pixel_auroc(maps, masks) is None
        assert metrics.aupro(maps, masks) is None
    assert metrics.pixel_auroc([], []) is None
    assert metrics.aupro([], []) is None
    assert metrics.top1_type_accuracy([], []) is None
    assert metrics.map_at_k([], []) is None


def test_mismatched_or_infinite_input_is_refused() -> None:
    with pytest.raises(ValueError, match="2 scores for 1 labels"):
        metrics.image_auroc([1.0, 2.0], [True])
    with pytest.raises(ValueError, match="finite"):
        metrics.image_auroc([1.0, np.nan], [True, False])
    with pytest.raises(ValueError, match="do not match"):
        metrics.pixel_auroc([np.zeros((2, 3), np.float32)], [np.zeros((3, 2), bool)])
    with pytest.raises(ValueError, match="finite"):
        metrics.aupro([np.full((2, 2), np.nan, np.float32)], [np.ones((2, 2), bool)])


def test_confusion_counts_overkill_and_escape_but_not_review() -> None:
    scores = [0.1, 1.0, 2.0, 0.5, 1.5, 2.5, 3.0]
    labels = [False, False, False, True, True, True, True]
    table = metrics.confusion(scores, labels, 1.0, 2.0)
    assert table == {
        "normal": {"ok": 1, "review": 1, "reject": 1},
        "defect": {"ok": 1, "review": 1, "reject": 2},
    }
    assert metrics.overkill_count(table) == 1
    assert metrics.escape_count(table) == 1


def test_auroc_by_type_sets_each_type_against_all_normals() -> None:
    found = metrics.auroc_by_type([1, 2, 3, 0, 9], [None, None, "hole", "burr", "hole"])
    assert found == {"burr": (1, 0.0), "hole": (2, 1.0)}
    assert metrics.auroc_by_type([3], ["hole"]) == {"hole": (1, None)}


def test_retrieval_measures_follow_their_definition() -> None:
    queries = ["hole", "burr"]
    ranked = [["hole", "burr", "hole"], ["hole", "burr"]]
    assert metrics.top1_type_accuracy(queries, ranked) == 0.5
    assert metrics.top1_type_accuracy(["hole"], [[]]) == 0.0
    by_found = ((1 + 2 / 3) / 2 + (1 / 2) / 1) / 2
    assert metrics.map_at_k(queries, ranked) == pytest.approx(by_found)
    counts = {"hole": 4, "burr": 1}
    by_index = ((1 + 2 / 3) / 3 + 1 / 2) / 2
    assert metrics.map_at_k(queries, ranked, k=3, relevant_counts=counts) == pytest.approx(by_index)
    assert metrics.map_at_k(queries, ranked, relevant_counts={"burr": 1}) == pytest.approx(0.5)
    assert metrics.map_at_k(["dent"], [["hole"]]) == 0.0


def test_the_bounds_of_an_auroc_are_those_of_hanley_and_mcneil() -> None:
    # The example of their paper: area 0.893 from 51 abnormal and 58 normal cases has the standard error 0.032.
    bounds = metrics.auroc_interval(0.893, 51, 58)
    assert bounds is not None
    assert bounds == pytest.approx((0.893 - 1.96 * 0.032, 0.893 + 1.96 * 0.032), abs=2e-3)


def test_the_bounds_of_an_auroc_stay_inside_and_narrow_with_more_images() -> None:
    few, many = metrics.auroc_interval(0.8, 4, 4), metrics.auroc_interval(0.8, 50, 50)
    assert few is not None
    assert many is not None
    assert few[0] < 0.5 < many[0] < 0.8 < many[1] < few[1] <= 1.0
    assert metrics.auroc_interval(1.0, 5, 5) == (1.0, 1.0)
    assert metrics.auroc_interval(0.8, 0, 5) is None
    with pytest.raises(ValueError, match="lies in"):
        metrics.auroc_interval(1.2, 5, 5)
