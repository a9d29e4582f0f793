"""A memory bank extended by a few new images beside one that is built whole from all of them.

    python -m benchmarks.bench_extend [--products solar-mono,solar-poly] [--steps 10] [--old 190]

The first `--old` normal images of the product are the bank in use; each step adds so many more to what the step before
left. `whole` is the seconds from all images to a bank and its cross-fitted scores, `extended` those from the stored
bundle and the new images to the larger bank and their scores; both end with calibrated thresholds (defects are scored
alike on both sides and left out). `verdicts_alike` is the share of the test images with the same verdict by both;
`by_another_seed` the same of two whole builds whose coresets begin with another row. Prints progress to stderr and one
JSON object as the last line of stdout.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench_patchcore import GRAPHS, THREADS, load_product, say, to_sources
from inference.vision.detection.calibration import calibrate, verdict
from inference.vision.detection.detector import ImageSource
from inference.vision.detection.even_sample import sample_scores
from inference.vision.detection.features.feature_extraction import needs_even_light
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.metrics import image_auroc
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.cross_fit import cross_fit
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.images.decode import decode
from inference.vision.networks.runtime import keep_graphs_in

CONFIG = PatchCoreConfig()


@dataclass(frozen=True)
class Built:
    """A bank, the scores of normal images it was calibrated with, and how long that took."""

    model: PatchCore
    scores: dict[str, float]
    seconds: float


def build_whole(sources: list[ImageSource], config: PatchCoreConfig = CONFIG) -> Built:
    started = time.perf_counter()
    features = extract_patches(sources, config, device="cpu", threads=THREADS)
    model = PatchCore.from_patches(features)
    scores = dict(cross_fit(features).scores)
    return Built(model, scores, time.perf_counter() - started)


def extend(old: Built, sources: list[ImageSource], folder: Path) -> Built | None:
    """Return the old bank, from its bundle, with the sources that it does not know; None where the light forbids it."""
    old.model.save(folder)
    started = time.perf_counter()
    model = PatchCore.load(folder, device="cpu", threads=THREADS)
    if needs_even_light(sources, CONFIG, size_px=model.input_size_px) is not model.config.even_light:
        return None
    known = set(model.training_keys)
    features = model.extract([source for source in sources if source.key not in known])
    larger = model.extend(features)
    scores = sample_scores({**old.scores, **model.score_unseen(features).scores}, [source.key for source in sources])
    return Built(larger, scores, time.perf_counter() - started)


def describe(built: Built, images: list[np.ndarray], labels: np.ndarray) -> tuple[dict[str, Any], list[str]]:
    """Return figures of the bank, and its verdicts on the test images with thresholds from the normal scores alone."""
    found = [detection.score for detection in built.model.inspect_many(images)]
    limits = calibrate(list(built.scores.values()), [])
    figures = {
        "seconds": round(built.seconds, 2),
        "rows": built.model.bank_size,
        "radius_bound": round(built.model.figures.radius_bound, 3),
        "image_auroc": round(image_auroc(np.array(found), labels) or 0.0, 4),
        "review_at": round(limits.review_at, 3),
        "reject_at": round(limits.reject_at, 3),
    }
    return figures, [verdict(score, limits.review_at, limits.reject_at) for score in found]


def compare(verdicts: list[str], others: list[str]) -> float:
    """Return the share of equal verdicts."""
    return round(float(np.mean([one == other for one, other in zip(verdicts, others, strict=True)])), 4)


def measure(code: str, old_count: int, steps: list[int]) -> list[dict[str, Any]]:
    """Measure one product: the bank of the first images, then each step extended and whole."""
    train, test = load_product(code)
    images = [decode(item.content).pixels for item in test]
    labels = np.array([item.is_defect for item in test])
    sources = to_sources(train)
    # Opening the network for the first time belongs to neither side.
    PatchCore.fit(sources[:2], CONFIG, device="cpu", threads=THREADS)
    current = build_whole(sources[:old_count])
    count, rows = old_count, []
    for step in steps:
        count += step
        if count > len(sources):
            say(code, "has only", len(sources), "normal images")
            break
        with tempfile.TemporaryDirectory() as folder:
            extended = extend(current, sources[:count], Path(folder) / "bundle")
        if extended is None:
            say(code, "the light has to be treated otherwise from", count, "images on")
            break
        whole = build_whole(sources[:count])
        of_extended, says_extended = describe(extended, images, labels)
        of_whole, says_whole = describe(whole, images, labels)
        _, says_other = describe(build_whole(sources[:count], replace(CONFIG, seed=1)), images, labels)
        row = {"images": count, "added": step, "extended": of_extended, "whole": of_whole}
        row |= {
            "times_faster": round(whole.seconds / extended.seconds, 1),
            "verdicts_alike": compare(says_extended, says_whole),
            "by_another_seed": compare(says_other, says_whole),
        }
        say(code, json.dumps(row))
        rows.append(row)
        current = extended
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", default="solar-mono,solar-poly")
    parser.add_argument("--steps", default="10", help="how many images each step adds")
    parser.add_argument("--old", type=int, default=190, help="images of the bank that is extended")
    options = parser.parse_args()
    keep_graphs_in(GRAPHS)
    steps = [int(step) for step in options.steps.split(",")]
    print(json.dumps({code: measure(code, options.old, steps) for code in options.products.split(",")}))


if __name__ == "__main__":
    main()
