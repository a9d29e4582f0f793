"""What runs on a GPU beside the same on the processor: networks, trainings, the search of similar images.

    python -m benchmarks.bench_gpu [--only networks|training|search] [--device cuda|cpu] [--images 60] [--train 120]
        [--recipes full …] [--epochs 4] [--size 160] [--vectors 50000 1000000]

Each figure of the GPU stands beside one of the CPU from the same run, on the same images: photographed solar cells of
the package `elpv-dataset`. `networks` compares features, banks and verdicts, alone, by several threads and where the
GPU is full; `training` every recipe, with and without mixed precision, broken off and gone on with, and the exported
graph with the network; `search` results, ties, threads and times of faiss's build for a GPU. A step that fails is told
with its error, and the others go on. `--device cpu` lets the CPU stand in for the GPU: it says that the way works.
Times are medians. Progress goes to stderr; the last line of stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from benchmarks.gpu.networks import measure_networks
from benchmarks.gpu.search import measure_search
from benchmarks.gpu.steps import describe_machine, say
from benchmarks.gpu.training import RECIPES, measure_training

PARTS = ("networks", "training", "search")


def main() -> int:
    """Measure the parts, and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--images", type=int, default=60, help="normal images of the bank, and images that are scored")
    parser.add_argument("--train", type=int, default=120, help="images that a recipe learns from")
    parser.add_argument("--recipes", nargs="+", choices=tuple(RECIPES), default=list(RECIPES))
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--size", type=int, default=160, help="the side of the recipes' input, in pixels")
    parser.add_argument("--vectors", type=int, nargs="+", default=[50_000, 1_000_000])
    given = parser.parse_args()
    found: dict[str, Any] = {"benchmark": "gpu", "cores": os.cpu_count(), **describe_machine(given.device)}
    say(json.dumps(found))
    for part in PARTS:
        if given.only not in (None, part):
            continue
        if part == "networks":
            found[part] = measure_networks(given.device, count=given.images)
        elif part == "training":
            found[part] = measure_training(
                given.device, given.recipes, count=given.train, epochs=given.epochs, size_px=given.size
            )
        else:
            found[part] = measure_search(given.device, counts=given.vectors)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
