"""Gauge R&R by analysis of variance, against the published example and against what must hold of any scores."""

from __future__ import annotations

import numpy as np
import pytest

from core.gauge.variance import AV, ERROR, EV, GRR, INT, INTERACTION, PART, PV, SETUP, TOTAL, TV, study_variance
from tests.unit.core.gauge.worked_examples import SCORES


def _scores(seed: int, shape: tuple[int, int, int] = (10, 3, 3), *, noise: float = 0.3) -> np.ndarray:
    generator = np.random.default_rng(seed)
    parts = generator.normal(20, 3, shape[0])[:, None, None]
    setups = generator.normal(0, 0.5, shape[1])[None, :, None]
    return parts + setups + generator.normal(0, noise, shape)


def test_the_published_example_comes_out_as_published() -> None:
    study = study_variance(SCORES)
    sums = {row.source: round(row.ss, 4) for row in study.rows}
    assert sums == {PART: 88.3619, SETUP: 3.1673, ERROR: 3.1179, TOTAL: 94.6471}
    assert study.is_pooled
    sigmas = {name: one.sigma for name, one in study.components.items()}
    assert sigmas == pytest.approx({EV: 0.199933, AV: 0.226838, GRR: 0.302373, PV: 1.042327, TV: 1.0853}, abs=2e-6)
    shares = {name: round(100 * one.of_variation, 1) for name, one in study.components.items()}
    assert shares == {EV: 18.4, AV: 20.9, GRR: 27.9, PV: 96.0, TV: 100.0}
    assert study.categories == 4
    assert study.limits.mean_range == pytest.approx(0.3417, abs=5e-5)
    assert study.limits.range_limit == pytest.approx(2.574 * 0.34167, rel=1e-3)


def test_an_interaction_stays_in_the_model_where_the_test_finds_it() -> None:
    scores = _scores(3)
    scores += np.random.default_rng(4).normal(0, 2.0, (10, 3))[..., None]
    study = study_variance(scores)
    assert not study.is_pooled
    assert study.interaction_p is not None
    assert study.interaction_p < 0.001
    assert {row.source for row in study.rows} == {PART, SETUP, INTERACTION, ERROR, TOTAL}
    assert study.components[INT].sigma > study.components[EV].sigma


@pytest.mark.parametrize("seed", range(12))
def test_sums_of_squares_and_variances_add_up(seed: int) -> None:
    shape = [(2, 2, 2), (5, 1, 4), (10, 3, 3), (7, 2, 5)][seed % 4]
    study = study_variance(_scores(seed, shape, noise=1.0 + seed))
    total = next(row for row in study.rows if row.source == TOTAL)
    others = [row for row in study.rows if row.source != TOTAL]
    assert sum(row.ss for row in others) == pytest.approx(total.ss)
    assert sum(row.df for row in others) == total.df
    variances = {name: one.sigma**2 for name, one in study.components.items()}
    gauge = sum(variances.get(name, 0.0) for name in (EV, AV, INT))
    assert variances[GRR] == pytest.approx(gauge)
    assert variances[TV] == pytest.approx(gauge + variances[PV])
    assert all(0 <= one.contribution <= 1 + 1e-12 for one in study.components.values())


@pytest.mark.parametrize("seed", range(6))
def test_shares_do_not_depend_on_unit_zero_or_order(seed: int) -> None:
    scores = _scores(seed)
    expected = study_variance(scores, tolerance=5.0)
    generator = np.random.default_rng(seed)
    moved = scores[generator.permutation(10)][:, generator.permutation(3)][:, :, generator.permutation(3)] * 7.0 + 100.0
    found = study_variance(moved, tolerance=35.0)
    for name, one in expected.components.items():
        assert found.components[name].of_variation == pytest.approx(one.of_variation)
        assert found.components[name].of_tolerance == pytest.approx(one.of_tolerance)
        assert found.components[name].sigma == pytest.approx(7.0 * one.sigma)


def test_what_was_put_in_is_found_on_many_parts() -> None:
    generator = np.random.default_rng(11)
    shape = (400, 8, 3)
    scores = (
        generator.normal(0, 3.0, 400)[:, None, None]
        + np.array([-1.5, -0.5, 0.5, 1.5, -1.0, 1.0, 0.0, 0.0])[None, :, None]
        + generator.normal(0, 0.7, shape)
    )
    sigmas = {name: one.sigma for name, one in study_variance(scores).components.items()}
    assert sigmas[EV] == pytest.approx(0.7, rel=0.05)
    assert sigmas[PV] == pytest.approx(3.0, rel=0.1)
    assert sigmas[AV] == pytest.approx(1.0, rel=0.1)


def test_one_setup_tells_nothing_of_reproducibility() -> None:
    study = study_variance(_scores(1, (8, 1, 3)))
    assert not study.setup_studied
    assert AV not in study.components
    assert study.components[GRR].sigma == study.components[EV].sigma


def test_scores_that_never_vary_are_no_perfect_number_of_categories() -> None:
    study = study_variance(np.repeat(np.arange(4.0)[:, None, None], 2, axis=2).repeat(2, axis=1))
    assert study.components[GRR].sigma == 0
    assert study.categories is None
    everything_alike = study_variance(np.full((3, 2, 2), 7.0))
    assert [one.of_variation for one in everything_alike.components.values()] == [0.0] * len(
        everything_alike.components
    )


def test_a_repeat_that_was_taken_otherwise_lies_beyond_the_limit_of_ranges() -> None:
    scores = _scores(5, noise=0.1)
    assert study_variance(scores).n_ranges_beyond == 0
    scores[4, 1, 2] += 4.0
    assert study_variance(scores).n_ranges_beyond == 1


@pytest.mark.parametrize("tolerance", [0.0, -1.0, None])
def test_without_a_distance_of_thresholds_nothing_is_compared_with_it(tolerance: float | None) -> None:
    study = study_variance(_scores(2), tolerance=tolerance)
    assert study.tolerance is None
    assert all(one.of_tolerance is None for one in study.components.values())


def test_gaps_and_too_few_looks_are_refused() -> None:
    scores = _scores(2)
    scores[0, 0, 0] = np.nan
    for wrong in (scores, _scores(2, (1, 3, 3)), _scores(2, (5, 3, 1))):
        with pytest.raises(ValueError, match="parts"):
            study_variance(wrong)
