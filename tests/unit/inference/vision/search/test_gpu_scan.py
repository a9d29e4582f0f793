"""The search on a GPU, with a stand-in for the GPU: faiss's CPU index behind the names of its GPU build."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from inference.vision.search import gpu_scan, vector_index
from inference.vision.search.gpu_scan import GpuScan, find_obstacle
from inference.vision.search.vector_index import VectorIndex

CLUSTERS = 40


class FlatConfig:
    """As `faiss.GpuIndexFlatConfig`."""

    device = 0
    useFloat16 = False  # noqa: N815 - faiss's own name


class Resources:
    """As `faiss.StandardGpuResources`."""

    def setTempMemory(self, size: int) -> None:
        assert size > 0

    def setPinnedMemory(self, size: int) -> None:
        assert size == 0


class Gpu:
    """What the stand-in does, and what was asked of it."""

    def __init__(self) -> None:
        self.free_bytes: int | None = 8 << 30
        self.add_error: Exception | None = None
        self.search_error: Exception | None = None
        self.shift = 0.0
        self.placed = self.searches = 0
        self.busy = threading.Lock()
        self.indexes: list[FlatIP] = []


class FlatIP:
    """As `faiss.GpuIndexFlatIP`: no two threads at once, at most 2,048 neighbors, sums in another order."""

    gpu: Gpu
    thisown = True

    def __init__(self, resources: Resources, dimension: int, config: FlatConfig) -> None:
        assert isinstance(resources, Resources)
        assert not config.useFloat16
        self._index = faiss.IndexFlatIP(dimension)
        self.gpu.indexes.append(self)

    def add(self, rows: np.ndarray) -> None:
        assert rows.dtype == np.float32
        if self.gpu.add_error is not None:
            raise self.gpu.add_error
        self._index.add(rows[:, ::-1].copy())
        self.gpu.placed += 1

    def search(self, rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        assert rows.shape == (1, self._index.d)
        assert count <= 2048
        assert self.gpu.busy.acquire(blocking=False), "two threads at once"
        try:
            if self.gpu.search_error is not None:
                raise self.gpu.search_error
            self.gpu.searches += 1
            similarities, places = self._index.search(rows[:, ::-1].copy(), count)
            return similarities + np.float32(self.gpu.shift), places
        finally:
            self.gpu.busy.release()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gpu]:
    """Yield a machine with a GPU and faiss's build for it."""
    found = Gpu()
    monkeypatch.setattr(FlatIP, "gpu", found, raising=False)
    for name, part in (
        ("StandardGpuResources", Resources),
        ("GpuIndexFlatIP", FlatIP),
        ("GpuIndexFlatConfig", FlatConfig),
    ):
        monkeypatch.setattr(faiss, name, part, raising=False)
    monkeypatch.setattr(gpu_scan, "may_have_cuda", lambda: True)
    monkeypatch.setattr(gpu_scan, "try_gpu", lambda: None)
    monkeypatch.setattr(gpu_scan, "free_bytes", lambda: found.free_bytes)
    monkeypatch.setattr(vector_index, "LEAST_VECTORS", 1000)
    clear_caches()
    yield found
    clear_caches()


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Yield with nothing remembered of another machine."""
    clear_caches()
    yield monkeypatch
    clear_caches()


def clear_caches() -> None:
    gpu_scan.diagnose_gpu.cache_clear()
    gpu_scan.report_obstacle.cache_clear()


def draw(count: int, seed: int = 0, dimension: int = 33) -> np.ndarray:
    """Draw unit vectors in clusters, float32 (count, dimension)."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(1).normal(size=(CLUSTERS, dimension))
    rows = centers[rng.integers(0, CLUSTERS, count)] + 0.3 * rng.normal(size=(count, dimension))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "searched on the CPU" in record.getMessage()]


@pytest.mark.parametrize("k", [1, 10, 200, 1500, 5000])
def test_results_are_those_of_main_memory_to_the_last_bit(gpu: Gpu, k: int) -> None:
    rows, ids = draw(4000), np.arange(4000)[::-1] * 3
    here, there = VectorIndex.build(rows, ids), VectorIndex.build(rows, ids, device="auto")
    for query in draw(12, seed=5):
        assert there.search(query, k=k) == here.search(query, k=k)
    assert gpu.searches == (12 if k < 2048 else 0)


def test_more_ties_than_candidates_are_left_to_main_memory(gpu: Gpu) -> None:
    # Of equal vectors the lowest ids come first; the GPU names some of them, not these.
    rows = draw(3000)
    rows[100:2500] = rows[7]
    ids = np.random.default_rng(3).permutation(3000)
    index = VectorIndex.build(rows, ids, device="auto")
    found = [match.id for match in index.search(rows[7], k=20)]
    assert found == sorted([*ids[100:2500].tolist(), int(ids[7])])[:20]
    assert gpu.searches == 1


def test_above_the_flat_limit_the_gpu_misses_none(gpu: Gpu) -> None:
    rows = draw(6000)
    index = VectorIndex.build(rows, np.arange(6000), flat_limit=1000, device="cuda")
    exact = VectorIndex.build(rows, np.arange(6000))
    for query in draw(20, seed=8):
        assert index.search(query, k=10) == exact.search(query, k=10)
    assert gpu.searches == 20


def test_a_filter_is_never_searched_on_the_gpu(gpu: Gpu) -> None:
    rows = draw(2000)
    index = VectorIndex.build(rows, np.arange(2000), device="auto")
    found = index.search(rows[3], k=5, allowed_ids=np.array([3, 70, 1999]))
    assert {match.id for match in found} == {3, 70, 1999}
    assert (gpu.searches, gpu.placed) == (0, 0)


def test_the_bundle_does_not_depend_on_the_device(gpu: Gpu, tmp_path: Path) -> None:
    rows = draw(2000)
    saved = [
        VectorIndex.build(rows, np.arange(2000), flat_limit=1000, device=device).save(tmp_path / device)
        for device in ("cpu", "cuda")
    ]
    assert saved[0].files == saved[1].files
    query = draw(1, seed=4)[0]
    there = VectorIndex.load(tmp_path / "cpu", device="auto")
    assert there.search(query, k=8) == VectorIndex.load(tmp_path / "cuda").search(query, k=8)
    assert (gpu.placed, gpu.searches) == (1, 1)


def test_the_cpu_is_never_left_for_a_small_index_or_where_it_is_asked_for(gpu: Gpu) -> None:
    gpu.add_error = AssertionError("brought to the GPU")
    rows = draw(2000)
    assert VectorIndex.build(rows, np.arange(2000), device="cpu").search(rows[0], k=3)
    assert VectorIndex.build(rows[:900], np.arange(900), device="cuda").search(rows[0], k=3)
    assert find_obstacle("cpu") == "device_is_cpu"


@pytest.mark.parametrize(
    ("free_bytes", "add_error"),
    [
        (8 << 30, RuntimeError("StandardGpuResources: alloc fail type FlatData (cudaMalloc error out of memory [2])")),
        (8 << 30, MemoryError()),
        (gpu_scan.RESERVE_BYTES, None),
    ],
)
def test_vectors_that_do_not_fit_stay_in_main_memory(
    gpu: Gpu, caplog: pytest.LogCaptureFixture, free_bytes: int, add_error: Exception | None
) -> None:
    gpu.free_bytes, gpu.add_error = free_bytes, add_error
    rows = draw(3000)
    here, there = VectorIndex.build(rows, np.arange(3000)), VectorIndex.build(rows, np.arange(3000), device="cuda")
    for query in draw(5, seed=5):
        assert there.search(query, k=10) == here.search(query, k=10)
    assert gpu.searches == 0
    assert len(said(caplog)) == 1


@pytest.mark.parametrize("fault", ["error", "lost", "imprecise"])
def test_a_gpu_that_fails_while_searching_is_left_for_good(
    gpu: Gpu, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    rows = draw(3000)
    here, there = VectorIndex.build(rows, np.arange(3000)), VectorIndex.build(rows, np.arange(3000), device="auto")
    queries = draw(6, seed=5)
    assert there.search(queries[0], k=10) == here.search(queries[0], k=10)
    assert gpu.searches == 1
    if fault == "error":
        gpu.search_error = RuntimeError("StandardGpuResources: alloc fail type TemporaryMemoryOverflow")
    elif fault == "lost":
        gpu.free_bytes = None
    else:
        gpu.shift = 1e-3
    for query in queries[1:4]:
        assert there.search(query, k=10) == here.search(query, k=10)
    gpu.search_error, gpu.free_bytes, gpu.shift = None, 8 << 30, 0.0
    searches = gpu.searches
    assert there.search(queries[4], k=10) == here.search(queries[4], k=10)
    assert gpu.searches == searches
    assert len(said(caplog)) == 1


def test_what_lies_on_a_lost_gpu_is_not_freed(gpu: Gpu) -> None:
    # Its destructor would end the process.
    scan = GpuScan(draw(1000), device="auto")
    assert scan.find(draw(1, seed=5), k=3) is not None
    (index,) = gpu.indexes
    gpu.free_bytes = None
    assert scan.find(draw(1, seed=5), k=3) is None
    assert index.thisown is False


def test_threads_search_one_after_the_other_and_the_first_brings_the_vectors(gpu: Gpu) -> None:
    rows = draw(3000)
    here, there = VectorIndex.build(rows, np.arange(3000)), VectorIndex.build(rows, np.arange(3000), device="auto")
    queries = draw(60, seed=5)
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda query: there.search(query, k=10), queries))
    assert results == [here.search(query, k=10) for query in queries]
    assert (gpu.placed, gpu.searches) == (1, 60)


def test_a_gpu_that_fails_its_trial_is_not_used(gpu: Gpu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_scan, "try_gpu", lambda: "CUDA error 209 no kernel image (status -6)")
    clear_caches()
    rows = draw(2000)
    index = VectorIndex.build(rows, np.arange(2000), device="cuda")
    assert index.search(rows[4], k=1)[0].id == 4
    assert find_obstacle("cuda") == "gpu_refuses"
    assert gpu.placed == 0


def test_without_a_driver_faiss_is_not_asked(no_gpu: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    no_gpu.setattr(gpu_scan, "may_have_cuda", lambda: False)
    assert [find_obstacle("auto"), find_obstacle("auto"), find_obstacle("cuda")] == ["gpu_absent"] * 3
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]


def test_the_cpu_build_of_faiss_beside_a_gpu_is_told(no_gpu: pytest.MonkeyPatch) -> None:
    no_gpu.setattr(gpu_scan, "may_have_cuda", lambda: True)
    if hasattr(faiss, "StandardGpuResources"):
        no_gpu.delattr(faiss, "StandardGpuResources")
    assert find_obstacle("auto") == "faiss_without_gpu"


def test_a_faiss_that_cannot_be_loaded_is_told_and_no_crash(
    no_gpu: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    no_gpu.setattr(gpu_scan, "may_have_cuda", lambda: True)
    no_gpu.setitem(sys.modules, "faiss", None)
    assert find_obstacle("cuda") == "gpu_refuses"
    assert "faiss" in caplog.records[0].getMessage()


def test_the_trial_in_a_process_of_its_own_says_why_it_failed() -> None:
    if gpu_scan.free_bytes() is not None:
        pytest.skip("there is a GPU")
    refusal: Any = gpu_scan.try_gpu()
    assert "StandardGpuResources" in refusal or "Invalid GPU device" in refusal
