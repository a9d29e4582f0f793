"""Kappa and shares with their intervals, against published figures and what must hold of any looks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from core.gauge.agreement import cohen_kappa, count_share, fleiss_kappa, fleiss_kappa_of_counts
from tests.unit.core.gauge.worked_examples import DEFECTIVE, FLEISS_COUNTS, STOPPED


def _value(kappa: object) -> float:
    assert kappa is not None
    return float(kappa.value)  # type: ignore[attr-defined]


def test_the_published_pairs_come_out_as_published() -> None:
    pairs = {pair: round(_value(cohen_kappa(STOPPED[pair[0]], STOPPED[pair[1]])), 2) for pair in ("AB", "AC", "BC")}
    assert pairs == {"AB": 0.86, "AC": 0.78, "BC": 0.79}
    truth = np.repeat(DEFECTIVE[:, None], 3, axis=1)
    alone = {name: round(_value(cohen_kappa(looks, truth)), 2) for name, looks in STOPPED.items()}
    assert alone == {"A": 0.88, "B": 0.92, "C": 0.77}


def test_the_example_of_fleiss_comes_out_as_published() -> None:
    assert _value(fleiss_kappa_of_counts(FLEISS_COUNTS)) == pytest.approx(0.210, abs=5e-4)


@pytest.mark.parametrize("seed", range(10))
def test_cohen_agrees_with_another_implementation_and_is_symmetric(seed: int) -> None:
    generator = np.random.default_rng(seed)
    first = generator.integers(0, 2, (25, 3)).astype(np.int8)
    second = np.where(generator.random((25, 3)) < 0.8, first, 1 - first).astype(np.int8)
    found = _value(cohen_kappa(first, second))
    assert found == pytest.approx(cohen_kappa_score(first.ravel(), second.ravel()))
    assert found == pytest.approx(_value(cohen_kappa(second, first)))
    assert found == pytest.approx(_value(cohen_kappa(1 - first, 1 - second)))


@pytest.mark.parametrize("seed", range(5))
def test_intervals_hold_the_value_and_are_the_same_each_time(seed: int) -> None:
    generator = np.random.default_rng(seed)
    first = generator.integers(0, 2, (40, 2)).astype(np.int8)
    second = np.where(generator.random((40, 2)) < 0.9, first, 1 - first).astype(np.int8)
    found = cohen_kappa(first, second, seed=seed)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found == cohen_kappa(first, second, seed=seed)


def test_unequal_numbers_of_looks_are_compared_each_with_each() -> None:
    first = np.array([[0], [1], [0], [1]], np.int8)
    second = np.array([[0, 0], [1, 1], [0, 1], [1, 1]], np.int8)
    assert _value(cohen_kappa(first, second)) == pytest.approx(
        cohen_kappa_score(np.repeat(first, 2, axis=1).ravel(), second.ravel())
    )


def test_perfect_and_opposite_looks_are_the_ends() -> None:
    looks = np.array([[0, 0], [1, 1], [0, 0]], np.int8)
    assert _value(cohen_kappa(looks, looks)) == pytest.approx(1.0)
    assert _value(fleiss_kappa(looks)) == pytest.approx(1.0)
    assert _value(cohen_kappa(np.array([[0], [1]], np.int8), np.array([[1], [0]], np.int8))) == pytest.approx(-1.0)


def test_where_only_one_thing_was_said_there_is_no_kappa() -> None:
    alike = np.zeros((10, 3), np.int8)
    assert cohen_kappa(alike, alike) is None
    assert fleiss_kappa(alike) is None
    assert fleiss_kappa(alike[:, :1]) is None


def test_shares_have_the_exact_interval() -> None:
    share = count_share(0, 12)
    assert share is not None
    assert (share.value, share.low) == (0.0, 0.0)
    # Clopper and Pearson: 1 - 0.025 ** (1 / 12)
    assert share.high == pytest.approx(1 - 0.025 ** (1 / 12))
    assert count_share(0, 0) is None
