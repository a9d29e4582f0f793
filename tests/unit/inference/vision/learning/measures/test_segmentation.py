"""Figures of masks beside numbers that were worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from inference.vision.learning.measures.segmentation import measure_segmentation


def _mask(rows: slice) -> np.ndarray:
    mask = np.zeros((10, 10), np.bool_)
    mask[rows] = True
    return mask


def test_intersection_over_union_by_label_and_of_all_defects() -> None:
    truth = [{"scratch": _mask(slice(0, 4)), "dent": _mask(slice(8, 10))}]
    found = [{"scratch": _mask(slice(2, 6)), "dent": _mask(slice(8, 10))}]
    figures = measure_segmentation(["scratch", "dent"], truth, found)
    assert [one.iou for one in figures.labels] == [pytest.approx(20 / 60), 1.0]
    assert figures.miou == pytest.approx((1 / 3 + 1.0) / 2)
    # 40 right of 60 claimed and 60 true: 40 / 80.
    assert figures.mask_iou == pytest.approx(0.5)
    assert figures.f1 == pytest.approx(2 * 40 / 120)
    # Nothing: 20 right, 40 claimed, 40 true.
    assert figures.miou_with_nothing == pytest.approx((1 / 3 + 1.0 + 20 / 60) / 3)


def test_a_defect_found_under_another_name_counts_as_defect_not_as_that_name() -> None:
    figures = measure_segmentation(["a", "b"], [{"a": _mask(slice(0, 5))}], [{"b": _mask(slice(0, 5))}])
    assert figures.mask_iou == 1.0
    assert figures.miou == 0.0


def test_where_two_labels_are_marked_either_is_right() -> None:
    both = {"a": _mask(slice(0, 5)), "b": _mask(slice(0, 5))}
    figures = measure_segmentation(["a", "b"], [both], [{"b": _mask(slice(0, 5))}])
    assert figures.labels[1].iou == 1.0


def test_pixels_of_labels_that_are_not_learned_do_not_count() -> None:
    figures = measure_segmentation(["a"], [{"other": _mask(slice(0, 5))}], [{"a": _mask(slice(0, 5))}])
    assert figures.mask_iou is None
    assert figures.miou is None


def test_a_good_image_adds_what_is_wrongly_found_in_it() -> None:
    truth = [{"a": _mask(slice(0, 5))}, {"a": _mask(slice(0, 0))}]
    found = [{"a": _mask(slice(0, 5))}, {"a": _mask(slice(0, 5))}]
    figures = measure_segmentation(["a"], iter(truth), iter(found), ["studio", "line"])
    assert figures.mask_iou == pytest.approx(0.5)
    assert figures.per_domain["studio"]["mask_iou"] == 1.0
    assert figures.per_domain["line"]["mask_iou"] == 0.0
    assert figures.to_json()["per_class"]["a"]["n"] == 1


def test_masks_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        measure_segmentation(["a"], [{"a": np.zeros((4, 4), np.bool_)}], [{"a": np.zeros((5, 5), np.bool_)}])
