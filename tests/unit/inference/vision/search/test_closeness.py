"""How similar the images of an index are: the two anchors of the scale, by type, view and number of images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from inference.vision.search.closeness import LEAST_IMAGES, measure_spread


def _clusters(
    n_types: int, each: int, *, seed: int, noise: float = 0.05
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return unit vectors of types that lie apart, and their types."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(n_types, 64))
    labels = np.repeat(np.arange(n_types), each)
    rows = centers[labels] + noise * rng.normal(size=(n_types * each, 64))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels


def test_unrelated_images_are_those_of_other_types_and_the_nearest_those_of_the_same() -> None:
    rows, labels = _clusters(3, 6, seed=0)
    spread = measure_spread(rows, None, labels)
    assert spread is not None
    same = labels[:, None] == labels[None, :]
    similarities = rows @ rows.T
    np.fill_diagonal(similarities, -1.0)
    nearest = np.where(same, similarities, -1.0).max(axis=1)
    unrelated = [np.median(row[~own]) for row, own in zip(similarities, same, strict=True)]
    assert spread.alike_at == pytest.approx(np.median(nearest), abs=1e-6)
    assert spread.unrelated_at == pytest.approx(np.median(unrelated), abs=1e-6)


def test_images_of_one_type_are_compared_with_each_other() -> None:
    rows, _ = _clusters(1, 12, seed=1, noise=0.5)
    spread = measure_spread(rows, None, None)
    assert spread is not None
    assert spread.unrelated_at < spread.alike_at < 1.0
    assert measure_spread(None, rows, np.full(12, 7)) == spread


def test_two_views_are_weighed_as_they_are_ranked() -> None:
    whole, labels = _clusters(2, 8, seed=2)
    region, _ = _clusters(2, 8, seed=3)
    both = measure_spread(whole, region, labels, region_weight=0.75)
    alone = measure_spread(None, region, labels)
    assert both is not None
    assert both != alone
    assert measure_spread(whole, region, labels, region_weight=1.0) == alone


def test_a_sample_of_many_images_gives_the_same_scale() -> None:
    rows, labels = _clusters(4, 250, seed=4, noise=0.6)
    sampled = measure_spread(rows, None, labels)
    assert sampled is not None
    assert measure_spread(rows, None, labels) == sampled
    similarities = rows @ rows.T
    np.fill_diagonal(similarities, -1.0)
    nearest = np.where(labels[:, None] == labels, similarities, -1.0).max(axis=1)
    assert sampled.alike_at == pytest.approx(np.median(nearest), abs=0.01)


@pytest.mark.parametrize("count", [0, 1, LEAST_IMAGES - 1])
def test_a_few_images_have_no_scale(count: int) -> None:
    rows, _ = _clusters(1, 8, seed=5)
    assert measure_spread(rows[:count], None, None) is None
    assert measure_spread(None, None, None) is None


def test_copies_and_types_of_one_image_each_have_no_scale() -> None:
    rows, _ = _clusters(6, 1, seed=6)
    assert measure_spread(np.repeat(rows[:1], 9, axis=0), None, None) is None
    assert measure_spread(rows, None, np.arange(6)) is None


def test_other_exposures_of_a_part_are_no_neighbors() -> None:
    rows, _ = _clusters(1, 10, seed=7, noise=0.5)
    twice = np.repeat(rows, 2, axis=0)
    parts = [str(place // 2) for place in range(20)]
    assert measure_spread(twice, None, None) != measure_spread(rows, None, None)
    assert measure_spread(twice, None, None, parts) == measure_spread(rows, None, None)
    assert measure_spread(twice, None, None, ["one"] * 20) is None
