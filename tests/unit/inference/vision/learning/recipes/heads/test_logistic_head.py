"""The head: told apart by whole parts, sure of itself as far as it is right, the same bits every time."""

import numpy as np
import pytest

from inference.vision.learning.recipes.heads.logistic_head import LinearHead, find_temperature, fit_head, log_loss
from inference.vision.learning.recipes.ticking import Ticker
from tests.unit.inference.vision.learning.recipes.drawn_examples import Remembering, StoppedError


def clouds(count: int = 40, *, apart: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    truth = np.arange(count * 3) % 3
    rows = rng.normal(0, 1, (len(truth), 6)) + apart * np.eye(3, 6)[truth]
    return rows.astype(np.float32), truth, [str(number // 6) for number in range(len(truth))]


def fit(rows: np.ndarray, truth: np.ndarray, parts: list[str], weights: np.ndarray | None = None) -> LinearHead:
    given = np.ones(len(truth)) if weights is None else weights
    return fit_head(rows, truth, parts, given, count=3, seed=0, ticker=Ticker(Remembering(), "fit", 5))


def test_labels_that_can_be_told_apart_are_and_two_fits_are_equal_to_the_bit() -> None:
    rows, truth, parts = clouds()
    first, second = fit(rows, truth, parts), fit(rows, truth, parts)
    assert (first.probabilities(rows).argmax(axis=1) == truth).mean() > 0.95
    assert np.allclose(first.probabilities(rows).sum(axis=1), 1.0)
    assert first.weights.tobytes() == second.weights.tobytes()
    assert first.bias.tobytes() == second.bias.tobytes()


def test_what_cross_validation_says_is_of_parts_that_were_not_seen() -> None:
    # Every part has a number of its own that gives its label away, and nothing else does.
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(30), 4)
    truth = np.repeat(rng.integers(0, 3, 30), 4)
    rows = np.eye(30, dtype=np.float32)[owner] * 5
    parts = [str(one) for one in owner]
    found = fit(rows, truth, parts)
    assert (found.probabilities(rows).argmax(axis=1) == truth).mean() > 0.9
    assert (found.unseen.argmax(axis=1) == truth).mean() < 0.6


def test_a_label_without_training_images_is_never_named() -> None:
    rows, truth, parts = clouds()
    kept = truth != 2
    found = fit(rows[kept], truth[kept], [part for part, one in zip(parts, kept, strict=True) if one])
    assert found.weights.shape == (3, 6)
    assert found.probabilities(rows)[:, 2].max() < 0.02


def test_examples_that_weigh_nothing_might_as_well_not_be_there() -> None:
    rows, truth, parts = clouds(apart=1.0)
    lies = rows.copy()
    lies[::2] = -lies[::2]
    weights = np.where(np.arange(len(truth)) % 2 == 0, 1e-9, 1.0)
    believed = fit(lies, truth, parts).probabilities(rows).argmax(axis=1)
    known = fit(lies, truth, parts, weights).probabilities(rows).argmax(axis=1)
    assert (known == truth).mean() > (believed == truth).mean()


def test_the_temperature_makes_a_boast_as_sure_as_it_is_right() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (4000, 3))
    shares = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(3, p=row) for row in shares])
    assert find_temperature(honest * 4, truth) == pytest.approx(4.0, rel=0.1)
    assert find_temperature(honest, truth) == pytest.approx(1.0, rel=0.1)
    assert log_loss(honest, truth) < log_loss(honest * 4, truth)


def test_few_images_all_named_rightly_do_not_make_it_certain() -> None:
    logits = 20.0 * np.eye(3)[np.arange(12) % 3]
    temperature = find_temperature(logits, np.arange(12) % 3)
    sure = float(np.exp(-log_loss(logits / temperature, np.arange(12) % 3)))
    assert 0.85 < sure < 0.99


def test_what_the_listener_raises_ends_the_fit() -> None:
    rows, truth, parts = clouds()
    with pytest.raises(StoppedError):
        fit_head(
            rows,
            truth,
            parts,
            np.ones(len(truth)),
            count=3,
            seed=0,
            ticker=Ticker(Remembering(stop_at="fit"), "fit", 5),
        )
