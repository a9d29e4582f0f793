"""A graph through torch, on the CPU or on CUDA, and what every network on CUDA must heed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from inference.errors import ModelError
from inference.vision.networks.graphs import GraphSpec

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")
# A GPU that is full, and one that is lost.
GPU_FAULTS = frozenset({"out_of_memory", "device_failed"})
_log = logging.getLogger(__name__)


class FeatureRuntime(Protocol):
    """Computes one graph on one device."""

    name: str
    graph: GraphSpec

    def features(self, batch: np.ndarray) -> list[np.ndarray]:
        """Compute float32 N×C×h×w maps of uint8 N×H×W×3; raises ModelError."""
        ...


class TorchRuntime:
    """A graph through torch, in float32 (no TF32), on the CPU or on CUDA."""

    def __init__(self, graph: GraphSpec, module: torch.nn.Module, *, device: str, threads: int) -> None:
        self.name = f"torch-{device}"
        self.graph = graph
        self._device = device
        self._threads = threads
        self._lock = threading.Lock()
        if device != "cpu":
            keep_float32()
        with torch_errors(device):
            self._module = module.to(device)

    def features(self, batch: np.ndarray) -> list[np.ndarray]:
        """Compute float32 N×C×h×w maps of uint8 N×H×W×3; raises ModelError."""
        batch = check_batch(batch, size_px=self.graph.size_px)
        with self._lock, torch_errors(self._device):
            return compute_on(self._device, lambda: self._compute(batch), threads=self._threads)

    def _compute(self, batch: np.ndarray) -> list[np.ndarray]:
        import torch

        with torch.inference_mode():
            return [item.cpu().numpy() for item in self._module(torch.from_numpy(batch).to(self._device))]


class SparingRuntime:
    """A graph on the GPU, and on the CPU for as long as the GPU is full, or once it has failed.

    A score is the same to six digits on both.
    """

    def __init__(self, gpu: FeatureRuntime, open_cpu: Callable[[], FeatureRuntime]) -> None:
        self.name, self.graph = gpu.name, gpu.graph
        self._gpu: FeatureRuntime | None = gpu
        self._open_cpu = open_cpu

    def features(self, batch: np.ndarray) -> list[np.ndarray]:
        """Compute float32 N×C×h×w maps of uint8 N×H×W×3; raises ModelError."""
        gpu = self._gpu
        if gpu is None:
            return self._open_cpu().features(batch)
        try:
            return gpu.features(batch)
        except ModelError as error:
            if error.code not in GPU_FAULTS:
                raise
            _log.warning("the GPU is left out: %s", error)
            cpu = self._open_cpu()
            if error.code == "device_failed":
                # CUDA gives no other answer any more, until the process is another.
                self._gpu, self.name = None, cpu.name
            return cpu.features(batch)


def check_batch(batch: np.ndarray, *, size_px: tuple[int, int]) -> np.ndarray:
    """Return the batch, contiguous; raises ModelError(`image_wrong_shape`) when it is not what the graph takes."""
    height, width = size_px
    if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[1:] != (height, width, 3):
        raise ModelError("image_wrong_shape", shape=batch.shape, dtype=str(batch.dtype))
    return np.ascontiguousarray(batch)


# torch keeps what it has found out about a convolution on CUDA for each thread: to every new one, and each inspection
# may come in another, the first image would take seconds again.
_GPU_THREAD = ThreadPoolExecutor(1, thread_name_prefix="gpu")


def compute_on(device: str, function: Callable[[], Result], *, threads: int) -> Result:
    """Return what a function computes through torch: on CUDA in the one thread for it, else here on so many threads."""
    if device != "cpu":
        return _GPU_THREAD.submit(function).result()
    import torch

    threads_before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return function()
    finally:
        torch.set_num_threads(threads_before)


def keep_float32() -> None:
    """Have convolutions on CUDA compute float32 as such, in this process from now on.

    By default torch rounds what goes into them to ten bits (TF32): a probability moves by some thousandths, and an
    exported graph no longer agrees. It is one switch for all threads, so nobody may turn it back.
    """
    import torch

    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


@contextmanager
def torch_errors(device: str) -> Iterator[None]:
    """Turn torch's own failures on a device into ModelError (`out_of_memory`, `device_failed`)."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ModelError("out_of_memory", device=device) from error
    except RuntimeError as error:
        raise ModelError("device_failed", device=device, detail=first_line(error)) from error


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, its name where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
