"""Splits that keep every part together."""

from __future__ import annotations

import numpy as np
import pytest

from inference.vision.learning.splits import fold_parts, split_parts

EXPOSURES = [f"part {number}" for number in range(20) for _ in range(number % 4 + 1)]


def _folds_of(parts: list[str], folds: np.ndarray) -> dict[str, set[int]]:
    return {part: {int(f) for p, f in zip(parts, folds, strict=True) if p == part} for part in set(parts)}


def test_items_that_are_parts_of_their_own_are_dealt_in_turn() -> None:
    parts = [str(number) for number in range(23)]
    assert fold_parts(parts, folds=5).tolist() == [number % 5 for number in range(23)]


@pytest.mark.parametrize("seed", [None, 0, 7])
def test_no_fold_divides_a_part_and_folds_are_balanced(seed: int | None) -> None:
    folds = fold_parts(EXPOSURES, folds=4, seed=seed)
    assert all(len(found) == 1 for found in _folds_of(EXPOSURES, folds).values())
    sizes = np.bincount(folds, minlength=4)
    assert sizes.max() - sizes.min() <= 1


def test_folds_share_every_label_as_evenly_as_parts_allow() -> None:
    parts = [f"p{number}" for number in range(40) for _ in range(2)]
    labels = ["hole" if number < 8 else "good" for number in range(40) for _ in range(2)]
    folds = fold_parts(parts, folds=4, seed=3, labels=labels)
    for label, wanted in (("hole", 4), ("good", 16)):
        inside = np.array([found == label for found in labels])
        assert np.bincount(folds[inside], minlength=4).tolist() == [wanted] * 4


def test_a_seed_decides_and_decides_the_same_each_time() -> None:
    first, again = (fold_parts(EXPOSURES, folds=4, seed=1) for _ in range(2))
    assert (first == again).all()
    assert (first != fold_parts(EXPOSURES, folds=4, seed=2)).any()


def test_fewer_parts_than_folds_make_fewer_folds() -> None:
    assert fold_parts(["a", "a", "b", "c"], folds=5).max() == 2
    assert fold_parts(["a", "a"], folds=5).tolist() == [0, 0]
    assert fold_parts([], folds=5).tolist() == []


def test_less_than_two_folds_and_missing_labels_are_refused() -> None:
    with pytest.raises(ValueError):
        fold_parts(["a"], folds=1)
    with pytest.raises(ValueError):
        fold_parts(["a", "b"], folds=2, labels=["good"])


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(5))
def test_a_split_holds_out_whole_parts_of_about_the_share(share: float, seed: int) -> None:
    held = split_parts(EXPOSURES, share=share, seed=seed)
    assert all(len(found) == 1 for found in _folds_of(EXPOSURES, held).values())
    assert abs(held.mean() - share) < 0.05
    assert (held == split_parts(EXPOSURES, share=share, seed=seed)).all()


def test_a_split_holds_out_of_every_label() -> None:
    parts = [f"p{number}" for number in range(60)]
    labels = ["scratch" if number % 6 == 0 else "good" for number in range(60)]
    held = split_parts(parts, share=0.4, seed=0, labels=labels)
    assert held[[label == "scratch" for label in labels]].sum() == 4
    assert held.sum() == 24


def test_one_part_is_not_split_and_of_two_one_is_held_out() -> None:
    assert not split_parts(["a"] * 6, share=0.5, seed=0).any()
    for share in (0.01, 0.99):
        assert split_parts(["a"] * 3 + ["b"], share=share, seed=0).sum() in {1, 3}
    assert split_parts(["a", "b"], share=1.0, seed=0).all()


def test_a_share_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError):
        split_parts(["a", "b"], share=1.5, seed=0)
