"""The search of similar images on a GPU: results, ties, threads and times beside those of the CPU."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu.steps import Where, attempt, measure_ms, say
from inference.vision.search.gpu_scan import GpuScan, find_obstacle, free_bytes
from inference.vision.search.vector_index import Match, VectorIndex

DIMENSION, CLUSTERS, NEIGHBORS, QUERIES, THREADS = 512, 400, 10, 64, 8
_ASK = "from inference.vision.search.gpu_scan import find_obstacle; print(find_obstacle('auto'))"


def measure_search(device: Where, *, counts: list[int]) -> dict[str, Any]:
    """Return the figures of the search, of indexes of so many vectors."""
    found: dict[str, Any] = {}
    attempt(found, "obstacle", lambda: find_obstacles(device))
    for count in counts:
        vectors = draw_vectors(count)
        attempt(found, f"vectors_{count}", lambda: compare_searches(vectors, device))  # noqa: B023 - called at once
    attempt(found, "ties", lambda: compare_ties(device))
    attempt(found, "memory_full", lambda: fill_memory(device))
    return found


def find_obstacles(device: Where) -> dict[str, Any]:
    """Return what is said to stand against the GPU here, and in a process that sees none."""
    began = time.perf_counter()
    here = find_obstacle(device)
    seconds = time.perf_counter() - began
    blind = subprocess.run(
        ["env", "CUDA_VISIBLE_DEVICES=", sys.executable, "-c", _ASK],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return {"here": here, "seconds": round(seconds, 2), "without_gpu": blind.stdout.strip() or blind.stderr[-200:]}


def draw_vectors(count: int) -> NDArray[np.float32]:
    """Return unit vectors in clusters, float32."""
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((CLUSTERS, DIMENSION), np.float32)
    rows = rng.standard_normal((count, DIMENSION), np.float32)
    rows += centers[rng.integers(0, CLUSTERS, count)]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def draw_queries(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return queries: vectors of the index with some noise, and others anywhere."""
    rng = np.random.default_rng(1)
    near = vectors[rng.integers(0, len(vectors), QUERIES // 2)]
    near = near + rng.standard_normal(near.shape, np.float32) * np.float32(0.02)
    return np.concatenate([near, rng.standard_normal((QUERIES - len(near), vectors.shape[1]), np.float32)])


class Counting:
    """Counts which searches the GPU settled."""

    def __init__(self) -> None:
        self.asked = self.settled = 0
        self._find = GpuScan.find

    def find(self, scan: GpuScan, query: np.ndarray, *, k: int) -> np.ndarray | None:
        """Ask the GPU, and count."""
        found = self._find(scan, query, k=k)
        self.asked += 1
        self.settled += found is not None
        return found


def search_all(index: VectorIndex, queries: NDArray[np.float32]) -> tuple[list[list[Match]], float]:
    """Return the matches of all queries, and the share of them that the GPU settled."""
    counting = Counting()
    with mock.patch.object(GpuScan, "find", lambda scan, query, *, k: counting.find(scan, query, k=k)):
        found = [index.search(query, k=NEIGHBORS) for query in queries]
    return found, counting.settled / max(1, counting.asked)


def compare_searches(vectors: NDArray[np.float32], device: Where) -> dict[str, Any]:
    """Return results and times of the same index: on the device, by the CPU's scan, and by comparing all there."""
    ids, queries = np.arange(len(vectors)), draw_queries(vectors)
    began = time.perf_counter()
    scanned = VectorIndex.build(vectors, ids)
    build_s = time.perf_counter() - began
    say(f"  built in {build_s:.1f} s")
    flat = VectorIndex(scanned.vectors, ids, None)
    other = VectorIndex(scanned.vectors, ids, None, device=device)
    began = time.perf_counter()
    other.search(queries[0], k=NEIGHBORS)
    first_s = time.perf_counter() - began
    truth, _ = search_all(flat, queries)
    by_device, settled = search_all(other, queries)
    by_scan, _ = search_all(scanned, queries)
    with ThreadPoolExecutor(THREADS) as pool:
        began = time.perf_counter()
        threaded = list(pool.map(lambda query: other.search(query, k=NEIGHBORS), queries))
        per_s = len(queries) / (time.perf_counter() - began)
    places = iter(range(10**9))

    def ask(index: VectorIndex) -> float:
        return measure_ms(lambda: index.search(queries[next(places) % len(queries)], k=NEIGHBORS), turns=QUERIES)

    return {
        "settled_by_gpu": settled,
        "same_as_exact": by_device == truth,
        "same_by_threads": threaded == truth,
        "recall_of_scan": recall(by_scan, truth),
        "ms_device": ask(other),
        "ms_scan": ask(scanned),
        "ms_exact": ask(flat),
        "first_s": round(first_s, 3),
        "searches_per_s_of_8_threads": round(per_s, 1),
        "scan_build_s": round(build_s, 1),
    }


def recall(found: list[list[Match]], truth: list[list[Match]]) -> float:
    """Return the share of the nearest that were found."""
    hits = sum(
        len({one.id for one in ours} & {one.id for one in theirs}) for ours, theirs in zip(found, truth, strict=True)
    )
    return round(hits / sum(len(one) for one in truth), 4)


def compare_ties(device: Where) -> dict[str, Any]:
    """Return whether vectors that are the same come in the order of their ids, few of them and very many."""
    vectors = draw_vectors(20_000)
    found: dict[str, Any] = {}
    for copies in (5, 50, 3000):
        rows = vectors.copy()
        rows[np.random.default_rng(copies).choice(len(rows), copies, replace=False)] = rows[7]
        ids = np.random.default_rng(2).permutation(len(rows))
        truth, _ = search_all(VectorIndex(rows, ids, None), rows[7:8])
        by_device, settled = search_all(VectorIndex(rows, ids, None, device=device), rows[7:8])
        found[str(copies)] = {"same_as_exact": truth == by_device, "settled_by_gpu": settled}
    return found


def fill_memory(device: Where) -> dict[str, Any]:
    """Return what a search does where the GPU is full: the same, on the CPU."""
    vectors = draw_vectors(20_000)
    ids, queries = np.arange(len(vectors)), draw_queries(vectors)
    held: Any = None
    if device == "cuda":
        import torch

        free = torch.cuda.mem_get_info()[0]
        held = torch.empty(free - (512 << 20), dtype=torch.uint8, device="cuda")
    truth, _ = search_all(VectorIndex(vectors, ids, None), queries)
    by_device, settled = search_all(VectorIndex(vectors, ids, None, device=device), queries)
    left = free_bytes()
    del held
    return {
        "same_as_exact": truth == by_device,
        "settled_by_gpu": settled,
        "free_mib": None if left is None else left >> 20,
    }
