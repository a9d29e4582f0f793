"""Similar images: embedding, searching, adding, and finding the defect type.

    python -m benchmarks.bench_retrieval [--images 10000] [--many 1000000] [--products casting,…] [--parts types,…]
        [--device cpu]

Prints progress to stderr and one JSON object as the last line of stdout. Search runs on one thread, on vectors of 512
dimensions in clusters of uneven size (as embeddings of products are) and, for 100,000, also on vectors without any
structure; exact results are those of a full comparison. With `--device auto` it searches on a GPU where one can be used
(`on_gpu`), the vectors being there before the time is taken. Everything that is a ratio is taken in one run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

if TYPE_CHECKING:
    from inference.vision.networks.runtime import Device

DIMENSION = 512
QUERIES = 300
NEIGHBORS = 10
PARTS = ("types", "embed", "incremental", "search_100k", "search_1m")


def say(*words: object) -> None:
    print(*words, file=sys.stderr, flush=True)


def demo_images(code: str, split: str) -> list[tuple[bytes, str | None]]:
    """Return content and defect type of a demo product's images."""
    from core.demo.images.catalog import PRODUCTS

    product = next(item for item in PRODUCTS if item.code == code)
    return [(image.content, image.defect_code) for image in product.images() if image.split == split]


# --- search ----------------------------------------------------------------------------------------------------------


def draw_vectors(count: int, seed: int, *, clustered: bool) -> np.ndarray:
    """Draw unit vectors; clusters follow a power law in size and have a spread of their own in 32 directions."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, DIMENSION), dtype=np.float32)
    if clustered:
        shape = np.random.default_rng(7)
        centers = shape.standard_normal((1000, DIMENSION), dtype=np.float32)
        directions = shape.standard_normal((1000, 32, DIMENSION), dtype=np.float32) / np.sqrt(32)
        sizes = 1.0 / np.arange(1, 1001) ** 0.7
        owners = rng.choice(1000, size=count, p=sizes / sizes.sum())
        for owner in range(1000):
            mine = np.flatnonzero(owners == owner)
            within = rng.standard_normal((len(mine), 32), dtype=np.float32) @ directions[owner]
            rows[mine] = centers[owner] + 0.5 * within + 0.1 * rows[mine]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def measure_search(count: int, *, clustered: bool, device: Device) -> dict[str, Any]:
    """Return latency and recall of searches in an index of so many vectors."""
    import faiss

    from inference.vision.search.vector_index import VectorIndex

    faiss.omp_set_num_threads(1)
    everything = draw_vectors(count + QUERIES, 1, clustered=clustered)
    vectors, queries = everything[:count], everything[count:]
    before_mb = resident_mb()
    reported: list[tuple[int, int]] = []
    started = time.perf_counter()
    index = VectorIndex.build(
        vectors, np.arange(count), device=device, progress=lambda done, total: reported.append((done, total))
    )
    build_s = time.perf_counter() - started
    index.search(queries[0], k=NEIGHBORS)
    # Copies: a slice would keep the places of all vectors, which is not the index's memory.
    exact = [np.argpartition(-(index.vectors @ query), NEIGHBORS)[:NEIGHBORS].copy() for query in queries]
    times_ms, hits = [], 0
    for query, nearest in zip(queries, exact, strict=True):
        started = time.perf_counter()
        found = index.search(query, k=NEIGHBORS)
        times_ms.append((time.perf_counter() - started) * 1000.0)
        hits += len({match.id for match in found} & set(nearest.tolist()))
    return {
        "p50_ms": round(float(np.median(times_ms)), 3),
        "p95_ms": round(float(np.quantile(times_ms, 0.95)), 3),
        "recall_at_10": round(hits / (NEIGHBORS * len(queries)), 4),
        "memory_mb": round(resident_mb() - before_mb),
        "build_s": round(build_s, 1),
        "progress_reports": len(reported),
        "measured_at_build": round(index.recall, 4),
    }


def resident_mb() -> float:
    """Return the memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


# --- embedding -------------------------------------------------------------------------------------------------------


def open_carried() -> Any:
    from inference.vision.networks.pooling.embedder import open_embedder
    from inference.vision.networks.runtime import keep_graphs_in

    keep_graphs_in(Path(tempfile.gettempdir()) / "geomsa-bench-graphs")
    return open_embedder(device="cpu")


def measure_embedding(contents: list[bytes]) -> dict[str, float]:
    """Return the throughput from bytes to vectors over that of the bare network on ready inputs; the best of five."""
    from inference.vision.images.decode import decode
    from inference.vision.images.prefetch import map_prefetched

    embedder = open_carried()
    size = embedder.batch_size
    ready = np.stack([embedder.prepare(decode(content).pixels) for content in contents])
    batches = [ready[start : start + size] for start in range(0, len(ready), size)]

    def bare() -> None:
        for batch in batches:
            embedder.runtime.features(batch)

    def whole() -> None:
        waiting: list[np.ndarray] = []
        for prepared in map_prefetched(lambda content: embedder.prepare(decode(content).pixels), contents):
            waiting.append(prepared)
            if len(waiting) == size:
                embedder.embed_prepared(np.stack(waiting))
                waiting.clear()

    def in_line() -> None:
        for start in range(0, len(contents), size):
            embedder.embed([decode(content).pixels for content in contents[start : start + size]])

    best = {name: min(timed(run) for _ in range(5)) for name, run in (("bare", bare), ("prefetched", whole))}
    best["in_line"] = min(timed(in_line) for _ in range(3))
    return {
        "efficiency": best["bare"] / best["prefetched"],
        "efficiency_without_threads": best["bare"] / best["in_line"],
        "bare_ms": best["bare"] * 1000 / len(contents),
    }


def timed(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def measure_incremental(count: int) -> dict[str, float]:
    """Build `count` images from nothing, and then ten more: embeddings, database, index, bundle."""
    import cv2

    from core.deployments.embedding import embed_examples
    from core.registry.index_examples import Example
    from core.services import build_services
    from core.settings import read_settings
    from inference.vision.images.decode import decode
    from inference.vision.search.vector_index import VectorIndex

    embedder = open_carried()
    picture = decode(demo_images("casting", "train")[0][0]).pixels

    def make(number: int) -> Example:
        rng = np.random.default_rng(number)
        pixels = picture.copy()
        x, y = (int(found) for found in rng.integers(20, min(pixels.shape[:2]) - 20, 2))
        cv2.circle(pixels, (x, y), int(rng.integers(3, 15)), [int(found) for found in rng.integers(0, 255, 3)], -1)
        content = cv2.imencode(".jpg", pixels)[1].tobytes()
        return Example(number, f"{number}.jpg", hashlib.sha256(content).hexdigest(), 1, lambda: decode(content).pixels)

    examples = [make(number) for number in range(1, count + 11)]
    with tempfile.TemporaryDirectory() as folder:
        services = build_services(read_settings({"GEOMSA_DATA_DIR": folder, "GEOMSA_DEVICE": "cpu"}), migrate=True)

        def build(some: list[Example], name: str) -> int:
            made = embed_examples(
                services,
                embedder,
                some,
                finder=None,
                progress=lambda done, total: say(f"  {done}/{total}") if done % 2000 == 0 else None,
                skip=lambda example, error: say("skipped", example.name, error),
            )
            ids = np.asarray([example.id for example in made.examples])
            VectorIndex.build(made.vectors, ids).save(Path(folder) / name)
            return made.computed

        started = time.perf_counter()
        assert build(examples[:count], "full") == count
        full_s = time.perf_counter() - started
        started = time.perf_counter()
        assert build(examples, "more") == 10
        more_s = time.perf_counter() - started
        services.database.dispose()
    return {"ratio": more_s / full_s, "full_s": full_s, "ten_more_s": more_s}


# --- types -----------------------------------------------------------------------------------------------------------


def measure_types(codes: list[str]) -> dict[str, dict[str, float]]:
    """Measure nearest type and mAP@10 on the test split of generated products; the bank is built of normal images."""
    from inference.vision.detection import metrics
    from inference.vision.detection.detector import ImageSource
    from inference.vision.detection.features.patch_extraction import extract_patches
    from inference.vision.detection.patchcore.config import PatchCoreConfig
    from inference.vision.detection.patchcore.patchcore import PatchCore
    from inference.vision.images.decode import decode
    from inference.vision.search.knn_vote import count_votes, join_views, learn_rule
    from inference.vision.search.region_crops import crop_region, peak_region

    embedder = open_carried()
    found: dict[str, dict[str, float]] = {}
    for code in codes:
        train, test = demo_images(code, "train"), demo_images(code, "test")
        normals = [content for content, defect in train if defect is None]
        sources = [
            ImageSource(f"image:{place}", lambda content=content: decode(content).pixels)  # type: ignore[misc]
            for place, content in enumerate(normals)
        ]
        bank = PatchCore.from_patches(extract_patches(sources, PatchCoreConfig(), device="cpu"))

        def look(
            images: list[tuple[bytes, str | None]], bank: PatchCore = bank
        ) -> tuple[np.ndarray, np.ndarray, list[str]]:
            whole, region, types = [], [], []
            for content, defect in images:
                if defect is None:
                    continue
                pixels = decode(content).pixels
                box = peak_region(bank.inspect(pixels).anomaly_map, image_size_px=(pixels.shape[1], pixels.shape[0]))
                vectors = embedder.embed([pixels, crop_region(pixels, box)])
                whole.append(vectors[0])
                region.append(vectors[1])
                types.append(defect)
            return np.stack(whole), np.stack(region), types

        whole, region, known = look(train)
        asked_whole, asked_region, truth = look(test)
        names = sorted(set(known))
        labels = np.asarray([names.index(name) for name in known])
        rule = learn_rule(whole, region, labels)
        views = {
            "whole": asked_whole @ whole.T,
            "region": asked_region @ region.T,
        }
        views["both"] = join_views(views["whole"], views["region"], region_weight=rule.region_weight)
        row: dict[str, float] = {}
        for name, similarities in views.items():
            ranked = [[known[place] for place in np.argsort(-line, kind="stable")[:NEIGHBORS]] for line in similarities]
            row[f"{name}_top1"] = metrics.top1_type_accuracy(truth, ranked) or 0.0
            counts = {label: known.count(label) for label in set(truth)}
            row[f"{name}_map_at_10"] = metrics.map_at_k(truth, ranked, k=NEIGHBORS, relevant_counts=counts) or 0.0
        votes = [count_votes(line, labels, rule) for line in views["both"]]
        right = [vote is not None and names[vote.label] == name for vote, name in zip(votes, truth, strict=True)]
        row["suggestion"] = float(np.mean(right))
        row["confidence"] = float(np.mean([vote.confidence for vote in votes if vote is not None and vote.known]))
        row["known"] = float(np.mean([vote is not None and vote.known for vote in votes]))
        found[code] = {name: round(value, 4) for name, value in row.items()}
        say(code, found[code])
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--products", default="casting,leather,grid,carpet")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--device", choices=("cpu", "auto", "cuda"), default="cpu")
    asked = parser.parse_args()
    parts = asked.parts.split(",")
    codes = asked.products.split(",")
    summary: dict[str, Any] = {"load_at_start": round(os.getloadavg()[0], 1)}
    if "types" in parts:
        types = measure_types(codes)
        summary["types"] = types
        summary["type_accuracy"] = {
            view: round(float(np.mean([row[f"{view}_top1"] for row in types.values()])), 4)
            for view in ("whole", "region", "both")
        }
        summary["map_at_10"] = {
            view: round(float(np.mean([row[f"{view}_map_at_10"] for row in types.values()])), 4)
            for view in ("whole", "region", "both")
        }
    if "embed" in parts:
        contents = [content for content, _ in demo_images("casting", "train")][:64]
        embedding = measure_embedding(contents)
        say("embed", embedding)
        summary["embed_efficiency"] = round(embedding["efficiency"], 4)
        summary["embed_efficiency_without_threads"] = round(embedding["efficiency_without_threads"], 4)
    if "incremental" in parts:
        incremental = measure_incremental(asked.images)
        say("incremental", incremental)
        summary["incremental_ratio"] = round(incremental["ratio"], 4)
    if "search_100k" in parts:
        summary["search_100k"] = measure_search(100_000, clustered=True, device=asked.device)
        summary["search_100k_uniform"] = measure_search(100_000, clustered=False, device=asked.device)
        say("search_100k", summary["search_100k"], summary["search_100k_uniform"])
    if "search_1m" in parts:
        summary["search_1m"] = measure_search(asked.many, clustered=True, device=asked.device)
        say("search_1m", summary["search_1m"])
    summary["load_at_end"] = round(os.getloadavg()[0], 1)
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
