"""Pages that are drawn by chance: no step of another defect is shown, and nearly all of a defect's own."""

from __future__ import annotations

import pytest

from benchmarks.bench_pages import Tally, measure
from benchmarks.manual_pages import set_manual


def count(*, seed: int, pages: int) -> Tally:
    tally = Tally()
    measure(set_manual(seed, pages=pages, language="ko"), tally)
    measure(set_manual(seed + 1, pages=pages, language="en"), tally)
    return tally


def test_the_same_seed_draws_the_same_pages() -> None:
    assert set_manual(5, pages=2, language="ko") == set_manual(5, pages=2, language="ko")


def test_no_step_of_another_defect_is_shown() -> None:
    tally = count(seed=504, pages=6)
    assert tally.pages == 12
    assert (tally.foreign, tally.mixed_rows, tally.readable_lost, tally.unreadable_missed) == (0, 0, 0, 0)
    # So few pages vary by chance: how many of a defect's own steps are shown is held on many pages.
    assert tally.shown >= 0.8 * tally.wanted > 0


@pytest.mark.full
def test_no_step_of_another_defect_is_shown_on_many_pages() -> None:
    tallies = [count(seed=seed, pages=8) for seed in range(9000, 9008, 2)]
    assert sum(tally.foreign for tally in tallies) == 0
    assert sum(tally.shown for tally in tallies) >= 0.95 * sum(tally.wanted for tally in tallies)
