import numpy as np
import pytest

from inference.vision.detection.patchcore.memory_bank import Bank


@pytest.mark.parametrize("neighbours", [1, 3])
def test_distances_are_those_of_brute_force(neighbours: int) -> None:
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(700, 24)) + 30).astype(np.float32)
    queries = (rng.normal(size=(24, 50)) + 30).astype(np.float32)
    all_distances = np.linalg.norm(rows[:, :, None].astype(np.float64) - queries[None], axis=1)
    expected = np.sort(all_distances, axis=0)[:neighbours].mean(axis=0)
    np.testing.assert_allclose(Bank(rows).distances(queries, neighbours=neighbours), expected, rtol=1e-4)
    np.testing.assert_array_equal(Bank(rows).nearest(queries), all_distances.argmin(axis=0))


def test_a_bank_smaller_than_the_neighbors_asked_for_gives_distances() -> None:
    rows = np.zeros((2, 4), dtype=np.float32)
    np.testing.assert_array_equal(Bank(rows).distances(np.ones((4, 3), np.float32), neighbours=9), [2.0, 2.0, 2.0])
