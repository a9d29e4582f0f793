"""Images that do not belong to the good ones stand out by their scores, and have no say in what does."""

from __future__ import annotations

import numpy as np
import pytest

from inference.vision.detection.purity import FEWEST, NOBODY, Outliers, find_outliers


def scores(count: int, *strange: float, seed: int = 0) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    found = {f"good-{place}": float(score) for place, score in enumerate(rng.normal(20.0, 1.0, count))}
    return found | {f"strange-{place}": score for place, score in enumerate(strange)}


@pytest.mark.parametrize("count", [20, 100])
@pytest.mark.parametrize("strange", [(40.0,), (30.0, 35.0), (28.0, 29.0, 31.0, 60.0)])
def test_what_does_not_belong_is_named_and_nothing_else(count: int, strange: tuple[float, ...]) -> None:
    found = find_outliers(scores(count, *strange))
    assert set(found.scores) == {f"strange-{place}" for place in range(len(strange))}
    assert 22.0 < found.limit < 35.0


def test_of_clean_images_hardly_any_is_named() -> None:
    named = sum(len(find_outliers(scores(60, seed=seed)).scores) for seed in range(40))
    assert named <= 0.002 * 60 * 40


def test_a_long_tail_that_thins_out_belongs() -> None:
    tail = {f"tail-{place}": 23.0 + 0.7 * place for place in range(8)}
    assert not find_outliers(scores(60) | tail).scores
    assert set(find_outliers(scores(60) | tail | {"far": 34.0}).scores) == {"far"}


def test_what_a_person_kept_is_not_named_again() -> None:
    assert set(find_outliers(scores(30, 40.0, 50.0), kept={"strange-0"}).scores) == {"strange-1"}


def test_too_few_images_tell_nothing() -> None:
    assert not find_outliers(scores(FEWEST - 2, 90.0)).scores


def test_images_that_are_all_but_alike_are_not_told_apart_by_their_noise() -> None:
    assert not find_outliers({str(place): 10.0 + 0.001 * place for place in range(30)} | {"x": 10.5}).scores


def test_a_quarter_of_the_images_is_no_exception() -> None:
    assert not find_outliers(scores(20, *([45.0] * 9))).scores


def test_what_two_measures_name_is_joined_on_the_scale_of_the_first() -> None:
    first, second = Outliers({"a": 40.0}, 30.0), Outliers({"a": 24.0, "b": 18.0}, 15.0)
    joined = first.join(second)
    assert dict(joined.scores) == {"a": 40.0, "b": 36.0}
    assert joined.limit == 30.0
    assert NOBODY.join(second) == second
    assert first.join(NOBODY) == first
