"""What tiles find and cost: a drawn part of 6,000 px with a hole of 12 px, inspected at once and in tiles.

    python -m benchmarks.bench_tiles [--width 6000] [--height 4000] [--normals 3] [--tiles 0,2048,1024,512]

One line of JSON for each tile size (0: the whole image at once): the hole's score over the highest score of normal
parts that the bank has not seen, whether its region lies on the hole, tiles, seconds an image and seconds a training
image (features, coreset and calibration), bank rows, and the process's peak memory so far.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from inference.vision.detection.detector import ImageSource
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.features.tiling import plan_tiles
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.cross_fit import cross_fit
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.detection.regions import find_regions
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.networks.runtime import keep_graphs_in

GRAPHS = Path("/tmp/geomsa-benchmark-graphs")
HOLE_PX = 12


def draw_part(seed: int, *, size_px: tuple[int, int], hole: tuple[int, int] | None = None) -> np.ndarray:
    """Draw a milled plate of (width, height): grain, a shade over the whole, rows of drilled holes, engraved lines."""
    width, height = size_px
    rng = np.random.default_rng(seed)
    grain = rng.normal(0, 12, (height, max(1, width // 16))).astype(np.float32)
    noise = rng.integers(-8, 9, (height, width), dtype=np.int16)
    shade = np.linspace(110, 150, width, dtype=np.float32)[None] + cv2.resize(grain, (width, height))
    gray = np.clip(shade + noise, 0, 255).astype(np.uint8)
    move_x, move_y = rng.integers(-12, 13, 2).tolist()
    for x in range(400, width - 200, 800):
        for y in range(300, height - 200, 700):
            cv2.circle(gray, (x + move_x, y + move_y), 90, 45, -1, cv2.LINE_AA)
            cv2.circle(gray, (x + move_x, y + move_y), 110, 200, 6, cv2.LINE_AA)
    for y in range(650, height, 1400):
        cv2.line(gray, (0, y + move_y), (width, y + move_y), 80, 8, cv2.LINE_AA)
    if hole is not None:
        cv2.circle(gray, hole, HOLE_PX // 2, 30, -1, cv2.LINE_AA)
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8)


def measure(tile_size_px: int, *, size_px: tuple[int, int], normals: int) -> dict[str, object]:
    """Build, calibrate and inspect at one tile size."""
    config = PatchCoreConfig(preprocessing=Preprocessing(tile_size_px=tile_size_px), even_light=False)
    sources = [ImageSource(str(seed), lambda seed=seed: draw_part(seed, size_px=size_px)) for seed in range(normals)]  # type: ignore[misc]
    started = time.perf_counter()
    features = extract_patches(sources, config, device="cpu")
    model = PatchCore.from_patches(features)
    cross_fit(features)
    build_s = time.perf_counter() - started
    unseen = max(model.inspect(draw_part(seed, size_px=size_px)).score for seed in (1000, 1001, 1002))
    hole = (round(size_px[0] * 0.61), round(size_px[1] * 0.47))
    image = draw_part(2000, size_px=size_px, hole=hole)
    started = time.perf_counter()
    found = model.inspect(image)
    inspect_s = time.perf_counter() - started
    regions = find_regions(
        found.anomaly_map,
        threshold=0.8 * found.score,
        image_size_px=found.image_size_px,
        min_area_share=1e-4 * found.view_share,
    )
    worst = regions[0]
    on_hole = worst.x - 32 <= hole[0] <= worst.x + worst.w + 32 and worst.y - 32 <= hole[1] <= worst.y + worst.h + 32
    return {
        "tile_size_px": tile_size_px,
        "tiles": len(plan_tiles((size_px[1], size_px[0]), config).windows) if tile_size_px else 1,
        "score_ratio": round(found.score / unseen, 3),
        "found_in_place": bool(on_hole and found.score > unseen),
        "inspect_s": round(inspect_s, 2),
        "build_s_per_image": round(build_s / normals, 2),
        "bank_size": model.bank_size,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Measure every tile size that was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=6000)
    parser.add_argument("--height", type=int, default=4000)
    parser.add_argument("--normals", type=int, default=3)
    parser.add_argument("--tiles", default="0,2048,1024,512")
    arguments = parser.parse_args()
    keep_graphs_in(GRAPHS)
    for tile_size_px in (int(text) for text in arguments.tiles.split(",")):
        figures = measure(tile_size_px, size_px=(arguments.width, arguments.height), normals=arguments.normals)
        sys.stdout.write(json.dumps(figures) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
