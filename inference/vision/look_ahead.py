"""Working ahead on threads: images are decoded while the network computes on those before them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def map_ahead(
    work: Callable[[Item], Made], items: Iterable[Item], *, depth: int = 24, threads: int | None = None
) -> Iterator[Made]:
    """`work` of each item in order, begun up to `depth` items ahead on half of the cores (or `threads`).

    What `work` raises is raised when its turn comes; nothing further is begun then, or when the caller stops.
    """
    count = threads if threads is not None else max(1, (os.cpu_count() or 1) // 2)
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
