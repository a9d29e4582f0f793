"""Matrix products on several cores that also behave when other processes want the same cores.

OpenBLAS divides one product among threads that wait for each other in a busy loop. On a machine where the app, the
worker and others share few cores, a thread that is put aside keeps all others spinning: five times slower was measured.
So numpy's BLAS is held to one thread, and the blocks of a product are dealt to threads that never wait for each other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def usable_cores() -> int:
    """Return how many cores this process may compute on: OMP_NUM_THREADS where it is set, else those it is allowed.

    The variable is what torch and BLAS libraries obey, too; a worker beside others sets it for its children.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


CORES = usable_cores()


def map_blocks(function: Callable[[Item], Result], blocks: Iterable[Item]) -> list[Result]:
    """Return `function` of every block, in order, computed on all cores. An exception of any of them comes through."""
    items = list(blocks)
    if len(items) < 2 or CORES < 2:
        _hold_blas()
        return [function(item) for item in items]
    return list(_pool().map(function, items))


@cache
def _pool() -> ThreadPoolExecutor:
    _hold_blas()
    return ThreadPoolExecutor(CORES, thread_name_prefix="blocks")


@cache
def _hold_blas() -> None:
    """Hold it once, for the life of the process: switching back and forth would race with other threads."""
    import threadpoolctl  # type: ignore[import-untyped]

    threadpoolctl.ThreadpoolController().select(internal_api="openblas").limit(limits=1)
