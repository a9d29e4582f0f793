"""Prefetching keeps the order, passes errors on in their turn, and stops when the caller does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from inference.vision.images.prefetch import map_prefetched, prefetch


@pytest.mark.parametrize("depth", [1, 4, 50])
def test_prefetching_gives_every_item_in_order(depth: int) -> None:
    assert list(prefetch(iter(range(20)), depth=depth)) == list(range(20))
    assert list(prefetch([None, 0, ""], depth=depth)) == [None, 0, ""]
    assert list(prefetch([], depth=depth)) == []


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("third")

    found: list[int] = []
    with pytest.raises(ValueError, match="third"):
        found.extend(prefetch(items()))
    for item in (prefetched := prefetch(items())):
        found.append(item)
        if item == 2:
            break
    prefetched.close()
    assert found[-2:] == [1, 2]


def test_items_are_taken_while_the_caller_works_and_never_more_than_the_depth() -> None:
    taken: list[int] = []
    reached = threading.Event()

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            if item == 3:
                reached.set()
            yield item

    prefetched = prefetch(items(), depth=3)
    assert next(prefetched) == 0
    assert not reached.is_set()
    assert next(prefetched) == 1  # item 3 is taken while the caller has item 1
    assert reached.wait(timeout=30.0)
    prefetched.close()
    assert len(taken) <= 6


def test_prefetched_work_keeps_the_order() -> None:
    assert list(map_prefetched(lambda item: item * 2, range(50), depth=7)) == [item * 2 for item in range(50)]


@pytest.mark.parametrize(("given", "expected"), [("1", 1), ("3", 3), ("", None), ("0", None), ("many", None)])
def test_a_process_computes_on_the_cores_that_it_is_given(given: str, expected: int | None) -> None:
    code = "from inference.parallel import CORES; print(CORES)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OMP_NUM_THREADS": given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == (expected or len(os.sched_getaffinity(0)))
