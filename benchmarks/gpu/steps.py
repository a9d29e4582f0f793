"""Steps that are measured by themselves, and what they are measured on."""

from __future__ import annotations

import json
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench_recipes import make_cells

Where = Literal["cuda", "cpu"]
Pixels = NDArray[np.uint8]


def say(text: str) -> None:
    """Write a line of progress."""
    print(text, file=sys.stderr, flush=True)


def attempt(found: dict[str, Any], name: str, step: Callable[[], Any]) -> None:
    """Put down what a step found, or its error."""
    began = time.perf_counter()
    try:
        found[name] = step()
    except Exception as error:  # noqa: BLE001 - the other steps go on
        traceback.print_exc()
        found[name] = {"error": f"{type(error).__name__}: {error}"[:500]}
    say(f"{name} ({time.perf_counter() - began:.1f} s): {json.dumps(found[name])}")


def measure_ms(function: Callable[[], Any], *, turns: int = 20) -> float:
    """Return the median of several turns after one that is not counted, in milliseconds."""
    function()
    times = []
    for _ in range(turns):
        began = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(times), 3)


def differ(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the largest difference, in shares of the largest value."""
    return float(np.abs(one - other).max() / max(1e-12, float(np.abs(one).max())))


def load_cells() -> tuple[list[Pixels], list[Pixels]]:
    """Return functional and defective cells, RGB uint8."""
    cells = make_cells()
    return [load() for label, load in cells if label == "good"], [load() for label, load in cells if label != "good"]


def describe_machine(device: Where) -> dict[str, Any]:
    """Return what is measured on."""
    import torch

    found: dict[str, Any] = {"device": device, "torch": torch.__version__}
    if device == "cuda":
        found |= {"card": torch.cuda.get_device_name(0), "cuda": torch.version.cuda}
    return found


def read_memory(device: Where) -> dict[str, int]:
    """Return the most that torch held on the GPU since the last call, and what is taken of the card now, in MiB."""
    if device == "cpu":
        return {}
    import torch

    free, total = torch.cuda.mem_get_info()
    found = {
        "allocated": torch.cuda.max_memory_allocated() >> 20,
        "reserved": torch.cuda.max_memory_reserved() >> 20,
        # With the context and what other processes hold.
        "card": (total - free) >> 20,
    }
    torch.cuda.reset_peak_memory_stats()
    return found


@contextmanager
def full_memory(device: Where, *, left_bytes: int = 1 << 20) -> Iterator[None]:
    """Let torch have next to no more memory on the GPU than it uses. Nothing where there is none."""
    if device == "cpu":
        yield
        return
    import torch

    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + left_bytes) / total)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
