"""Letting the listener hear, several times a second, how far a stage is, also while one step of it takes long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from inference.parallel import CORES, map_blocks

if TYPE_CHECKING:
    import torch

    from inference.vision.learning.recipes.contract import Listener

Result = TypeVar("Result")
_INTERVAL_S = 0.25


class Ticker:
    """A stage of a training and how much of it is done. What the listener raises comes through every method."""

    def __init__(self, listener: Listener, stage: str, total: int) -> None:
        self._listener, self._stage, self._total = listener, stage, total
        self._done, self._last = 0, 0.0
        self.set(0)

    def set(self, done: int) -> None:
        """Note that so much is done; the listener hears it where it has heard nothing for a while, and at the ends."""
        self._done = done
        if done in (0, self._total):
            self._last = 0.0
        self.tick()

    def tick(self) -> None:
        """Let the listener hear that the training goes on."""
        now = time.monotonic()
        if now - self._last >= _INTERVAL_S:
            self._last = now
            self._listener.progress(self._stage, self._done, self._total)

    @contextmanager
    def watching(self, module: torch.nn.Module) -> Iterator[None]:
        """Tick after every layer of the module, on the way forward and on the way back."""

        def forward(_layer: Any, _given: Any, found: Any) -> None:
            self.tick()
            if getattr(found, "requires_grad", False):
                found.register_hook(lambda _gradient: self.tick())

        leaves = [one for one in module.modules() if not list(one.children())]
        hooks = [leaf.register_forward_hook(forward) for leaf in leaves]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def run(self, functions: Sequence[Callable[[], Result]]) -> list[Result]:
        """Return what the functions give, in order; they run side by side, and each that is done counts one."""
        map_blocks(int, ())  # holds BLAS to one thread: sums in another order would be another result
        with ThreadPoolExecutor(CORES, thread_name_prefix="fit") as pool:
            futures = [pool.submit(function) for function in functions]
            try:
                while not all(one.done() for one in futures):
                    wait(futures, timeout=_INTERVAL_S, return_when=FIRST_EXCEPTION)
                    self.set(sum(one.done() for one in futures))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            return [one.result() for one in futures]
