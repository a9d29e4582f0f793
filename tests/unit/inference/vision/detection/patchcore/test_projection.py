"""Fewer dimensions: what must hold between the patches and their projections."""

import numpy as np
import pytest

from inference.vision.detection.patchcore.projection import fit_projection


def draw_rows(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    spreads = np.geomspace(10.0, 0.05, 40)
    return (rng.normal(size=(count, 40)) * spreads + 3.0).astype(np.float32)


def test_projected_distances_are_never_larger_and_mostly_the_same() -> None:
    projection = fit_projection([draw_rows(2000, 0), draw_rows(500, 1)], share=0.4)
    assert projection is not None
    first, second = draw_rows(300, 2), draw_rows(300, 3)
    full = np.linalg.norm(first - second, axis=1)
    short = np.linalg.norm(projection.apply_rows(first) - projection.apply_rows(second), axis=1)
    assert (short <= full * (1 + 1e-4)).all()
    assert np.median(short / full) > 0.95


def test_rows_and_columns_are_projected_alike() -> None:
    projection = fit_projection([draw_rows(2000, 0)], share=0.4)
    assert projection is not None
    rows = draw_rows(9, 4)
    assert projection.apply_rows(rows).shape == (9, 17)
    np.testing.assert_allclose(projection.apply(rows.T).T, projection.apply_rows(rows), rtol=1e-4, atol=1e-4)


def test_a_direction_that_normal_patches_do_not_have_still_shows() -> None:
    rows = draw_rows(2000, 0)
    rows[:, 30:] = 3.0
    projection = fit_projection([rows], share=0.4)
    assert projection is not None
    odd = rows[:1].copy()
    odd[:, 35] += 50.0
    apart = np.linalg.norm(projection.apply_rows(odd) - projection.apply_rows(rows[:1]))
    assert apart == pytest.approx(50.0, rel=0.05)


def test_nothing_is_projected_where_nothing_would_be_left_out() -> None:
    assert fit_projection([draw_rows(50, 0)], share=1.0) is None
