import numpy as np
import pytest

from inference.vision.detection.coreset import select_coreset


def one_by_one(points: np.ndarray, *, first: int, count: int) -> tuple[list[int], float]:
    wide = points.astype(np.float64)
    chosen = [first]
    nearest = ((wide - wide[first]) ** 2).sum(axis=1)
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, ((wide - wide[chosen[-1]]) ** 2).sum(axis=1))
    return chosen, float(np.sqrt(nearest.max()))


@pytest.mark.parametrize(("total", "dimension", "count"), [(3000, 20, 300), (500, 3, 499), (5000, 152, 64)])
def test_batches_choose_what_one_by_one_selection_chooses(total: int, dimension: int, count: int) -> None:
    points = np.random.default_rng(total).normal(size=(total, dimension)).astype(np.float32) + 5.0
    found = select_coreset(points, count=count, seed=3)
    chosen, radius = one_by_one(points, first=int(found.indices[0]), count=count)
    assert found.indices.tolist() == chosen
    assert found.radius == pytest.approx(radius, rel=1e-4, abs=1e-3)


def test_the_same_seed_gives_the_same_choice() -> None:
    points = np.random.default_rng(0).normal(size=(2000, 16)).astype(np.float32)
    first, again = (select_coreset(points, count=200, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.indices, again.indices)
    assert select_coreset(points, count=1, seed=6).indices[0] != first.indices[0]


def test_equal_points_are_chosen_once() -> None:
    points = np.repeat(np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32) * 100, 50, axis=0)
    found = select_coreset(points, count=40, seed=0)
    assert len(found.indices) == 5
    assert found.radius == pytest.approx(0.0, abs=0.3)


def test_more_than_there_are_gives_all() -> None:
    points = np.random.default_rng(0).normal(size=(7, 8)).astype(np.float32)
    assert sorted(select_coreset(points, count=99, seed=0).indices.tolist()) == list(range(7))
    assert len(select_coreset(points[:0], count=9, seed=0).indices) == 0


def test_progress_may_cancel_and_its_exception_comes_through() -> None:
    class CancelledError(Exception):
        pass

    def cancel(_done: int, _total: int) -> None:
        raise CancelledError

    points = np.random.default_rng(0).normal(size=(5000, 16)).astype(np.float32)
    with pytest.raises(CancelledError):
        select_coreset(points, count=500, seed=0, progress=cancel)


def test_kept_rows_stay_and_the_choice_goes_on_from_them() -> None:
    points = np.random.default_rng(1).normal(size=(2000, 12)).astype(np.float32)
    points[:700] *= 0.5
    found = select_coreset(points, count=760, seed=0, kept=700)
    assert found.indices[:700].tolist() == list(range(700))
    assert len(set(found.indices.tolist())) == 760
    to_kept = np.sqrt(((points[700:, None] - points[None, :700]) ** 2).sum(axis=2).min(axis=1))
    assert found.indices[700] == 700 + int(to_kept.argmax())


def test_the_choice_stops_where_every_point_is_near_enough() -> None:
    points = np.random.default_rng(2).normal(size=(3000, 6)).astype(np.float32)
    wanted = select_coreset(points[:2000], count=300, seed=0).radius
    kept = points[select_coreset(points[:2000], count=300, seed=0).indices]
    found = select_coreset(np.concatenate([kept, points[2000:]]), count=1300, seed=0, kept=300, within=wanted)
    assert found.radius <= wanted
    assert 300 <= len(found.indices) < 600
    everything_near = select_coreset(np.concatenate([kept, kept]), count=600, seed=0, kept=300, within=wanted)
    assert everything_near.indices.tolist() == list(range(300))


def test_progress_may_cancel_while_the_kept_rows_are_gone_through() -> None:
    seen: list[int] = []
    points = np.random.default_rng(0).normal(size=(3000, 16)).astype(np.float32)
    select_coreset(points, count=2000, seed=0, kept=2000, progress=lambda done, _total: seen.append(done))
    assert len(seen) >= 7
    assert seen == sorted(seen)
