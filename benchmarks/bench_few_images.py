"""How well a product is inspected after 1, 2, 4, … normal images.

    python -m benchmarks.bench_few_images [--products solar-mono,casting] [--counts 1,2,4,8,16,50,200]

Each count takes the first images of the product's training split, three times from other places on for counts up to 16.
Prints progress to stderr and one JSON object, image AUROC by product and count, as the last line of stdout.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from benchmarks.bench_patchcore import GRAPHS, THREADS, load_product, say, to_sources
from inference.vision.detection.metrics import image_auroc
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.images.decode import decode
from inference.vision.networks.runtime import keep_graphs_in

REPEATED_UP_TO = 16
REPEATS = 3


def measure(code: str, counts: list[int]) -> dict[int, float]:
    """Return mean image AUROC on the product's test images by number of training images, without counts it has not."""
    train, test = load_product(code)
    images = [decode(item.content).pixels for item in test]
    labels = np.array([item.is_defect for item in test])
    curve: dict[int, float] = {}
    for count in counts:
        if count > len(train):
            continue
        found = []
        for repeat in range(REPEATS if count <= REPEATED_UP_TO else 1):
            first = repeat * (len(train) - count) // REPEATS
            chosen = to_sources(train[first : first + count])
            model = PatchCore.fit(chosen, PatchCoreConfig(), device="cpu", threads=THREADS)
            scores = np.array([detection.score for detection in model.inspect_many(images)])
            found.append(image_auroc(scores, labels) or 0.0)
        curve[count] = float(np.mean(found))
        say(code, count, f"{curve[count]:.4f}", "from", f"{min(found):.4f}", "to", f"{max(found):.4f}")
    return curve


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", default="solar-mono,casting")
    parser.add_argument("--counts", default="1,2,4,8,16,50,200")
    options = parser.parse_args()
    keep_graphs_in(GRAPHS)
    counts = [int(count) for count in options.counts.split(",")]
    print(json.dumps({code: measure(code, counts) for code in options.products.split(",")}))


if __name__ == "__main__":
    main()
