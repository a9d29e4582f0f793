"""Peak memory of a build from very many images: drawn ones, so that no data set is needed.

    python -m benchmarks.bench_memory [--images 10000] [--budget-gib 2] [--tile 0] [--drawn-features]

`--drawn-features` uses random features instead of the network's, which are as large and take no time.

Prints one JSON object: `held_mib` is the process's peak resident memory during the build less what it had before the
first image (libraries, graph and runtime), and must stay within `budget_mib`. Times say little on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from inference.vision.detection.detector import ImageSource
from inference.vision.detection.features.feature_extraction import extract_features
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.cross_fit import cross_fit
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.networks.graphs import GraphSpec
from inference.vision.networks.runtime import keep_graphs_in

GRAPHS = Path("/tmp/geomsa-benchmark-graphs")
MIB = 1024**2


def draw(seed: int) -> np.ndarray:
    """Draw a plate of 256 px with grain and a ring that lies a little elsewhere each time: uint8 (256, 256, 3)."""
    rng = np.random.default_rng(seed)
    grain = cv2.resize(rng.normal(0, 20, (256, 32)).astype(np.float32), (256, 256))
    gray = np.clip(130 + grain + rng.normal(0, 4, (256, 256)), 0, 255).astype(np.uint8)
    x, y = rng.integers(90, 166, 2).tolist()
    cv2.circle(gray, (x, y), 40, int(rng.integers(60, 90)), 6, cv2.LINE_AA)
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8)


class DrawnRuntime:
    """Random features of the size that the network's have: some directions vary more than others, as there."""

    name = "drawn"

    def __init__(self, graph: GraphSpec) -> None:
        self.graph = graph
        self._rng = np.random.default_rng(0)
        dimension = graph.backbone.dimension
        self._spread = (4.0 / np.sqrt(np.arange(1, dimension + 1, dtype=np.float32)))[None, :, None, None]

    def features(self, batch: np.ndarray) -> list[np.ndarray]:
        """Compute one float32 N×C×h×w map of uint8 N×H×W×3."""
        count, height, width, _ = batch.shape
        stride, dimension = self.graph.backbone.strides[0], self.graph.backbone.dimension
        shape = (count, dimension, height // stride, width // stride)
        return [self._rng.standard_normal(shape, np.float32) * self._spread]


def main() -> None:
    """Build, calibrate, save nothing, and say how much memory it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--budget-gib", type=float, default=2.0)
    parser.add_argument("--tile", type=int, default=0)
    parser.add_argument("--drawn-features", action="store_true")
    arguments = parser.parse_args()
    keep_graphs_in(GRAPHS)
    config = PatchCoreConfig(
        memory_budget_bytes=int(arguments.budget_gib * 1024**3),
        even_light=False,
        preprocessing=Preprocessing(tile_size_px=arguments.tile),
    )
    PatchCore.fit([ImageSource("0", lambda: draw(0))], config, device="cpu")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sources = [ImageSource(str(seed), lambda seed=seed: draw(seed)) for seed in range(arguments.images)]  # type: ignore[misc]
    started = time.perf_counter()
    last = [started]

    def progress(stage: str, done: int, total: int) -> None:
        if time.perf_counter() - last[0] > 30:
            last[0] = time.perf_counter()
            sys.stderr.write(f"{stage} {done}/{total}, load {os.getloadavg()[0]:.0f}\n")

    if arguments.drawn_features:
        features = extract_features(sources, config, open_graph=DrawnRuntime, progress=progress)
    else:
        features = extract_patches(sources, config, device="cpu", progress=progress)
    extract_s = time.perf_counter() - started
    model = PatchCore.from_patches(features, progress=progress)
    scores = cross_fit(features, progress=progress).scores
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    figures = {
        "images": arguments.images,
        "runtime": features.runtime.name,
        "budget_mib": config.memory_budget_bytes // MIB,
        "held_mib": (peak - before) // MIB,
        "peak_mib": peak // MIB,
        "within_budget": peak - before <= config.memory_budget_bytes,
        "groups": len(features.groups),
        "bank_size": model.bank_size,
        "radius": round(model.figures.radius, 3),
        "radius_bound": round(model.figures.radius_bound, 3),
        "calibration_scores": len(scores),
        "extract_s": round(extract_s, 1),
        "total_s": round(time.perf_counter() - started, 1),
        "load": round(os.getloadavg()[0], 1),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
