"""Searching vectors on a GPU: it names candidates, which are compared exactly in main memory, as after a scan there.

Every vector is compared, in float32 (Johnson, Douze and Jégou, "Billion-scale similarity search with GPUs", 2017). What
the GPU cannot settle, for ties or want of memory, is left to the processor, so the results are the same as without it.
"""

from __future__ import annotations

import ctypes
import logging
import subprocess
import sys
import threading
import weakref
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from inference.vision.networks.runtime import Device, may_have_cuda
from inference.vision.search.similarity_values import exact_similarities, rounding_bound

Obstacle = Literal["device_is_cpu", "gpu_absent", "faiss_without_gpu", "gpu_refuses"]

# One thread reads 5,000 × 512 numbers in a millisecond: below, going to the GPU and back gains nothing.
LEAST_VECTORS = 5_000
CANDIDATES = 256
MOST_CANDIDATES = 2048  # so many faiss selects on a GPU at most
# Left to the networks that compute on the same GPU.
RESERVE_BYTES = 1 << 30
# For one query. faiss takes 1.5 GiB, and 256 MiB of main memory that is never paged, where it is not told otherwise.
_TEMPORARY_BYTES = 32 << 20
_TRIAL = Path(__file__).with_name("gpu_trial.py")
_TRIAL_TIMEOUT_S = 60.0

_log = logging.getLogger(__name__)
_asking = threading.Lock()


class GpuScan:
    """The vectors of one index on the first GPU, for threads to ask one after the other.

    They are brought there by the first search. What goes wrong then or later ends the use of the GPU for this index,
    with one line in the log: searches go on in main memory.
    """

    def __init__(self, vectors: np.ndarray, *, device: Device) -> None:
        self._vectors = vectors
        self._device = device
        self._given_up = False
        # A GPU index must not be asked by two threads at once, not even to read; each has resources of its own, so
        # indexes do not wait for each other, and one that is dropped disturbs no search of another.
        self._lock = threading.Lock()
        self._parts: list[Any] = []
        weakref.finalize(self, _release, self._parts)

    def find(self, query: np.ndarray, *, k: int) -> np.ndarray | None:
        """Return places of vectors with the `k` nearest of the unit `query` (1, d) for certain among them, int64.

        None where the GPU cannot tell, or is not used: main memory is to be asked.
        """
        total, dimension = self._vectors.shape
        count = min(max(CANDIDATES, 2 * k), MOST_CANDIDATES, total)
        if self._given_up or k > count:
            return None
        with self._lock:
            neighbors = self._ask(query, count)
        if neighbors is None:
            return None
        similarities, places = neighbors
        bound = rounding_bound(dimension)
        if not (np.abs(exact_similarities(self._vectors[places], query[0]) - similarities) <= bound).all():
            with self._lock:
                self._give_up("it computes less precisely than float32")
            return None
        # A vector that was not named might, for the rounding of both sides, still be as near as the k-th.
        if count < total and similarities[k - 1] - similarities[-1] <= 2 * bound:
            return None
        return places

    def _ask(self, query: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray] | None:
        if self._given_up:
            return None
        try:
            if not self._parts and not self._place():
                return None
            if free_bytes() is None:
                self._give_up("the GPU does not answer any more")
                return None
            similarities, places = self._parts[0].search(np.ascontiguousarray(query), count)
        except (RuntimeError, MemoryError) as error:
            self._give_up(_first_line(error))
            return None
        if (places < 0).any():
            self._give_up("it found fewer vectors than there are")
            return None
        return similarities[0], places[0]

    def _place(self) -> bool:
        if find_obstacle(self._device) is not None:
            # Said once for all indexes.
            self._given_up = True
            return False
        import faiss

        free = free_bytes()
        needed = self._vectors.nbytes + _TEMPORARY_BYTES + RESERVE_BYTES
        if free is None or free < needed:
            found = "no" if free is None else f"{free >> 20} MiB of"
            self._give_up(f"{found} memory is free there, {needed >> 20} MiB are needed")
            return False
        resources = faiss.StandardGpuResources()
        resources.setTempMemory(_TEMPORARY_BYTES)
        resources.setPinnedMemory(0)
        settings = faiss.GpuIndexFlatConfig()
        settings.device = 0
        settings.useFloat16 = False
        index = faiss.GpuIndexFlatIP(resources, self._vectors.shape[1], settings)
        # At once: faiss then takes just the memory that is needed.
        index.add(np.ascontiguousarray(self._vectors))
        self._parts[:] = [index, resources]
        return True

    def _give_up(self, reason: str) -> None:
        if not self._given_up:
            self._given_up = True
            _log.warning("similar images are searched on the CPU from now on (%d vectors): %s", len(self), reason)
        _release(self._parts)

    def __len__(self) -> int:
        return len(self._vectors)


def find_obstacle(device: Device) -> Obstacle | None:
    """Return why vectors are not searched on a GPU here; None where they are. The first call may take some seconds.

    `auto` and `cuda` take a GPU that passes a trial. A search never fails for want of one, for `cuda` neither.
    """
    if device == "cpu":
        return "device_is_cpu"
    with _asking:
        found = diagnose_gpu()
        if found is not None:
            report_obstacle(found, device)
        return found


@cache
def diagnose_gpu() -> Obstacle | None:
    """Return what keeps faiss from the first GPU, or None where a trial search agreed; found out once a process."""
    if not may_have_cuda():
        return "gpu_absent"
    try:
        import faiss
    except (ImportError, RuntimeError) as error:
        # The build for a GPU says so where NVIDIA's packages beside it are missing or damaged.
        refusal: str | None = _first_line(error)
    else:
        if not hasattr(faiss, "StandardGpuResources"):
            return "faiss_without_gpu"
        refusal = try_gpu()
    if refusal is None:
        return None
    _log.warning("the GPU did not pass a trial search: %s", refusal)
    return "gpu_refuses"


@cache
def report_obstacle(obstacle: Obstacle, device: Device) -> None:
    """Log once a process why the GPU is not used."""
    level = logging.WARNING if device == "cuda" else logging.INFO
    _log.log(level, "similar images are searched on the CPU (GEOMSA_DEVICE is %s): %s", device, obstacle)


def try_gpu() -> str | None:
    """Return what went wrong when another process searched on the GPU; None where nothing did."""
    try:
        trial = subprocess.run(  # noqa: S603 - our own interpreter and file, no shell
            [sys.executable, "-P", str(_TRIAL)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TRIAL_TIMEOUT_S,
            text=True,
            errors="replace",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return _first_line(error)
    if trial.returncode == 0:
        return None
    return f"{(trial.stderr.strip().splitlines() or ['no word'])[-1]} (status {trial.returncode})"


def free_bytes() -> int | None:
    """Return the free memory of the current GPU; None where CUDA returns an error, which a lost GPU does for good.

    faiss has no word for it and would end the process: its CUDA runtime is asked itself.
    """
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    try:
        status = ctypes.CDLL(None).cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total))
    except AttributeError:
        return None
    return free.value if status == 0 else None


def _release(parts: list[Any]) -> None:
    """Free what lies on the GPU. Where it is lost, freeing would end the process: then only the reference goes."""
    if parts and free_bytes() is None:
        for part in parts:
            part.thisown = False
    parts.clear()


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
