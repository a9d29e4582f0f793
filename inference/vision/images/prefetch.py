"""Prefetching on threads: images are decoded while the network computes on those before them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from inference.parallel import CORES

Item = TypeVar("Item")
Made = TypeVar("Made")


def map_prefetched(
    work: Callable[[Item], Made], items: Iterable[Item], *, depth: int = 24, threads: int | None = None
) -> Generator[Made, None, None]:
    """Yield `work` of each item in order, begun up to `depth` items before on half of the cores (or `threads`).

    What `work` raises is raised when its turn comes; nothing further is begun then, or when the caller stops.
    """
    count = threads if threads is not None else max(1, CORES // 2)
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(count, thread_name_prefix="ahead") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def prefetch(items: Iterable[Item], *, depth: int = 4) -> Generator[Item, None, None]:
    """Yield the items in order, up to `depth` prefetched on one thread of their own; what they raise comes in its turn.

    For items that are made as they are taken, such as images that a generator decodes.
    """
    iterator = iter(items)
    waiting: deque[Future[Item | _End]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        try:
            while True:
                while len(waiting) < depth:
                    waiting.append(pool.submit(_take, iterator))
                item = waiting.popleft().result()
                if isinstance(item, _End):
                    return
                yield item
        finally:
            for future in waiting:
                future.cancel()


class _End:
    """Comes after the last item."""


def _take(iterator: Iterator[Item]) -> Item | _End:
    return next(iterator, _End())
